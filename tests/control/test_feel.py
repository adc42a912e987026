"""A haptic device: nothing jumps, old forces are not felt, and the network governs the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from control.feel import AHEAD_M, FRESH_US, Feel, Held
from control.governor import FREE, Rule
from control.messages import Cause, Flag, Mode, Observation
from control.vectors import ZERO, Vector

SEEN = Observation(
    *(0, 1, 1, 0, 0, 0, Mode.FOLLOWING, Cause.NONE),
    *((0.5, 0.0, 0.2), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 6.0), ZERO, 0.0),
)
STEP_S = 0.001


def hand(z: float = 0.0, *, deadman: bool = True, clutch: bool = False, vz: float = 0.0) -> Held:
    return Held((0.1, 0.2, z), (0.0, 0.0, vz), deadman, clutch)


def pressed(feel: Feel, steps: int = 200, rule: Rule = FREE) -> Vector:
    """The force after a while of pressing."""
    feel.observe(SEEN, 0)
    force = ZERO
    for _ in range(steps):
        force = feel.step(hand(), rule, 1000, STEP_S)
    return force


def target(feel: Feel) -> Vector:
    wish = feel.wish()
    assert wish is not None
    return wish.position


def test_the_probe_goes_as_the_hand_goes_from_where_it_is_seen() -> None:
    feel = Feel(scale=0.5)
    feel.observe(SEEN, 0)
    feel.step(hand(0.3), FREE, 0, STEP_S)
    assert target(feel) == pytest.approx(SEEN.position)
    feel.step(hand(0.28), FREE, 0, STEP_S)
    assert target(feel) == pytest.approx((0.5, 0.0, 0.19))


def test_with_the_clutch_the_hand_goes_alone() -> None:
    feel = Feel()
    feel.observe(SEEN, 0)
    feel.step(hand(0.0), FREE, 0, STEP_S)
    feel.step(hand(0.1, clutch=True), FREE, 0, STEP_S)
    feel.step(hand(0.1), FREE, 0, STEP_S)
    assert target(feel) == pytest.approx(SEEN.position)
    wish = feel.wish()
    assert wish is not None and wish.flags == Flag.DEADMAN


def test_a_robot_that_has_frozen_is_not_pulled_when_it_goes_on() -> None:
    feel = Feel()
    feel.observe(SEEN, 0)
    feel.step(hand(0.0), FREE, 0, STEP_S)
    feel.observe(replace(SEEN, mode=Mode.FROZEN), 0)
    feel.step(hand(-0.05), FREE, 0, STEP_S)
    assert target(feel) == pytest.approx(SEEN.position)


def test_what_the_probe_does_not_follow_is_not_saved_up() -> None:
    feel = Feel()
    feel.observe(SEEN, 0)
    for step in range(200):
        feel.step(hand(-0.001 * step), FREE, 0, STEP_S)
    assert target(feel)[2] == pytest.approx(SEEN.position[2] - AHEAD_M)
    feel.step(hand(-0.199 + 0.01), FREE, 0, STEP_S)  # back: it is felt at once
    assert target(feel)[2] == pytest.approx(SEEN.position[2] - AHEAD_M + 0.01)


def test_the_bodys_force_is_felt() -> None:
    assert pressed(Feel())[2] == pytest.approx(6.0)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_slow_network_gives_less_of_it(share: float) -> None:
    assert pressed(Feel(), rule=Rule(1.0, share, True))[2] == pytest.approx(6.0 * share)


def test_a_force_that_is_old_is_let_go() -> None:
    feel = Feel()
    pressed(feel)
    for _ in range(200):
        force = feel.step(hand(), FREE, FRESH_US + 1, STEP_S)
    assert force == pytest.approx(ZERO)


def test_a_force_comes_without_a_knock() -> None:
    assert pressed(Feel(), steps=1)[2] <= 0.5


def test_without_the_deadman_nothing_is_felt_and_nothing_wanted() -> None:
    feel = Feel()
    feel.observe(SEEN, 0)
    for _ in range(100):
        force = feel.step(hand(deadman=False), FREE, 0, STEP_S)
    assert force == ZERO
    wish = feel.wish()
    assert wish is not None and wish.flags == Flag(0)
