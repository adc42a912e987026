"""A haptic device: what a driver gives, and a simulated hand on one for tests and for the field.

A driver for a real device is a class with `read` and `show`, called a thousand times a second from
one thread; neither may wait. Forces are those of the device on the hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from control.feel import Held
from control.vectors import ZERO, Vector, minus, plus, times


class Device(Protocol):
    """A haptic device's driver."""

    def read(self) -> Held:
        """Where the hand is, how fast, and which buttons it holds."""

    def show(self, force: Vector, step_s: float) -> None:
        """Push the hand with this force (N) until the next call."""

    def close(self) -> None:
        """Let go: no force."""


class SimulatedHand:
    """A mass that muscles pull to where it wants to be: a spring and a damper.

    The usual figures are in the range of an arm that holds a stick loosely; the least damped is the
    hardest to keep stable.
    """

    def __init__(
        self,
        wants: Callable[[float], Vector],
        mass_kg: float = 0.5,
        damping_n_s_m: float = 5.0,
        stiffness_n_m: float = 200.0,
    ) -> None:
        """`wants`: where the hand wants to be, m, by the seconds since the beginning."""
        self.position: Vector = wants(0.0)
        self.velocity: Vector = ZERO
        self.deadman = False
        self.clutch = False
        self.seconds = 0.0
        self._wants = wants
        self._mass, self._damping, self._stiffness = mass_kg, damping_n_s_m, stiffness_n_m

    def read(self) -> Held:
        return Held(self.position, self.velocity, self.deadman, self.clutch)

    def show(self, force: Vector, step_s: float) -> None:
        self.seconds += step_s
        pull = times(minus(self._wants(self.seconds), self.position), self._stiffness)
        pull = minus(pull, times(self.velocity, self._damping))
        acceleration = times(plus(pull, force), 1 / self._mass)
        self.velocity = plus(self.velocity, times(acceleration, step_s))  # semi-implicit Euler
        self.position = plus(self.position, times(self.velocity, step_s))

    def close(self) -> None:
        pass
