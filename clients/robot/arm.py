"""What an arm must be able to do to stand behind the robot's rules: sense, move, stop.

All figures are in the arm's base frame and of the probe's face: the middle of the transducer's
surface, z along the beam into the body, x along the array. docs/control.md says what else a
vendor's arm has to keep.
"""

from __future__ import annotations

from typing import Protocol

from control.gate import Motion
from control.sensors import Sensed
from control.vectors import Vector

__all__ = ["Arm", "Sensed"]


class Arm(Protocol):
    """One arm with a force sensor at its probe. Called from one thread, for 0.5 ms at most.

    What goes wrong inside is said in `Sensed.fault`, from then on in every reading.
    """

    def sense(self) -> Sensed:
        """Where the probe is and what it presses, now.

        Force and torque are tared and without the probe's weight, unrounded; `at_us` is when they
        were measured, on this machine's monotonic clock, and does not move on without a
        measurement.
        """
        ...

    def move(self, motion: Motion, step_s: float) -> None:
        """Have this velocity for the next `step_s` seconds.

        It has been judged already and is neither smoothed nor completed. An arm that hears nothing
        for 20 ms stops by itself.
        """
        ...

    def stop(self) -> None:
        """Velocity zero, at once, and stay there."""
        ...

    def close(self) -> None:
        """The last word: at rest, brakes on."""
        ...

    def points(self) -> list[Vector]:
        """From the base over the joints to the probe's face, to draw."""
        ...

    def joints(self) -> list[float]:
        """Angles, rad, for the record."""
        ...
