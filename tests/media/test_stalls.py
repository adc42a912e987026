"""A machine that is busy for a moment is no narrow way: nobody's picture pays for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from .bandwidth import link
from .narrow import START_US, Call, Camera, Viewer

TRACKS, WANTED_BPS = (100, 101, 102), 1_800_000  # more than the estimate begins with, in one size
EVERY_MS = 2000


@dataclass
class Stall:
    """One place stands still every two seconds; what waited there goes on all at once."""

    first_ms: int
    length_ms: int

    def on(self, ms: int) -> bool:
        return ms >= self.first_ms and (ms - self.first_ms) % EVERY_MS < self.length_ms


@dataclass
class StalledRelay:
    """The plane's thread: neither its timer nor what arrives has a turn."""

    core: Any
    stall: Stall
    held: list[tuple[bytes, int, bytes]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.core, name)

    def timer(self, now_us: int) -> None:
        if self.stall.on((now_us - START_US) // 1000):
            return
        self.catch_up(now_us)
        self.core.timer(now_us)

    def datagram(self, ip: bytes, port: int, data: bytes, now_us: int) -> None:
        if self.stall.on((now_us - START_US) // 1000):
            self.held.append((ip, port, data))
            return
        self.catch_up(now_us)
        self.core.datagram(ip, port, data, now_us)

    def catch_up(self, now_us: int) -> None:
        held, self.held = self.held, []
        for ip, port, data in held:
            self.core.datagram(ip, port, data, now_us)


@dataclass
class StalledWay:
    """A box on the way, or a receiver who sees what came when he has a turn again."""

    link: Any
    stall: Stall

    def push(self, now_ns: int, number: int, data: bytes) -> None:
        self.link.push(now_ns, number, data)

    def poll(self, now_ns: int) -> list[tuple[int, int, bytes]]:
        if self.stall.on(now_ns // 1_000_000):
            return []
        return [(max(at, now_ns - 999_999), *more) for at, *more in self.link.poll(now_ns)]  # type: ignore[misc]


@pytest.mark.parametrize("length_ms", [20, 60, 150])
@pytest.mark.parametrize("first_ms", [30, 110, 600])
@pytest.mark.parametrize("where", ["relay", "way"])
def test_a_stall_costs_no_picture(where: str, first_ms: int, length_ms: int) -> None:
    call, stall = Call(), Stall(first_ms, length_ms)
    call.cameras = [Camera(call.world, track, "m", base=10 * n) for n, track in enumerate(TRACKS)]
    viewer = Viewer(call.world, link(0), 60, tracks=TRACKS, priorities=(5, 5, 5))
    call.viewers = [viewer]
    if where == "relay":
        call.world.core = StalledRelay(call.world.core, stall)  # type: ignore[assignment]
    else:
        viewer.down = StalledWay(viewer.down, stall)  # type: ignore[assignment]
    call.run(12)
    assert {shortage for row in call.shortages for shortage in row} == {0}, call.table()
    assert min(row[0] for row in call.estimates[15:]) > WANTED_BPS, call.table()
