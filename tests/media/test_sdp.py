"""Session descriptions: nothing is lost, and bad input has one kind of error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import compatible, parameters
from media.contract import SdpError
from media.sdp import parse, render

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=fingerprint:sha-256 AA:BB",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "a=mid:0",
        "a=sendonly",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on",
        "a=ssrc:17 cname:somebody",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98",
        "a=mid:1",
        "a=rid:hi send",
        "a=simulcast:send hi",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtcp-fb:* nack",
        "a=rtcp-fb:96 nack pli",
        "a=fmtp:98 without-rtpmap=1",
        "a=ssrc-group:FID 18 19",
        "a=ssrc:18 cname:somebody",
        "a=ssrc:19 cname:somebody",
        "",
    ]
)


def test_what_is_read_is_written_line_for_line() -> None:
    assert render(parse(OFFER)) == OFFER


def test_the_readings() -> None:
    description = parse(OFFER)
    audio, video = description.media
    security = description.security()
    assert (security.ufrag, security.setup) == ("abcd", "actpass")
    assert security.fingerprints == (("sha-256", "AA:BB"),)
    assert (audio.mid, audio.direction, video.direction) == ("0", "sendonly", "sendrecv")
    assert audio.extensions() == {"urn:ietf:params:rtp-hdrext:ssrc-audio-level": 3}
    assert audio.rtp_formats()[111].channels == 2
    assert list(video.rtp_formats()) == [96, 97]
    assert video.rtp_formats()[96].feedback == ["nack", "nack pli"]
    assert video.ssrcs() == ([18], {18: 19}, "somebody")


@pytest.mark.parametrize(
    "line, reason",
    [
        ("nonsense", "x=value"),
        ("m=audio nine UDP/TLS/RTP/SAVPF 0", "media line"),
        ("m=audio", "media line"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1", "a=mid of its own"),
    ],
)
def test_a_bad_line_is_named(line: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse(OFFER + line + "\r\n")


def test_bounds() -> None:
    with pytest.raises(SdpError, match="media sections"):
        parse("v=0\n" + "".join(f"m=audio 9 X 0\na=mid:{n}\n" for n in range(300)))
    with pytest.raises(SdpError, match="lines"):
        parse("v=0\n" + "a=x\n" * 30_000)


def mutations() -> st.SearchStrategy[str]:
    lines = OFFER.split("\r\n")
    odd = st.sampled_from(
        ["a=fmtp:96", "a=rtpmap:x y", "a=rtpmap:96 /", "a=ssrc:", "a=extmap: ", "a=rtcp-fb:*",
         "a=ssrc-group:FID 1", "a=ssrc-group:FID ² 3", "a=extmap:300 x", "a=mid:",
         "a=setup:holdconn", "a=fingerprint:", "a=rtpmap:٣ VP8/90000", "m=video 65536/2 X 96"]
    )  # fmt: skip
    return st.lists(st.one_of(st.sampled_from(lines), odd, st.text(max_size=40)), max_size=40).map(
        lambda body: "\r\n".join(["v=0", *body])
    )


@settings(max_examples=400, deadline=None)
@given(mutations())
def test_reading_anything_raises_sdp_errors_alone(text: str) -> None:
    try:
        description = parse(text)
        description.security()
    except SdpError:
        return
    for m in description.media:
        m.rtp_formats(), m.extensions(), m.ssrcs(), m.direction, m.rejected
    assert parse(render(description)) == description


@given(st.text(max_size=60))
def test_format_parameters_never_fail(text: str) -> None:
    parameters(text)
    compatible("H264", text)


@pytest.mark.parametrize(
    "fmtp, taken",
    [
        ("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", True),
        ("packetization-mode=1;profile-level-id=42001f", True),
        ("packetization-mode=0;profile-level-id=42e01f", False),
        ("packetization-mode=1;profile-level-id=640c1f", False),
        ("profile-level-id=42e01f", False),
    ],
)
def test_h264_is_baseline_in_mode_1(fmtp: str, taken: bool) -> None:
    assert compatible("h264", fmtp) is taken


@pytest.mark.parametrize(
    "lines, rids",
    [
        (["a=rid:l send", "a=rid:h send", "a=simulcast:send l;h"], ["l", "h"]),
        (["a=rid:a send pt=96", "a=rid:b send", "a=simulcast:recv x send a,b;~b"], ["a", "b"]),
        (["a=rid:l recv", "a=simulcast:send l"], []),
        (["a=simulcast:send l;h"], []),
        (["a=rid:l send", "a=simulcast:send l;l;l"], ["l"]),
        (["a=rid:seventeen-letters send", "a=simulcast:send seventeen-letters"], []),
    ],
)
def test_simulcast_lists_what_is_declared_and_sent(lines: list[str], rids: list[str]) -> None:
    text = "\r\n".join(["v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", *lines])
    assert parse(text).media[0].simulcast() == rids
