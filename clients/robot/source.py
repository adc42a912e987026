"""What an ultrasound machine is to the agent: pictures with the time they were taken, and knobs."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from control.messages import Quaternion
from control.orders import Imaging
from control.vectors import Vector

Pixels = NDArray[Any]  # uint8; height, width, and for colour three, BGR
WHOLE = Imaging(depth_mm=150.0, gain_db=0.0, frozen=False)
WAIT_S = 0.2  # for a picture, before the caller may look at something else


class Picture(NamedTuple):
    """`captured_us` on this machine's monotonic clock: when the probe was where it shows."""

    pixels: Pixels
    captured_us: int


class Pose(NamedTuple):
    """Of the probe's face, in the arm's base frame; its beam leaves along z, its width is x."""

    position: Vector  # m
    orientation: Quaternion


def frozen_only(wanted: Imaging) -> Imaging:
    """How the knobs stand of a machine whose other knobs are out of reach."""
    return Imaging(depth_mm=WHOLE.depth_mm, gain_db=WHOLE.gain_db, frozen=wanted.frozen)


class SourceLost(Exception):
    """No pictures will come any more from this connection; the agent opens the source again."""


class Source(Protocol):
    """One machine. `next` is called from one thread, the others from any."""

    @property
    def imaging(self) -> Imaging:
        """How the knobs stand."""

    def adjust(self, imaging: Imaging) -> None:
        """Turn the knobs, as far as the machine has them."""

    def follow(self, pose: Pose, force: Vector) -> None:
        """The probe is here, and the body presses on it (N, base frame)."""

    def next(self) -> Picture | None:
        """The newest picture that was not given yet; None: none came for WAIT_S.

        Raises SourceLost.
        """

    def close(self) -> None:
        """Give the device back; `next` may be waiting."""


def now_us() -> int:
    """The clock of all capture times."""
    return time.monotonic_ns() // 1000


def axes_of(turn: Quaternion) -> NDArray[np.float64]:
    """The rotation as a matrix: its columns are where x, y and z point."""
    w, x, y, z = turn
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
