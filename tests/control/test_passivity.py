"""Nobody gets more energy out of the network than he put in, whatever it delays or loses."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.passivity import DAMPING_MAX_N_S_M, STORE_MAX_J, Passivity
from control.vectors import ZERO, Vector, dot, length, times

STEP_S = 0.001
figure = st.floats(-50, 50)
vector = st.tuples(figure, figure, figure)


@given(st.lists(st.tuples(vector, vector)))
def test_what_comes_out_was_put_in(steps: list[tuple[Vector, Vector]]) -> None:
    hand, gained, moved = Passivity(), 0.0, ZERO
    for force, velocity in steps:
        before = gained
        shown = hand.show(force, moved, velocity, STEP_S)
        assert length(shown) <= length(force) + 1e-9
        moved = times(velocity, STEP_S)
        gained += dot(shown, moved)
        assert gained <= 1e-9
        assert gained - before <= STORE_MAX_J + 1e-9


@given(st.lists(st.tuples(vector, vector, vector), min_size=1))
def test_what_was_foreseen_wrongly_is_taken_back(
    steps: list[tuple[Vector, Vector, Vector]],
) -> None:
    """A hand that goes farther than its velocity said has got too much: damping, but no pull."""
    hand = Passivity()
    for force, moved, velocity in steps:
        shown = hand.show(force, times(moved, STEP_S), velocity, STEP_S)
        gain, asked = dot(shown, velocity) * STEP_S, dot(force, velocity) * STEP_S
        most = DAMPING_MAX_N_S_M * dot(velocity, velocity) * STEP_S
        assert gain <= max(hand.store_j, -most) + 1e-9
        assert gain >= min(asked, hand.store_j, -most) - 1e-9


def test_with_nothing_put_in_a_push_along_is_not_felt() -> None:
    assert Passivity().show((0.0, 0.0, 5.0), ZERO, (0.0, 0.0, 0.1), STEP_S) == pytest.approx(ZERO)
    across = Passivity().show((3.0, 0.0, 5.0), ZERO, (0.0, 0.0, 0.1), STEP_S)
    assert across == pytest.approx((3.0, 0.0, 0.0))


def test_resistance_is_always_felt_and_gives_back_a_little() -> None:
    hand, moved = Passivity(), ZERO
    for _ in range(1001):
        assert hand.show((0.0, 0.0, -5.0), moved, (0.0, 0.0, 0.1), STEP_S) == (0.0, 0.0, -5.0)
        moved = (0.0, 0.0, 0.1 * STEP_S)
    assert hand.put_in_j == pytest.approx(0.5)
    assert hand.store_j == STORE_MAX_J


def test_what_is_no_figure_is_not_felt() -> None:
    assert Passivity().show((math.nan, 0.0, 0.0), ZERO, ZERO, STEP_S) == ZERO
    assert Passivity().show((1.0, 0.0, 0.0), ZERO, (math.inf, 0.0, 0.0), STEP_S) == ZERO


def swings(delay_ms: int, passive: bool) -> tuple[float, float]:
    """The most energy (J) of a hand that leans on a far wall, and the most in the last second.

    The hand is a mass, a damper and a spring that pulls it into the wall; the wall is stiff, its
    force comes back late, and one message in fifty is lost.
    """
    chance, hand = random.Random(delay_ms), Passivity()
    at, speed, most, last, moved = -0.02, 0.0, 0.0, 0.0, 0.0
    sent = [at] * (2 * delay_ms + 1)
    for step in range(8000):
        sent.append(at if chance.random() > 0.02 else sent[-1])
        probe = sent[-1 - 2 * delay_ms]
        felt = -600.0 * max(probe, 0.0)
        if passive:
            felt = hand.show((felt, 0.0, 0.0), (moved, 0.0, 0.0), (speed, 0.0, 0.0), STEP_S)[0]
        speed += (felt - 60.0 * (at - 0.02) - 2.0 * speed) / 0.4 * STEP_S
        moved = speed * STEP_S
        at += moved
        energy = 0.2 * speed * speed + 30.0 * (at - 0.02) ** 2
        most = max(most, energy)
        if step >= 7000:
            last = max(last, 0.2 * speed * speed)
    return most, last


@pytest.mark.parametrize("delay_ms", [0, 5, 20, 50, 100])
def test_a_hand_that_leans_on_a_far_wall_comes_to_rest(delay_ms: int) -> None:
    most, last = swings(delay_ms, passive=True)
    assert most < 0.3
    assert last < 0.001


@pytest.mark.parametrize("delay_ms", [20, 50, 100])
def test_without_passivity_it_is_thrown_about(delay_ms: int) -> None:
    """What the test above shows is not the hand's own damping."""
    assert swings(delay_ms, passive=False)[1] > 0.01
