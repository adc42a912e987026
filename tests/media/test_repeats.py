"""Where much is lost, repairs leave twice, a moment apart."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from .simulated import OUT_RTX_SSRC, OUT_SSRC, Peer, World, ext_ids, rtp, seq_of
from .test_feedback import nack

CC = 9


def lost(fraction: float, ssrc: int = OUT_SSRC) -> bytes:
    info = RtcpReceiverInfo(
        ssrc=ssrc, fraction_lost=int(fraction * 256), packets_lost=0, highest_sequence=0,
        jitter=0, lsr=0, dlsr=0,
    )  # fmt: skip
    return bytes(RtcpRrPacket(ssrc=9, reports=[info]))


def watched(world: World, frames: int = 8) -> tuple[Peer, Peer, list[int]]:
    """A subscriber who counts across the transport, and what he has got."""
    publisher, subscriber = world.publisher(), world.subscriber()
    world.core.set_send(subscriber.endpoint, ext_ids(cc=CC), True)
    for n in range(frames):
        publisher.send_rtp(rtp(n, n * 3000, bytes([n]) * 300, marker=True))
    return publisher, subscriber, [seq_of(p) for p in subscriber.take_rtp()]


def repairs(subscriber: Peer, ssrc: int = OUT_RTX_SSRC) -> list[bytes]:
    taken = subscriber.take_rtp()
    return [p for p in taken if int.from_bytes(p[8:12], "big") == ssrc]


def original(packet: bytes) -> bytes:
    return packet[16 + 4 * int.from_bytes(packet[14:16], "big") :]


@pytest.mark.parametrize(("fraction", "later"), [(0.07, 1), (0.02, 0)])
def test_repairs_leave_twice_where_much_is_lost(fraction: float, later: int) -> None:
    world = World()
    _, subscriber, seqs = watched(world)
    subscriber.send_rtcp(lost(fraction))
    subscriber.send_rtcp(nack([seqs[3]]))
    (first,) = repairs(subscriber)
    world.pass_ms(10)
    assert repairs(subscriber) == []
    world.pass_ms(20)
    again = repairs(subscriber)
    assert [original(p) for p in again] == [original(first)] * later
    assert all(seq_of(p) != seq_of(first) for p in again)  # a packet of its own
    world.pass_ms(200)
    assert repairs(subscriber) == []


def test_when_the_losses_are_over_one_is_enough() -> None:
    world = World()
    _, subscriber, seqs = watched(world)
    subscriber.send_rtcp(lost(0.07))
    world.pass_ms(3100)
    subscriber.take()
    subscriber.send_rtcp(nack([seqs[3]]))
    world.pass_ms(100)
    assert len(repairs(subscriber)) == 1


def test_what_was_forgotten_meanwhile_does_not_leave() -> None:
    world = World()
    _, subscriber, seqs = watched(world)
    subscriber.send_rtcp(lost(0.07))
    subscriber.send_rtcp(nack(seqs[2:6]))
    world.core.remove_subscription(200 + subscriber.endpoint)
    subscriber.take()
    world.pass_ms(100)
    assert repairs(subscriber) == []


def test_a_flood_of_requests_is_not_doubled() -> None:
    world = World()
    _, subscriber, seqs = watched(world, frames=100)
    subscriber.send_rtcp(lost(0.07))
    subscriber.send_rtcp(nack(seqs))
    once = len(repairs(subscriber))
    world.pass_ms(100)
    assert once > 60
    assert len(repairs(subscriber)) <= 32
