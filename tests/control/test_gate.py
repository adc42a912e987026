"""No step of the arm breaks a limit, whatever is asked and wherever it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.gate import BEAM, STILL, Held, Limits, Motion, Seen, Workspace, judge, unload
from control.messages import Quaternion
from control.rotations import of_vector, product, rotate
from control.vectors import ZERO, Vector, at_most, dot, length, minus, plus, times

UP: Vector = (0.0, 0.0, 1.0)
SPACE = Workspace(centre=(0.4, 0.0, 0.1), outward=UP)
LIMITS = Limits(SPACE)
STEP_S = 0.002
HERE: Vector = (0.4, 0.0, 0.11)
DOWN: Quaternion = (0.0, 1.0, 0.0, 0.0)  # the beam, into the body

figure = st.floats(-20, 20)
vector = st.tuples(figure, figure, figure)
moved = vector.map(lambda v: at_most(v, LIMITS.speed_m_s))  # what an earlier step allowed
near = st.tuples(st.floats(0.2, 0.6), st.floats(-0.2, 0.2), st.floats(0.0, 0.3))


def go(
    linear: Vector,
    *,
    at: Vector = HERE,
    force: Vector = ZERO,
    rate_n_s: float = 0.0,
    moving: Vector | None = None,
) -> tuple[Motion, Held]:
    """One step; without `moving`, as if it had that speed already."""
    seen = Seen(at, DOWN, force, rate_n_s, linear if moving is None else moving)
    return judge(Motion(linear, ZERO), seen, LIMITS, STEP_S)


def test_a_quiet_motion_passes_as_it_is() -> None:
    assert go((0.02, 0.0, -0.03)) == (Motion((0.02, 0.0, -0.03), ZERO), Held.NOTHING)


@given(vector, near, vector, figure, moved)
def test_speed_has_its_limit(
    linear: Vector, at: Vector, force: Vector, rate: float, moving: Vector
) -> None:
    (allowed, turning), _ = judge(
        Motion(linear, linear), Seen(at, DOWN, force, rate, moving), LIMITS, STEP_S
    )
    assert length(allowed) <= LIMITS.speed_m_s + 1e-9
    assert -dot(allowed, UP) <= LIMITS.inward_m_s + 1e-9
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


@given(st.floats(0, 40), st.floats(0, 40))
def test_the_harder_it_presses_the_slower_it_goes_in(one_n: float, other_n: float) -> None:
    less, more = sorted((one_n, other_n))
    depth = [-go((0.0, 0.0, -0.03), force=times(UP, n))[0].linear[2] for n in (less, more)]
    assert depth[1] <= depth[0] <= 0.03
    assert depth[1] <= 0 or more <= LIMITS.even_n


@pytest.mark.parametrize(
    ("force_n", "inward"), [(15.0, 0.04), (17.5, 0.02), (20.0, 0.0), (22.5, -0.02), (25.0, -0.04)]
)
def test_from_the_soft_limit_on_it_goes_down_in_a_line(force_n: float, inward: float) -> None:
    (allowed, _), _ = go((0.01, 0.0, -0.04), force=times(UP, force_n))
    assert allowed[2] == pytest.approx(-inward)
    assert allowed[0] == (0.01 if force_n < LIMITS.hard_n else 0), "along the skin it goes on"


def test_what_yields_is_not_asked_for() -> None:
    """A body that comes against an arm at rest is given way to."""
    (allowed, _), _ = go(ZERO, force=times(UP, 22.5))
    assert allowed[2] == pytest.approx(0.02)


def test_a_force_that_rises_too_fast_stops_the_way_in() -> None:
    (allowed, _), held = go((0.0, 0.0, -0.03), force=(0.0, 0.0, 12.0), rate_n_s=61.0)
    assert allowed[2] == 0
    assert held & Held.FORCE_RATE


@given(vector, near)
def test_nobody_leaves_the_workspace_nor_goes_farther_from_it(linear: Vector, at: Vector) -> None:
    (allowed, _), _ = go(linear, at=at, moving=ZERO)
    there = plus(at, times(allowed, STEP_S))
    for outside in (_above, _below, _beside):
        assert outside(there) <= max(0.0, outside(at)) + 1e-6  # along the rim


@given(vector, near)
def test_nobody_comes_to_an_edge_at_full_speed(linear: Vector, at: Vector) -> None:
    (allowed, _), _ = go(linear, at=at)
    for outside in (_above, _below, _beside):
        there = outside(plus(at, times(allowed, STEP_S)))
        assert there <= max(outside(at), 0.8 * outside(at)) + 1e-6


def test_from_outside_there_is_a_way_back() -> None:
    (allowed, _), held = go((0.0, 0.0, -0.01), at=(0.4, 0.0, 0.4))
    assert allowed[2] == -0.01
    assert held is Held.NOTHING


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_without_figures_nothing_moves(wrong: float) -> None:
    assert go((0.0, wrong, 0.0)) == (STILL, Held.NO_FIGURES)
    assert go(ZERO, force=(wrong, 0.0, 0.0)) == (STILL, Held.NO_FIGURES)


@given(st.floats(0, 1.2), st.floats(0, 6.28), vector)
def test_the_beam_is_not_tilted_away_from_the_body(
    tilt: float, towards: float, turning: Vector
) -> None:
    orientation = product(
        of_vector((tilt * math.cos(towards), tilt * math.sin(towards), 0.0)), DOWN
    )
    seen = Seen(HERE, orientation, ZERO, 0.0, ZERO)
    (_, allowed), _ = judge(Motion(ZERO, turning), seen, LIMITS, STEP_S)
    after = product(of_vector(times(allowed, STEP_S)), orientation)
    assert _tilt(after) <= max(_tilt(orientation), SPACE.tilt_rad) + 1e-5


def test_without_force_means_outward_until_there_is_none() -> None:
    assert unload(times(UP, 0.4), LIMITS, rest_n=0.5) == STILL
    slow, fast = (unload(times(UP, n), LIMITS, rest_n=0.5).linear[2] for n in (1.0, 900.0))
    assert 0 < slow < fast == LIMITS.yield_m_s


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


def _tilt(orientation: Quaternion) -> float:
    return math.acos(max(-1.0, min(1.0, -dot(rotate(orientation, BEAM), UP))))
