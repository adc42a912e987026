"""Who comes and goes during a soak: members, encoders, players, rooms of one meeting, and garbage.

Everything that chance decides comes from one seeded source.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp

from clients.protocol_client import RequestError
from loadtests.distal import Distal, DistalError
from loadtests.measure import make_publisher, new_ssrcs
from loadtests.member import Member
from loadtests.peer import Network
from loadtests.sdp import Kind
from loadtests.server import Session
from signaling import protocol as p

PICTURE_BPS = 200_000
FRAMES_PER_SECOND = 15
EVERY_S = 1.5  # between arrivals, on average
STAY_S = (2.0, 15.0)
GUESTS_MAX = 6
MALFORMED = 40  # datagrams at a time
QUALITIES: tuple[p.ViewQuality, ...] = ("low", "medium", "high")
FAILURES = (
    ConnectionError,
    DistalError,
    OSError,
    RequestError,
    TimeoutError,
    aiohttp.ClientError,
)


class Guests:
    """Lets guests in while `on`, and sends them home; `counts` tells what happened."""

    def __init__(self, server: Distal, network: Network, room: str, token: str, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._server, self._network = server, network
        self._room, self._token = room, token
        self._chance = random.Random(seed)
        self._here: set[asyncio.Task[None]] = set()
        self._home = asyncio.Event()
        self._meetings = 0

    async def come_and_go(self, seconds: float) -> None:
        """Guests for so long; then all leave."""
        kinds: list[tuple[str, int, Callable[[], Awaitable[None]]]] = [
            ("members", 5, self._member),
            ("members that vanish", 1, self._vanishing),
            ("encoders", 2, self._encoder),
            ("players", 4, self._player),
            ("meetings", 1, self._meeting),
            ("malformed datagrams", 2, self._malformed),
        ]
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self._home.clear()
        while loop.time() < until:
            await asyncio.sleep(min(self._chance.expovariate(1 / EVERY_S), until - loop.time()))
            if len(self._here) >= GUESTS_MAX:
                continue
            [(name, _, guest)] = self._chance.choices(kinds, [weight for _, weight, _ in kinds])
            task = asyncio.create_task(self._host(name, guest))
            self._here.add(task)
            task.add_done_callback(self._here.discard)
        self._home.set()
        await asyncio.gather(*self._here)

    async def _host(self, name: str, guest: Callable[[], Awaitable[None]]) -> None:
        self.counts[name] += 1
        try:
            await guest()
        except FAILURES as error:
            self.failures[f"{name}: {type(error).__name__}"] += 1

    async def _stay(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._home.wait(), self._chance.uniform(*STAY_S))

    async def _member(self) -> None:
        member = Member(self._network, self._server.ws_url, self._token, "guest")
        try:
            session = await member.enter(ssrcs := new_ssrcs())
            async with Sending(session, ssrcs):
                await self._look_around(member)
        finally:
            await member.leave()

    async def _look_around(self, member: Member) -> None:
        """Says something, makes pictures smaller, larger, and pauses them."""
        await member.client.request(p.Chat(id=0, text="hello " * 20), p.Ok)
        for _ in range(3):
            await self._stay()
            for track in list(member.tracks.values()):
                quality = self._chance.choice(QUALITIES)
                on = self._chance.random() < 0.8
                request = p.Subscribe(id=0, track=track, on=on, quality=quality)
                with contextlib.suppress(RequestError):  # its owner may just have left
                    await member.client.request(request, p.Ok)
            if self._home.is_set():
                break

    async def _vanishing(self) -> None:
        """Its network is gone from one moment to the next: nobody says goodbye."""
        member = Member(self._network, self._server.ws_url, self._token, "gone")
        try:
            session = await member.enter(ssrcs := new_ssrcs())
            async with Sending(session, ssrcs):
                await self._stay()
        finally:
            await member.vanish()

    async def _encoder(self) -> None:
        ssrcs = new_ssrcs()
        session = await self._server.whip(self._network, ssrcs, self._room, self._token)
        try:
            async with Sending(session, ssrcs):
                await self._stay()
        finally:
            await session.leave()

    async def _player(self) -> None:
        session = await self._server.whep(self._network, self._room, self._token)
        try:
            await self._stay()
            await self._throw(lambda data: self._network.engine.send(session.peer.number, data))
        finally:
            await session.leave()

    async def _meeting(self) -> None:
        """A room that is there for a few seconds."""
        self._meetings += 1
        token = await self._server.token(f"meeting-{self._meetings}")
        members = [Member(self._network, self._server.ws_url, token, "guest") for _ in range(2)]
        try:
            for member in members:
                await member.enter(new_ssrcs())
            await self._stay()
        finally:
            for member in members:
                await member.leave()

    async def _malformed(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(("127.0.0.1", self._server.media_port))
            await self._throw(lambda data: stranger.send(data))

    async def _throw(self, send: Callable[[bytes], object]) -> None:
        for _ in range(MALFORMED):
            first = self._chance.choice((0, 1, 20, 22, 23, 63, 64, 128, 129, 144, 191, 255))
            rest = self._chance.randbytes(self._chance.choice((0, 1, 3, 11, 19, 40, 200, 1400)))
            with contextlib.suppress(ConnectionError):
                send(bytes([first]) + rest)


class Sending:
    """A picture and a voice for as long as the block lasts."""

    def __init__(self, session: Session, ssrcs: dict[Kind, int]) -> None:
        self._publisher = make_publisher(session, ssrcs, PICTURE_BPS, FRAMES_PER_SECOND)
        self._peer = session.peer

    async def __aenter__(self) -> None:
        self._publisher.start()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._publisher.stop)
        self._peer.sender_report = None
