"""The two messages that go a hundred times a second: a command to the robot, an observation back.

Fixed layouts, big-endian, in the tables below; TypeScript and the documentation are made from the
same tables. Everything is absolute (a pose, an energy since the lease began), so that a message
that is lost, late or doubled does no harm. The last 16 bytes are HMAC-SHA256 over all before them,
cut to 128 bits (RFC 2104, section 5), under a key that only the console and the robot have: the
relay between them can delay or drop, and nothing else.
"""

from __future__ import annotations

import hmac
import math
import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, TypeVar

from control.errors import ForgedMessage, MalformedMessage
from control.vectors import Vector

VERSION = 1
TAG_BYTES = 16
POSITION_MAX_M = 10.0  # of an arm's base; farther away is a mistake
SPEED_MAX_M_S, TURN_MAX_RAD_S = 5.0, 20.0
FORCE_MAX_N, TORQUE_MAX_N_M = 1000.0, 100.0
ENERGY_MAX_J = 1e6
CHAIN = 8  # points of an arm; one with fewer joints repeats its last
UNIT_TOLERANCE = 1e-3  # of a quaternion's length, after 32-bit rounding

Quaternion = tuple[float, float, float, float]  # w, x, y, z


class Flag(IntFlag):
    """What the operator's hand says with each command."""

    DEADMAN = 1  # held
    CLUTCH = 2  # held: the hand moves, the probe does not
    STOP = 4
    SEES = 8  # `seen_rtp` is a frame that was on her screen


class Mode(IntEnum):
    """What the robot does."""

    IDLE = 0  # nobody has control
    READY = 1  # granted; waits for the deadman, released and pressed again
    FOLLOWING = 2
    FROZEN = 3  # silence: velocity zero
    HOLDING = 4  # longer silence, or a fault: no force into the body
    RETREATING = 5  # along the outward normal
    LATCHED = 6  # at rest until a fresh grant


class Cause(IntEnum):
    """Why it does."""

    NONE = 0
    SILENCE = 1  # no valid command came
    BLIND = 2  # what the operator sees is too old, or nothing
    DELAY = 3  # the round trip is too long, or not known
    RELEASED = 4  # the deadman is not held, or has not been seen released yet
    FAR = 5  # the target is not near the probe
    STOP = 6
    FORCE = 7  # beyond the hard limit for too long, or far beyond
    SENSOR = 8  # silent, stuck, or no figure
    CLOCK = 9  # the robot's own clock leaped, or its loop stood still
    ARM = 10  # the arm says that it cannot


class Field(NamedTuple):
    """One figure, or several of a kind, of a message."""

    name: str
    code: str  # of `struct`
    values: int
    most: float | None  # in absolute value; None: all that the code can say
    unit: str
    meaning: str


HEADER = (
    Field("version", "B", 1, None, "", "1"),
    Field("kind", "B", 1, None, "", "1: command, 2: observation"),
    Field(
        "flags",
        "H",
        1,
        None,
        "",
        "of a command: 1 deadman, 2 clutch, 4 stop, 8 sees; of an observation, what held a motion "
        "back: 1 speed, 2 turning, 4 acceleration, 8 workspace, 16 force warning, 32 soft, "
        "64 hard, 128 force rate, 512 tilt",
    ),
    Field("epoch", "I", 1, None, "", "of the lease"),
    Field("sequence", "I", 1, None, "", "grows by one with each message of its direction"),
    Field("sent_us", "Q", 1, None, "µs", "sender's monotonic clock; no deadline is counted on it"),
)
COMMAND = (
    *HEADER,
    Field("seen_sequence", "I", 1, None, "", "the newest observation that the console has"),
    Field("seen_rtp", "I", 1, None, "90 kHz", "RTP timestamp of the frame on the screen"),
    Field("position", "f", 3, POSITION_MAX_M, "m", "of the probe's face, in the arm's base frame"),
    Field("orientation", "f", 4, 1 + UNIT_TOLERANCE, "", "unit quaternion w, x, y, z"),
    Field("velocity", "f", 3, SPEED_MAX_M_S, "m/s", "to lead the position"),
    Field("turning", "f", 3, TURN_MAX_RAD_S, "rad/s", "to lead the orientation"),
    Field("energy_j", "d", 1, ENERGY_MAX_J, "J", "that the hand has put in since the lease began"),
)
OBSERVATION = (
    *HEADER,
    Field("applied_sequence", "I", 1, None, "", "the command that is followed"),
    Field("applied_age_us", "I", 1, None, "µs", "since it came"),
    Field("mode", "B", 1, max(Mode), "", "0 idle … 6 latched"),
    Field("cause", "B", 1, max(Cause), "", "of the mode; 0: none"),
    Field("position", "f", 3, POSITION_MAX_M, "m", "of the probe's face, in the arm's base frame"),
    Field("orientation", "f", 4, 1 + UNIT_TOLERANCE, "", "unit quaternion w, x, y, z"),
    Field("force", "f", 3, FORCE_MAX_N, "N", "that the body exerts on the probe, base frame"),
    Field("torque", "f", 3, TORQUE_MAX_N_M, "N·m", "the same, about the probe's face"),
    Field("energy_j", "d", 1, ENERGY_MAX_J, "J", "that the body has given since the lease began"),
    Field("chain", "f", 3 * CHAIN, POSITION_MAX_M, "m", "the arm's joints from base to flange"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """From the console."""

    flags: Flag
    epoch: int
    sequence: int
    sent_us: int
    seen_sequence: int
    seen_rtp: int
    position: Vector
    orientation: Quaternion
    velocity: Vector
    turning: Vector
    energy_j: float


@dataclass(frozen=True, slots=True)
class Observation:
    """From the robot."""

    flags: int
    epoch: int
    sequence: int
    sent_us: int
    applied_sequence: int
    applied_age_us: int
    mode: Mode
    cause: Cause
    position: Vector
    orientation: Quaternion
    force: Vector
    torque: Vector
    energy_j: float
    chain: tuple[float, ...] = (0.0,) * (3 * CHAIN)  # x, y, z of each point


Message = TypeVar("Message", Command, Observation)


class _Layout(NamedTuple):
    kind: int
    table: tuple[Field, ...]
    struct: struct.Struct


def _layout(kind: int, table: tuple[Field, ...]) -> _Layout:
    return _Layout(kind, table, struct.Struct(">" + "".join(f"{f.values}{f.code}" for f in table)))


_LAYOUTS: dict[type, _Layout] = {
    Command: _layout(1, COMMAND),
    Observation: _layout(2, OBSERVATION),
}
COMMAND_BYTES = _LAYOUTS[Command].struct.size + TAG_BYTES
OBSERVATION_BYTES = _LAYOUTS[Observation].struct.size + TAG_BYTES


def encode(message: Command | Observation, key: bytes) -> bytes:
    """The message as it travels. Raises MalformedMessage: what could not be read is not sent."""
    layout = _LAYOUTS[type(message)]
    values: list[Any] = [VERSION, layout.kind]
    for field in layout.table[2:]:
        value = getattr(message, field.name)
        values.extend(value if field.values > 1 else (value,))
    try:
        body = layout.struct.pack(*values)
    except struct.error as error:
        raise MalformedMessage(str(error)) from None
    _values(layout, body)
    return body + _tag(key, body)


def decode(data: bytes, kind: type[Message], key: bytes) -> Message:
    """A message as it came. Raises MalformedMessage, ForgedMessage."""
    body = _body(data, kind)
    if not hmac.compare_digest(_tag(key, body), data[len(body) :]):
        raise ForgedMessage("a wrong authentication code")
    values = _values(_LAYOUTS[kind], body)
    read: dict[str, Any] = {field.name: values[field.name] for field in fields(kind)}
    if kind is Command:
        read["flags"] = Flag(read["flags"] & 0xF)  # later versions may say more
    else:
        read["mode"], read["cause"] = Mode(read["mode"]), Cause(read["cause"])
    return kind(**read)


def unpack(data: bytes, kind: type[Message], key: bytes | None) -> tuple[Any, ...]:
    """For a record, which has no time to look: all values as they lie in the table, possible or
    not. None: whoever wrote it. Raises MalformedMessage, ForgedMessage."""
    body = _body(data, kind)
    if key is not None and not hmac.compare_digest(_tag(key, body), data[len(body) :]):
        raise ForgedMessage("a wrong authentication code")
    return _LAYOUTS[kind].struct.unpack(body)


def _body(data: bytes, kind: type[Message]) -> bytes:
    layout = _LAYOUTS[kind]
    size = layout.struct.size
    if len(data) != size + TAG_BYTES or data[0] != VERSION or data[1] != layout.kind:
        raise MalformedMessage(f"not a {kind.__name__.lower()} of version {VERSION}")
    return data[:size]


def epoch_of(data: bytes) -> int | None:
    """The lease that a message claims, whoever wrote it; None: it is too short."""
    return int.from_bytes(data[4:8], "big") if len(data) >= 8 else None


def _values(layout: _Layout, body: bytes) -> dict[str, Any]:
    """By name, all of them possible. Raises MalformedMessage."""
    found = layout.struct.unpack(body)
    values: dict[str, Any] = {}
    at = 0
    for field in layout.table:
        several = found[at : at + field.values]
        at += field.values
        if field.most is not None and not all(abs(v) <= field.most for v in several):  # NaN is not
            raise MalformedMessage(f"{field.name} is not within {field.most:g} {field.unit}")
        values[field.name] = several if field.values > 1 else several[0]
    length = math.hypot(*values["orientation"])
    if abs(length - 1) > UNIT_TOLERANCE:
        raise MalformedMessage(f"orientation has the length {length:g}")
    return values


def _tag(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:TAG_BYTES]
