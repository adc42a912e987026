"""What an offer holds, as far as grants are concerned: each media section's kind and direction.

The relay reads the description in full; this looks only at `m=`, `a=mid` and the direction, so that
nothing reaches the relay that a token does not allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass
class Section:
    """One media section. `kind` is the word after `m=`; a rejected one (port 0) is inactive."""

    kind: str
    mid: str = ""
    direction: str = "sendrecv"

    @property
    def sends(self) -> bool:
        """Whether the offerer wants to send media here."""
        return self.kind in ("audio", "video") and self.direction in ("sendrecv", "sendonly")

    @property
    def data(self) -> bool:
        """Whether it is for data channels."""
        return self.kind == "application" and self.direction != "inactive"

    @property
    def receives(self) -> bool:
        """Whether the offerer wants to receive media here."""
        return self.kind in ("audio", "video") and self.direction in ("sendrecv", "recvonly")


def sections(sdp: str) -> list[Section]:
    """The media sections in order."""
    return list(_sections(sdp))


def _sections(sdp: str) -> Iterator[Section]:
    found: Section | None = None
    session_direction = "sendrecv"
    rejected = False
    for line in sdp.splitlines():
        if line.startswith("m="):
            if found:
                yield _finished(found, rejected)
            words = line[2:].split()
            found = Section(words[0] if words else "", direction=session_direction)
            rejected = len(words) > 1 and words[1] == "0"
        elif line.startswith("a=mid:") and found:
            found.mid = line[6:].strip()
        elif line.startswith("a=") and (word := line[2:].strip()) in DIRECTIONS:
            if found:
                found.direction = word
            else:
                session_direction = word
        elif line.startswith("a=bundle-only"):
            rejected = False  # port 0 has another meaning there: RFC 9143
    if found:
        yield _finished(found, rejected)


def _finished(section: Section, rejected: bool) -> Section:
    return Section(section.kind, section.mid, "inactive") if rejected else section
