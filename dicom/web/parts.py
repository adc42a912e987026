"""Multipart bodies as they come: RFC 2046 5.1, without holding more than a piece of them.

Bytes go in, events come out; nothing is read or written here. What comes before the first boundary
and after the last is skipped. A body that ends before its last boundary is not `complete`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dicom.web.errors import BadRequest

BOUNDARY_MAX = 200  # RFC 2046 5.1.1 allows 70; Orthanc sends 73
HEAD_MAX = 16 * 1024  # of one part
SKIPPED_MAX = 64 * 1024  # before the first boundary


@dataclass(frozen=True)
class Begin:
    """A part begins; names of headers are in small letters."""

    headers: dict[str, str]


@dataclass(frozen=True)
class Data:
    """Some of its content."""

    content: bytes


class End:
    """It is whole."""


Event = Begin | Data | End


class Parts:
    """Finds the parts. Raises BadRequest."""

    def __init__(self, boundary: str) -> None:
        if not 1 <= len(boundary) <= BOUNDARY_MAX or not boundary.isascii():
            raise BadRequest(f"a boundary has 1 to {BOUNDARY_MAX} characters")
        self._mark = b"\r\n--" + boundary.encode("ascii")
        self._held = b"\r\n"  # the first boundary needs no line before it
        self._state = self._before
        self._skipped = 0
        self.complete = False

    @property
    def inside(self) -> bool:
        """Whether a part has begun and not ended."""
        return self._state == self._content

    def feed(self, data: bytes) -> Iterator[Event]:
        """What is in the next bytes."""
        self._held += data
        state = None
        while self._held and not self.complete and state != (self._state, len(self._held)):
            state = (self._state, len(self._held))
            yield from self._state()

    def _before(self) -> Iterator[Event]:
        at = self._held.find(self._mark)
        if at >= 0:
            self._held = self._held[at + len(self._mark) :]
            self._state = self._after_mark
            return
        kept = self._held[-len(self._mark) :]
        self._skipped += len(self._held) - len(kept)
        self._held = kept
        if self._skipped > SKIPPED_MAX:
            raise BadRequest("the body does not begin with its boundary")
        yield from ()

    def _after_mark(self) -> Iterator[Event]:
        """Two hyphens end the body; else the line ends and headers follow."""
        if len(self._held) < 2:
            return
        if self._held.startswith(b"--"):
            self.complete = True
            self._held = b""
            return
        at = self._held.find(b"\r\n")
        if at < 0 and len(self._held) < HEAD_MAX:
            return
        if at < 0 or self._held[:at].strip(b" \t"):
            raise BadRequest("a boundary's line goes on after it")
        self._held = self._held[at:]  # with its line end: headers may be none
        self._state = self._head
        yield from ()

    def _head(self) -> Iterator[Event]:
        at = self._held.find(b"\r\n\r\n")
        if at > HEAD_MAX or (at < 0 and len(self._held) > HEAD_MAX):
            raise BadRequest("a part's headers are too long")
        if at < 0:
            return
        headers: dict[str, str] = {}
        for line in self._held[:at].decode("latin-1").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        self._held = self._held[at + 4 :]
        self._state = self._content
        yield Begin(headers)

    def _content(self) -> Iterator[Event]:
        at = self._held.find(self._mark)
        if at >= 0:
            if at:
                yield Data(self._held[:at])
            self._held = self._held[at + len(self._mark) :]
            self._state = self._after_mark
            yield End()
            return
        safe = len(self._held) - len(self._mark)
        if safe > 0:
            content, self._held = self._held[:safe], self._held[safe:]
            yield Data(content)
