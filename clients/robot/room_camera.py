"""What a camera in the room would see of the simulated arm: drawn from its joints."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.robot.source import WHOLE, Picture, Pose, now_us
from control.orders import Imaging, Scene
from control.vectors import Vector

WIDTH, HEIGHT = 480, 360
RATE = 10.0
FROM, TO = (1.35, -0.95, 0.85), (0.35, 0.0, 0.15)  # m, the arm's base frame
FOCAL_PX = 420.0
FLOOR, WALL, BED = (74, 70, 66), (98, 92, 86), (150, 142, 132)
SKIN_TONE, ARM, JOINT, PROBE = (150, 170, 205), (205, 205, 200), (120, 120, 116), (60, 60, 60)
STRIPS = 24  # of the body's skin

Array = NDArray[np.float64]


class RoomCamera:
    """A source like any other; `chain` is where the arm's joints are."""

    def __init__(self, scene: Scene) -> None:
        forward = np.asarray(TO) - FROM
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        self._axes = np.stack([right, np.cross(forward, right), forward])
        self._still = self._room(scene)
        self._chain: Sequence[Vector] = ()
        self._closed = threading.Event()
        self._due_s = time.monotonic()

    @property
    def imaging(self) -> Imaging:
        return WHOLE

    def adjust(self, imaging: Imaging) -> None:
        """It has no knobs."""

    def follow(self, pose: Pose, force: Vector) -> None:
        """It sees the joints."""

    def see(self, chain: Sequence[Vector]) -> None:
        """From base to probe."""
        self._chain = chain

    def close(self) -> None:
        self._closed.set()

    def next(self) -> Picture | None:
        now_s = time.monotonic()
        self._due_s = max(self._due_s + 1 / RATE, now_s)
        self._closed.wait(max(self._due_s - now_s, 0.0))
        return Picture(self.draw(), now_us())

    def draw(self) -> NDArray[np.uint8]:
        """The picture now."""
        picture = self._still.copy()
        places = [self._place(point) for point in self._chain]
        for start, end in pairwise(places):
            thick = max(round(0.075 * FOCAL_PX / ((start[2] + end[2]) / 2)), 2)
            last = end is places[-1]
            colour = PROBE if last else ARM
            cv2.line(
                picture, start[:2], end[:2], colour, thick // 2 if last else thick, cv2.LINE_AA
            )
        for x, y, far in places[:-1]:
            cv2.circle(
                picture, (x, y), max(round(0.045 * FOCAL_PX / far), 2), JOINT, -1, cv2.LINE_AA
            )
        return picture

    def _place(self, point: Any) -> tuple[int, int, float]:
        """Pixels, and how far away."""
        x, y, z = self._axes @ (np.asarray(point) - FROM)
        far = max(float(z), 0.1)
        return (
            round(WIDTH / 2 + FOCAL_PX * float(x) / far),
            round(HEIGHT / 2 + FOCAL_PX * float(y) / far),
            far,
        )

    def _room(self, scene: Scene) -> NDArray[np.uint8]:
        picture = np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)
        cv2.rectangle(picture, (0, HEIGHT * 45 // 100), (WIDTH, HEIGHT), FLOOR, -1)
        centre, along, outward = (np.asarray(v) for v in (scene.centre, scene.along, scene.outward))
        across = np.cross(along, outward)
        wide, high = scene.half
        long = scene.length_m / 2
        bed = [centre + a * (wide + 0.08) * across + b * (long + 0.1) * along
               for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]  # fmt: skip
        self._fill(picture, bed, BED)
        strips = np.linspace(0, math.pi, STRIPS + 1)
        rim = [across * wide * math.cos(a) + outward * high * math.sin(a) for a in strips]
        ends = [[centre + side * long * along + point for point in rim] for side in (1, -1)]
        for n in sorted(range(STRIPS), key=lambda n: -self._place(ends[0][n])[2]):
            shade = 0.7 + 0.3 * math.sin(float(strips[n]))
            corners = [ends[0][n], ends[0][n + 1], ends[1][n + 1], ends[1][n]]
            self._fill(picture, corners, tuple(int(c * shade) for c in SKIN_TONE))
        near = min(ends, key=lambda end: self._place(end[STRIPS // 2])[2])
        self._fill(picture, near, tuple(int(c * 0.8) for c in SKIN_TONE))
        return picture

    def _fill(self, picture: Any, points: list[Array], colour: Any) -> None:
        places = np.array([self._place(point)[:2] for point in points], np.int32)
        cv2.fillPoly(picture, [places], colour, cv2.LINE_AA)
