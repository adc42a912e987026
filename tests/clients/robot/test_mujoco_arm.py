"""The simulated arm: what it is told it does, what it presses it feels, twice the same way."""

from __future__ import annotations

import pytest

from clients.robot.mujoco_arm import MujocoArm
from control.gate import Motion
from control.rotations import between
from control.sensors import Sensed
from control.vectors import ZERO, Vector, length, minus

STEP_S = 0.002


class Lab:
    """An arm in virtual time."""

    def __init__(self, seed: int = 1) -> None:
        self.now_us = 0
        self.arm = MujocoArm(lambda: self.now_us, seed=seed)

    def go(self, seconds: float, linear: Vector = ZERO, turning: Vector = ZERO) -> Sensed:
        for _ in range(round(seconds / STEP_S)):
            self.now_us += round(STEP_S * 1e6)
            self.arm.move(Motion(linear, turning), STEP_S)
        return self.arm.sense()


def test_it_has_the_velocity_that_it_is_told() -> None:
    lab = Lab()
    start = lab.arm.sense()
    end = lab.go(1, (0.05, -0.04, 0.03), (0.0, 0.2, 0.1))
    assert minus(end.position, start.position) == pytest.approx((0.05, -0.04, 0.03), abs=0.004)
    turned = between(start.orientation, end.orientation)
    assert turned == pytest.approx((0.0, 0.2, 0.1), abs=0.01)
    there = lab.go(0.1).position
    assert length(minus(lab.go(1).position, there)) < 0.0005, "and stops"


def test_the_probe_s_weight_is_no_contact() -> None:
    lab = Lab()
    lab.go(1.5, turning=(0.4, 0.2, 0.0))
    still = lab.go(0.3)
    assert length(still.force) < 0.3
    assert length(still.torque) < 0.02


def test_what_it_presses_it_feels() -> None:
    lab = Lab()
    lab.go(2.6, (0.0, 0.0, -0.04))
    pressed = lab.go(0.3)
    assert length(pressed.force) == pytest.approx(lab.arm.contact_n(), abs=0.3)
    assert 4 < pressed.force[2] < 12
    assert length(pressed.torque) < 0.05, "about the face, where it is pressed"
    assert length(lab.go(2, (0.0, 0.0, 0.04)).force) < 0.3


def test_towards_the_ribs_the_body_is_harder() -> None:
    lab = Lab()
    lab.go(2.6, (0.0, 0.0, -0.04))
    soft = lab.go(0.2).force[2]
    assert lab.go(3, (0.0, 0.04, 0.0)).force[2] > 1.5 * soft


def test_the_same_seed_and_calls_give_the_same_motion() -> None:
    readings = [Lab().go(2.3, (0.01, 0.0, -0.04)) for _ in range(2)]
    assert readings[0] == readings[1]
    assert Lab(seed=2).go(2.3, (0.01, 0.0, -0.04)) != readings[0]


def test_its_points_lead_from_the_base_to_the_face() -> None:
    lab = Lab()
    points = lab.arm.points()
    assert points[0] == ZERO
    assert points[-1] == lab.arm.sense().position
