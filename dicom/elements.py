"""Where the elements of a data set lie in a file: PS3.5 sections 7.1, 7.5 and A.4.

Invariant: a value is read only when somebody asks for it, and never one that is longer than asked
for; whatever the lengths in a file claim, memory is one window of it. An element that would end
behind the end of the file is an error, so a walk that ends has seen a whole data set.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dicom.errors import Refused

WINDOW_BYTES = 64 * 1024  # most headers whole
DEPTH_MAX = 64  # sequences in sequences; real ones stay below ten
ELEMENTS_MAX = 4_000_000  # an enhanced object of 10 000 frames has some 500 000
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR"}) | {
    b"UT",
    b"UV",
}
SHORT = frozenset({b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS"}) | {
    *(b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
}


class Element(NamedTuple):
    """One element of the top level. `end` is where the next begins, `length` may be UNDEFINED."""

    tag: int
    vr: bytes  # empty in implicit VR
    at: int
    length: int
    end: int


@dataclass(frozen=True)
class Coding:
    """How a transfer syntax writes elements."""

    explicit: bool = True
    big: bool = False

    @property
    def order(self) -> Literal["big", "little"]:
        """Of the bytes of a number."""
        return "big" if self.big else "little"


class Source:
    """A file read by position, through one window."""

    def __init__(self, fd: int, size: int | None = None) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size if size is None else size
        self._start = 0
        self._window = b""

    def read(self, at: int, count: int) -> bytes:
        """`count` bytes from `at`. Raises Refused where the file is too short for them."""
        begin = at - self._start
        if begin >= 0 and begin + count <= len(self._window):
            return self._window[begin : begin + count]
        if at + count > self.size:
            raise Refused("truncated", f"the file ends at {self.size}, inside an element at {at}")
        if count > WINDOW_BYTES:
            raise Refused("too long", f"a value of {count} bytes where {WINDOW_BYTES} are plenty")
        self._start = at
        self._window = os.pread(self._fd, WINDOW_BYTES, at)
        if len(self._window) < count:
            raise Refused("truncated", f"the file became shorter than {at + count}")
        return self._window[:count]

    def window(self, at: int) -> bytes:
        """Some bytes from `at`; fewer than eight only at the end of the file."""
        begin = at - self._start
        if not 0 <= begin <= len(self._window) - 8:
            self._start, self._window, begin = at, os.pread(self._fd, WINDOW_BYTES, at), 0
        return self._window[begin:]


class Walk:
    """One pass over a data set. `items` are its encapsulated pixel data's, once they are passed."""

    def __init__(self, source: Source, coding: Coding) -> None:
        self._source = source
        self._order = coding.order
        self._explicit = coding.explicit
        self._head_of = struct.Struct(">HH2sH" if coding.big else "<HH2sH")
        self._left = ELEMENTS_MAX
        self.fragments = array("Q")  # positions of the items, then of what follows the last

    def element(self, at: int) -> Element:
        """The one that begins there, of the top level."""
        return self._element(at, self._explicit, 0)

    def elements(self, at: int, end: int | None = None) -> Iterator[Element]:
        """Those of the top level, from `at` to `end` or the end of the file."""
        size = self._source.size
        end = size if end is None else end
        unpack = self._head_of.unpack_from
        start = at
        window = b""
        while at < end:
            offset = at - start
            if offset + 8 > len(window):
                start, window, offset = at, self._source.window(at), 0
            if self._explicit and offset + 8 <= len(window):  # most: nothing needs a second look
                group, number, vr, length = unpack(window, offset)
                if vr in SHORT and group and (next_at := at + 8 + length) <= size:
                    yield Element(group << 16 | number, vr, at + 8, length, next_at)
                    at = next_at
                    continue
            if not any(window[offset : offset + 4]):
                return  # zeros after the last element: padding to a block
            element = self._element(at, self._explicit, 0)
            yield element
            at = element.end

    def _element(self, at: int, explicit: bool, depth: int) -> Element:
        self._left -= 1
        if self._left < 0:
            raise Refused("too long", f"more than {ELEMENTS_MAX} elements")
        tag, vr, value, length = self._head(at, explicit)
        if length != UNDEFINED:
            end = value + length
            if end > self._source.size:
                raise Refused(
                    "truncated",
                    f"({tag >> 16:04X},{tag & 0xFFFF:04X}) claims {length} bytes,"
                    f" {self._source.size - value} are there",
                )
            return Element(tag, vr, value, length, end)
        if tag == PIXEL_DATA and depth == 0 and vr != b"SQ":
            return Element(tag, vr, value, length, self._pass_fragments(value))
        if vr not in (b"", b"SQ", b"UN"):
            raise Refused("malformed", f"an undefined length at {at} for VR {vr!r}")
        inside = explicit and vr != b"UN"  # PS3.5 6.2.2: what is unknown is implicit inside
        return Element(tag, vr, value, length, self._pass_items(value, inside, depth + 1))

    def _head(self, at: int, explicit: bool) -> tuple[int, bytes, int, int]:
        head = self._source.read(at, 8)
        tag = self._tag(head)
        if not explicit or tag >> 16 == 0xFFFE:
            return tag, b"", at + 8, int.from_bytes(head[4:8], self._order)
        vr = head[4:6]
        if vr in LONG:
            length = int.from_bytes(self._source.read(at + 8, 4), self._order)
            return tag, vr, at + 12, length
        if not (vr.isalpha() and vr.isupper()):
            raise Refused("malformed", f"no value representation at {at}")
        return tag, vr, at + 8, int.from_bytes(head[6:8], self._order)

    def _tag(self, head: bytes) -> int:
        if self._order == "little":
            return head[1] << 24 | head[0] << 16 | head[3] << 8 | head[2]
        return int.from_bytes(head[:4], "big")

    def _pass_items(self, at: int, explicit: bool, depth: int) -> int:
        if depth > DEPTH_MAX:
            raise Refused("malformed", f"sequences {DEPTH_MAX} deep")
        while True:
            tag, _, value, length = self._head(at, False)
            if tag == SEQUENCE_END:
                return value
            if tag != ITEM:
                raise Refused("malformed", f"no item at {at} of a sequence")
            if length != UNDEFINED:
                at = value + length
                continue
            at = value
            while self._tag(self._source.read(at, 8)) != ITEM_END:
                at = self._element(at, explicit, depth).end
            at += 8

    def _pass_fragments(self, at: int) -> int:
        while True:
            tag, _, value, length = self._head(at, False)
            self.fragments.append(at)
            if tag == SEQUENCE_END:
                return value
            if tag != ITEM or length == UNDEFINED:
                raise Refused("malformed", f"no fragment of pixel data at {at}")
            self._left -= 1
            if value + length > self._source.size or self._left < 0:
                raise Refused("truncated", f"a fragment at {at} claims {length} bytes")
            at = value + length
