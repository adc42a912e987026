"""The time of capture in the picture itself, for measuring from probe to glass.

A row of black and white cells at the top left: white, black, then 24 bits of milliseconds of Unix
time, the highest first, then their parity. Large enough for any encoder to leave it readable.
"""

from __future__ import annotations

import time

import numpy as np

from clients.robot.source import Picture, Pixels, Pose, Source, now_us
from control.orders import Imaging
from control.vectors import Vector

CELL = 12  # pixels
BITS = 24


def draw(pixels: Pixels, unix_ms: int) -> None:
    """Into the picture."""
    value = unix_ms % (1 << BITS)
    bits = [1, 0, *(value >> at & 1 for at in reversed(range(BITS))), value.bit_count() & 1]
    row = np.repeat(np.array(bits, np.uint8) * 255, CELL)
    pixels[:CELL, : len(row)] = row if pixels.ndim == 2 else row[:, None]


def read(pixels: Pixels) -> int | None:
    """The milliseconds, modulo 2**24; None: no mark, or one that cannot be read."""
    grey = pixels if pixels.ndim == 2 else pixels[:, :, 1]
    bits = [int(grey[CELL // 2, at * CELL + CELL // 2] > 127) for at in range(BITS + 3)]
    value = int("".join(map(str, bits[2:-1])), 2)
    return value if bits[:2] == [1, 0] and bits[-1] == value.bit_count() & 1 else None


class Marked:
    """A source whose pictures carry it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._ahead_us = time.time_ns() // 1000 - now_us()

    @property
    def imaging(self) -> Imaging:
        return self.source.imaging

    def adjust(self, imaging: Imaging) -> None:
        self.source.adjust(imaging)

    def follow(self, pose: Pose, force: Vector) -> None:
        self.source.follow(pose, force)

    def close(self) -> None:
        self.source.close()

    def next(self) -> Picture | None:
        picture = self.source.next()
        if picture is None:
            return None
        pixels = picture.pixels.copy()
        draw(pixels, (picture.captured_us + self._ahead_us) // 1000)
        return picture._replace(pixels=pixels)
