"""The matrix of faults finds what is wrong, from what is written alone, and passes the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtests.robot_faults.faults import FAULTS
from loadtests.robot_faults.matrix import judged, plans
from loadtests.robot_faults.run import Plan, run
from loadtests.robot_faults.trajectory import COLUMNS, Meta, Trajectory
from loadtests.robot_faults.verdict import verdict

META = Meta(
    1, "link cut", 2.0, "abdomen", 400, 3500, 25.0, 0.1, 0.6,
    (0.5, 0.0, 0.12), (0.0, 0.0, 1.0), 0.15, 0.06, 0.15, 0.8,
)  # fmt: skip
STEP_S = 0.002


def quiet(seconds: float = 8.0) -> Trajectory:
    """Held from 1 s on, at rest over the body all the time."""
    rows = np.zeros((round(seconds / STEP_S), len(COLUMNS)))
    rows[:, 0] = np.arange(len(rows)) * STEP_S
    rows[:, 1:4] = (0.5, 0.0, 0.13)
    rows[:, 5] = 1.0  # the beam downward
    rows[:, COLUMNS.index("grants")] = rows[:, COLUMNS.index("holder")] = 1
    rows[:, COLUMNS.index("deadman_1")] = rows[:, 0] > 1
    return Trajectory(META, rows)


def moved(run: Trajectory, start_s: float, end_s: float, m_s: float, column: str = "x") -> None:
    """Add a motion."""
    at = np.clip(run["time_s"] - start_s, 0, end_s - start_s) * m_s
    run.rows[:, COLUMNS.index(column)] += at


def test_rest_is_no_violation() -> None:
    assert verdict(quiet()) == (0.0, 0.0, 0.0, [])


def test_time_to_safe_is_to_the_last_motion() -> None:
    run = quiet()
    moved(run, 1.5, 2.25, 0.05)
    still_ms = verdict(run).still_ms
    assert still_ms == pytest.approx(250, abs=25)
    moved(run, 2.5, 2.6, 0.05)
    assert "not still" in verdict(run).violations[0]


def test_away_from_the_body_one_may_move() -> None:
    run = quiet()
    moved(run, 2.5, 4.0, 0.02, "z")
    assert verdict(run).violations == []
    moved(run, 5.0, 6.0, -0.02, "z")
    assert verdict(run).violations != []


def test_who_goes_on_pressing_is_found() -> None:
    run = quiet()
    run.rows[:, COLUMNS.index("force_n")] = 5.0
    assert "pressing" in verdict(run).violations[0]


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [("force_n", 25.1, "pressed"), ("x", 0.7, "workspace"), ("z", 0.05, "workspace")],
)
def test_limits_are_limits(column: str, value: float, what: str) -> None:
    run = quiet()
    run.rows[500:, COLUMNS.index(column)] = value
    assert any(what in each for each in verdict(run).violations)


@pytest.mark.parametrize(
    "deadman", [np.zeros(4000), np.ones(4000)], ids=["released", "never released"]
)
def test_motion_needs_a_deadman_pressed_since_the_grant(deadman: object) -> None:
    run = Trajectory(replace(META, still_ms=None), quiet().rows)
    moved(run, 1.5, 4.0, 0.02)
    assert verdict(run).violations == []
    run.rows[:, COLUMNS.index("deadman_1")] = deadman
    assert "without lease" in verdict(run).violations[0]


def test_control_is_regained_by_a_grant_and_a_deadman_pressed_anew() -> None:
    run = quiet()
    moved(run, 6.0, 7.0, 0.02)
    assert verdict(run).violations != []
    run.rows[run["time_s"] > 5.0, COLUMNS.index("grants")] = 2
    assert verdict(run).violations != []
    between = (run["time_s"] > 5.2) & (run["time_s"] < 5.5)
    run.rows[between, COLUMNS.index("deadman_1")] = 0
    assert verdict(run).violations == []


def test_a_run_is_safe_and_its_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    made = run(Plan(4, "link cut"))
    made.save(path)
    done = judged(path)
    assert done.meta == made.meta
    assert done.outcome.violations == []
    assert done.outcome.still_ms == pytest.approx(verdict(made).still_ms, abs=5)


def test_without_the_watchdog_it_is_not() -> None:
    assert verdict(run(Plan(4, "link cut", watchdog=False))).violations != []


def test_every_fault_has_its_turn() -> None:
    found = [plan.fault for plan in plans(len(FAULTS), 1, list(FAULTS), True)]
    assert found == list(FAULTS)
    seeds = {plan.seed for plan in plans(1000, 1, list(FAULTS), True)}
    assert len(seeds) == 1000
