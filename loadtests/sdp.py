"""The few session descriptions a load test writes, and what it reads from a server's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
VIDEO_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
AUDIO_FEEDBACK = ("transport-cc",)
EXTENSIONS = {MID: 1, TRANSPORT_SEQUENCE: 3}  # in our offers
SIMULCAST_EXTENSIONS = {**EXTENSIONS, RID: 4, REPAIRED_RID: 5}

Kind = Literal["audio", "video"]
CODECS: dict[Kind, tuple[str, int, int]] = {  # name, payload type in our offers, clock rate
    "video": ("VP8/90000", 96, 90_000),
    "audio": ("opus/48000/2", 111, 48_000),
}


@dataclass(frozen=True)
class Local:
    """This side: ICE credentials, certificate fingerprint, and the one candidate."""

    ufrag: str
    password: str
    fingerprint: str
    address: str
    port: int


@dataclass
class Section:
    """One media section of a server's description."""

    kind: str
    mid: str = ""
    direction: str = "sendrecv"
    payload_type: int = -1  # of VP8 or Opus
    rtx: int = -1
    feedback: set[str] = field(default_factory=set)
    extensions: dict[str, int] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Media may flow."""
        return self.payload_type >= 0 and self.direction != "inactive"


@dataclass(frozen=True)
class Remote:
    """What the server said of its transport and of its media."""

    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    setup: str
    candidates: list[tuple[str, int]]
    ice_lite: bool
    sections: list[Section]

    def section(self, kind: Kind) -> Section | None:
        """The first active one of a kind."""
        return next((s for s in self.sections if s.kind == kind and s.active), None)

    @property
    def transport_sequence(self) -> int:
        """Extension id of transport-wide sequence numbers; 0 where feedback was not agreed."""
        for section in self.sections:
            if section.active and "transport-cc" in section.feedback:
                return section.extensions.get(TRANSPORT_SEQUENCE, 0)
        return 0


def parse(sdp: str) -> Remote:
    """Read the attributes needed to connect. Raises ValueError when one is missing."""
    first: dict[str, str] = {}
    fingerprints: list[tuple[str, str]] = []
    candidates: list[tuple[str, int]] = []
    sections: list[Section] = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            kind, port = line[2:].split()[:2]
            sections.append(Section(kind))
            if port == "0":
                sections[-1].direction = "inactive"
        if not line.startswith("a="):
            continue
        name, _, value = line[2:].partition(":")
        first.setdefault(name, value)
        if name == "fingerprint":
            algorithm, _, digest = value.partition(" ")
            if (algorithm, digest) not in fingerprints:
                fingerprints.append((algorithm, digest))
        elif name == "candidate":
            parts = value.split()
            at = (parts[4], int(parts[5]))
            if parts[2].lower() == "udp" and ":" not in parts[4] and at not in candidates:
                candidates.append(at)
        elif sections:
            _read(sections[-1], name, value)
    missing = {"ice-ufrag", "ice-pwd", "setup", "mid"} - first.keys()
    if missing or not any(s.payload_type >= 0 for s in sections):
        raise ValueError(f"session description without {sorted(missing) or 'VP8, Opus'}:\n{sdp}")
    return Remote(
        first["ice-ufrag"],
        first["ice-pwd"],
        fingerprints,
        first["setup"],
        candidates,
        "ice-lite" in first,
        sections,
    )


def _read(section: Section, name: str, value: str) -> None:
    if name == "mid":
        section.mid = value
    elif name in ("sendonly", "recvonly", "sendrecv", "inactive"):
        section.direction = name
    elif name == "extmap":
        number, uri = value.split()[:2]
        section.extensions[uri] = int(number.split("/")[0])
    elif name == "rtpmap" and section.payload_type < 0:
        number, codec = value.split()[:2]
        if codec.split("/")[0].lower() in ("vp8", "opus"):
            section.payload_type = int(number)
    elif name == "rtcp-fb":
        number, _, kind = value.partition(" ")
        if number in ("*", str(section.payload_type)):
            section.feedback.add(kind)
    elif name == "fmtp" and value.endswith(f"apt={section.payload_type}"):
        section.rtx = int(value.split()[0])


def _section(
    local: Local,
    kind: Kind,
    mid: str,
    setup: str,
    direction: str,
    numbers: tuple[int, int],  # payload types of media and retransmission
    extensions: dict[str, int],
) -> list[str]:
    codec = CODECS[kind][0]
    media, rtx = numbers
    formats = f"{media} {rtx}" if rtx >= 0 else str(media)
    feedback = VIDEO_FEEDBACK if kind == "video" else AUDIO_FEEDBACK
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a={direction}",
        *(f"a=extmap:{number} {uri}" for uri, number in extensions.items()),
        f"a=rtpmap:{media} {codec}",
        *(f"a=rtcp-fb:{media} {name}" for name in feedback),
    ]
    if kind == "audio":
        lines.append(f"a=fmtp:{media} minptime=10;useinbandfec=1")
    if rtx >= 0:
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={media}"]
    return lines


def _session(mids: Sequence[str], sections: Sequence[list[str]], local: Local) -> str:
    candidate = f"a=candidate:1 1 udp 2130706431 {local.address} {local.port} typ host"
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS *",
    ]
    for number, section in enumerate(sections):
        lines += section
        if number == 0:
            lines += [candidate, "a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"


def _offer(local: Local, direction: str, ssrcs: dict[Kind, int]) -> str:
    sections, mids = [], []
    for mid, kind in enumerate(ssrcs):
        media = CODECS[kind][1]
        rtx = media + 1 if kind == "video" else -1
        lines = _section(local, kind, str(mid), "actpass", direction, (media, rtx), EXTENSIONS)
        if ssrc := ssrcs[kind]:
            lines.append(f"a=msid:load {kind}")
            numbers = [ssrc, ssrc + 1] if kind == "video" else [ssrc]
            if len(numbers) > 1:
                lines.append(f"a=ssrc-group:FID {ssrc} {ssrc + 1}")
            lines += [f"a=ssrc:{number} cname:load" for number in numbers]
        sections.append(lines)
        mids.append(str(mid))
    return _session(mids, sections, local)


def publish_offer(local: Local, ssrcs: dict[Kind, int]) -> str:
    """Offer a stream of each kind, as a browser would: transport-wide feedback, NACK, PLI, RTX.

    Sections are numbered from 0 in the order of `ssrcs`, which are their mids.
    """
    return _offer(local, "sendonly", ssrcs)


def simulcast_offer(local: Local, rids: Sequence[str], audio_ssrc: int) -> str:
    """Offer sound (mid 0) and a camera in several encodings (mid 1), told apart by their rids.

    Sound that was lost may be asked for again.
    """
    media = CODECS["audio"][1]
    audio = _section(local, "audio", "0", "actpass", "sendonly", (media, -1), EXTENSIONS)
    audio += [f"a=rtcp-fb:{media} nack", "a=msid:load audio", f"a=ssrc:{audio_ssrc} cname:load"]
    media = CODECS["video"][1]
    numbers = (media, media + 1)
    video = _section(local, "video", "1", "actpass", "sendonly", numbers, SIMULCAST_EXTENSIONS)
    video += ["a=msid:load video", *(f"a=rid:{rid} send" for rid in rids)]
    video += [f"a=simulcast:send {';'.join(rids)}"]
    return _session(["0", "1"], [audio, video], local)


def watch_offer(local: Local, kinds: Sequence[Kind] = ("video", "audio")) -> str:
    """Offer to receive a stream of each kind."""
    return _offer(local, "recvonly", dict.fromkeys(kinds, 0))


def watch_answer(local: Local, remote: Remote) -> str:
    """Answer a server's offer to send, taking all that our own offers have."""
    sections = []
    for offered in remote.sections:
        kind: Kind = "audio" if offered.kind == "audio" else "video"
        direction = "recvonly" if offered.active else "inactive"
        extensions = {uri: n for uri, n in offered.extensions.items() if uri in EXTENSIONS}
        numbers = (offered.payload_type, offered.rtx)
        sections.append(
            _section(local, kind, offered.mid, "active", direction, numbers, extensions)
        )
    return _session([s.mid for s in remote.sections], sections, local)
