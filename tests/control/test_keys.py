"""Console and robot agree on a key; whoever sits between them does not learn it unseen."""

from __future__ import annotations

import pytest

from control import keys
from control.errors import ForgedMessage, MalformedMessage
from control.keys import Public, Side

NAMES = ("p-robot", "p-console")


def test_both_sides_have_one_key_and_the_same_digits() -> None:
    robot, console = Side(), Side()
    ours = robot.agree(robot.public, console.public, console.commitment, NAMES)
    theirs = console.agree(robot.public, console.public, console.commitment, NAMES)
    assert ours == theirs
    assert len(ours.key) == keys.KEY_BYTES
    assert len(ours.digits) == keys.DIGITS and ours.digits.isdigit()


def test_every_exchange_has_a_key_of_its_own() -> None:
    robot = Side()
    agreed = [
        robot.agree(robot.public, one.public, one.commitment, NAMES) for one in (Side(), Side())
    ]
    assert agreed[0].key != agreed[1].key


def test_a_key_is_for_these_two_alone() -> None:
    robot, console = Side(), Side()
    mine = robot.agree(robot.public, console.public, console.commitment, NAMES)
    other = robot.agree(robot.public, console.public, console.commitment, ("p-robot", "p-else"))
    assert mine.key != other.key


def test_a_relay_in_the_middle_gives_each_side_other_digits_and_another_key() -> None:
    robot, console, middle = Side(), Side(), Side()
    ours = robot.agree(robot.public, middle.public, middle.commitment, NAMES)
    theirs = console.agree(middle.public, console.public, console.commitment, NAMES)
    assert ours.key != theirs.key
    assert ours.digits != theirs.digits  # but for one run in a million


def test_a_key_that_was_not_committed_to_is_refused() -> None:
    robot, console, other = Side(), Side(), Side()
    with pytest.raises(ForgedMessage):
        robot.agree(robot.public, other.public, console.commitment, NAMES)


@pytest.mark.parametrize("point", [b"", b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"x" * 65])
def test_what_is_no_key_is_refused(point: bytes) -> None:
    robot = Side()
    shown = Public(point, bytes(keys.NONCE_BYTES))
    with pytest.raises(MalformedMessage):
        robot.agree(robot.public, shown, keys.commitment(shown), NAMES)
