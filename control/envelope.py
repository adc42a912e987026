"""What the relay reads and writes around each message between robots and consoles.

A client puts the other side's name before a message, `TO, line feed, message`; `*` is everybody.
The relay puts the sender's name in its place, so that nobody can speak for another, and behind a
message of motion its stamp: when it came, on the relay's clock, and how long the relay kept it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from control.errors import MalformedMessage

EVERYBODY = "*"
RELAY = "-"  # as a sender
NAME_MAX = 64
_STAMP = struct.Struct(">QI")
STAMP_BYTES = _STAMP.size


class Stamp(NamedTuple):
    """The relay's word on one message of motion."""

    came_us: int  # the relay's monotonic clock
    kept_us: int


def address(name: str, message: bytes) -> bytes:
    """For `name`, or from it."""
    return name.encode() + b"\n" + message


def addressed(data: bytes) -> tuple[str, bytes]:
    """Whom a message is for, or from, and the message. Raises MalformedMessage."""
    name, found, message = data.partition(b"\n")
    if not found or not 0 < len(name) <= NAME_MAX or not name.isascii():
        raise MalformedMessage("a message begins with a name and a line feed")
    return name.decode(), message


def stamp(data: bytes, came_us: int, now_us: int) -> bytes:
    """A message of motion as it leaves the relay."""
    return data + _STAMP.pack(came_us, min(max(now_us - came_us, 0), 2**32 - 1))


def stamped(message: bytes) -> tuple[bytes, Stamp]:
    """The message that a client sent, and the relay's stamp. Raises MalformedMessage."""
    if len(message) < STAMP_BYTES:
        raise MalformedMessage("too short for the relay's stamp")
    return message[:-STAMP_BYTES], Stamp(*_STAMP.unpack(message[-STAMP_BYTES:]))
