"""Whether the arm's figures can be believed. What cannot be believed is a fault, not a zero.

A force sensor fails in three ways: it says nothing, it says nonsense, or it says the same for ever.
A real one is noisy in its last digits, so figures that repeat exactly while the probe moves or
presses are no measurement; adapters pass them on unrounded.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from control.messages import FORCE_MAX_N, POSITION_MAX_M, Quaternion
from control.vectors import Vector, finite, length, minus

SILENT_US = 20_000
AHEAD_US = 5_000  # a measurement from the future
STUCK_US = 40_000
STUCK_READINGS = 5
CONTACT_N = 1.0
MOVED_M = 0.0002  # since the figures last changed
JUMP_M = 0.02  # between two readings; 20 m/s at a thousand a second
RATE_US = 20_000  # over which the force's rise is taken: noise over 1 ms would be all of it
UNIT_TOLERANCE = 0.001  # of the square


class Sensed(NamedTuple):
    """One reading, base frame; force and torque tared and without the probe's weight."""

    at_us: int  # of the force, on the robot's clock
    position: Vector  # m, of the probe's face
    orientation: Quaternion
    force: Vector  # N, of the body on the probe
    torque: Vector  # N·m, about the probe's face
    fault: str = ""  # what the arm says against itself


class Belief(NamedTuple):
    """`pose` and `force`: whether they can be used; `why` not."""

    pose: bool
    force: bool
    why: str = ""


GOOD = Belief(True, True)


class Sensors:
    """Of one arm. `force_rate_n_s` is how fast the force rises."""

    def __init__(self) -> None:
        self.last: Sensed | None = None
        self.force_rate_n_s = 0.0
        self._changed: Sensed | None = None  # the reading when the force was last another
        self._readings = 0  # equal ones since
        self._forces: deque[tuple[int, float]] = deque(maxlen=64)

    def look(self, sensed: Sensed, now_us: int) -> Belief:
        """A reading at this step; the same `at_us` as before: no new one of the force."""
        if (
            not finite(sensed.position)
            or not finite(sensed.orientation[:3])
            or length(sensed.position) > POSITION_MAX_M
            or not abs(sum(v * v for v in sensed.orientation) - 1) <= UNIT_TOLERANCE
        ):
            return Belief(False, False, "the pose is no figure")
        last, self.last = self.last, sensed
        if last and length(minus(sensed.position, last.position)) > JUMP_M:
            return Belief(False, False, "the pose jumped")
        why = self._force(sensed, last, now_us)
        return Belief(True, False, why) if why else GOOD

    def _force(self, sensed: Sensed, last: Sensed | None, now_us: int) -> str:
        if not finite(sensed.force, sensed.torque) or length(sensed.force) > FORCE_MAX_N:
            self.last = last
            return "the force is no figure"
        if not -AHEAD_US <= now_us - sensed.at_us <= SILENT_US:
            return "the force sensor is silent"
        if last is None or sensed.at_us != last.at_us:
            self._rise(sensed)
            same = self._changed
            if same and (same.force, same.torque) == (sensed.force, sensed.torque):
                self._readings += 1
            else:
                self._changed, self._readings = sensed, 0
        same = self._changed
        if (
            same
            and self._readings >= STUCK_READINGS
            and sensed.at_us - same.at_us >= STUCK_US
            and (
                length(sensed.force) > CONTACT_N
                or length(minus(sensed.position, same.position)) > MOVED_M
            )
        ):
            return "the force sensor is stuck"
        return ""

    def _rise(self, sensed: Sensed) -> None:
        force = length(sensed.force)
        self._forces.append((sensed.at_us, force))
        while len(self._forces) > 2 and sensed.at_us - self._forces[1][0] >= RATE_US:
            self._forces.popleft()
        at_us, before = self._forces[0]
        took_us = sensed.at_us - at_us
        self.force_rate_n_s = (force - before) * 1e6 / took_us if took_us >= RATE_US / 2 else 0.0
