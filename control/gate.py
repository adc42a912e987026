"""The safety gate at the robot: every step of the arm passes here, whoever asked for it.

It looks at where the probe is, where it is asked to go and what it presses, and gives the motion
that is allowed, with the limits that held it back. Its force limits: above `warn_n` it says so;
from `soft_n` on motion into the body slows down to none halfway to `hard_n`; from there the arm
yields, and at `hard_n` with `yield_m_s`. Motion away from the body is always allowed, at its
speed. Towards an edge of the workspace or of the tilt it slows down too, as an arm needs its time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from control.messages import Quaternion
from control.rotations import rotate
from control.vectors import ZERO, Vector, at_most, cross, dot, finite, length, minus, plus, times

BEAM: Vector = (0.0, 0.0, 1.0)  # probe's frame: out of its face, into the body
BRAKING_PER_S = 10.0  # of the way that is left to an edge
UNLOAD_M_S_PER_N = 0.006  # a time constant of 0.2 to 0.5 s on tissue of 1000 to 300 N/m


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
    TILT = 512


_SPEED, _TURNING, _ACCELERATION, _WORKSPACE, _TILT = 1, 2, 4, 8, 512
_FORCE_WARNING, _FORCE_SOFT, _FORCE_HARD, _FORCE_RATE = 16, 32, 64, 128


@dataclass(frozen=True)
class Workspace:
    """A cylinder along the outward normal, with its middle where the probe may touch the body."""

    centre: Vector  # m, base frame
    outward: Vector  # unit
    radius_m: float = 0.15
    in_m: float = 0.05  # into the body, soft as it is
    out_m: float = 0.15
    tilt_rad: float = 0.8  # of the beam against the normal

    def __post_init__(self) -> None:
        if abs(length(self.outward) - 1) > 1e-6:
            raise ValueError("outward is a unit vector")


@dataclass(frozen=True)
class Limits:
    """Of one anatomy's preset."""

    workspace: Workspace
    speed_m_s: float = 0.10
    inward_m_s: float = 0.04  # nobody knows how soon the body comes, nor how hard it is
    turning_rad_s: float = 0.6
    acceleration_m_s2: float = 0.8
    warn_n: float = 10.0
    soft_n: float = 15.0
    hard_n: float = 25.0
    force_rate_n_s: float = 60.0
    yield_m_s: float = 0.04  # outward, at the hard limit

    def __post_init__(self) -> None:
        if not 0 < self.warn_n <= self.soft_n < self.hard_n:
            raise ValueError("warn, soft and hard force come in this order")

    @property
    def even_n(self) -> float:
        """Where neither may it press harder nor does it yield yet."""
        return (self.soft_n + self.hard_n) / 2


class Motion(NamedTuple):
    """A velocity of the probe's face, base frame."""

    linear: Vector  # m/s
    turning: Vector  # rad/s


STILL = Motion(ZERO, ZERO)


class Seen(NamedTuple):
    """What the arm's sensors say at this step."""

    position: Vector  # m
    orientation: Quaternion
    force: Vector  # N, of the body on the probe
    force_rate_n_s: float
    moving: Vector  # m/s, allowed in the step before


class Verdict(NamedTuple):
    """What may be done."""

    motion: Motion
    held: Held


def judge(asked: Motion, seen: Seen, limits: Limits, step_s: float) -> Verdict:
    """The part of a motion that is allowed for the next `step_s` seconds."""
    if not finite(*asked, seen.position, seen.force, seen.moving, (seen.force_rate_n_s, 0.0, 0.0)):
        return Verdict(STILL, Held.NO_FIGURES)
    space = limits.workspace
    held = 0  # plain numbers: flags cost a microsecond each
    linear, turning = asked
    if (shorter := at_most(linear, limits.speed_m_s)) is not linear:
        linear, held = shorter, held | _SPEED
    if (shorter := at_most(turning, limits.turning_rad_s)) is not turning:
        turning, held = shorter, held | _TURNING

    gained = _gently(linear, seen.moving, limits.acceleration_m_s2 * step_s)
    if gained is not linear:
        linear, held = gained, held | _ACCELERATION
    inward = -dot(linear, space.outward)  # after what is kept of the motion before
    if inward > limits.inward_m_s:
        linear = plus(linear, times(space.outward, inward - limits.inward_m_s))
        held |= _SPEED

    linear, force_held = _by_force(linear, seen, limits)
    inside = _inside(linear, seen.position, space)
    if inside is not linear:
        linear, held = inside, held | _WORKSPACE
    held |= force_held
    if held & _FORCE_HARD:
        turning = STILL.turning
    upright = _upright(turning, seen.orientation, space)
    if upright is not turning:
        turning, held = upright, held | _TILT
    return Verdict(Motion(linear, turning), Held(held) if held else Held.NOTHING)


def _gently(linear: Vector, moving: Vector, most: float) -> Vector:
    """As much of a velocity as may be gained at once. Losing speed is never held back."""
    speed = length(moving)
    kept = min(max(dot(linear, moving) / speed, 0.0), speed) / speed if speed else 0.0
    base = times(moving, kept)
    more = minus(linear, base)
    return linear if length(more) <= most else plus(base, at_most(more, most))


def _by_force(linear: Vector, seen: Seen, limits: Limits) -> tuple[Vector, int]:
    """Less motion into the body the harder it is pressed, then none, then out of it."""
    force, outward, even_n = length(seen.force), limits.workspace.outward, limits.even_n
    if force < limits.warn_n:
        return linear, 0
    held = _FORCE_WARNING
    least = -limits.inward_m_s  # outward, m/s
    if force > even_n:
        least = limits.yield_m_s * min((force - even_n) / (limits.hard_n - even_n), 2.0)
    elif force > limits.soft_n:
        least *= (even_n - force) / (even_n - limits.soft_n)
    if force > limits.soft_n:
        held |= _FORCE_HARD if force >= limits.hard_n else _FORCE_SOFT
    if seen.force_rate_n_s > limits.force_rate_n_s:
        least = max(least, 0.0)
        held |= _FORCE_RATE
    out = dot(linear, outward)
    if held & _FORCE_HARD:
        return times(outward, max(least, out)), held
    linear = plus(linear, times(outward, max(least - out, 0.0)))
    return at_most(linear, limits.speed_m_s), held


def _inside(linear: Vector, at: Vector, space: Workspace) -> Vector:
    """Motion that stops at the cylinder's edges; from beyond them, the way back alone."""
    outward = space.outward
    here = minus(at, space.centre)
    height = dot(here, outward)
    side = minus(here, times(outward, height))
    up = dot(linear, outward)
    most_up = max(space.out_m - height, 0.0) * BRAKING_PER_S
    most_down = max(space.in_m + height, 0.0) * BRAKING_PER_S
    if not -most_down <= up <= most_up:
        linear = plus(linear, times(outward, min(max(up, -most_down), most_up) - up))
    distance = length(side)
    if distance > 0:
        radial = times(side, 1 / distance)
        away = dot(linear, radial)
        most = max(space.radius_m - distance, 0.0) * BRAKING_PER_S
        if away > most:
            linear = minus(linear, times(radial, away - most))
    return linear


def _upright(turning: Vector, orientation: Quaternion, space: Workspace) -> Vector:
    """Turning that does not tilt the beam too far from the way into the body."""
    beam = rotate(orientation, BEAM)
    inward = times(space.outward, -1.0)
    axis = cross(inward, beam)  # turning about it tilts more
    sine = length(axis)
    if sine < 1e-9:
        return turning
    axis = times(axis, 1 / sine)
    left = max(space.tilt_rad - math.atan2(sine, dot(inward, beam)), 0.0)
    more = dot(turning, axis) - left * BRAKING_PER_S
    return minus(turning, times(axis, more)) if more > 0 else turning


def unload(force: Vector, limits: Limits, rest_n: float) -> Motion:
    """The zero-force hold: outward while the body is pressed, the faster the harder, else still."""
    pressed = length(force)
    if pressed <= rest_n:
        return STILL
    speed = min(pressed * UNLOAD_M_S_PER_N, limits.yield_m_s)
    return Motion(times(limits.workspace.outward, speed), ZERO)
