"""Subscribers who give no transport-wide feedback, but estimate by themselves and say so (REMB).

Calls in fake time behind narrow links; the estimates are aiortc's own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from aiortc.rtp import (
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)

from loadtests.impairment.timeline import During, outage

from .bandwidth import link
from .narrow import Call, Camera, EstimatingViewer
from .simulated import OUT_RTX_SSRC, OUT_SSRC, VIDEO_SSRC, Peer, World, ext_ids, rtp
from .test_downlink import NONE, REDUCED, STILL, TALK, VOICE, Voice, share

SIMULCAST = "lmh"


class AtOnce(EstimatingViewer):
    """Has one figure for all of his pictures, as libwebrtc has."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.estimators = [self.estimators[0]] * len(self.estimators)


def room(
    kbps: float, *cameras: str, during: tuple[During, ...] = (), queue_ms: float = 500,
    viewer: type[EstimatingViewer] = EstimatingViewer,
) -> Call:  # fmt: skip
    """One viewer behind a link, who gets these cameras and a voice."""
    call = Call()
    tracks = tuple(100 + n for n in range(len(cameras)))
    call.cameras = [
        Camera(call.world, track, layers, 10 * n)
        for n, (track, layers) in enumerate(zip(tracks, cameras, strict=True))
    ]
    for camera in call.cameras:
        camera.reports = True
    call.cameras.append(Voice(call.world))  # type: ignore[arg-type]
    call.viewers = [
        viewer(
            call.world, link(kbps, queue_ms=queue_ms), 120, during,
            tracks=(*tracks, VOICE), priorities=(*(TALK for _ in tracks), 0),
        )
    ]  # fmt: skip
    return call


def heard(call: Call, since_s: float, until_s: float) -> float:
    """How much of the voice came in this span."""
    voice = call.viewers[0].arrived[max(call.viewers[0].arrived)]
    came = [a for a in voice if since_s <= a.at_us / 1e6 < until_s]
    return len(came) / (50 * (until_s - since_s))


def test_a_way_with_room_is_not_limited() -> None:
    call = room(8000, SIMULCAST)
    call.run(15)
    assert share(call.layers, 0, 2, 2) == 1 and share(call.shortages, 0, NONE, 2) == 1
    assert {row[0] for row in call.estimates} == {-1}


def test_a_narrow_way_has_the_small_picture_and_the_large_one_comes_back() -> None:
    call = room(8000, SIMULCAST, during=(During(6, 26, down={"rate_kbps": 300}),))
    call.run(80)
    assert share(call.layers[:260], 0, 0, 9) > 0.8, call.table()
    assert share(call.shortages[:260], 0, REDUCED, 9) > 0.8, call.table()
    assert heard(call, 9, 26) > 0.97, call.table()
    assert call.viewers[0].queue_ms(9_000, 26_000) < 300, call.table()
    assert call.viewers[0].gaps_ms(OUT_SSRC, 10_000, 26_000) < 1500, call.table()
    assert call.layers[-1][0] == 2 and call.shortages[-1][0] == NONE, call.table()


def test_one_size_that_does_not_fit_is_a_still_now_and_then_and_comes_back() -> None:
    call = room(8000, "m", during=(During(6, 26, down={"rate_kbps": 300}),))
    call.run(110)
    assert share(call.shortages[:260], 0, STILL, 9) > 0.8, call.table()
    assert heard(call, 9, 26) > 0.97, call.table()
    assert call.shortages[-1][0] == NONE, call.table()


def test_a_way_that_is_narrow_from_the_start_is_found() -> None:
    call = room(300, SIMULCAST)
    call.run(25)
    assert share(call.shortages, 0, NONE, 8) == 0, call.table()
    assert heard(call, 8, 25) > 0.97, call.table()


@pytest.mark.parametrize("viewer", [EstimatingViewer, AtOnce])
def test_two_pictures_share_the_way(viewer: type[EstimatingViewer]) -> None:
    narrow = During(6, 60, down={"rate_kbps": 1000})
    call = room(8000, SIMULCAST, SIMULCAST, during=(narrow,), viewer=viewer)
    call.run(26)
    assert share(call.layers, 0, 0, 10) + share(call.layers, 0, 1, 10) > 0.95, call.table()
    assert share(call.shortages, 1, NONE, 10) == 0, call.table()
    assert heard(call, 9, 26) > 0.97, call.table()


def test_what_is_lost_by_the_radio_or_in_an_outage_is_no_sign() -> None:
    for span in (During(6, 20, down={"loss": 0.1}), outage(6, 9)):
        call = room(8000, SIMULCAST, during=(span,))
        call.run(20)
        assert {row[0] for row in call.estimates} == {-1}, call.table()


def test_what_a_publisher_loses_on_his_way_is_no_sign() -> None:
    call = room(8000, "m")
    call.cameras[0].lossy = 0.3
    call.run(15)
    viewer = call.viewers[0]
    assert isinstance(viewer, EstimatingViewer)
    assert sum(lost > 0.2 for lost in viewer.lost) > 5, viewer.lost
    assert {row[0] for row in call.estimates} == {-1}, call.table()


def subscriber(*, rtx: bool, **ids: int) -> tuple[World, Peer, Peer]:
    world = World()
    publisher, peer = world.publisher(), world.peer()
    world.core.set_send(peer.endpoint, ext_ids(**ids), True)
    assert world.core.add_subscription(
        200, 100, peer.endpoint, OUT_SSRC, OUT_RTX_SSRC, 96, 97 if rtx else 255, 0
    )
    return world, publisher, peer


def test_pictures_carry_the_time_of_sending() -> None:
    world, publisher, peer = subscriber(rtx=True, ast=5)
    for n in range(3):
        publisher.send_rtp(rtp(10 + n, 3000 * n, marker=True))
        world.now_us += 500_000
    stamps = [int.from_bytes(p[17:20]) for p in peer.take_rtp()]
    assert [(b - a) & 0xFFFFFF for a, b in pairwise(stamps)] == [1 << 17] * 2  # half a second


def test_without_rtx_there_is_none_and_a_repetition_has_the_same_bytes() -> None:
    world, publisher, peer = subscriber(rtx=False, ast=5)
    publisher.send_rtp(rtp(10, 3000, marker=True))
    first = peer.take()[-1]
    world.now_us += 500_000
    seq = int.from_bytes(first[2:4])
    peer.send_rtcp(bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=OUT_SSRC, lost=[seq])))
    assert [d for d in peer.take() if not 192 <= d[1] <= 223] == [first]
    assert not first[0] & 0x10


def figures(*bodies: bytes) -> int:
    """The limit after these REMBs, 500 ms apart, at one who is sent a picture; -1: none."""
    world, publisher, peer = subscriber(rtx=True, ast=5)
    for n, body in enumerate(bodies):
        publisher.send_rtp(rtp(10 + n, 3000 * n, marker=True))
        world.pass_ms(500)
        peer.send_rtcp(bytes([0x80 | 15, 206, 0, 1 + (len(body) + 3) // 4]) + bytes(4) + body)
    return next(row[6] for row in world.core.endpoints() if row[0] == peer.endpoint)


def remb(mantissa: int, exponent: int = 0, *, count: int = 1, ssrcs: tuple[int, ...] = ()) -> bytes:
    figure = (exponent << 18 | mantissa).to_bytes(3)
    listed = b"".join(s.to_bytes(4) for s in ssrcs or (OUT_SSRC,))
    return bytes(4) + b"REMB" + bytes([count]) + figure + listed


BEFORE, FELL = remb(200_000, 2), remb(150_000, 2)


def test_figures_limit_once_they_fall() -> None:
    assert figures(BEFORE) == -1
    assert figures(BEFORE, remb(210_000, 2), remb(220_000, 2)) == -1
    assert figures(BEFORE, FELL) == -1  # a moment's unrest
    assert 400_000 < figures(BEFORE, FELL, remb(130_000, 2)) < 520_000
    assert 400_000 < figures(BEFORE, FELL, remb(130_000, 2, ssrcs=(OUT_RTX_SSRC,))) < 520_000


def test_figures_of_nothing_and_beyond_all_networks_stay_within_bounds() -> None:
    assert figures(BEFORE, FELL, remb(0)) == 30_000
    assert figures(remb(0x3FFFF, 63), FELL, remb(0)) == 30_000
    assert figures(remb(0), remb(0x3FFFF, 63), remb(0x3FFFF, 63)) == -1


@pytest.mark.parametrize(
    "body",
    [
        remb(1000, count=2),  # one is missing
        remb(1000)[:-4],
        remb(1000)[:10],
        remb(1000).replace(b"REMB", b"REMX"),
        remb(1000, ssrcs=(1,)),  # nobody's
        remb(1000, count=0),
    ],
)
def test_what_is_malformed_or_about_others_changes_nothing(body: bytes) -> None:
    assert figures(BEFORE, FELL, body) == -1


def padded(late_ms: int) -> int:
    """Packets of padding in 10 s after a limit was found, when reports come so late."""
    world, publisher, peer = subscriber(rtx=True, ast=5)
    count = 0
    for ms in range(0, 15_000, 10):
        if ms % 50 == 0:
            publisher.send_rtp(rtp(10 + ms // 50, 90 * ms, bytes(1000), marker=True))
        if ms % 1000 == 0:
            info = RtcpSenderInfo((ms << 22) + (1 << 40), 90 * ms, 0, 0)
            publisher.send_rtcp(bytes(RtcpSrPacket(VIDEO_SSRC, info)))
        if ms % 1000 == 500:
            body = remb(160_000 if ms < 4000 else 100_000)
            peer.send_rtcp(bytes([0x80 | 15, 206, 0, 1 + (len(body) + 3) // 4]) + bytes(4) + body)
        world.pass_ms(10)
        for packet in peer.take_rtcp():
            if isinstance(packet, RtcpSrPacket):
                middle = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                world.now_us += 1000 * (late_ms if ms > 5000 else 20)
                block = RtcpReceiverInfo(OUT_SSRC, 0, 0, 100, 0, middle, 0)
                peer.send_rtcp(bytes(RtcpRrPacket(9, [block])))
        count += sum(int.from_bytes(p[8:12]) == OUT_RTX_SSRC for p in peer.take_rtp())
    return count


def test_nothing_is_tried_while_round_trips_tell_of_a_queue() -> None:
    assert padded(20) > 20
    assert padded(300) == 0
