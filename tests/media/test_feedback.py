"""RTCP both ways, read and written by aiortc's parser, which is written by others."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Error

from .simulated import (
    CC_ID,
    OUT_RTX_SSRC,
    OUT_SSRC,
    VIDEO_SSRC,
    World,
    ext_ids,
    rtp,
    rtx,
    seq_of,
    unrtx,
)
from .transport_feedback import read_feedback


def nack(lost: list[int], ssrc: int = OUT_SSRC) -> bytes:
    return bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=ssrc, lost=lost))


def pli(ssrc: int = OUT_SSRC) -> bytes:
    return bytes(RtcpPsfbPacket(fmt=1, ssrc=9, media_ssrc=ssrc))


def plis(packets: list[object]) -> int:
    return sum(isinstance(p, RtcpPsfbPacket) and p.fmt == 1 for p in packets)


def test_a_nack_is_answered_over_rtx_with_the_same_packet() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    for n in range(4):
        publisher.send_rtp(rtp(n, n * 3000, bytes([n]) * 50, marker=True))
    packets = subscriber.take_rtp()
    subscriber.send_rtcp(nack([seq_of(packets[2])]))
    (again,) = subscriber.take_rtp()
    assert struct.unpack("!I", again[8:12])[0] == OUT_RTX_SSRC
    original = unrtx(again)
    assert bytes(original.serialize()) == packets[2]


def test_without_rtx_the_same_packet_goes_out_again_bit_for_bit() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber(rtx=False)
    for n in range(4):
        publisher.send_rtp(rtp(n, n * 3000, bytes([n]) * 50, marker=True))
    protected = [d for d in subscriber.take() if d[1] & 0x7F == 96]
    subscriber.send_rtcp(nack([seq_of(protected[1])]))
    assert [d for d in subscriber.take() if d[1] & 0x7F == 96] == [protected[1]]


def test_rtx_keeps_the_header_extensions() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, b"payload", marker=True, exts={6: b"\x02"}))
    (packet,) = subscriber.take_rtp()
    subscriber.send_rtcp(nack([seq_of(packet)]))
    (again,) = subscriber.take_rtp()
    assert again[12:20] == packet[12:20]
    assert again[20:22] == packet[2:4]
    assert again[22:] == b"payload"


def test_retransmissions_have_a_bound() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    for n in range(100):
        publisher.send_rtp(rtp(n, n * 3000, marker=True))
    everything = [seq_of(p) for p in subscriber.take_rtp()]
    for _ in range(20):
        subscriber.send_rtcp(nack(everything))
    assert len(subscriber.take_rtp()) <= 300


def test_nacks_for_what_was_never_sent_are_harmless() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    subscriber.send_rtcp(nack([1, 2, 3]))
    publisher.send_rtp(rtp(1, 0, marker=True))
    subscriber.take()
    subscriber.send_rtcp(nack([30_000, 60_000]))
    subscriber.send_rtcp(nack([1], ssrc=4242))
    assert subscriber.take_rtp() == []


def test_a_gap_is_asked_for_when_it_is_seen_and_again_until_it_is_filled() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    one, two, three = (rtp(n, 0, bytes([n]) * 50) for n in (1, 2, 3))
    publisher.send_rtp(one)
    publisher.send_rtp(three)
    asked = [p for p in publisher.take_rtcp() if isinstance(p, RtcpRtpfbPacket) and p.fmt == 1]
    assert [p.lost for p in asked] == [[2]]
    assert asked[0].media_ssrc == VIDEO_SSRC
    world.pass_ms(60)
    again = [p for p in publisher.take_rtcp() if isinstance(p, RtcpRtpfbPacket) and p.fmt == 1]
    assert [p.lost for p in again] == [[2]]
    publisher.send_rtp(rtx(0, two))
    world.pass_ms(200)
    assert not [p for p in publisher.take_rtcp() if isinstance(p, RtcpRtpfbPacket) and p.fmt == 1]
    assert len(subscriber.take_rtp()) == 3


def test_a_gap_that_nobody_fills_is_given_up() -> None:
    world = World()
    publisher = world.publisher()
    publisher.send_rtp(rtp(1, 0))
    publisher.send_rtp(rtp(3, 0))
    world.pass_ms(3000)
    publisher.take()
    world.pass_ms(1000)
    assert not [p for p in publisher.take_rtcp() if isinstance(p, RtcpRtpfbPacket) and p.fmt == 1]


def test_key_frame_requests_are_throttled_and_none_is_lost() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True))
    world.pass_ms(1000)
    publisher.take()
    for _ in range(10):
        subscriber.send_rtcp(pli())
    assert plis(publisher.take_rtcp()) == 1
    world.pass_ms(1000)
    assert plis(publisher.take_rtcp()) == 1  # those that came meanwhile, as one


def test_a_full_intra_request_counts_as_a_key_frame_request() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True))
    world.pass_ms(1000)
    publisher.take()
    fci = struct.pack("!IB3x", OUT_SSRC, 1)
    subscriber.send_rtcp(struct.pack("!BBHII", 0x84, 206, 4, 9, 0) + fci)
    assert plis(publisher.take_rtcp()) == 1


def test_sender_reports_carry_the_publishers_clock_forward() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 90_000, b"z" * 70, marker=True))
    ntp = 0x1234_5678_0000_0000
    info = RtcpSenderInfo(ntp_timestamp=ntp, rtp_timestamp=90_000, packet_count=1, octet_count=70)
    publisher.send_rtcp(bytes(RtcpSrPacket(ssrc=VIDEO_SSRC, sender_info=info)))
    world.pass_ms(500)
    reports = [p for p in subscriber.take_rtcp() if isinstance(p, RtcpSrPacket)]
    assert len(reports) == 1  # at once, and then every second
    got = reports[0]
    assert got.ssrc == OUT_SSRC
    elapsed_s = (got.sender_info.ntp_timestamp - ntp) / 2**32
    assert 0 <= elapsed_s <= 0.5
    assert abs(got.sender_info.rtp_timestamp - 90_000 - elapsed_s * 90_000) < 2
    assert got.sender_info.packet_count == 1
    world.pass_ms(2500)
    last = [p for p in subscriber.take_rtcp() if isinstance(p, RtcpSrPacket)][-1]
    later_s = (last.sender_info.ntp_timestamp - ntp) / 2**32
    assert 2 < later_s <= 3
    assert abs(last.sender_info.rtp_timestamp - 90_000 - later_s * 90_000) < 2
    assert got.sender_info.octet_count == 70


def test_the_round_trip_and_loss_of_a_subscriber_are_known_from_its_report() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, 0, marker=True))
    info = RtcpSenderInfo(
        ntp_timestamp=0xAAAA_BBBB_CCCC_DDDD, rtp_timestamp=0, packet_count=1, octet_count=1
    )
    publisher.send_rtcp(bytes(RtcpSrPacket(ssrc=VIDEO_SSRC, sender_info=info)))
    world.pass_ms(10)
    (report,) = [p for p in subscriber.take_rtcp() if isinstance(p, RtcpSrPacket)]
    world.pass_ms(140)
    block = RtcpReceiverInfo(
        ssrc=OUT_SSRC,
        fraction_lost=64,
        packets_lost=5,
        highest_sequence=1,
        jitter=0,
        lsr=report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF,
        dlsr=65536 // 10,  # held for 100 ms
    )
    subscriber.send_rtcp(bytes(RtcpRrPacket(ssrc=9, reports=[block])))
    (row,) = world.core.subscriptions()
    assert row[5] == 64
    assert abs(row[6] - 40_000) < 11_000  # 140 ms less the 100 that it held, in steps of 10


def test_receiver_reports_tell_the_publisher_its_losses() -> None:
    world = World()
    publisher = world.publisher(nack=False)
    world.pass_ms(1100)
    info = RtcpSenderInfo(
        ntp_timestamp=0x1_0002_0003_0000, rtp_timestamp=0, packet_count=1, octet_count=1
    )
    for n in [*range(10), *range(15, 20)]:
        publisher.send_rtp(rtp(65_530 + n, n * 3000, marker=True))
    publisher.send_rtcp(bytes(RtcpSrPacket(ssrc=VIDEO_SSRC, sender_info=info)))
    publisher.take()
    world.pass_ms(1000)
    (block,) = [r for p in publisher.take_rtcp() if isinstance(p, RtcpRrPacket) for r in p.reports]
    assert block.ssrc == VIDEO_SSRC
    assert block.packets_lost == 5
    assert block.fraction_lost == 5 * 256 // 20
    assert block.highest_sequence == 65_530 + 19
    assert block.lsr == 0x0001_0002_0003_0000 >> 16 & 0xFFFFFFFF
    assert 0 < block.dlsr <= 65536 + 700


def test_feedback_stands_alone_only_where_that_was_agreed() -> None:
    world = World()
    publisher = world.publisher()
    for reduced, kinds in ((True, [205]), (False, [201, 202, 205])):
        world.core.set_receive(publisher.endpoint, ext_ids(), False, False, reduced)
        publisher.send_rtp(rtp(10 if reduced else 20, 0, marker=True))
        publisher.send_rtp(rtp(12 if reduced else 22, 3000, marker=True))
        seen = [p for p in publisher.take_raw_rtcp() if b"\xcd" in p]
        assert _types(seen[0]) == kinds


def _types(compound: bytes) -> list[int]:
    types, at = [], 0
    while at < len(compound):
        types.append(compound[at + 1])
        at += 4 * (int.from_bytes(compound[at + 2 : at + 4]) + 1)
    return types


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 120_000)), min_size=1, max_size=60),
)
def test_transport_feedback_tells_every_arrival_to_a_quarter_millisecond(
    start: int, steps: list[tuple[int, int]]
) -> None:
    """Against a reader of the draft written for this test."""
    world = World()
    publisher = world.publisher(nack=False)
    arrivals: dict[int, int] = {}
    seq = start
    raw: list[bytes] = []
    for n, (step, wait_us) in enumerate(steps):
        seq += step
        world.now_us += wait_us
        arrivals[seq & 0xFFFF] = world.now_us
        cc = struct.pack("!H", seq & 0xFFFF)
        publisher.send_rtp(rtp(n, n * 3000, marker=True, exts={CC_ID: cc}))
        if n % 7 == 6:
            world.pass_ms(120)
    world.pass_ms(120)
    raw = publisher.take_raw_rtcp()
    told: dict[int, int] = {}
    lost: set[int] = set()
    for compound in raw:
        if compound[1] == 205 and compound[0] & 0x1F == 15:
            for number, at_us in read_feedback(compound):
                if at_us is None:
                    lost.add(number)
                else:
                    assert number not in told
                    told[number] = at_us
    assert set(told) == set(arrivals)
    first = start + steps[0][0]
    assert lost == {n & 0xFFFF for n in range(first, seq + 1)} - set(arrivals)
    for number, at_us in told.items():
        assert abs(at_us - arrivals[number]) <= 250


def test_of_what_was_sent_to_one_who_stays_nothing_is_kept() -> None:
    world = World()
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(rtp(1, marker=True))
    [packet] = subscriber.take_rtp()
    subscriber.send_rtcp(nack([seq_of(packet)]))
    assert len(subscriber.take_rtp()) == 1
    world.core.remove_subscription(200 + subscriber.endpoint)
    session = world.relay_sessions[subscriber.endpoint].send
    for ssrc in (OUT_SSRC, OUT_RTX_SSRC):
        with pytest.raises(Error, match="no appropriate context"):  # no such stream
            session.remove_stream(ssrc)
