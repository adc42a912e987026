"""The messages of the reliable channel: who has control, who wants it, stop, the machine's knobs.

JSON, one object a message, told apart by `type`. What only the holder of control may say, and the
robot's word that she has it, is `sealed`: its body is a JSON text under an authentication code of
the lease's key, so that the relay between them cannot make it up. A stop needs no seal: whoever is
at a console may always stop the robot.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from control.errors import ForgedMessage, MalformedMessage

BODY_MAX = 2000
Base64 = Annotated[bytes, Meta(max_length=128)]
Name = Annotated[str, Meta(max_length=64)]
ModeName = Literal["idle", "ready", "following", "frozen", "holding", "retreating", "latched"]
CauseName = Literal[
    "none",
    "silence",
    "blind",
    "delay",
    "released",
    "far",
    "stop",
    "force",
    "sensor",
    "clock",
    "arm",
]
Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
Place = Annotated[list[Number], Meta(min_length=3, max_length=3)]


# --- from a console ----------------------------------------------------------------------------


class Ask(Struct, tag="ask", kw_only=True, forbid_unknown_fields=True):
    """I want control. Begins an exchange of keys, or begins it anew."""

    commitment: Base64


class Reveal(Struct, tag="reveal", kw_only=True, forbid_unknown_fields=True):
    """My public key, now that I have the robot's."""

    point: Base64
    nonce: Base64


class Stop(Struct, tag="stop", kw_only=True, forbid_unknown_fields=True):
    """Stand still, whoever has control; only a fresh grant leads out."""


# --- from the robot ----------------------------------------------------------------------------


class Show(Struct, tag="show", kw_only=True, forbid_unknown_fields=True):
    """To who asked: my public key. Both sides can compute the digits once `reveal` is there."""

    point: Base64
    nonce: Base64


class Denied(Struct, tag="denied", kw_only=True, forbid_unknown_fields=True):
    """To who asked, or sent what cannot be read."""

    reason: Literal["operator", "busy", "exchange", "stopped"]


class ForceLimits(Struct, kw_only=True, forbid_unknown_fields=True):
    """Newtons: a warning, less motion into the body from here, none and yielding from there."""

    warn_n: Number
    soft_n: Number
    hard_n: Number


class Imaging(Struct, kw_only=True, forbid_unknown_fields=True):
    """The ultrasound machine's knobs."""

    depth_mm: Annotated[float, Meta(ge=20, le=300)]
    gain_db: Annotated[float, Meta(ge=-30, le=30)]
    frozen: bool


class Scene(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a 3-D view shows beside the arm; metres, the arm's base frame.

    The body is half an elliptic cylinder along `along` through `centre`, `half` wide and high.
    """

    centre: Place
    along: Place
    outward: Place
    half: Annotated[list[Number], Meta(min_length=2, max_length=2)]
    length_m: Number


class State(Struct, tag="state", kw_only=True, forbid_unknown_fields=True):
    """To everybody, whole, whenever something has changed and every second. The relay reads it:
    motion passes from `holder` in `epoch` alone.
    """

    epoch: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    holder: Name  # a participant; empty: nobody
    since_ms: Annotated[int, Meta(ge=0)]  # Unix time of the grant; 0: none
    mode: ModeName
    cause: CauseName
    asking: Annotated[list[Name], Meta(max_length=8)]
    successor: Name  # whom the holder wants to hand over to; empty: nobody
    grants: Literal["operator", "at_once"]  # at once: a demonstration's robot, nobody is beside it
    label: Annotated[str, Meta(max_length=120)]
    preset: Annotated[str, Meta(max_length=32)]
    limits: ForceLimits
    speed_m_s: Number
    imaging: Imaging
    scene: Scene
    video: Literal["live", "lost"]  # of the ultrasound machine
    simulated: bool


# --- from the relay ----------------------------------------------------------------------------


class Gone(Struct, tag="gone", kw_only=True, forbid_unknown_fields=True):
    """`name` has left; of a robot: it has said nothing for too long, or its connection is over."""

    name: Name


class Beat(Struct, tag="beat", kw_only=True, forbid_unknown_fields=True):
    """Every second, to everybody: the link lives. One that is silent for 4 s is opened anew."""


class Closing(Struct, tag="closing", kw_only=True, forbid_unknown_fields=True):
    """The relay is going: robots come to rest."""


# --- sealed ------------------------------------------------------------------------------------


class Sealed(Struct, tag="sealed", kw_only=True, forbid_unknown_fields=True):
    """`body` is one of the messages below as JSON; `code` its HMAC-SHA256 with the lease's key."""

    body: Annotated[str, Meta(max_length=BODY_MAX)]
    code: Base64


class Granted(Struct, tag="granted", kw_only=True, forbid_unknown_fields=True):
    """From the robot: you have control, in this epoch."""

    epoch: int
    number: int


class Release(Struct, tag="release", kw_only=True, forbid_unknown_fields=True):
    """From the holder: I give control back."""

    epoch: int
    number: int  # of the sealed messages of this lease; grows by one


class HandOver(Struct, tag="hand_over", kw_only=True, forbid_unknown_fields=True):
    """From the holder: give it to `to`, who has asked, once the operator agrees."""

    epoch: int
    number: int
    to: Name


class Adjust(Struct, tag="adjust", kw_only=True, forbid_unknown_fields=True):
    """From the holder: turn the ultrasound machine's knobs."""

    epoch: int
    number: int
    imaging: Imaging


FromConsole = Ask | Reveal | Stop | Sealed
FromRobot = Show | Denied | State | Sealed
FromRelay = Gone | Beat | Closing
FromHolder = Release | HandOver | Adjust
ToHolder = Granted
Order = Ask | Reveal | Stop | Show | Denied | State | Sealed | Gone | Beat | Closing
Kept = TypeVar("Kept", bound=Struct)

_encoder = msgspec.json.Encoder()
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_from_holder: msgspec.json.Decoder[FromHolder] = msgspec.json.Decoder(FromHolder)
_to_holder: msgspec.json.Decoder[Granted] = msgspec.json.Decoder(Granted)
FROM_CONSOLE: tuple[type[Struct], ...] = get_args(FromConsole)
FROM_ROBOT: tuple[type[Struct], ...] = get_args(FromRobot)


def encode(order: Order) -> bytes:
    """As it travels."""
    return _encoder.encode(order)


def decode(data: bytes | str) -> Order:
    """Raises MalformedMessage."""
    try:
        return _orders.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessage(str(error)) from None


def seal(message: FromHolder | ToHolder, key: bytes) -> Sealed:
    """Under the lease's key."""
    body = _encoder.encode(message)
    return Sealed(body=body.decode(), code=_code(key, body, isinstance(message, Granted)))


def open_from_holder(sealed: Sealed, key: bytes) -> FromHolder:
    """At the robot. Raises MalformedMessage, ForgedMessage."""
    return _open(sealed, key, _from_holder, to_holder=False)


def open_to_holder(sealed: Sealed, key: bytes) -> ToHolder:
    """At the console. Raises MalformedMessage, ForgedMessage."""
    return _open(sealed, key, _to_holder, to_holder=True)


def _open(
    sealed: Sealed, key: bytes, decoder: msgspec.json.Decoder[Kept], *, to_holder: bool
) -> Kept:
    body = sealed.body.encode()
    if not hmac.compare_digest(_code(key, body, to_holder), sealed.code):
        raise ForgedMessage("a wrong authentication code")
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise MalformedMessage(str(error)) from None


def _code(key: bytes, body: bytes, to_holder: bool) -> bytes:
    """Neither a message of motion nor one of the other direction has this code."""
    direction = b"order to console\n" if to_holder else b"order to robot\n"
    return hmac.digest(key, direction + body, "sha256")
