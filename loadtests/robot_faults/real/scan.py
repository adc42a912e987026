"""A specialist's hand on a haptic device: she lowers the probe, holds a force, and sweeps.

What goes on around her she does not know: she clings to the deadman through everything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from clients.robot.mujoco_arm import SKIN
from control.feel import Held
from control.messages import Mode, Observation
from control.vectors import ZERO, Vector, at_most, length, minus, plus, times
from loadtests.robot_faults.hand import FORCE_GAIN, LOWER_M_S, PRESS_M_S, TOUCH_N, Sweep

TOWARDS_PER_S = 1.5  # to where the sweep has come, from wherever the probe is
ALONG_M_S = 0.08
STEP_MAX_S = 0.02


class Scan:
    """A device (clients/console/device.py). `seen`: what is on her screen."""

    def __init__(self, seen: Callable[[], Observation | None]) -> None:
        self.held = False
        self._seen = seen
        self._position: Vector = ZERO
        self._before_s = time.monotonic()
        self.sweep(0)

    def sweep(self, seed: int) -> None:
        """Another one."""
        self._sweep = Sweep(random.Random(seed))
        self._moving_s = 0.0
        self._touched = False

    def read(self) -> Held:
        now_s = time.monotonic()
        step_s, self._before_s = min(now_s - self._before_s, STEP_MAX_S), now_s
        seen, held, velocity = self._seen(), self.held, ZERO
        if held and seen is not None and seen.mode is Mode.FOLLOWING:
            velocity = self._lead(seen, step_s)
            self._position = plus(self._position, times(velocity, step_s))
        return Held(self._position, velocity, held, clutch=False)

    def show(self, force: Vector, step_s: float) -> None:
        """She holds it firmly, and goes by the figure on the screen."""

    def close(self) -> None:
        pass

    def _lead(self, seen: Observation, step_s: float) -> Vector:
        force_n = length(seen.force)
        self._touched |= force_n > TOUCH_N
        if not self._touched:
            return 0.0, 0.0, -LOWER_M_S
        self._moving_s += step_s
        x, y = self._sweep.place(self._moving_s)
        to = minus((SKIN[0] + x, SKIN[1] + y, 0.0), (seen.position[0], seen.position[1], 0.0))
        along = plus(self._sweep.along(self._moving_s), times(to, TOWARDS_PER_S))
        missing = FORCE_GAIN * (self._sweep.force_n - force_n)
        down = max(min(missing, PRESS_M_S), -PRESS_M_S)
        return plus(at_most(along, ALONG_M_S), (0.0, 0.0, -down))
