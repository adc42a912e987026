"""The reliable channel's messages: read whole or refused, and sealed where it matters."""

from __future__ import annotations

import contextlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control import orders as o
from control.errors import ControlError, ForgedMessage, MalformedMessage
from control.messages import Cause, Mode

KEY, OTHER = bytes(range(32)), bytes(32)


def test_an_order_is_read_as_it_was_written() -> None:
    ask = o.Ask(commitment=bytes(32))
    assert o.decode(o.encode(ask)) == ask


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"type":"lease"}',
        '{"type":"ask"}',
        '{"type":"stop","now":true}',
        '{"type":"ask","commitment":"not base64!"}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        o.decode(text)


@given(st.binary(max_size=300))
def test_hypothesis_no_octets_do_harm(data: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        o.decode(data)


def test_the_holders_word_is_under_her_key() -> None:
    release = o.Release(epoch=3, number=0)
    assert o.open_from_holder(o.seal(release, KEY), KEY) == release
    with pytest.raises(ForgedMessage):
        o.open_from_holder(o.seal(release, OTHER), KEY)


def test_a_changed_body_is_refused() -> None:
    sealed = o.seal(o.HandOver(epoch=3, number=0, to="p-a"), KEY)
    changed = o.Sealed(body=sealed.body.replace("p-a", "p-b"), code=sealed.code)
    with pytest.raises(ForgedMessage):
        o.open_from_holder(changed, KEY)


def test_one_direction_is_not_the_other() -> None:
    granted = o.Granted(epoch=3, number=0)
    assert o.open_to_holder(o.seal(granted, KEY), KEY) == granted
    with pytest.raises(ControlError):
        o.open_from_holder(o.seal(granted, KEY), KEY)


def test_modes_and_causes_have_the_same_names_in_orders_as_in_messages() -> None:
    assert set(get_args(o.ModeName)) == {mode.name.lower() for mode in Mode}
    assert set(get_args(o.CauseName)) == {cause.name.lower() for cause in Cause}
