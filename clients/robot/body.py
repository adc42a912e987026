"""The body under the simulated probe: an abdomen of a few organs, as labels on a grid.

Coordinates in millimetres: across (x), along (y) and into (d) the body, from the top of the skin.
The skin is the top of an elliptic cylinder, as the 3-D view draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from control.orders import Scene

Grid = NDArray[np.float32]
Labels = NDArray[np.uint8]
Triple = tuple[float, float, float]
SIDE_MM, DEEP_MM = 120, 200  # to either side of the top, and below it
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
    Tissue.SKIN: Acoustics(3.0, 0.0, 1.04),
    Tissue.FAT: Acoustics(-11.0, 0.0, 0.97),
    Tissue.MUSCLE: Acoustics(-6.0, 0.03, 1.03),
    Tissue.BOWEL: Acoustics(-2.0, 0.03, 1.03),
    Tissue.LIVER: Acoustics(-5.0, 0.0, 1.045),
    Tissue.KIDNEY: Acoustics(-11.0, 0.0, 1.03),
    Tissue.SINUS: Acoustics(3.0, 0.02, 1.0),
    Tissue.BLOOD: Acoustics(-34.0, -0.06, 1.04),
    Tissue.WALL: Acoustics(1.0, 0.0, 1.07),
    Tissue.BILE: Acoustics(-45.0, -0.12, 1.00),
    Tissue.NODULE: Acoustics(3.0, 0.0, 1.06),
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
    wide, high = half_mm
    x, y, d = _coordinates((slice(None),) * 3)
    labels = np.full(SHAPE, Tissue.BOWEL, np.uint8)
    below = d - high * (1 - np.sqrt(np.maximum(1 - (x / wide) ** 2, 0)))

    _oval(labels, (-38, -25, 78), (72, 78, 52), (Tissue.LIVER, 1))
    _oval(labels, (-52, 50, 98), (27, 50, 23), (Tissue.KIDNEY, 1), (Tissue.SINUS, 0.42))
    _oval(labels, (-20, -34, 62), (10, 10, 9), (Tissue.NODULE, 1))
    _oval(labels, (-24, 14, 60), (14, 27, 13), (Tissue.WALL, 1.08), (Tissue.BILE, 1))
    for at_x, at_d, radius, flat in ((17.0, 100.0, 9.0, 1.0), (-9.0, 98.0, 11.0, 0.75)):
        part = labels[:, :, 80:120]
        away = np.hypot(x - at_x - 4 * np.sin(y / 60), (d[:, :, 80:120] - at_d) / flat) / radius
        part[away < 1.1] = Tissue.WALL
        part[away < 1] = Tissue.BLOOD
    _tube(labels, (-80, -50, 74), (8, -8, 84), 5.5, Tissue.BLOOD, Tissue.WALL)
    _tube(labels, (-60, -70, 60), (-10, -20, 92), 4.0, Tissue.BLOOD)
    labels[np.broadcast_to(np.hypot(x - 4, (d - 138) / 0.9) < 22, SHAPE)] = Tissue.BONE
    _oval(labels, (62, -6, 52), (24, 34, 12), (Tissue.GAS, 1))

    surface = labels[:, :, :90]  # as deep as the skin's layers come at the sides
    below = below[:, :, :90]
    surface[np.broadcast_to((below >= 14) & (below < 24), surface.shape)] = Tissue.MUSCLE
    for along in (-62, -88, -114):
        near = slice(along + SIDE_MM - 6, along + SIDE_MM + 6)
        rib = (np.hypot((y[:, near] - along) / 6, (below - 20) / 4) < 1) & (np.abs(x) > 12)
        surface[:, near][rib] = Tissue.BONE
    surface[np.broadcast_to(below < 14, surface.shape)] = Tissue.FAT
    surface[np.broadcast_to(below < 2, surface.shape)] = Tissue.SKIN
    surface[np.broadcast_to(below < 0, surface.shape)] = Tissue.NOTHING
    return labels


def _coordinates(part: tuple[slice, slice, slice]) -> tuple[Grid, Grid, Grid]:
    """Across, along and depth of a part of the grid, each to be spread over the others."""
    across, along, deep = (
        np.arange(count, dtype=np.float32)[cut] + np.float32(0.5 - first)
        for count, cut, first in zip(SHAPE, part, (SIDE_MM, SIDE_MM, 0), strict=True)
    )
    return across[:, None, None], along[None, :, None], deep[None, None, :]


def _around(low: Sequence[float], high: Sequence[float]) -> tuple[slice, slice, slice]:
    """The part of the grid between two corners."""
    first = (SIDE_MM, SIDE_MM, 0)
    a, b, c = (
        slice(max(int(a + f) - 1, 0), max(int(b + f) + 2, 0))
        for a, b, f in zip(low, high, first, strict=True)
    )
    return a, b, c


def _oval(labels: Labels, at: Triple, size: Triple, *shells: tuple[Tissue, float]) -> None:
    """An ellipsoid; `shells` from outside in, each with its share of the size."""
    most = shells[0][1]
    part = _around(
        [c - r * most for c, r in zip(at, size, strict=True)],
        [c + r * most for c, r in zip(at, size, strict=True)],
    )
    x, y, d = ((v - c) / r for v, c, r in zip(_coordinates(part), at, size, strict=True))
    away = np.sqrt(x * x + y * y + d * d)
    for tissue, share in shells:
        labels[part][away < share] = tissue


def _tube(
    labels: Labels,
    start: Triple,
    end: Triple,
    radius: float,
    inside: Tissue,
    wall: Tissue | None = None,
) -> None:
    """All around a piece of a line; the wall takes a tenth of the radius more."""
    part = _around(
        [min(pair) - 1.2 * radius for pair in zip(start, end, strict=True)],
        [max(pair) + 1.2 * radius for pair in zip(start, end, strict=True)],
    )
    way = [e - s for s, e in zip(start, end, strict=True)]
    x, y, d = (v - s for v, s in zip(_coordinates(part), start, strict=True))
    share = np.clip((x * way[0] + y * way[1] + d * way[2]) / sum(w * w for w in way), 0, 1)
    away = np.sqrt(sum((v - share * w) ** 2 for v, w in zip((x, y, d), way, strict=True)))
    if wall is not None:
        labels[part][away < radius * 1.1] = wall
    labels[part][away < radius] = inside
