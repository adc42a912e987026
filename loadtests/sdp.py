"""The few session descriptions a load test writes, and what it reads from a server's."""

from __future__ import annotations

from dataclasses import dataclass, field

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FEEDBACK = ("goog-remb", "ccm fir", "nack", "nack pli")


@dataclass(frozen=True)
class Local:
    """This side: ICE credentials, certificate fingerprint, and the one candidate."""

    ufrag: str
    password: str
    fingerprint: str
    address: str
    port: int


@dataclass(frozen=True)
class Remote:
    """What the server said of its video section and of its transport."""

    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    setup: str
    candidates: list[tuple[str, int]]
    ice_lite: bool
    mid: str
    payload_type: int  # of VP8
    extensions: dict[str, int] = field(default_factory=dict)


def parse(sdp: str) -> Remote:
    """Read the attributes needed to connect. Raises ValueError when one is missing."""
    first: dict[str, str] = {}
    fingerprints: list[tuple[str, str]] = []
    candidates: list[tuple[str, int]] = []
    extensions: dict[str, int] = {}
    payload_type = -1
    for line in sdp.splitlines():
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
            if parts[2].lower() == "udp" and ":" not in parts[4]:
                candidates.append((parts[4], int(parts[5])))
        elif name == "extmap":
            number, uri = value.split()[:2]
            extensions[uri] = int(number.split("/")[0])
        elif name == "rtpmap" and payload_type < 0 and " VP8/" in value:
            payload_type = int(value.split()[0])
    missing = {"ice-ufrag", "ice-pwd", "setup", "mid"} - first.keys()
    if missing or payload_type < 0:
        raise ValueError(f"session description without {sorted(missing) or 'VP8'}:\n{sdp}")
    return Remote(
        first["ice-ufrag"],
        first["ice-pwd"],
        fingerprints,
        first["setup"],
        candidates,
        "ice-lite" in first,
        first["mid"],
        payload_type,
        extensions,
    )


def _section(local: Local, mid: str, setup: str, payload_types: str) -> list[str]:
    return [
        f"m=video 9 UDP/TLS/RTP/SAVPF {payload_types}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def _session(mid: str, section: list[str], local: Local) -> str:
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mid}",
        "a=msid-semantic: WMS *",
        *section,
        f"a=candidate:1 1 udp 2130706431 {local.address} {local.port} typ host",
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"


def _codecs(payload_type: int, feedback: tuple[str, ...], rtx: bool) -> list[str]:
    lines = [f"a=rtpmap:{payload_type} VP8/90000"]
    lines += [f"a=rtcp-fb:{payload_type} {name}" for name in feedback]
    if rtx:
        lines += [
            f"a=rtpmap:{payload_type + 1} rtx/90000",
            f"a=fmtp:{payload_type + 1} apt={payload_type}",
        ]
    return lines


def publish_offer(local: Local, ssrc: int) -> str:
    """Offer one VP8 stream, as a browser would: transport-wide feedback, NACK, PLI, RTX."""
    section = _section(local, "0", "actpass", "96 97")
    section += [f"a=extmap:1 {MID}", f"a=extmap:3 {TRANSPORT_SEQUENCE}", "a=sendonly"]
    section += ["a=msid:load video"]
    section += _codecs(96, (*FEEDBACK, "transport-cc"), rtx=True)
    section += [f"a=ssrc-group:FID {ssrc} {ssrc + 1}"]
    section += [f"a=ssrc:{number} cname:load" for number in (ssrc, ssrc + 1)]
    return _session("0", section, local)


def watch_offer(local: Local) -> str:
    """Offer to receive one VP8 stream."""
    section = _section(local, "0", "actpass", "96 97")
    section += [f"a=extmap:1 {MID}", "a=recvonly"]
    section += _codecs(96, FEEDBACK, rtx=True)
    return _session("0", section, local)


def watch_answer(local: Local, remote: Remote) -> str:
    """Answer a server's offer to send one VP8 stream."""
    section = _section(local, remote.mid, "active", str(remote.payload_type))
    if MID in remote.extensions:
        section.append(f"a=extmap:{remote.extensions[MID]} {MID}")
    section.append("a=recvonly")
    section += _codecs(remote.payload_type, FEEDBACK, rtx=False)
    return _session(remote.mid, section, local)
