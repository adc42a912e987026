"""What travels between console and robot: nothing wrong, forged or impossible is taken."""

from __future__ import annotations

import hmac
import math
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.errors import ControlError, ForgedMessage, MalformedMessage
from control.messages import (
    COMMAND_BYTES,
    OBSERVATION_BYTES,
    TAG_BYTES,
    Cause,
    Command,
    Flag,
    Mode,
    Observation,
    decode,
    encode,
)

KEY = bytes(range(32))
COMMAND = Command(
    Flag.DEADMAN | Flag.SEES,
    7,
    41,
    123_456_789,
    40,
    90_000,
    (0.25, -0.5, 0.125),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, -0.03125),
    (0.0, 0.5, 0.0),
    0.75,
)
OBSERVATION = Observation(
    0,
    7,
    42,
    987_654_321,
    41,
    1500,
    Mode.FOLLOWING,
    Cause.NONE,
    (0.25, -0.5, 0.125),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 6.5),
    (0.0, 0.0, 0.0),
    0.5,
)


def test_they_come_as_they_went() -> None:
    assert decode(encode(COMMAND, KEY), Command, KEY) == COMMAND
    assert decode(encode(OBSERVATION, KEY), Observation, KEY) == OBSERVATION


def test_their_layout_stays() -> None:
    """Consoles in the field speak it: another layout is another version."""
    data = encode(COMMAND, KEY)
    assert len(data) == COMMAND_BYTES == 104
    assert len(encode(OBSERVATION, KEY)) == OBSERVATION_BYTES == 202
    assert data[:20] == struct.pack(">BBHIIQ", 1, 1, 9, 7, 41, 123_456_789)
    assert data[20:28] == struct.pack(">II", 40, 90_000)
    assert data[28:40] == struct.pack(">3f", 0.25, -0.5, 0.125)
    assert data[80:88] == struct.pack(">d", 0.75)


@given(st.integers(0, COMMAND_BYTES - 1), st.integers(1, 255))
def test_no_bit_can_be_changed_on_the_way(at: int, flip: int) -> None:
    data = bytearray(encode(COMMAND, KEY))
    data[at] ^= flip
    with pytest.raises(ControlError):
        decode(bytes(data), Command, KEY)


def test_another_lease_s_key_opens_nothing() -> None:
    with pytest.raises(ForgedMessage):
        decode(encode(COMMAND, KEY), Command, bytes(32))


def test_a_command_is_no_observation() -> None:
    with pytest.raises(MalformedMessage):
        decode(encode(COMMAND, KEY), Observation, KEY)


@given(st.binary(max_size=200))
def test_anything_else_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(ControlError):
        decode(data, Command, KEY)
    with pytest.raises(ControlError):
        decode(data, Observation, KEY)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 21.0])
def test_impossible_figures_do_not_leave(value: float) -> None:
    wrong = (0.0, value, 0.0)
    for message in (
        replace(COMMAND, position=wrong),
        replace(COMMAND, velocity=wrong),
        replace(COMMAND, turning=wrong),
        replace(COMMAND, energy_j=value * 1e6),
    ):
        with pytest.raises(MalformedMessage):
            encode(message, KEY)


def test_an_authentic_sender_may_be_broken() -> None:
    data = bytearray(encode(COMMAND, KEY)[:-TAG_BYTES])
    data[28:32] = struct.pack(">f", math.nan)
    tag = hmac.digest(KEY, bytes(data), "sha256")[:TAG_BYTES]
    with pytest.raises(MalformedMessage, match="position"):
        decode(bytes(data) + tag, Command, KEY)


@pytest.mark.parametrize(
    "wrong", [(2.0, 0.0, 0.0, 0.0), (0.5, 0.5, 0.5, 0.4), (0.0, 0.0, 0.0, 0.0)]
)
def test_an_orientation_is_one(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(MalformedMessage, match="orientation"):
        encode(replace(COMMAND, orientation=wrong), KEY)
