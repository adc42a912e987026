"""RED (RFC 2198) is passed through to who takes it; everybody else gets the newest block alone."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.contract import CodecPolicy
from media.relay import MediaRelay
from tests.media.fuzz.seeds import red
from tests.media.simulated import AUDIO_SSRC, OUT_SSRC, Peer, World, rtp, seq_of
from tests.media.test_feedback import nack
from tests.media.test_sound_repair import offer

OPUS, RED = 109, 121  # a publisher's own
blocks_of = st.lists(st.binary(max_size=100), min_size=1, max_size=4)


def talk() -> tuple[World, Peer, Peer, Peer]:
    """A publisher of RED, one who takes it as 63 with Opus as 111, and one who takes Opus alone."""
    world = World()
    publisher = world.peer()
    assert world.core.add_track(
        100, publisher.endpoint, False, "opus", "0", "c", 48000, OPUS, 255, True, False, False,
        [("", AUDIO_SSRC, 0)], RED,
    )  # fmt: skip
    peers = []
    for takes in (63, 255):
        peer = world.peer()
        world.core.set_send(peer.endpoint, [0] * 15, True)
        assert world.core.add_subscription(
            200 + takes, 100, peer.endpoint, OUT_SSRC, 0, 111, 255, 0, 0, takes
        )
        peers.append(peer)
    return world, publisher, peers[0], peers[1]


def send(publisher: Peer, seq: int, payload: bytes, pt: int = RED) -> None:
    publisher.send_rtp(rtp(seq, seq * 960, payload, ssrc=AUDIO_SSRC, pt=pt))


def taken(peer: Peer) -> list[tuple[int, bytes]]:
    packets = [RtpPacket.parse(p) for p in peer.take_rtp()]
    return [(p.payload_type, p.payload) for p in packets]


@given(blocks_of)
def test_everybody_gets_what_he_takes(blocks: list[bytes]) -> None:
    _, publisher, both, plain = talk()
    send(publisher, 1, red(*blocks, pt=OPUS))
    assert taken(both) == [(63, red(*blocks, pt=111))]
    assert taken(plain) == [(111, blocks[-1])]


def test_sound_without_copies_comes_between() -> None:
    _, publisher, both, plain = talk()
    send(publisher, 1, b"long", pt=OPUS)
    send(publisher, 2, red(b"long", b"short", pt=OPUS))
    assert taken(both) == [(111, b"long"), (63, red(b"long", b"short"))]
    assert taken(plain) == [(111, b"long"), (111, b"short")]


def test_a_copy_that_was_lost_is_sent_again_as_it_was() -> None:
    _, publisher, *subscribers = talk()
    for n in range(5):
        send(publisher, n, red(bytes([n]) * 40, bytes([n + 1]) * 40, pt=OPUS))
    for peer in subscribers:
        protected = [d for d in peer.take() if not 192 <= d[1] <= 223]
        peer.send_rtcp(nack([seq_of(protected[2])], OUT_SSRC))
        assert [d for d in peer.take() if not 192 <= d[1] <= 223] == [protected[2]]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        red(b"a", b"b", pt=OPUS)[:3],
        red(b"older", b"b", pt=OPUS)[:8],
        red(b"a", b"b", pt=OPUS + 1),
        bytes([0x80 | OPUS, 0, 0, 0]) * 9 + bytes([OPUS]),
    ],
    ids=["empty", "half a header", "half a block", "another codec", "blocks without end"],
)
def test_what_is_malformed_reaches_nobody(payload: bytes) -> None:
    _, publisher, both, plain = talk()
    send(publisher, 1, payload)
    send(publisher, 2, red(b"good", pt=OPUS))
    assert [payload for _, payload in taken(both)] == [red(b"good")]
    assert [payload for _, payload in taken(plain)] == [b"good"]


def with_red(fmtp: str, first: bool = False) -> str:
    formats = "63 111" if first else "111 63"
    lines = f"a=rtpmap:63 red/48000/2\r\na=fmtp:63 {fmtp}\r\na=ssrc:"
    return offer("nack").replace("SAVPF 111", f"SAVPF {formats}").replace("a=ssrc:", lines)


@pytest.mark.parametrize("first", [False, True])
async def test_a_publisher_sends_it_if_that_is_his_choice(
    relay: MediaRelay,
    first: bool,
) -> None:
    answer = await relay.place().open_publish().negotiate(with_red("111/111", first), CodecPolicy())
    formats = "63 111" if first else "111 63"
    assert f"m=audio 9 UDP/TLS/RTP/SAVPF {formats}" in answer.split("\r\n")
    assert "a=fmtp:63 111/111" in answer.split("\r\n")


@pytest.mark.parametrize("fmtp", ["111/112", "", "0/5"])
async def test_copies_of_anything_else_are_not_taken(
    relay: MediaRelay,
    fmtp: str,
) -> None:
    answer = await relay.place().open_publish().negotiate(with_red(fmtp), CodecPolicy())
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111" in answer.split("\r\n")


async def test_receivers_are_offered_it_after_plain_sound(relay: MediaRelay) -> None:
    place = relay.place()
    publisher, subscriber = place.open_publish(), place.open_subscribe()
    await publisher.negotiate(offer("nack"), CodecPolicy())
    subscriber.add(publisher.tracks["0"])
    lines = (await subscriber.offer()).split("\r\n")
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111 63" in lines
    assert "a=rtpmap:63 red/48000/2" in lines
    assert "a=fmtp:63 111/111" in lines
