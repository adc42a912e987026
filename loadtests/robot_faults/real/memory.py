"""What the arm, its adapter and whoever judges share: a file in memory, written without waiting.

Each slot has one writer. A number before the figures is odd while they are written; who reads in
between reads again, and after a while makes do with what he had: a writer that was stopped in the
middle stops nobody else.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 32_768  # 52 s at 625 a second, more than a run takes
ROW = ("at_us", "x", "y", "z", "qw", "qx", "qy", "qz", "force_n", "felt_n")
POINTS, JOINTS = 7, 7
TOLD = 1 + 6  # when; linear, turning
SENSED = 1 + 3 + 4 + 3 + 3  # when the force was measured; position, orientation, force, torque
DRAWN = 3 * POINTS + JOINTS
READS = 100
SENSOR = ("", "silent", "stuck", "mad")


class Slot:
    """Figures that are read whole, or not at all."""

    def __init__(self, memory: mmap.mmap, offset: int, figures: int) -> None:
        self._memory, self._offset = memory, offset
        self._count, self._figures = struct.Struct("q"), struct.Struct(f"{figures}d")
        self._last = (0.0,) * figures

    @property
    def bytes(self) -> int:
        return self._count.size + self._figures.size

    def write(self, *figures: float) -> None:
        """By its one writer."""
        memory, offset, count = self._memory, self._offset, self._count
        (number,) = count.unpack_from(memory, offset)
        number |= 1  # odd already, if a writer before this one was killed in between
        count.pack_into(memory, offset, number)
        self._figures.pack_into(memory, offset + count.size, *figures)
        count.pack_into(memory, offset, number + 1)

    def read(self) -> tuple[float, ...]:
        """The newest, or the newest that could be read."""
        memory, offset, count = self._memory, self._offset, self._count
        for _ in range(READS):
            (before,) = count.unpack_from(memory, offset)
            figures = self._figures.unpack_from(memory, offset + count.size)
            if before % 2 == 0 and count.unpack_from(memory, offset)[0] == before:
                self._last = figures
                break
        return self._last


class Memory:
    """`told` by the adapter, `sensed` and `drawn` by the arm, `sensor` by who makes the faults."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        at = 8
        sizes = TOLD, SENSED, DRAWN, 1
        whole = at + sum(8 + 8 * size for size in sizes) + 8 * len(ROW) * ROWS
        if make:
            path.write_bytes(bytes(whole))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), whole)
        slots = []
        for size in sizes:
            slots.append(Slot(self._memory, at, size))
            at += slots[-1].bytes
        self.told, self.sensed, self.drawn, self._sensor = slots
        self._row = struct.Struct(f"{len(ROW)}d")
        self._rows_at = at
        self._count = struct.Struct("q")

    @property
    def sensor(self) -> str:
        """What is wrong with the force sensor; empty: nothing."""
        return SENSOR[int(self._sensor.read()[0])]

    @sensor.setter
    def sensor(self, wrong: str) -> None:
        self._sensor.write(SENSOR.index(wrong))

    @property
    def count(self) -> int:
        """Rows that were ever written."""
        return int(self._count.unpack_from(self._memory, 0)[0])

    def add(self, *row: float) -> None:
        """One more row, as ROW has it; the oldest goes."""
        count = self.count
        self._row.pack_into(self._memory, self._rows_at + count % ROWS * self._row.size, *row)
        self._count.pack_into(self._memory, 0, count + 1)

    def rows(self, since_us: int) -> Any:
        """Those written since then, in order, as an array."""
        count = self.count
        ring = np.frombuffer(
            self._memory, dtype=np.float64, count=ROWS * len(ROW), offset=self._rows_at
        ).reshape(ROWS, len(ROW))
        first = max(count - ROWS + 64, 0)  # the writer goes on meanwhile
        rows = ring[np.arange(first, count) % ROWS]
        return rows[rows[:, 0] >= since_us]

    def last(self) -> tuple[float, ...]:
        """The newest row. Raises LookupError when there is none."""
        count = self.count
        if not count:
            raise LookupError("the arm has not moved yet")
        at = self._rows_at + (count - 1) % ROWS * self._row.size
        return self._row.unpack_from(self._memory, at)
