"""What the relay answers to an offer of several encodings."""

from __future__ import annotations

import pytest

from media.contract import CodecPolicy
from media.relay import MediaRelay

RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"


def offer(codec: str = "VP8", rids: str = "l;m;h", extension: str = RID) -> str:
    names = rids.split(";")
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
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
            "a=mid:1",
            "a=sendonly",
            f"a=extmap:9 {extension}",
            f"a=extmap:10 {REPAIRED}",
            f"a=rtpmap:96 {codec}/90000",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
            *(f"a=rid:{name} send" for name in names),
            f"a=simulcast:send {rids}",
            "",
        ]
    )


async def test_three_encodings_are_taken(relay: MediaRelay) -> None:
    transport = relay.place().open_publish()
    answer = await transport.negotiate(offer(), CodecPolicy())
    lines = answer.split("\r\n")
    assert "a=simulcast:recv l;m;h" in lines
    assert [x for x in lines if x.startswith("a=rid:")] == [f"a=rid:{r} recv" for r in "lmh"]
    assert f"a=extmap:9 {RID}" in lines
    assert f"a=extmap:10 {REPAIRED}" in lines
    assert transport.tracks["1"].rids == ("l", "m", "h")
    assert len(transport.tracks["1"].stats().layers) == 3


@pytest.mark.parametrize(
    "sdp",
    [
        offer("VP9"),  # its key frames are not read
        offer(rids="only"),
        offer(extension="urn:something-else"),  # nothing would tell the encodings apart
    ],
)
async def test_otherwise_one_encoding_is_taken(relay: MediaRelay, sdp: str) -> None:
    transport = relay.place().open_publish()
    answer = await transport.negotiate(sdp, CodecPolicy(video=("VP8", "VP9")))
    assert "simulcast" not in answer
    assert transport.tracks["1"].rids == ()


async def test_the_fourth_encoding_is_left_out(relay: MediaRelay) -> None:
    answer = await relay.place().open_publish().negotiate(offer(rids="a;b;c;d"), CodecPolicy())
    assert "a=simulcast:recv a;b;c\r\n" in answer


async def test_a_change_of_encodings_is_a_new_track(relay: MediaRelay) -> None:
    transport = relay.place().open_publish()
    await transport.negotiate(offer(), CodecPolicy())
    first = transport.tracks["1"]
    await transport.negotiate(offer(), CodecPolicy())
    assert transport.tracks["1"] is first
    await transport.negotiate(offer(rids="l;h"), CodecPolicy())
    assert transport.tracks["1"] is not first
