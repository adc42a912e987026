"""The safety gate at the robot: every step of the arm passes here, whoever asked for it.

It looks at where the probe is, where it is asked to go and what it presses, and gives the motion
that is allowed, with the limits that held it back. Its three force limits: above `warn_n` it says
so, between `soft_n` and `hard_n` motion into the body slows down to none, above `hard_n` the arm
yields. Motion away from the body is always allowed, at its speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from control.vectors import ZERO, Vector, at_most, dot, finite, length, minus, plus, times


class Held(IntFlag):
    """What held a motion back, or would have."""

    NOTHING = 0
    SPEED = 1
    TURNING = 2
    ACCELERATION = 4
    WORKSPACE = 8
    FORCE_WARNING = 16
    FORCE_SOFT = 32
    FORCE_HARD = 64
    FORCE_RATE = 128
    NO_FIGURES = 256  # not finite: somebody's fault, and no motion


@dataclass(frozen=True)
class Workspace:
    """A cylinder along the outward normal, with its middle where the probe may touch the body."""

    centre: Vector  # m, base frame
    outward: Vector  # unit
    radius_m: float = 0.15
    in_m: float = 0.03  # into the body
    out_m: float = 0.15


@dataclass(frozen=True)
class Limits:
    """Of one anatomy's preset."""

    workspace: Workspace
    speed_m_s: float = 0.10
    turning_rad_s: float = 0.6
    acceleration_m_s2: float = 0.8
    warn_n: float = 10.0
    soft_n: float = 15.0
    hard_n: float = 25.0
    force_rate_n_s: float = 60.0
    yield_m_s: float = 0.02  # outward, above the hard limit

    def __post_init__(self) -> None:
        if not 0 < self.warn_n <= self.soft_n < self.hard_n:
            raise ValueError("warn, soft and hard force come in this order")


class Motion(NamedTuple):
    """A velocity of the probe's face, base frame."""

    linear: Vector  # m/s
    turning: Vector  # rad/s


STILL = Motion(ZERO, ZERO)


class Seen(NamedTuple):
    """What the arm's sensors say at this step."""

    position: Vector  # m
    force: Vector  # N, of the body on the probe
    force_before: Vector
    moving: Vector  # m/s, allowed in the step before


class Verdict(NamedTuple):
    """What may be done."""

    motion: Motion
    held: Held


def judge(asked: Motion, seen: Seen, limits: Limits, step_s: float) -> Verdict:
    """The part of a motion that is allowed for the next `step_s` seconds."""
    if not finite(*asked, *seen):
        return Verdict(STILL, Held.NO_FIGURES)
    space = limits.workspace
    held = Held.NOTHING
    linear, turning = asked
    if (shorter := at_most(linear, limits.speed_m_s)) != linear:
        linear, held = shorter, held | Held.SPEED
    if (shorter := at_most(turning, limits.turning_rad_s)) != turning:
        turning, held = shorter, held | Held.TURNING

    gained = _gently(linear, seen.moving, limits.acceleration_m_s2 * step_s)
    if gained != linear:
        linear, held = gained, held | Held.ACCELERATION

    linear, force_held = _by_force(linear, seen, limits, step_s)
    held |= force_held
    linear, kept = _inside(linear, seen.position, space, step_s)
    if not kept:
        held |= Held.WORKSPACE
    if held & Held.FORCE_HARD:
        turning = STILL.turning
    return Verdict(Motion(linear, turning), held)


def _gently(linear: Vector, moving: Vector, most: float) -> Vector:
    """As much of a velocity as may be gained at once. Losing speed is never held back."""
    speed = length(moving)
    kept = min(max(dot(linear, moving) / speed, 0.0), speed) / speed if speed else 0.0
    base = times(moving, kept)
    more = minus(linear, base)
    return linear if length(more) <= most else plus(base, at_most(more, most))


def _by_force(linear: Vector, seen: Seen, limits: Limits, step_s: float) -> tuple[Vector, Held]:
    """Less motion into the body the harder it is pressed, and outward above the hard limit."""
    force, outward = length(seen.force), limits.workspace.outward
    held = Held.NOTHING
    if force >= limits.warn_n:
        held |= Held.FORCE_WARNING
    inward = -dot(linear, outward)
    if force >= limits.hard_n:
        return times(outward, max(limits.yield_m_s, -inward)), held | Held.FORCE_HARD
    share = 1.0
    if force > limits.soft_n:
        share = (limits.hard_n - force) / (limits.hard_n - limits.soft_n)
        held |= Held.FORCE_SOFT
    rate = (force - length(seen.force_before)) / step_s
    if force >= limits.warn_n and rate > limits.force_rate_n_s:
        share = 0.0
        held |= Held.FORCE_RATE
    if inward > 0 and share < 1:
        linear = plus(linear, times(outward, inward * (1 - share)))
    return linear, held


def _inside(linear: Vector, at: Vector, space: Workspace, step_s: float) -> tuple[Vector, bool]:
    """Motion that does not leave the cylinder, nor lead farther from it."""
    there = minus(plus(at, times(linear, step_s)), space.centre)
    here = minus(at, space.centre)
    height, next_height = dot(here, space.outward), dot(there, space.outward)
    kept = True
    if (next_height < -space.in_m and next_height < height) or (
        next_height > space.out_m and next_height > height
    ):
        linear = minus(linear, times(space.outward, dot(linear, space.outward)))
        kept = False
    side = minus(here, times(space.outward, height))
    next_side = minus(there, times(space.outward, next_height))
    if length(next_side) > space.radius_m and length(next_side) > length(side):
        along = times(space.outward, dot(linear, space.outward))
        linear, kept = along, False
    return linear, kept
