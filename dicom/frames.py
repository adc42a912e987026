"""Where the frames of an object lie in its file, from what was indexed when it came.

Native frames follow one another. Of encapsulated ones the frame table has, for each, a pair of
little-endian uint64: where its first item begins and where its last one ends (PS3.5 A.4).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from dicom.errors import NotFound, Refused

ITEM = b"\xfe\xff\x00\xe0"
PAIR = struct.Struct("<QQ")


class Span(NamedTuple):
    """Bytes of a file."""

    at: int
    length: int


def native(pixel_at: int, pixel_length: int, frames: int, frame: int) -> Span:
    """Frame `frame`, from 1. Raises NotFound. (BitsAllocated 1 may share bytes: see `bits`.)"""
    _check(frame, frames)
    length = pixel_length // frames
    return Span(pixel_at + (frame - 1) * length, length)


def encapsulated(pairs: bytes, frame: int, file: BinaryIO) -> list[Span]:
    """The fragments of frame `frame`, from 1, without their item headers. Raises NotFound."""
    _check(frame, len(pairs) // PAIR.size)
    at, end = PAIR.unpack_from(pairs, (frame - 1) * PAIR.size)
    spans: list[Span] = []
    while at < end:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != ITEM or at + 8 + length > end:
            raise Refused("malformed", "the file is not as it was indexed")
        spans.append(Span(at + 8, length))
        at += 8 + length
    return spans


def _check(frame: int, frames: int) -> None:
    if not 1 <= frame <= frames:
        raise NotFound(f"frame {frame} of {frames}")
