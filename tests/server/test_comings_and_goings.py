"""Hundreds come and go, in order and without a word; the server forgets each of them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from loadtests import distal, guests
from loadtests.measure import new_ssrcs
from loadtests.member import Member
from loadtests.peer import PROFILES, Network
from server import config, run
from server.config import Settings
from signaling.settings import SignalingSettings
from signaling.tokens import Claims, encode

BUSY_S = 10.0
ROOM = "comings"


class InProcess(distal.Distal):
    """The server in this process, where its objects can be counted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ports = {"port": "0", "media_port": "0", "control_port": "0"}
        ports |= {"data_dir": str(folder / "data")}
        self.inside = run.Distal(config.load({}, ports))

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        await self.inside.start()
        self.url = self.inside.url
        self.media_port = self.inside._relay.ports["main"][0]

    async def stop(self) -> None:
        assert self._http is not None
        await self._http.close()
        await self.inside.close()

    async def token(self, room: str, role: str = "host", ttl_s: int = 7200) -> str:
        claims = Claims(subject=room, room=room, role="host", expires=int(time.time()) + ttl_s)
        return encode(claims, self.inside.key.private, self.inside.key.kid)


def impatient(patient: Callable[[Settings], SignalingSettings]) -> Callable[..., SignalingSettings]:
    """Whoever vanishes is given up soon."""

    def signaling(settings: Settings) -> SignalingSettings:
        return dataclasses.replace(
            patient(settings),
            lost_after_s=1.0,
            left_after_s=1.0,
            http_lost_after_s=4.0,
            resume_s=2.0,
            room_empty_s=0.5,
        )

    return signaling


def ours() -> Counter[str]:
    """Our objects that live, by class, and the event loop's tasks.

    Not counted: words, whose bounds are the outbox's and the chat's, figures of a moment ago, and
    sections of offers, which are as many as were ever needed at once.
    """
    gc.collect()
    names = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    passing = (
        "signaling.protocol.",
        "signaling.outbox.",
        "media.contract.",
        "media.subscribe._Slot",
    )
    own = Counter(
        name
        for name in names
        if name.startswith(("media.", "signaling.", "server.")) and not name.startswith(passing)
    )
    return own + Counter(tasks=len(asyncio.all_tasks()))


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InProcess]:
    monkeypatch.setattr(Settings, "signaling", impatient(Settings.signaling))
    monkeypatch.setattr(guests, "EVERY_S", 0.05)
    monkeypatch.setattr(guests, "STAY_S", (0.1, 0.5))
    server = InProcess(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def test_who_has_gone_leaves_nothing_behind(server: InProcess) -> None:
    token = await server.token(ROOM)
    async with Network(PROFILES["AES-128-GCM"], coalesce_us=2000) as network:
        people = guests.Guests(server, network, ROOM, token, seed=1)
        async with contextlib.AsyncExitStack() as stack:
            stays = Member(network, server.ws_url, token, "stays")
            stack.push_async_callback(stays.leave)
            await stays.enter(new_ssrcs())
            await people.come_and_go(BUSY_S)
            await until_alone(server.inside)
            first = await settled()
            await people.come_and_go(BUSY_S)
            await until_alone(server.inside)
            grown = await settled() - first
            for _ in range(20):  # a busy machine frees late, but it does
                if grown:
                    await asyncio.sleep(0.5)
                    grown = ours() - first
            check_maps(server.inside)
    assert sum(people.counts.values()) > 10
    assert not grown


async def settled() -> Counter[str]:
    """What lives once nothing more is being freed."""
    before, now = None, ours()
    while now != before:
        await asyncio.sleep(0.5)
        before, now = now, ours()
    return now


async def until_alone(server: run.Distal) -> None:
    """Only she who stays is here, with a transport each way."""
    signaling = server._signaling
    async with asyncio.timeout(30):
        while (
            (len(signaling.stages), len(signaling.sessions)) != (1, 1)
            or signaling._whip.sessions
            or signaling._whep.sessions
            or server._relay.counters()["transports"] != 2
        ):
            await asyncio.sleep(0.1)


def check_maps(server: run.Distal) -> None:
    """Whatever is kept by participant is kept of her alone; nothing of the others' media is."""
    [stage] = server._signaling.stages.values()
    room = stage.room
    by_participant = (room.members, stage.publishers, stage.listeners, stage._looks)
    assert all(set(one) == set(server._signaling.by_participant) for one in by_participant)
    assert not (stage.said or stage._demands or stage.viewers or room.waiting)
    lanes = list(server._relay._lanes())
    assert sum(len(lane.plane.endpoints()) for lane in lanes) == 2
    assert sum(len(lane.plane.tracks()) for lane in lanes) == len(stage.tracks) == 2
    assert sum(len(lane.plane.subscriptions()) for lane in lanes) == 0
    assert sum(lane.streams for lane in lanes) == 0
    assert sum(row.rooms for row in server._relay._rows) == 1
