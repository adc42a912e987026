"""Janus with its VideoRoom plugin, from Debian's package, as our own child on loopback.

Its configuration is the default apart from addresses, the one plugin and the one transport that the
test uses, and a room. Every subscriber has a WebSocket of its own, as a browser would.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from loadtests import sdp
from loadtests.peer import Network, Peer
from loadtests.ports import free_port
from loadtests.process import Child
from loadtests.server import Person, Session

ROOM = 1
START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 20.0
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")

CONFIGURATION = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  events_folder = "{folder}/none"
  loggers_folder = "{folder}/none"
  debug_level = 2
  server_name = "loadtest"
}}
media: {{ }}
nat: {{
  nice_debug = false
  ice_enforce_list = "{address}"
}}
"""
WEBSOCKETS = """
general: {{
  json = "compact"
  ws = true
  ws_port = {port}
  ws_ip = "127.0.0.1"
  wss = false
}}
"""
VIDEOROOM = """
room-{number}: {{
  description = "load test"
  publishers = 6
  bitrate = 0
  videocodec = "vp8"
}}
"""
ROOMS = 100


def own_address() -> str:
    """An address of this machine that Janus will use: it never takes the loopback interface.

    Datagrams between a machine's own addresses go through the loopback device all the same.
    """
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            usable = address.family is socket.AF_INET and not address.address.startswith("127.")
            if name in up and usable:
                return str(address.address)
    return "127.0.0.1"


class JanusError(Exception):
    """Janus refused a request."""


class _Handle:
    """One WebSocket with one session and one handle on the VideoRoom."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._ids: dict[str, int] = {}
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    async def _read(self) -> None:
        async for message in self._socket:
            event = message.json()
            waiting = self._waiting.get(event.get("transaction", ""))
            if waiting is None or waiting.done() or event["janus"] == "ack":
                continue
            waiting.set_result(event)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(25)
            await self._socket.send_json(
                {"janus": "keepalive", "transaction": "keepalive", **self._ids}
            )

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its final answer (the event, for a plugin message)."""
        transaction = secrets.token_hex(6)
        self._waiting[transaction] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({**request, **self._ids, "transaction": transaction})
        event: dict[str, Any] = await asyncio.wait_for(answer, ANSWER_TIMEOUT_S)
        del self._waiting[transaction]
        data = event.get("plugindata", {}).get("data", {})
        if event["janus"] == "error" or "error" in data:
            raise JanusError(str(event.get("error") or data["error"]))
        return event

    async def open(self) -> None:
        self._ids["session_id"] = (await self.ask({"janus": "create"}))["data"]["id"]
        attach = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        self._ids["handle_id"] = (await self.ask(attach))["data"]["id"]

    async def message(self, body: dict[str, Any], jsep: dict[str, str] | None = None) -> Any:
        request: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        return await self.ask(request)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(ConnectionError):
            await self._socket.close()


class Janus:
    """The yardstick."""

    name = "Janus"

    def __init__(self, folder: Path) -> None:
        program = shutil.which("janus")
        if program is None:
            raise RuntimeError("Janus is not installed: apt-get install janus")
        self.folder = folder
        self._program = program
        self._port = free_port()
        self._address = own_address()
        self._feed = 0
        self._http: aiohttp.ClientSession | None = None
        self._child = Child([program, "-F", str(folder), "-o"], folder / "log")

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def version(self) -> str:
        shown = subprocess.run([self._program, "--version"], capture_output=True, text=True)
        for line in shown.stdout.splitlines():
            if line.startswith("Janus version:"):
                return line.partition("(")[2].rstrip(")")
        return "unknown"

    async def start(self) -> None:
        for kind, library in (("plugins", "videoroom"), ("transports", "websockets")):
            (self.folder / kind).mkdir()
            name = f"libjanus_{library}.so"
            (self.folder / kind / name).symlink_to(LIBRARIES / kind / name)
        (self.folder / "janus.jcfg").write_text(
            CONFIGURATION.format(folder=self.folder, address=self._address)
        )
        (self.folder / "janus.transport.websockets.jcfg").write_text(
            WEBSOCKETS.format(port=self._port)
        )
        (self.folder / "janus.plugin.videoroom.jcfg").write_text(
            "".join(VIDEOROOM.format(number=ROOM + room) for room in range(ROOMS))
        )
        await self._child.start()
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                self._child.check()
                try:
                    handle = await self._open()
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.05)
                    continue
                await handle.close()
                return

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()
        await self._child.stop()

    async def _open(self) -> _Handle:
        assert self._http is not None
        socket = await self._http.ws_connect(
            f"ws://127.0.0.1:{self._port}/", protocols=("janus-protocol",)
        )
        handle = _Handle(socket)
        await handle.open()
        return handle

    async def publish(self, network: Network, ssrcs: dict[sdp.Kind, int]) -> Session:
        session, self._feed = await self._publish(network, ssrcs, ROOM)
        return session

    async def watch(self, network: Network) -> Session:
        return await self._watch(network, [self._feed], ROOM)

    async def fill_rooms(
        self, network: Network, rooms: int, ssrcs: list[dict[sdp.Kind, int]]
    ) -> list[Person]:
        """Room by room, with an equal share of the people in each."""
        people: list[Person] = []
        each = len(ssrcs) // rooms
        for room in range(ROOM, ROOM + rooms):
            own = ssrcs[len(people) : len(people) + each]
            published = await asyncio.gather(*(self._publish(network, s, room) for s in own))
            feeds = [feed for _, feed in published]
            watched = await asyncio.gather(
                *(self._watch(network, [f for f in feeds if f != feed], room) for feed in feeds)
            )
            people += [
                Person(sent, session, watching.peer, _both(session, watching))
                for sent, (session, _), watching in zip(own, published, watched, strict=True)
            ]
        return people

    async def _publish(
        self, network: Network, ssrcs: dict[sdp.Kind, int], room: int
    ) -> tuple[Session, int]:
        handle = await self._open()
        joined = await handle.message({"request": "join", "ptype": "publisher", "room": room})
        feed = int(joined["plugindata"]["data"]["id"])
        peer = Peer(network, self._address)
        answer = await handle.message(
            {"request": "publish"},
            {"type": "offer", "sdp": sdp.publish_offer(peer.local, ssrcs)},
        )
        remote = sdp.parse(answer["jsep"]["sdp"])
        await peer.connect(remote)
        return Session(peer, remote, _leave(peer, handle)), feed

    async def _watch(self, network: Network, feeds: list[int], room: int) -> Session:
        handle = await self._open()
        offer = await handle.message(
            {
                "request": "join",
                "ptype": "subscriber",
                "room": room,
                "streams": [{"feed": feed} for feed in feeds],
            }
        )
        remote = sdp.parse(offer["jsep"]["sdp"])
        peer = Peer(network, self._address)
        peer.receive(remote)
        await handle.message(
            {"request": "start"}, {"type": "answer", "sdp": sdp.watch_answer(peer.local, remote)}
        )
        await peer.connect(remote, controlling=False)
        return Session(peer, remote, _leave(peer, handle))


def _both(*sessions: Session) -> Callable[[], Awaitable[None]]:
    async def leave() -> None:
        for session in sessions:
            await session.leave()

    return leave


def _leave(peer: Peer, handle: _Handle) -> Callable[[], Awaitable[None]]:
    async def leave() -> None:
        await peer.close()
        await handle.close()

    return leave
