"""Three numbers, in plain Python: at a thousand steps a second NumPy's overhead is the larger."""

from __future__ import annotations

import math

Vector = tuple[float, float, float]
ZERO: Vector = (0.0, 0.0, 0.0)


def plus(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def times(a: Vector, k: float) -> Vector:
    return a[0] * k, a[1] * k, a[2] * k


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def length(a: Vector) -> float:
    return math.hypot(*a)


def at_most(a: Vector, most: float) -> Vector:
    """The same direction, no longer than that."""
    long = length(a)
    return a if long <= most else times(a, most / long)


def finite(*vectors: Vector) -> bool:
    """Whether all are numbers that one can reckon with."""
    return all(map(math.isfinite, map(sum, vectors)))  # a sum is finite only of such
