"""What the page /network asks: for somebody who sits in a hospital and has no link, yet wants to
know which ways lead here.

Anybody may open a few short probes, whose data channels echo; TURN credentials are a proxy's keys
and go to holders of a token only, for as long as a test takes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import secrets
import time

from aiohttp import web

from media.contract import CapacityError, Relay, SdpError, Transport, TransportState
from server.config import Settings
from server.limits import RateLimit
from server.requests import bearer, client_address, rate_key
from signaling.problem import Problem
from signaling.tokens import TokenError, TokenVerifier
from signaling.turn import TurnSettings

SDP = "application/sdp"
OFFER_MAX = 20_000  # one data section and its candidates are 2 KB
BURST, PER_S = 60, 0.5  # a run asks seven times; a whole hospital may sit behind one address
PROBES_MAX = 50  # at once, of the relay's own bound, which people who join share
PROBE_S = 30.0  # connecting, a hundred messages, and patience
TURN_TTL_S = 600
NO_STORE = {"Cache-Control": "no-store"}


class NetworkApi:
    """Both routes, and the probes that are open."""

    def __init__(
        self,
        relay: Relay,
        verifier: TokenVerifier,
        turn: TurnSettings | None,
        settings: Settings,
    ) -> None:
        self._relay = relay
        self._verifier = verifier
        self._turn = turn
        self._settings = settings
        self._limit = RateLimit(BURST, PER_S, time.monotonic)
        self._probes: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/api/network", self.offers),
            web.post("/api/network/probe", self.probe),
        ]

    async def offers(self, request: web.Request) -> web.Response:
        """Whether there is a TURN server; its credentials for who shows a token."""
        self._slow_down(request)
        token = bearer(request)
        servers = []
        if token is not None:
            try:
                self._verifier.verify(token)
            except TokenError as error:
                challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                raise Problem(401, str(error), title="Token refused", headers=challenge) from None
            if self._turn:
                servers = self._turn.servers("n-" + secrets.token_urlsafe(9), TURN_TTL_S)
        answer = {
            "udp_ports": sorted({p for ports in self._relay.ports.values() for p in ports}),
            "turn": self._turn is not None,
            "ice_servers": [
                {"urls": s.urls, "username": s.username, "credential": s.credential}
                for s in servers
            ],
        }
        return web.json_response(answer, headers=NO_STORE)

    async def probe(self, request: web.Request) -> web.Response:
        """Answer an offer of one data channel, which echoes for half a minute."""
        self._slow_down(request)
        if request.content_type != SDP:
            raise Problem(415, f"Send Content-Type: {SDP}", title="Not an offer")
        if request.content_length is None or request.content_length > OFFER_MAX:
            raise Problem(413, f"Send Content-Length, at most {OFFER_MAX} bytes", title="Too large")
        if len(self._probes) >= PROBES_MAX:
            raise _busy()
        try:
            offer = (await request.read()).decode()
            transport, answer = await self._open(offer)
        except UnicodeDecodeError:
            raise Problem(400, "The offer is not UTF-8", title="Malformed request") from None
        except SdpError as error:
            raise Problem(400, str(error), title="Malformed request") from None
        except CapacityError:
            raise _busy() from None
        task = asyncio.create_task(_end(transport))
        self._probes.add(task)
        task.add_done_callback(self._probes.discard)
        client = client_address(request, self._settings.behind_proxy)
        text = for_stranger(answer, client, self._settings.advertise)
        return web.Response(status=201, text=text, content_type=SDP, headers=NO_STORE)

    async def _open(self, offer: str) -> tuple[Transport, str]:
        place = self._relay.place()
        try:
            return await place.open_probe(offer)
        finally:
            place.leave()  # it was asked for its port, not for a room

    async def close(self, _app: web.Application) -> None:
        """End every probe."""
        for task in list(self._probes):
            task.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)

    def _slow_down(self, request: web.Request) -> None:
        wait_s = math.ceil(self._limit.wait_s(rate_key(request, self._settings.behind_proxy)))
        if wait_s:
            raise Problem(
                429,
                f"Try again in {wait_s} s",
                title="Too many requests",
                headers={"Retry-After": str(wait_s)},
            )


def for_stranger(answer: str, client: str, advertised: tuple[str, ...] = ()) -> str:
    """The answer without this server's private addresses, unless its asker is private too.

    They are no use to him, and no business of his.
    """
    if not _global(client):
        return answer

    def shown(line: str) -> bool:
        if not line.startswith("a=candidate:"):
            return True
        address = line.split()[4]
        return address in advertised or _global(address)

    return "".join(line for line in answer.splitlines(keepends=True) if shown(line))


def _global(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return True  # nobody knows: tell less


async def _end(transport: Transport) -> None:
    """Close the probe when its peer has gone, or its time is over."""
    over = asyncio.Event()

    def changed(state: TransportState) -> None:
        if state in ("failed", "closed"):
            over.set()

    transport.on_state = changed
    try:
        async with asyncio.timeout(PROBE_S):
            await over.wait()
    except TimeoutError:
        pass
    finally:
        await transport.close()


def _busy() -> Problem:
    return Problem(
        503,
        "Too many network checks at once: try again in a minute",
        title="Busy",
        headers={"Retry-After": "60"},
    )
