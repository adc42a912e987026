"""An arm that is not in the servo's process: `--arm loadtests.robot_faults.real.arm:RemoteArm`.

As with a vendor's, the controller (arm_process.py) goes on when the servo is stopped or killed, and
comes to rest by itself when it is told nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import control.lease
import control.robot
from control.gate import STILL, Motion
from control.sensors import Sensed
from control.vectors import Vector
from loadtests.robot_faults.real.memory import POINTS, Memory
from loadtests.robot_faults.sleeping import Sleeping


class RemoteArm:
    """The adapter. `path`: the memory that it shares with the arm."""

    def __init__(self, clock: Callable[[], int], *, path: str) -> None:
        self._clock = clock
        self._memory = Memory(Path(path))

    def sense(self) -> Sensed:
        at_us, x, y, z, qw, qx, qy, qz, *rest = self._memory.sensed.read()
        fx, fy, fz, tx, ty, tz = rest
        return Sensed(round(at_us), (x, y, z), (qw, qx, qy, qz), (fx, fy, fz), (tx, ty, tz))

    def move(self, motion: Motion, step_s: float) -> None:
        self._memory.told.write(self._clock(), *motion.linear, *motion.turning)

    def stop(self) -> None:
        self.move(STILL, 0.0)

    def close(self) -> None:
        self.stop()

    def points(self) -> list[Vector]:
        drawn = self._memory.drawn.read()
        return [(drawn[at], drawn[at + 1], drawn[at + 2]) for at in range(0, 3 * POINTS, 3)]

    def joints(self) -> list[float]:
        return list(self._memory.drawn.read()[3 * POINTS :])


def unwatched(clock: Callable[[], int], *, path: str) -> RemoteArm:
    """The same arm in a servo whose rules are robbed of all that waits for silence.

    A servo makes its arm before its rules. There is no such switch in the rules themselves.
    """
    control.robot.Watchdog = Sleeping  # type: ignore[attr-defined]
    control.lease.RENEW_US = control.lease.NEVER_US
    return RemoteArm(clock, path=path)
