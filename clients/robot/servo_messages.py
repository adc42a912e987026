"""What the agent and the servo process say to each other, over a socket that keeps messages apart.

The agent's clock and the servo's are the same, CLOCK_MONOTONIC, in microseconds.
"""

from __future__ import annotations

import time

import msgspec
from msgspec import Struct

from control.events import Kind
from control.vectors import Vector

MESSAGE_MAX = 65_536


def clock_us() -> int:
    """This machine's monotonic clock."""
    return time.monotonic_ns() // 1000


# --- to the servo


class Commanded(Struct, tag=1, array_like=True):
    """A datagram from a console, as it came."""

    data: bytes


class Framed(Struct, tag=2, array_like=True):
    """An ultrasound frame goes out with this RTP timestamp."""

    rtp: int
    captured_us: int


class Give(Struct, tag=3, array_like=True):
    """Control to this one. Answered by Given, with the same number."""

    number: int
    holder: str
    key: bytes


class TakeBack(Struct, tag=4, array_like=True):
    """From whoever has it."""


class Release(Struct, tag=5, array_like=True):
    """The holder gives it back."""


class Stop(Struct, tag=6, array_like=True):
    """At rest, until cleared."""

    by: str


class Clear(Struct, tag=7, array_like=True):
    """The operator has seen to the stop."""


# --- from the servo


class Seen(Struct, tag=11, array_like=True):
    """An observation, encoded for the console."""

    data: bytes


class Given(Struct, tag=12, array_like=True):
    """Epoch 0: refused, for this reason."""

    number: int
    epoch: int
    refused: str


class Happened(Struct, tag=13, array_like=True):
    """An event (control.events.Event)."""

    at_us: int
    kind: Kind
    cause: int
    text: str
    figures: dict[str, float]


class Status(Struct, tag=14, array_like=True):
    """Twenty times a second, and when the mode changes (control.robot.State, and the arm)."""

    at_us: int
    mode: int
    cause: int
    holder: str
    epoch: int
    deadman: bool
    stopped: str
    fault: str
    round_trip_us: int | None
    picture_age_us: int | None
    silence_us: int | None
    speed: float
    feel: float
    held: int
    position: Vector
    orientation: tuple[float, float, float, float]
    force: Vector
    torque: Vector
    moving: Vector
    refused: dict[str, int]
    points: list[Vector]
    joints: list[float]
    late_us: int  # the latest step since the last status


ToServo = Commanded | Framed | Give | TakeBack | Release | Stop | Clear
FromServo = Seen | Given | Happened | Status

encode = msgspec.msgpack.Encoder().encode
to_servo: msgspec.msgpack.Decoder[ToServo] = msgspec.msgpack.Decoder(ToServo)
from_servo: msgspec.msgpack.Decoder[FromServo] = msgspec.msgpack.Decoder(FromServo)
