"""The relay's name and stamp around a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.envelope import address, addressed, stamp, stamped
from control.errors import MalformedMessage


@given(st.binary(max_size=200), st.integers(0, 2**63), st.integers(-10, 2**40))
def test_hypothesis_comes_apart_as_it_was_put_together(
    message: bytes, came_us: int, kept_us: int
) -> None:
    sender, rest = addressed(address("p-1", stamp(message, came_us, came_us + kept_us)))
    found, mark = stamped(rest)
    assert (sender, found, mark.came_us) == ("p-1", message, came_us)
    assert mark.kept_us == min(max(kept_us, 0), 2**32 - 1)


@pytest.mark.parametrize("data", [b"", b"\n", b"\nx", b"no end", b"x" * 65 + b"\n", b"\xff\n"])
def test_what_names_nobody_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        addressed(data)


def test_a_message_shorter_than_its_stamp_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        stamped(b"short")
