"""Silence leads down the ladder and never up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.watchdog import Ladder, Step, Watchdog

SEEN_US = 50_000


@pytest.mark.parametrize(
    ("silence_us", "step"),
    [
        (0, Step.FOLLOW),
        (99_999, Step.FOLLOW),
        (100_000, Step.FREEZE),
        (300_000, Step.HOLD),
        (1_000_000, Step.REST),
        (10**12, Step.REST),
    ],
)
def test_each_step_has_its_time(silence_us: int, step: Step) -> None:
    assert Watchdog(Ladder()).look(silence_us, SEEN_US) is step


def test_a_short_silence_passes() -> None:
    dog = Watchdog(Ladder())
    dog.look(150_000, SEEN_US)
    assert dog.look(0, SEEN_US) is Step.FOLLOW


def test_what_was_held_stays_until_control_is_given_anew() -> None:
    dog = Watchdog(Ladder())
    dog.look(300_000, SEEN_US)
    assert dog.look(0, SEEN_US) is Step.HOLD
    assert dog.cause == "silence"
    dog.granted()
    assert dog.look(0, SEEN_US) is Step.FOLLOW


@pytest.mark.parametrize("age_us", [None, 300_001])
def test_nobody_moves_what_she_does_not_see(age_us: int | None) -> None:
    dog = Watchdog(Ladder())
    assert dog.look(0, age_us) is Step.FREEZE
    assert dog.cause == "blind"
    assert dog.look(0, SEEN_US) is Step.FOLLOW


def test_a_stop_waits_for_nothing_and_its_cause_is_kept() -> None:
    dog = Watchdog(Ladder())
    dog.trip("stop")
    assert dog.look(0, SEEN_US) is Step.HOLD
    assert dog.look(2_000_000, SEEN_US) is Step.REST
    assert dog.cause == "stop"


def test_a_ladder_leads_down() -> None:
    with pytest.raises(ValueError, match="order"):
        Ladder(freeze_us=400_000)


@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.none() | st.integers(0, 10**6))))
def test_a_latched_step_is_never_left(looks: list[tuple[int, int | None]]) -> None:
    dog = Watchdog(Ladder())
    before = Step.FOLLOW
    for silence_us, age_us in looks:
        step = dog.look(silence_us, age_us)
        if before >= Step.HOLD:
            assert step >= before
        before = step
