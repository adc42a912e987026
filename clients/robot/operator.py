"""The page of the operator beside the robot: who asks, who has control, stop; on this machine only.

It needs neither the server nor a network. Whoever can open it can move the arm's fate, so it is
served on the loopback address alone, behind a path that nobody can guess; `Host` and `Origin` are
compared, because a page of somebody else's, open in the same browser, may point a name at this
machine.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from clients.robot.servo_messages import Status, clock_us
from control.errors import ControlError
from control.events import Event
from control.gate import Limits
from control.messages import Cause, Mode
from control.vectors import length

PORT = 8098
OPERATOR = "operator"  # who stopped, in the record
LOOK_S = 0.1
BEAT_S = 1.0  # something is sent this often; the page takes three for lost
STALE_US = 500_000  # a servo that has said nothing for so long
PAGES_MAX = 8
COMMAND_MAX = 4096
EVENTS_MAX = 100  # shown
CLOCK_CHANGED_MS = 1000
WHOSE = ("granted", "stop")  # events with somebody's id
FOLDER = Path(__file__).parent / "operator"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class Asker(NamedTuple):
    """Somebody who wants control, or has it."""

    id: str
    name: str
    role: str
    institution: str
    digits: str  # empty until the keys are exchanged


class Site(Protocol):
    """What the page shows and does; the site agent."""

    @property
    def label(self) -> str: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def grants(self) -> Literal["operator", "at_once"]: ...
    @property
    def connected(self) -> bool:
        """To the server."""

    def asking(self) -> list[Asker]: ...
    def holder(self) -> Asker | None: ...
    def state(self) -> Status | None:
        """The servo's last; None: there is none."""

    def events(self) -> list[Event]:
        """Newest last, bounded."""

    def name(self, id: str) -> str:
        """Of somebody in the room; empty: nobody's."""

    async def grant(self, id: str) -> None:
        """Raises LeaseRefused with words to show."""

    def deny(self, id: str) -> None: ...
    def take_back(self) -> None: ...
    def stop(self, by: str) -> None: ...
    def clear(self) -> None: ...


class Grant(Struct, tag="grant", tag_field="do", forbid_unknown_fields=True):
    """Control to this one, whose digits were compared."""

    id: str
    digits: str


class Deny(Struct, tag="deny", tag_field="do", forbid_unknown_fields=True):
    id: str


class TakeBack(Struct, tag="take_back", tag_field="do", forbid_unknown_fields=True):
    """From whoever has it by now."""


class Stop(Struct, tag="stop", tag_field="do", forbid_unknown_fields=True):
    """At rest."""


class Clear(Struct, tag="clear", tag_field="do", forbid_unknown_fields=True):
    """The stop of this one, which the operator has seen to."""

    stopped: str


_commands = msgspec.json.Decoder(Grant | Deny | TakeBack | Stop | Clear)
_encode = msgspec.json.encode


@asynccontextmanager
async def serve(site: Site, limits: Limits, port: int | None = PORT) -> AsyncIterator[str]:
    """Gives the page's address, or nothing with port 0: off. None: any port that is free.

    Raises OSError when the port is taken.
    """
    if port == 0:
        yield ""
        return
    page = OperatorPage(site, limits)
    runner = web.AppRunner(page.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port or 0).start()
        page.port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{page.port}/{page.token}/"
    finally:
        await runner.cleanup()


class OperatorPage:
    """Its web server's side."""

    def __init__(self, site: Site, limits: Limits) -> None:
        self.site, self.limits = site, limits
        self.port = 0
        self.token = secrets.token_urlsafe(24)
        self.app = web.Application(middlewares=[self._guard])
        self.app.router.add_get("/{token}/", self._file)
        self.app.router.add_get("/{token}/link", self._link)
        self.app.router.add_get("/{token}/{name}", self._file)
        self.app.on_shutdown.append(self._leave)
        self._open: set[web.WebSocketResponse] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._clock_ms = _clock_ms()
        self._since: tuple[tuple[str, int], float] = (("", 0), 0.0)

    # --- who may

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        """Nothing of ours for anybody else, and not even whether there is something."""
        hosts = {f"{name}:{self.port}" for name in ("127.0.0.1", "localhost")}
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        token = request.match_info.get("token", "")
        if (
            host not in hosts
            or origin not in (None, f"http://{host}")
            or not hmac.compare_digest(token.encode(), self.token.encode())
        ):
            raise web.HTTPNotFound
        answer: web.StreamResponse = await handler(request)
        return answer

    # --- what is shown

    def shown(self) -> dict[str, Any]:
        """All that the page shows, now."""
        site = self.site
        state, holder = site.state(), site.holder()
        if abs(_clock_ms() - self._clock_ms) > CLOCK_CHANGED_MS:
            self._clock_ms = _clock_ms()
        events = site.events()[-EVENTS_MAX:]
        ids = {event.text for event in events if event.kind in WHOSE} | {
            state.stopped if state else ""
        }
        held = (holder.id if holder else "", state.epoch if state else 0)
        if held != self._since[0]:
            self._since = held, time.time() * 1000
        return {
            "site": {
                "label": site.label,
                "simulated": site.simulated,
                "grants": site.grants,
                "connected": site.connected,
            },
            "limits": [self.limits.warn_n, self.limits.soft_n, self.limits.hard_n],
            "asking": [asker._asdict() for asker in site.asking()],
            "holder": holder and {**holder._asdict(), "since_ms": round(self._since[1])},
            "state": state and _plain(state),
            "events": [self._event(event) for event in events],
            "names": {id: name for id in ids if (name := site.name(id))},
        }

    def _event(self, event: Event) -> dict[str, Any]:
        return {
            "at_ms": event.at_us // 1000 + self._clock_ms,
            "kind": event.kind,
            "cause": Cause(event.cause).name.lower(),
            "text": event.text,
            "figures": event.figures,
        }

    async def _file(self, request: web.Request) -> web.Response:
        path = FOLDER / request.match_info.get("name", "index.html")
        if path.parent != FOLDER or path.suffix not in TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(
            body=path.read_bytes(),
            content_type=TYPES[path.suffix],
            charset="utf-8",
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
                f"style-src 'self'; img-src data:; connect-src 'self' ws://{request.host}; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        """Whatever has changed goes out, commands come in."""
        if "Origin" not in request.headers or len(self._open) >= PAGES_MAX:
            raise web.HTTPForbidden
        link = web.WebSocketResponse(max_msg_size=COMMAND_MAX)
        await link.prepare(request)
        self._open.add(link)
        tells = asyncio.create_task(self._tell(link))
        try:
            async for message in link:
                if message.type is WSMsgType.TEXT:
                    self._hear(link, message.data)
        finally:
            self._open.discard(link)
            tells.cancel()
            await asyncio.gather(tells, return_exceptions=True)
        return link

    async def _tell(self, link: web.WebSocketResponse) -> None:
        """The keys that are not as they were when last sent; from time to time none."""
        told: dict[str, Any] = {}
        told_s = 0.0
        try:
            while True:
                now, now_s = self.shown(), time.monotonic()
                news = {key: value for key, value in now.items() if told.get(key, ...) != value}
                if news or now_s - told_s >= BEAT_S:
                    await link.send_str(_encode(news).decode())
                    told, told_s = now, now_s
                await asyncio.sleep(LOOK_S)
        finally:
            await link.close()  # a page that is told nothing shall not look alive

    # --- what is done

    def _hear(self, link: web.WebSocketResponse, data: str) -> None:
        try:
            command = _commands.decode(data)
        except msgspec.DecodeError:
            return
        site = self.site
        try:
            match command:
                case Stop():
                    site.stop(OPERATOR)
                case TakeBack():
                    site.take_back()
                case Deny(id):
                    site.deny(id)
                case Clear(stopped):
                    state = site.state()
                    if state and state.stopped == stopped:
                        site.clear()
                case Grant():  # takes a while; a stop does not wait for it
                    task = asyncio.create_task(self._grant(link, command))
                    self._busy.add(task)
                    task.add_done_callback(self._busy.discard)
        except ControlError as refused:
            self._refuse(link, str(refused))

    async def _grant(self, link: web.WebSocketResponse, command: Grant) -> None:
        """To whom the operator has compared digits with, and to nobody under other digits."""
        try:
            asker = next((a for a in self.site.asking() if a.id == command.id), None)
            if asker is None:
                self._refuse(link, "no longer asks")
            elif not asker.digits or asker.digits != command.digits:
                self._refuse(link, "the digits have changed: compare them again")
            else:
                await self.site.grant(asker.id)
        except ControlError as refused:
            self._refuse(link, str(refused))

    def _refuse(self, link: web.WebSocketResponse, why: str) -> None:
        async def tell() -> None:
            if not link.closed:
                await link.send_str(_encode({"refused": why}).decode())

        task = asyncio.create_task(tell())
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _leave(self, app: web.Application) -> None:
        await asyncio.gather(*(link.close() for link in [*self._open]))


def _plain(state: Status) -> dict[str, Any]:
    return {
        "mode": Mode(state.mode).name.lower(),
        "cause": Cause(state.cause).name.lower(),
        "deadman": state.deadman,
        "stopped": state.stopped,
        "fault": state.fault,
        "force_n": round(length(state.force), 1),
        "round_trip_ms": _ms(state.round_trip_us),
        "picture_age_ms": _ms(state.picture_age_us),
        "speed": round(state.speed, 2),
        "stale": clock_us() - state.at_us > STALE_US,
    }


def _ms(us: int | None) -> int | None:
    return None if us is None else round(us / 1000)


def _clock_ms() -> int:
    """What to add to the monotonic clock for the time of day."""
    return round(time.time() * 1000 - clock_us() / 1000)
