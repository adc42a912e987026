"""The payload types, feedback and header extensions that the relay offers, in one table.

The server offers receiving transports, so payload types and extension ids are its own choice
there; a publisher's are mapped onto them. Names compare without case (RFC 8866 section 6.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .contract import Kind
from .sdp import Format

# In the order of `Ext` in plane/rtp.h; tests/media/test_plane.py holds the two together.
EXTENSIONS: tuple[str, ...] = (
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    "urn:ietf:params:rtp-hdrext:toffset",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
)
MID = EXTENSIONS.index("urn:ietf:params:rtp-hdrext:sdes:mid")
TRANSPORT_CC = MID + 1
ABS_SEND_TIME = MID + 2
RID, REPAIRED_RID = MID + 3, MID + 4
LAYERED = ("vp8", "h264")  # their key frames are known, so that layers can change

# What the relay sends on, by kind. Ids stay below 15: one-byte headers (RFC 8285 section 4.2).
FORWARDED: dict[Kind, tuple[int, ...]] = {"audio": (0, 1), "video": (1, 2, 3, 4, 5, 6, 7)}
# Pictures only: they are what adapts, and a sound's NACK may then be answered with the same bytes.
SENT: dict[Kind, tuple[int, ...]] = {
    "audio": FORWARDED["audio"],
    "video": (*FORWARDED["video"], TRANSPORT_CC, ABS_SEND_TIME),
}
# What it takes from publishers.
RECEIVED: dict[Kind, tuple[int, ...]] = {
    "audio": (*FORWARDED["audio"], MID, TRANSPORT_CC),
    "video": (*FORWARDED["video"], MID, TRANSPORT_CC, RID, REPAIRED_RID),
}


@dataclass(frozen=True)
class Codec:
    """One format of an offer. `rtx` is the payload type of its retransmissions (RFC 4588)."""

    kind: Kind
    name: str
    clock_rate: int
    channels: int
    payload_type: int
    rtx: int | None
    fmtp: str
    feedback: tuple[str, ...]
    red: int | None = None  # the payload type of the same with older copies (RFC 2198)


_VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir")

CODECS: dict[str, Codec] = {
    c.name.lower(): c
    for c in (
        Codec("audio", "opus", 48000, 2, 111, None, "minptime=10;useinbandfec=1", ("nack",), 63),
        Codec("video", "VP8", 90000, 0, 96, 97, "", _VIDEO_FEEDBACK),
        Codec(
            "video",
            "H264",
            90000,
            0,
            102,
            103,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            _VIDEO_FEEDBACK,
        ),
        Codec("video", "VP9", 90000, 0, 98, 99, "profile-id=0", _VIDEO_FEEDBACK),
        Codec("video", "AV1", 90000, 0, 45, 46, "level-idx=5;profile=0;tier=0", _VIDEO_FEEDBACK),
    )
}


def parameters(fmtp: str) -> dict[str, str]:
    """`a=b;c` as a mapping with lower-case keys; a key without a value maps to ''."""
    pairs = (part.strip().partition("=") for part in fmtp.split(";") if part.strip())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def redundant(formats: Mapping[int, Format], payload_type: int) -> int | None:
    """The payload type of RED whose blocks are all of `payload_type`, or None."""
    for f in formats.values():
        blocks = f.fmtp.strip().split("/")
        if f.name.lower() == "red" and len(blocks) > 1 and set(blocks) == {str(payload_type)}:
            return f.payload_type
    return None


def compatible(name: str, fmtp: str) -> bool:
    """Whether a peer's format is one that every receiver of ours of that name decodes.

    H.264 must be baseline with packetization-mode 1 (RFC 6184 section 8.1), VP9 profile 0.
    """
    p = parameters(fmtp)
    if name.lower() == "h264":
        profile = p.get("profile-level-id", "42000a").lower()
        baseline = profile[:2] == "42" and len(profile) == 6  # 42e0 constrained, 4200 plain
        return baseline and p.get("packetization-mode", "0") == "1"
    if name.lower() == "vp9":
        return p.get("profile-id", "0") == "0"
    return True
