"""What is written of each run, for whoever wants to judge it himself.

One row for each step of the world, 2 ms. All of it is the world's truth except `force_felt`, `mode`
and `epoch`, which are the robot's opinion and not asked by the verdict.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = (
    "time_s",
    "x", "y", "z",  # m, the probe's face, base frame
    "qw", "qx", "qy", "qz",
    "force_n",  # of the body on the probe, as the physics has it
    "force_felt_n",  # as the sensor told
    "grants",  # how many the operator has given
    "holder",  # by the operator's word: 0 nobody, 1 and 2 the consoles
    "deadman_1", "deadman_2",  # held by the hand at that console, whether or not anybody hears
    "fault",  # 1 while it lasts
    "mode", "epoch",
)  # fmt: skip


@dataclass(frozen=True)
class Meta:
    """What was to be kept; SI units, milliseconds where it says so."""

    seed: int
    fault: str
    onset_s: float
    preset: str
    still_ms: int | None  # within this after the onset nothing moves but outward; None: goes on
    free_ms: int | None  # and the body is free of force; None: not asked
    hard_n: float
    speed_m_s: float
    turning_rad_s: float
    centre: tuple[float, float, float]
    outward: tuple[float, float, float]
    radius_m: float
    in_m: float
    out_m: float
    tilt_rad: float


class Trajectory:
    """Rows, and what they are judged by."""

    def __init__(self, meta: Meta, rows: Any) -> None:
        self.meta = meta
        self.rows = np.asarray(rows, dtype=np.float64)

    def __getitem__(self, column: str) -> Any:
        return self.rows[:, COLUMNS.index(column)]

    def columns(self, *names: str) -> Any:
        """Side by side."""
        return self.rows[:, [COLUMNS.index(name) for name in names]]

    def save(self, path: Path) -> None:
        """As .npz: `rows` (float32), `columns`, `meta` (JSON)."""
        np.savez_compressed(
            path,
            rows=self.rows.astype(np.float32),
            columns=np.array(COLUMNS),
            meta=np.array(json.dumps(asdict(self.meta))),
        )

    @classmethod
    def load(cls, path: Path) -> Trajectory:
        """One that `save` has written."""
        with np.load(path) as data:
            meta = json.loads(str(data["meta"]))
            for name in ("centre", "outward"):
                meta[name] = tuple(meta[name])
            return cls(Meta(**meta), data["rows"])
