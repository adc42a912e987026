"""Lost sound is asked for again, both ways: browsers do it when a description says `nack`."""

from __future__ import annotations

from media.contract import CodecPolicy
from media.relay import MediaRelay
from tests.media.simulated import AUDIO_SSRC, OUT_SSRC, World, rtp, seq_of
from tests.media.test_feedback import nack


def offer(*feedback: str) -> str:
    return "\r\n".join(
        [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:0123456789012345678901",
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
            "a=setup:actpass",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "a=mid:0",
            "a=sendonly",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10",
            *(f"a=rtcp-fb:111 {kind}" for kind in feedback),
            f"a=ssrc:{AUDIO_SSRC} cname:somebody",
            "",
        ]
    )


async def test_a_publisher_that_repeats_sound_is_asked_to(relay: MediaRelay) -> None:
    place = relay.place()
    taken = await place.open_publish().negotiate(offer("transport-cc", "nack"), CodecPolicy())
    assert "a=rtcp-fb:111 nack" in taken.split("\r\n")
    other = await place.open_publish().negotiate(offer("transport-cc"), CodecPolicy())
    assert "a=rtcp-fb:111 nack" not in other.split("\r\n")


async def test_subscribers_may_ask_for_sound_and_repair_it_themselves(relay: MediaRelay) -> None:
    place = relay.place()
    publisher, subscriber = place.open_publish(), place.open_subscribe()
    await publisher.negotiate(offer("nack"), CodecPolicy())
    subscriber.add(publisher.tracks["0"])
    lines = (await subscriber.offer()).split("\r\n")
    assert "a=rtcp-fb:111 nack" in lines
    assert any(line.startswith("a=fmtp:111 ") and "useinbandfec=1" in line for line in lines)


def test_sound_that_was_lost_is_sent_again_as_it_was() -> None:
    world = World()
    publisher = world.publisher()
    assert world.core.add_track(
        101, publisher.endpoint, False, "opus", "0", "cname", 48000, 111, 255,
        True, False, False, [("", AUDIO_SSRC, 0)],
    )  # fmt: skip
    subscriber = world.subscriber(track=101, rtx=False, pt=111)
    for n in range(5):
        publisher.send_rtp(rtp(n, n * 960, bytes([n]) * 80, ssrc=AUDIO_SSRC, pt=111))
    protected = [d for d in subscriber.take() if d[1] & 0x7F == 111]
    subscriber.send_rtcp(nack([seq_of(protected[2])], OUT_SSRC))
    assert [d for d in subscriber.take() if d[1] & 0x7F == 111] == [protected[2]]
