"""A path that is confirmed, lost, moved and restarted (RFC 7675, RFC 8445 section 9)."""

from __future__ import annotations

import pytest
from aiortc.rtp import RTCP_PSFB_PLI, RTCP_RTPFB_NACK, RtcpPsfbPacket, RtcpRtpfbPacket

from .simulated import OUT_SSRC, Peer, World, mapped, rtp, seq_of

KEY = bytes([0x10, 0, 0x9D, 1, 0x2A]) + bytes(95)  # VP8: the start of a key frame
DELTA = bytes([0x10, 1]) + bytes(98)


def vp8(seq: int, payload: bytes = DELTA) -> bytes:
    return rtp(seq, timestamp=seq * 3000, payload=payload, marker=True)


def plis(peer: Peer) -> int:
    return sum(isinstance(p, RtcpPsfbPacket) and p.fmt == RTCP_PSFB_PLI for p in peer.take_rtcp())


def move(peer: Peer, port: int) -> None:
    """What a NAT does: the peer's packets come from elsewhere, and it does not know."""
    peer.world.peers[(mapped(peer.ip), port)] = peer.world.peers.pop((mapped(peer.ip), peer.port))
    peer.port = port


@pytest.fixture
def world() -> World:
    return World()


def test_media_need_a_check_within_thirty_seconds(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(vp8(1, KEY))
    assert len(subscriber.take_rtp()) == 1
    for seq in range(2, 40):  # RTCP under the old keys is no consent
        world.pass_ms(1000)
        publisher.check()
        subscriber.send_rtcp(bytes.fromhex("80c9000100000001"))
        publisher.send_rtp(vp8(seq))
        got = len(subscriber.take_rtp())
        assert got == (1 if seq <= 31 else 0), seq
    publisher.take()
    subscriber.check()
    assert plis(publisher) == 1  # its decoder has a gap
    publisher.send_rtp(vp8(40, KEY))
    assert len(subscriber.take_rtp()) == 1


def test_a_wrong_password_is_no_consent(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    for seq in range(1, 40):
        world.pass_ms(1000)
        publisher.check()
        subscriber.check(password="guessed")
        publisher.send_rtp(vp8(seq, KEY))
    subscriber.take()
    publisher.send_rtp(vp8(40, KEY))
    assert subscriber.take_rtp() == []


def test_an_encoder_that_never_checks_again_is_still_told_what_is_missing(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    for seq in range(1, 40):
        world.pass_ms(1000)
        subscriber.check()
        publisher.send_rtp(vp8(seq, KEY))
    publisher.take()
    subscriber.take()
    publisher.send_rtp(vp8(42))
    assert publisher.take_rtcp()  # a NACK
    assert subscriber.take_rtp()


@pytest.mark.parametrize("nominate", [True, False], ids=["nominating", "nominated before"])
def test_a_nat_that_gives_another_port_is_followed(world: World, nominate: bool) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(vp8(1, KEY))
    assert len(subscriber.take_rtp()) == 1
    move(subscriber, 6000)
    publisher.send_rtp(vp8(2))
    assert subscriber.take_rtp() == []
    for _ in range(2 if nominate else 8):
        world.pass_ms(1000)
        publisher.check()
        subscriber.check(nominate=nominate)
    publisher.send_rtp(vp8(3, KEY))
    assert len(subscriber.take_rtp()) == 1


def test_a_check_from_elsewhere_does_not_take_a_path_that_is_used(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(vp8(1, KEY))
    subscriber.take()
    home, other = subscriber.port, 6000
    move(subscriber, other)
    subscriber.check(nominate=False)
    move(subscriber, home)
    publisher.send_rtp(vp8(2))
    assert len(subscriber.take_rtp()) == 1


def test_after_a_restart_both_passwords_hold_until_the_new_one_is_nominated(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.send_rtp(vp8(1, KEY))
    subscriber.take()
    world.core.set_credentials(subscriber.endpoint, "fresh", "secret")
    assert subscriber.check() is not None
    assert subscriber.check(ufrag="fresh", password=f"password{subscriber.endpoint}") is None
    move(subscriber, 6000)
    assert subscriber.check(ufrag="fresh", password="secret", nominate=False) is not None
    move(subscriber, 5002)
    assert subscriber.check() is not None
    move(subscriber, 6000)
    assert subscriber.check(ufrag="fresh", password="secret") is not None
    publisher.send_rtp(vp8(2))
    assert len(subscriber.take_rtp()) == 1  # same keys, same numbers
    assert subscriber.check() is None


def test_a_restart_that_is_cut_short_keeps_the_path_that_is_used(world: World) -> None:
    subscriber = world.publisher() and world.subscriber()
    world.core.set_credentials(subscriber.endpoint, "lost", "secret")
    world.core.set_credentials(subscriber.endpoint, "fresh", "secret")
    assert subscriber.check() is not None
    assert subscriber.check(ufrag="lost", password="secret") is None
    assert subscriber.check(ufrag="fresh", password="secret") is not None
    world.core.remove_endpoint(subscriber.endpoint)
    for ufrag in ("fresh", f"ufrag{subscriber.endpoint}"):
        assert subscriber.check(ufrag=ufrag, password="secret") is None


def test_after_a_publisher_s_outage_nothing_old_is_asked_for(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    for seq in range(1, 4):
        publisher.send_rtp(vp8(seq, KEY))
    last = seq_of(subscriber.take_rtp()[-1])
    for _ in range(5):
        world.pass_ms(1000)
        subscriber.check()
    subscriber.take()
    publisher.take()
    publisher.send_rtp(vp8(400))
    said = publisher.take_raw_rtcp()
    assert [packet[1] for packet in said if packet[0] & 31 == 1] == [206]  # PLI, and no NACK
    assert subscriber.take_rtp() == []  # it could not be decoded
    publisher.send_rtp(vp8(401, KEY))
    assert [seq_of(packet) for packet in subscriber.take_rtp()] == [last + 1]


def test_who_comes_back_gets_a_key_frame(world: World) -> None:
    publisher, subscriber = world.publisher(), world.subscriber()
    for seq in range(1, 7):
        publisher.send_rtp(vp8(seq, KEY))
        publisher.check()
        world.pass_ms(1000)
    publisher.take()
    last = seq_of(subscriber.take_rtp()[-1])
    subscriber.send_rtcp(bytes.fromhex("80c9000100000001"))
    assert plis(publisher) == 1
    for seq in range(max(1, last - 5), last + 1):  # a storm of NACKs is not what it needs
        subscriber.send_rtcp(bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, 1, OUT_SSRC, [seq])))
    publisher.send_rtp(vp8(7))
    assert subscriber.take_rtp() == []
    publisher.send_rtp(vp8(8, KEY))
    assert [seq_of(packet) for packet in subscriber.take_rtp()] == [last + 1]


def test_who_was_sent_nothing_has_not_been_away(world: World) -> None:
    """Some check every five seconds: their silence is no outage before media have no answer."""
    publisher, subscriber = world.publisher(), world.subscriber()
    world.pass_ms(5000)
    for seq in range(1, 4):
        publisher.send_rtp(vp8(seq, KEY if seq == 1 else DELTA))
        world.pass_ms(30)
    publisher.take()
    subscriber.send_rtcp(bytes.fromhex("80c9000100000001"))
    publisher.send_rtp(vp8(4))
    first, *later = [seq_of(packet) for packet in subscriber.take_rtp()]
    assert later == [first + 1, first + 2, first + 3]
    assert plis(publisher) == 0
