"""Silence leads down the ladder and never up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.messages import Cause
from control.watchdog import Ladder, Step, Watchdog

NONE, BLIND, DELAY = Cause.NONE, Cause.BLIND, Cause.DELAY


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
    assert Watchdog(Ladder()).look(silence_us, silence_us, NONE, True) is step


def test_a_short_silence_passes() -> None:
    dog = Watchdog(Ladder())
    dog.look(150_000, 150_000, NONE, True)
    assert dog.look(160_000, 0, NONE, True) is Step.FOLLOW


def test_what_was_held_stays_until_control_is_granted_anew() -> None:
    dog = Watchdog(Ladder())
    dog.look(300_000, 300_000, NONE, True)
    assert dog.look(310_000, 0, NONE, True) is Step.HOLD
    assert dog.cause is Cause.SILENCE
    dog.granted(400_000)
    assert dog.look(400_000, 0, NONE, True) is Step.FOLLOW


@pytest.mark.parametrize("trouble", [BLIND, DELAY])
def test_trouble_freezes_as_long_as_it_lasts(trouble: Cause) -> None:
    dog = Watchdog(Ladder())
    assert dog.look(1, 0, trouble, True) is Step.FREEZE
    assert dog.cause is trouble
    assert dog.look(2, 0, NONE, True) is Step.FOLLOW


def test_a_hand_that_clings_through_the_trouble_has_lost_control() -> None:
    dog, patience_us = Watchdog(Ladder()), Ladder().patience_us
    dog.look(0, 0, BLIND, True)
    assert dog.look(patience_us - 1, 0, BLIND, True) is Step.FREEZE
    assert dog.look(patience_us, 0, BLIND, True) is Step.HOLD
    assert dog.look(patience_us + 1, 0, NONE, True) is Step.HOLD
    assert dog.cause is BLIND


def test_a_hand_that_lets_go_can_wait_for_ever() -> None:
    dog, patience_us = Watchdog(Ladder()), Ladder().patience_us
    dog.look(0, 0, BLIND, True)
    dog.look(1, 0, BLIND, False)
    assert dog.look(10 * patience_us, 0, BLIND, False) is Step.FREEZE
    assert dog.look(11 * patience_us, 0, BLIND, True) is Step.HOLD


def test_after_a_fault_it_comes_to_rest_in_time() -> None:
    dog, ladder = Watchdog(Ladder()), Ladder()
    dog.trip(Cause.FORCE, 5_000_000)
    dog.trip(Cause.STOP, 5_000_001)
    dog.rest(5_000_000 + ladder.rest_us - ladder.hold_us - 1)
    assert dog.step is Step.HOLD
    dog.rest(5_000_000 + ladder.rest_us - ladder.hold_us)
    assert dog.step is Step.REST
    assert dog.cause is Cause.FORCE


def test_after_a_stop_it_stays() -> None:
    """Whoever pressed it stands beside it, and does not want it to go anywhere."""
    dog = Watchdog(Ladder(rest="retreat"))
    dog.trip(Cause.STOP, 0)
    dog.rest(10**9)
    assert dog.look(10**9, 10**9, NONE, False) is Step.HOLD


def test_a_ladder_leads_down() -> None:
    with pytest.raises(ValueError, match="order"):
        Ladder(freeze_us=400_000)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2_000_000),
            st.integers(0, 2_000_000),
            st.sampled_from([NONE, BLIND, DELAY]),
            st.booleans(),
        )
    )
)
def test_a_latched_step_is_never_left(looks: list[tuple[int, int, Cause, bool]]) -> None:
    dog, now_us = Watchdog(Ladder()), 0
    before = Step.FOLLOW
    for wait_us, silence_us, trouble, held in looks:
        now_us += wait_us
        step = dog.look(now_us, silence_us, trouble, held)
        if before >= Step.HOLD:
            assert step >= before
        before = step
