"""A simulated CT of a chest, drawn with true geometry: what windows, lengths and MPR are tried on.

Coordinates are millimetres as DICOM has them: x to the left, y to the back, z to the head. The same
arguments always give the same points. Nobody was harmed, and nobody is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating]

AIR, LUNG, FAT, WATER, MUSCLE, LIVER, BLOOD, BONE = -1000, -860, -100, 0, 45, 62, 160, 420
FIELD_MM = 380.0
NOISE_HU = 9.0
RIB_STEP_MM = 27.0


@dataclass(frozen=True)
class Ellipsoid:
    """Centre and half axes."""

    x: float
    y: float
    z: float
    a: float
    b: float
    c: float
    hu: float


# Later ones lie over earlier ones.
ORGANS = (
    Ellipsoid(-72, 5, 10, 58, 82, 125, LUNG),  # right lung: on the picture's left
    Ellipsoid(74, 8, 10, 54, 80, 125, LUNG),
    Ellipsoid(-60, -8, -118, 78, 82, 62, LIVER),
    Ellipsoid(-82, 18, -104, 11, 10, 12, 22),  # a lesion in it
    Ellipsoid(70, 30, -118, 36, 42, 42, 52),  # spleen
    Ellipsoid(22, -28, -22, 54, 44, 56, MUSCLE),  # heart
    Ellipsoid(26, -26, -24, 34, 27, 38, BLOOD),
    Ellipsoid(0, 12, 66, 8, 8, 90, AIR),  # trachea
)
NODULE = Ellipsoid(-96, -22, 38, 7.5, 7.5, 7.5, 35)


def slices(
    size: int, count: int, thickness_mm: float, nodule_mm: float = 7.5, seed: int = 1
) -> NDArray[np.int16]:
    """Hounsfield units, slice by slice from the feet to the head."""
    grid = (np.arange(size, dtype=np.float32) - (size - 1) / 2) * np.float32(FIELD_MM / size)
    x, y = np.meshgrid(grid, grid)
    noise = np.random.default_rng(seed).normal(0, NOISE_HU, (8, size, size)).astype(np.float32)
    found = np.empty((count, size, size), np.int16)
    for number in range(count):
        z = (number - (count - 1) / 2) * thickness_mm
        plane = _plane(x, y, z, nodule_mm)
        plane += np.roll(noise[number % 8], (37 * number, 91 * number), (0, 1))
        found[number] = np.clip(plane, -1024, 3071)
    return found


def _plane(x: Plane, y: Plane, z: float, nodule_mm: float) -> Plane:
    plane = np.full_like(x, AIR)
    wall = (x / 165) ** 2 + (y / 112) ** 2  # 1 on the skin
    plane[wall < 1] = FAT
    inside = (x / 150) ** 2 + (y / 98) ** 2
    plane[inside < 1] = MUSCLE
    for organ in ORGANS:
        _fill(plane, x, y, z, organ)
    _vessels(plane, x, y, z)
    r = nodule_mm / NODULE.a
    _fill(
        plane,
        x,
        y,
        z,
        Ellipsoid(
            NODULE.x, NODULE.y, NODULE.z, NODULE.a * r, NODULE.b * r, NODULE.c * r, NODULE.hu
        ),
    )
    _tube(plane, x, y, 12 + z / 40, 48, 12, BLOOD)  # aorta
    _ribs(plane, x, y, z, inside)
    _spine(plane, x, y, z)
    sternum = ((x / 16) ** 2 + ((y + 91) / 6) ** 2 < 1) & (-60 < z < 100)
    plane[sternum] = BONE
    table = (np.abs(y - 128) < 5) & (np.abs(x) < 175)
    plane[table] = -300
    return plane


def _fill(plane: Plane, x: Plane, y: Plane, z: float, organ: Ellipsoid) -> None:
    rest = 1 - ((z - organ.z) / organ.c) ** 2
    if rest > 0:
        plane[((x - organ.x) / organ.a) ** 2 + ((y - organ.y) / organ.b) ** 2 < rest] = organ.hu


def _tube(plane: Plane, x: Plane, y: Plane, cx: float, cy: float, r: float, hu: float) -> None:
    plane[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = hu


def _vessels(plane: Plane, x: Plane, y: Plane, z: float) -> None:
    """Branches in the lungs, thinner and farther apart with the distance from the hilum."""
    for side in (-1, 1):
        for branch in range(9):
            angle = 0.7 * branch + 0.012 * z * (1 if branch % 2 else -1)
            reach = abs(z - 10) * 0.45 + 9 + 3.0 * branch
            cx, cy = side * (36 + reach * abs(np.cos(angle))), 6 + reach * np.sin(angle) * 0.9
            radius = max(3.6 - reach / 26, 0.9)
            spot = (x - cx) ** 2 + (y - cy) ** 2 < radius * radius
            plane[spot & (plane < -700)] = MUSCLE


def _ribs(plane: Plane, x: Plane, y: Plane, z: float, inside: Plane) -> None:
    """Arches that fall towards the front; a slice meets each in two spots."""
    front = (1 - y / np.float32(98)) / 2
    height = np.mod(z + 62 * front + RIB_STEP_MM / 2, RIB_STEP_MM) - RIB_STEP_MM / 2
    shell = (np.sqrt(inside) - 0.93) * 125
    across = (shell / 4.2) ** 2 + (height / 6.5) ** 2
    bone = (across < 1) & (np.abs(x) > 18)
    plane[bone] = BONE
    plane[bone & (across < 0.35)] = 180  # marrow


def _spine(plane: Plane, x: Plane, y: Plane, z: float) -> None:
    disc = abs((z % 30) - 15) < 3
    body = (x / 20) ** 2 + ((y - 66) / 16) ** 2
    plane[body < 1] = 90 if disc else BONE
    if not disc:
        plane[body < 0.75] = 190
    arch = ((x / 20) ** 2 + ((y - 88) / 15) ** 2 < 1) | ((np.abs(x) < 3.5) & (y > 96) & (y < 108))
    plane[arch & (body >= 1)] = BONE
    plane[(x / 9) ** 2 + ((y - 88) / 8) ** 2 < 1] = 25  # the canal
