"""Session descriptions (RFC 8866) as lines, lossless, with the few readings that the relay needs.

No SDP library at hand keeps `rid`, `simulcast` and extension directions, and none refuses bad
input with one kind of error; a list of lines does both. Parsing trusts nothing and raises
SdpError alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .contract import SdpError

MAX_LINES = 20_000
MAX_SECTIONS = 256
_LINE = re.compile(r"([a-z])=(.*)")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass
class Format:
    """One payload type of a media section."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 0
    fmtp: str = ""
    feedback: list[str] = field(default_factory=list)


@dataclass
class Section:
    """One m-line with what belongs to it; the session part has kind 'session'."""

    kind: str
    port: int = 9
    protocol: str = "UDP/TLS/RTP/SAVPF"
    formats: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # 'a=mid:0', 'c=…', in order

    def attributes(self, name: str) -> Iterator[str]:
        """Values of each `a=name:value`; '' for a flag."""
        flag, prefix = f"a={name}", f"a={name}:"
        for line in self.lines:
            if line == flag:
                yield ""
            elif line.startswith(prefix):
                yield line[len(prefix) :].strip()

    def attribute(self, name: str) -> str | None:
        return next(self.attributes(name), None)

    @property
    def mid(self) -> str:
        return self.attribute("mid") or ""

    @property
    def direction(self) -> str:
        return next((d for d in DIRECTIONS if f"a={d}" in self.lines), "sendrecv")

    @property
    def rejected(self) -> bool:
        return self.port == 0 and self.attribute("bundle-only") is None

    def rtp_formats(self) -> dict[int, Format]:
        """Payload types in the order of preference."""
        known: dict[int, Format] = {}
        for value in self.attributes("rtpmap"):
            match = re.fullmatch(r"(\d{1,3}) ([\w.+-]{1,40})/(\d{1,7})(?:/(\d{1,3}))?", value)
            if match and int(match[1]) < 128:
                known[int(match[1])] = Format(
                    int(match[1]), match[2], int(match[3]), int(match[4] or 0)
                )
        for value in self.attributes("fmtp"):
            pt, _, fmtp = value.partition(" ")
            if pt.isascii() and pt.isdigit() and int(pt) in known:
                known[int(pt)].fmtp = fmtp
        for value in self.attributes("rtcp-fb"):
            pt, _, kind = value.partition(" ")
            targets = known if pt == "*" else [int(pt)] if pt.isascii() and pt.isdigit() else []
            for target in targets:
                if target in known:
                    known[target].feedback.append(kind)
        order = [int(f) for f in self.formats if f.isascii() and f.isdigit()]
        return {pt: known[pt] for pt in order if pt in known}

    def extensions(self) -> dict[str, int]:
        """URI → id (RFC 8285 section 5), ids 1..255."""
        found: dict[str, int] = {}
        for value in self.attributes("extmap"):
            match = re.fullmatch(r"(\d{1,3})(?:/\w+)? (\S+)(?: .*)?", value)
            if match and 0 < int(match[1]) < 256:
                found.setdefault(match[2], int(match[1]))
        return found

    def simulcast(self) -> list[str]:
        """Rids that are sent, in the order listed (RFC 8853); the first of alternatives."""
        declared = {
            match[1]
            for value in self.attributes("rid")
            if (match := re.fullmatch(r"([A-Za-z0-9_-]{1,16}) send(?: .*)?", value))
        }
        match = re.search(r"(?:^| )send (\S+)", self.attribute("simulcast") or "")
        listed = [part.split(",")[0].lstrip("~") for part in match[1].split(";")] if match else []
        return list(dict.fromkeys(rid for rid in listed if rid in declared))

    def ssrcs(self) -> tuple[list[int], dict[int, int], str]:
        """Primary SSRCs in order, primary → retransmission (RFC 5576), and the CNAME."""
        seen: list[int] = []
        cname = ""
        for value in self.attributes("ssrc"):
            match = re.fullmatch(r"(\d{1,10}) (\S.*)", value)
            if not match or not 0 < int(match[1]) < 2**32:
                continue
            if int(match[1]) not in seen:
                seen.append(int(match[1]))
            if match[2].startswith("cname:"):
                cname = match[2][6:][:64]
        rtx: dict[int, int] = {}
        for value in self.attributes("ssrc-group"):
            parts = value.split()
            if (
                len(parts) == 3
                and parts[0] == "FID"
                and all(p.isascii() and p.isdigit() for p in parts[1:])
            ):
                rtx[int(parts[1])] = int(parts[2])
        return [s for s in seen if s not in rtx.values()], rtx, cname


@dataclass(frozen=True)
class Security:
    """What a peer says of its ICE agent and its certificate."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]  # (algorithm, value)
    setup: str


@dataclass
class Description:
    session: Section
    media: list[Section]

    def security(self) -> Security:
        """Of the bundle, from its first media section or the session. Raises SdpError."""
        first = next((m for m in self.media if not m.rejected), self.session)

        def find(name: str) -> str:
            return first.attribute(name) or self.session.attribute(name) or ""

        prints = [*first.attributes("fingerprint")] or [*self.session.attributes("fingerprint")]
        pairs = tuple(
            (a.lower(), v) for a, _, v in (p.partition(" ") for p in prints) if a and v.strip()
        )
        if not pairs:
            raise SdpError("no a=fingerprint: the relay speaks DTLS-SRTP only")
        if not find("ice-ufrag") or not find("ice-pwd"):
            raise SdpError("no a=ice-ufrag or a=ice-pwd: the relay speaks ICE only")
        return Security(find("ice-ufrag"), find("ice-pwd"), pairs, find("setup") or "actpass")


def parse(text: str) -> Description:
    """Read a description. Raises SdpError naming the line that is wrong."""
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines")
    description = Description(Section("session"), [])
    current = description.session
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            raise SdpError(f"line {number} is not of the form x=value")
        if match[1] == "m":
            if len(description.media) >= MAX_SECTIONS:
                raise SdpError(f"more than {MAX_SECTIONS} media sections")
            current = _media_line(match[2], number)
            description.media.append(current)
        else:
            current.lines.append(line.rstrip())
    if "v=0" not in description.session.lines[:1]:
        raise SdpError("does not begin with v=0")
    mids = [m.mid for m in description.media]
    if len(set(mids)) != len(mids) or (len(mids) > 1 and "" in mids):
        raise SdpError("each media section needs an a=mid of its own")
    return description


def _media_line(value: str, number: int) -> Section:
    parts = value.split()
    if len(parts) < 4 or not re.fullmatch(r"\d{1,5}(/\d+)?", parts[1], re.ASCII):
        raise SdpError(f"line {number} is not a media line (m=kind port protocol formats)")
    return Section(parts[0], int(parts[1].split("/")[0]), parts[2], parts[3:])


def render(description: Description) -> str:
    """The description as text, with CRLF line ends."""
    lines = list(description.session.lines)
    for m in description.media:
        lines.append(f"m={m.kind} {m.port} {m.protocol} {' '.join(m.formats)}")
        lines.extend(m.lines)
    return "\r\n".join(lines) + "\r\n"
