"""A publisher of one encoding sends no more than the room's networks carry: calls in fake time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiortc.rtp import AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci

from loadtests.impairment.timeline import During

from .bandwidth import link
from .narrow import BPS, Call, Camera, Viewer
from .simulated import OUT_SSRC, World
from .test_downlink import NONE, STILL, TALK, share

KEENEST_BPS = BPS[2]  # what the encoder sends where nothing holds it back
LIMIT = 8  # column of the plane's row of a track


class Encoder(Camera):
    """One encoding, whose rate moves towards what it was told within half a second."""

    def __init__(self, world: World, track: int = 100, base: int = 0, remb: bool = False) -> None:
        super().__init__(world, track, "h", base, remb)
        self.goal_bps = KEENEST_BPS

    def step(self, ms: int) -> None:
        if ms % 100 == 0:
            self.bps[2] += round((self.goal_bps - self.bps[2]) / 3)
        super().step(ms)

    @property
    def limit_bps(self) -> int | None:
        row = next(row for row in self.world.core.tracks() if row[0] == self.track)
        return row[LIMIT] if row[LIMIT] >= 0 else None


class Obedient(Encoder):
    """Asks the server twice a second, as the signaling tells a page."""

    def step(self, ms: int) -> None:
        if ms % 500 == 0:
            self.goal_bps = min(KEENEST_BPS, self.limit_bps or KEENEST_BPS)
        super().step(ms)


class ByRemb(Encoder):
    """Does what the relay's REMB says."""

    def __init__(self, world: World, track: int = 100, base: int = 0) -> None:
        super().__init__(world, track, base, remb=True)

    def told(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == 15:
            bps, ssrcs = unpack_remb_fci(packet.fci)
            assert len(ssrcs) == 1
            self.goal_bps = min(KEENEST_BPS, bps)


Make = Callable[[World], Encoder]


def call_of(
    *cameras: Make, links: tuple[float, ...], during: tuple[During, ...] = ()
) -> tuple[Call, list[Encoder]]:
    call = Call()
    made = [make(call.world) for make in cameras]
    call.cameras = list(made)
    tracks = tuple(camera.track for camera in made)
    call.viewers = [
        Viewer(call.world, link(kbps, queue_ms=500), 120, during if n == 0 else (),
               tracks=tracks, priorities=(TALK,) * len(tracks))
        for n, kbps in enumerate(links)
    ]  # fmt: skip
    return call, made


@pytest.mark.parametrize("kind", [Obedient, ByRemb])
def test_the_only_viewer_s_narrow_way_gets_a_smaller_picture_and_no_stills(kind: Make) -> None:
    call, (camera,) = call_of(kind, links=(1000,))
    call.run(40)
    assert share(call.shortages, 0, NONE, 15) > 0.95, call.table()
    assert call.viewers[0].gaps_ms(OUT_SSRC, 15_000, 40_000) < 500, call.table()
    assert 500_000 < camera.bps[2] < 950_000, call.table()
    assert call.viewers[0].queue_ms(15_000, 40_000) < 400, call.table()


def test_one_who_does_not_listen_is_seen_in_stills() -> None:
    call, _ = call_of(Encoder, links=(1000,))
    call.run(20)
    assert share(call.shortages, 0, STILL, 10) > 0.9, call.table()


@pytest.mark.parametrize("kind", [Obedient, ByRemb])
def test_when_the_way_is_wide_again_the_whole_picture_comes_back(kind: Make) -> None:
    narrow = During(5, 30, down={"rate_kbps": 800})
    call, (camera,) = call_of(kind, links=(5000,), during=(narrow,))
    call.run(30)
    assert camera.bps[2] < 800_000, call.table()
    call.run(30)
    assert camera.bps[2] > 0.95 * KEENEST_BPS, call.table()
    assert camera.limit_bps is None, call.table()
    assert share(call.shortages, 0, NONE, 40) > 0.95, call.table()


def test_nobody_s_picture_gets_worse_for_somebody_else_s_network() -> None:
    call, (camera,) = call_of(Obedient, links=(1000, 10_000))
    call.run(20)
    assert camera.limit_bps is None
    assert camera.bps[2] == KEENEST_BPS
    assert share(call.shortages, 1, NONE, 5) == 1, call.table()


def test_the_widest_of_the_narrow_ways_decides() -> None:
    call, (camera,) = call_of(Obedient, links=(300, 1200))
    call.run(40)
    assert 600_000 < camera.bps[2] < 1_150_000, call.table()
    assert share(call.shortages, 1, NONE, 15) > 0.9, call.table()


def test_equals_get_even_parts_of_a_way() -> None:
    call, cameras = call_of(Obedient, lambda world: Obedient(world, 101, base=10), links=(1500,))
    call.run(40)
    for camera in cameras:
        assert 400_000 < camera.bps[2] < 900_000, call.table()
    for n in range(2):
        assert share(call.shortages, n, NONE, 20) > 0.9, call.table()


def test_when_its_last_viewer_goes_nothing_limits_a_publisher() -> None:
    call, (camera,) = call_of(Obedient, links=(1000,))
    call.run(15)
    assert camera.limit_bps is not None
    call.world.core.remove_subscription(call.viewers[0].subscriptions[0])
    call.viewers.clear()
    call.run(1)
    assert camera.limit_bps is None
