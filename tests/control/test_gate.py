"""No step of the arm breaks a limit, whatever is asked and wherever it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.gate import STILL, Held, Limits, Motion, Seen, Workspace, judge
from control.vectors import ZERO, Vector, at_most, dot, length, minus, plus, times

UP: Vector = (0.0, 0.0, 1.0)
SPACE = Workspace(centre=(0.4, 0.0, 0.1), outward=UP)
LIMITS = Limits(SPACE)
STEP_S = 0.002
HERE: Vector = (0.4, 0.0, 0.11)

figure = st.floats(-20, 20)
vector = st.tuples(figure, figure, figure)
moved = vector.map(lambda v: at_most(v, LIMITS.speed_m_s))  # what an earlier step allowed
near = st.tuples(st.floats(0.2, 0.6), st.floats(-0.2, 0.2), st.floats(0.0, 0.3))


def go(
    linear: Vector,
    *,
    at: Vector = HERE,
    force: Vector = ZERO,
    before: Vector | None = None,
    moving: Vector | None = None,
) -> tuple[Motion, Held]:
    """One step; without `moving`, as if it had that speed already."""
    seen = Seen(
        at, force, force if before is None else before, linear if moving is None else moving
    )
    return judge(Motion(linear, ZERO), seen, LIMITS, STEP_S)


def test_a_quiet_motion_passes_as_it_is() -> None:
    assert go((0.02, 0.0, -0.03)) == (Motion((0.02, 0.0, -0.03), ZERO), Held.NOTHING)


@given(vector, near, vector, vector, moved)
def test_speed_has_its_limit(
    linear: Vector, at: Vector, force: Vector, before: Vector, moving: Vector
) -> None:
    (allowed, turning), _ = judge(
        Motion(linear, linear), Seen(at, force, before, moving), LIMITS, STEP_S
    )
    assert length(allowed) <= LIMITS.speed_m_s + 1e-9
    assert length(turning) <= LIMITS.turning_rad_s + 1e-9


@given(vector, moved)
def test_nobody_jumps_but_anybody_stops(linear: Vector, moving: Vector) -> None:
    (allowed, _), _ = go(linear, moving=moving)
    assert length(allowed) <= length(moving) + LIMITS.acceleration_m_s2 * STEP_S + 1e-9
    assert go(ZERO, moving=moving)[0].linear == ZERO


def test_a_way_back_begins_at_once() -> None:
    """At full speed into the body, asked to come out: the first step goes no deeper."""
    (allowed, _), _ = go((0.0, 0.0, 0.1), moving=(0.0, 0.0, -0.1))
    assert allowed[2] >= 0


@given(st.floats(25, 900), vector, moved)
def test_above_the_hard_limit_it_yields(force_n: float, linear: Vector, moving: Vector) -> None:
    (allowed, turning), held = go(linear, force=times(UP, force_n), moving=moving)
    assert dot(allowed, UP) >= LIMITS.yield_m_s - 1e-12
    assert turning == ZERO
    assert held & Held.FORCE_HARD


@given(st.floats(0, 24.9), st.floats(0, 24.9))
def test_the_harder_it_presses_the_slower_it_goes_in(one_n: float, other_n: float) -> None:
    less, more = sorted((one_n, other_n))
    depth = [-go((0.0, 0.0, -0.05), force=times(UP, n))[0].linear[2] for n in (less, more)]
    assert 0 <= depth[1] <= depth[0] <= 0.05


@pytest.mark.parametrize(("force_n", "share"), [(15.0, 1.0), (20.0, 0.5), (24.0, 0.1)])
def test_between_soft_and_hard_it_goes_down_in_a_line(force_n: float, share: float) -> None:
    (allowed, _), _ = go((0.01, 0.0, -0.05), force=times(UP, force_n))
    assert allowed[2] == pytest.approx(-0.05 * share)
    assert allowed[0] == 0.01, "along the skin it goes on"


def test_a_force_that_rises_too_fast_stops_the_way_in() -> None:
    (allowed, _), held = go((0.0, 0.0, -0.05), force=(0.0, 0.0, 12.0), before=(0.0, 0.0, 11.0))
    assert allowed[2] == 0
    assert held & Held.FORCE_RATE


@given(vector, near)
def test_nobody_leaves_the_workspace_nor_goes_farther_from_it(linear: Vector, at: Vector) -> None:
    (allowed, _), _ = go(linear, at=at, moving=ZERO)
    there = plus(at, times(allowed, STEP_S))
    for outside in (_above, _below, _beside):
        assert outside(there) <= max(0.0, outside(at)) + 1e-9


def test_from_outside_there_is_a_way_back() -> None:
    (allowed, _), held = go((0.0, 0.0, -0.01), at=(0.4, 0.0, 0.4))
    assert allowed[2] == -0.01
    assert held is Held.NOTHING


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_without_figures_nothing_moves(wrong: float) -> None:
    assert go((0.0, wrong, 0.0)) == (STILL, Held.NO_FIGURES)
    assert go(ZERO, force=(wrong, 0.0, 0.0)) == (STILL, Held.NO_FIGURES)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        Limits(SPACE, soft_n=30.0)


def _above(at: Vector) -> float:
    return dot(minus(at, SPACE.centre), UP) - SPACE.out_m


def _below(at: Vector) -> float:
    return -dot(minus(at, SPACE.centre), UP) - SPACE.in_m


def _beside(at: Vector) -> float:
    here = minus(at, SPACE.centre)
    return length(minus(here, times(UP, dot(here, UP)))) - SPACE.radius_m
