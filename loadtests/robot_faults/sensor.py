"""A force sensor that fails, between the arm and whoever reads it."""

from __future__ import annotations

import math
import random

from control.sensors import Sensed


class Sensor:
    """`silent`, `stuck` or `mad`."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._stale: Sensed | None = None

    def __call__(self, sensed: Sensed, wrong: str) -> Sensed:
        """What it says, when it says anything."""
        if not wrong:
            self._stale = None
            return sensed
        stale = self._stale = self._stale or sensed
        if wrong == "silent":
            return sensed._replace(at_us=stale.at_us, force=stale.force, torque=stale.torque)
        if wrong == "stuck":
            return sensed._replace(force=stale.force, torque=stale.torque)
        return sensed._replace(force=(0.0, 0.0, self._chance.choice((math.nan, math.inf, 1e7))))
