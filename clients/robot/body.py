"""The body under the simulated probe: an abdomen of a few organs, as labels on a grid.

Coordinates in millimetres: across (x), along (y) and into (d) the body, from the top of the skin.
The skin is the top of an elliptic cylinder, as the 3-D view draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from control.orders import Scene

Grid = NDArray[np.float32]
Labels = NDArray[np.uint8]
SIDE_MM, DEEP_MM = 120, 220  # to either side of the top, and below it
SHAPE = (2 * SIDE_MM, 2 * SIDE_MM, DEEP_MM)  # one millimetre each


class Tissue(IntEnum):
    """What can be at a place."""

    NOTHING = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    BOWEL = 4
    LIVER = 5
    KIDNEY = 6
    SINUS = 7
    BLOOD = 8
    WALL = 9
    BILE = 10
    NODULE = 11
    BONE = 12
    GAS = 13


class Acoustics(NamedTuple):
    """Of one tissue: how strongly it scatters, what it swallows beyond the machine's own
    compensation, and its impedance relative to water."""

    echo_db: float
    loss_db_mm: float
    impedance: float


ACOUSTICS: dict[Tissue, Acoustics] = {
    Tissue.NOTHING: Acoustics(-80.0, 0.0, 0.98),
    Tissue.SKIN: Acoustics(4.0, 0.0, 1.06),
    Tissue.FAT: Acoustics(-9.0, 0.0, 0.95),
    Tissue.MUSCLE: Acoustics(-5.0, 0.02, 1.08),
    Tissue.BOWEL: Acoustics(-3.0, 0.02, 1.03),
    Tissue.LIVER: Acoustics(-4.0, 0.0, 1.06),
    Tissue.KIDNEY: Acoustics(-9.0, 0.0, 1.04),
    Tissue.SINUS: Acoustics(3.0, 0.02, 1.00),
    Tissue.BLOOD: Acoustics(-34.0, -0.06, 1.04),
    Tissue.WALL: Acoustics(5.0, 0.0, 1.12),
    Tissue.BILE: Acoustics(-45.0, -0.12, 1.00),
    Tissue.NODULE: Acoustics(3.0, 0.0, 1.08),
    Tissue.BONE: Acoustics(0.0, 3.5, 1.9),
    Tissue.GAS: Acoustics(2.0, 2.5, 0.4),
}


@dataclass(frozen=True)
class Frame:
    """Where the body lies in the arm's base frame."""

    top: NDArray[np.float64]  # m
    axes: NDArray[np.float64]  # rows: across, along, into the body; unit
    half_mm: tuple[float, float]  # wide, high

    def skin_mm(self, across_mm: float) -> float:
        """How far below the top the skin is, so far to the side."""
        wide, high = self.half_mm
        return float(high * (1 - np.sqrt(max(1 - (across_mm / wide) ** 2, 0.0))))


def frame(scene: Scene) -> Frame:
    """Of a body as the robot's state describes it."""
    outward, along = np.asarray(scene.outward), np.asarray(scene.along)
    axes = np.stack([np.cross(along, outward), along, -outward])
    top = np.asarray(scene.centre) + outward * scene.half[1]
    return Frame(top, axes, (scene.half[0] * 1000, scene.half[1] * 1000))


def abdomen(half_mm: tuple[float, float]) -> Labels:
    """Tissue by [across, along, depth], each in millimetres from the grid's corner."""
    x, y, d = (
        np.arange(count, dtype=np.float32).reshape(shape) + 0.5 - first
        for count, shape, first in zip(
            SHAPE, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), (SIDE_MM, SIDE_MM, 0), strict=True
        )
    )
    wide, high = half_mm
    skin = high * (1 - np.sqrt(np.maximum(1 - (x / wide) ** 2, 0)))
    below = d - skin
    labels = np.full(SHAPE, Tissue.BOWEL, np.uint8)

    def put(tissue: Tissue, where: NDArray[Any]) -> None:
        labels[np.broadcast_to(where, SHAPE)] = tissue

    put(Tissue.LIVER, _oval(x, y, d, (-38, -25, 78), (72, 78, 52)) < 1)
    put(Tissue.KIDNEY, _oval(x, y, d, (-52, 50, 98), (27, 50, 23)) < 1)
    put(Tissue.SINUS, _oval(x, y, d, (-52, 50, 98), (12, 30, 8)) < 1)
    put(Tissue.NODULE, _oval(x, y, d, (-20, -34, 62), (10, 10, 9)) < 1)
    _hollow(labels, Tissue.BILE, _oval(x, y, d, (-24, 14, 60), (14, 27, 13)), 1.12)
    for at_x, at_d, radius, flat in ((17.0, 100.0, 9.0, 1.0), (-9.0, 98.0, 11.0, 0.75)):
        away = np.sqrt((x - at_x - 4 * np.sin(y / 60)) ** 2 + ((d - at_d) / flat) ** 2) / radius
        _hollow(labels, Tissue.BLOOD, away, 1.14)
    _hollow(labels, Tissue.BLOOD, _tube(x, y, d, (-80, -50, 74), (8, -8, 84)) / 5.5, 1.3)
    put(Tissue.BLOOD, _tube(x, y, d, (-60, -70, 60), (-10, -20, 92)) < 4)
    put(Tissue.BONE, np.sqrt((x - 4) ** 2 + ((d - 138) / 0.9) ** 2 + 0 * y) < 22)
    put(Tissue.GAS, _oval(x, y, d, (62, -6, 52), (24, 34, 12)) < 1)
    for along in (-62, -88, -114):
        rib = np.sqrt(((y - along) / 6) ** 2 + ((below - 20) / 4) ** 2)
        put(Tissue.BONE, (rib < 1) & (np.abs(x) > 12))
    put(Tissue.MUSCLE, (below < 24) & (below >= 14) & (labels != Tissue.BONE))
    put(Tissue.FAT, (below < 14) & (below >= 2))
    put(Tissue.SKIN, (below < 2) & (below >= 0))
    put(Tissue.NOTHING, below < 0)
    return labels


def _hollow(labels: Labels, inside: Tissue, away: NDArray[Any], wall: float) -> None:
    """What has a wall: `away` is 1 at its inner side and `wall` at its outer."""
    labels[np.broadcast_to(away < wall, SHAPE)] = Tissue.WALL
    labels[np.broadcast_to(away < 1, SHAPE)] = inside


def _oval(
    x: Grid, y: Grid, d: Grid, at: tuple[float, float, float], size: tuple[float, float, float]
) -> NDArray[Any]:
    parts = (((v - c) / r) ** 2 for v, c, r in zip((x, y, d), at, size, strict=True))
    return np.sqrt(sum(parts))


def _tube(
    x: Grid, y: Grid, d: Grid, start: tuple[float, float, float], end: tuple[float, float, float]
) -> NDArray[Any]:
    """The distance from a piece of a line."""
    way = [e - s for s, e in zip(start, end, strict=True)]
    from_start = [v - s for v, s in zip((x, y, d), start, strict=True)]
    square = sum(w * w for w in way)
    share = np.clip(sum(f * w for f, w in zip(from_start, way, strict=True)) / square, 0, 1)
    parts = ((f - share * w) ** 2 for f, w in zip(from_start, way, strict=True))
    return np.sqrt(sum(parts))
