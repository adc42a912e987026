"""Unit quaternions w, x, y, z, in plain Python as the vectors are."""

from __future__ import annotations

import math

from control.messages import Quaternion
from control.vectors import ZERO, Vector, cross, plus, times

UPRIGHT: Quaternion = (1.0, 0.0, 0.0, 0.0)


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """First `b`, then `a`."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def inverse(a: Quaternion) -> Quaternion:
    return a[0], -a[1], -a[2], -a[3]


def of_vector(turn: Vector) -> Quaternion:
    """A turn about the vector's direction by its length, in radians."""
    angle = math.hypot(*turn)
    if angle < 1e-12:
        return UPRIGHT
    k = math.sin(angle / 2) / angle
    return math.cos(angle / 2), turn[0] * k, turn[1] * k, turn[2] * k


def between(start: Quaternion, end: Quaternion) -> Vector:
    """The shortest turn that leads from one to the other, base frame, in radians."""
    w, x, y, z = product(end, inverse(start))
    if w < 0:
        w, x, y, z = -w, -x, -y, -z
    sine = math.hypot(x, y, z)
    if sine < 1e-12:
        return ZERO
    return times((x, y, z), 2 * math.atan2(sine, w) / sine)


def rotate(q: Quaternion, v: Vector) -> Vector:
    """The vector, turned."""
    axis = (q[1], q[2], q[3])
    side = times(cross(axis, v), 2.0)
    return plus(plus(v, times(side, q[0])), cross(axis, side))
