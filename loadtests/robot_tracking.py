"""How closely the probe follows the hand along a scan, at four round trips.

    python -m loadtests.robot_tracking --seeds 5

In virtual time, on the code that runs at a site (loadtests/robot_faults/world.py): the hand sweeps
over the body and presses with 8 N, the network has 20 ms of jitter and loses 2 % each way. The
error is measured along the skin, where the hand leads by position: from where she wants the probe
now to where it is now, with all of the network between, and from where it is to the nearest point
of the path that she has wanted. Ends with one line of JSON
(`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clients import plot
from control.messages import Mode, Observation
from control.vectors import ZERO, Vector
from loadtests import verdict
from loadtests.robot_faults.hand import FORCE_GAIN, LOWER_M_S, TOUCH_N, Hand
from loadtests.robot_faults.trajectory import COLUMNS
from loadtests.robot_faults.world import World

ROUND_TRIPS_MS = (0, 50, 100, 200)
JITTER_MS, LOSS = 20.0, 0.02
SECONDS, SETTLED_S = 16.0, 5.0
PRESS_N = 8.0
WIDE_M, SWEEPS_HZ, ON_M_S = 0.03, 0.25, 0.004  # at most 47 mm/s across, 4 mm/s along


class Scanner(Hand):
    """Sweeps from side to side as if there were no network, and presses as she sees the force."""

    def __init__(self, seed: int) -> None:
        super().__init__("ann", seed)
        self.sweep.force_n = PRESS_N
        self.wanted: list[tuple[float, float, float]] = []
        self._swept_s = 0.0

    def _lead(self, seen: Observation) -> tuple[Vector, Vector]:
        force_n = abs(seen.force[2])
        self._touched |= force_n > TOUCH_N
        if not self._touched:
            return (0.0, 0.0, -LOWER_M_S), ZERO
        self._swept_s += 0.01
        turn = 2 * math.pi * SWEEPS_HZ
        across = WIDE_M * turn * math.cos(turn * self._swept_s)
        down = max(min(FORCE_GAIN * (PRESS_N - force_n), 0.02), -0.02)
        return (across, ON_M_S, -down), ZERO

    def send(self, now_us: int) -> bytes | None:
        data = super().send(now_us)
        if data:
            self.wanted.append((now_us / 1e6, self.target[0], self.target[1]))
        return data


class Tracked(NamedTuple):
    """One run; metres, newtons, and the share of the time in which the arm followed."""

    lag_rms_m: float
    lag_max_m: float
    aside_rms_m: float
    aside_max_m: float
    force_max_n: float
    force_sd_n: float
    hard_n: float
    followed: float
    curve: list[tuple[float, float]]  # s, mm


def track(round_trip_ms: float, seed: int) -> Tracked:
    """One scan."""
    world = World(seed, "abdomen", round_trip_ms / 2, JITTER_MS, LOSS)
    hand = Scanner(seed)
    world.hands[0] = hand
    world.later(0.1, lambda w: w.grant(0))
    world.later(1.0, lambda w: w.hold(0, True))
    world.run(SECONDS)
    rows = np.array(world.rows)
    rows = rows[rows[:, 0] >= SETTLED_S]
    wanted: Any = np.array(hand.wanted)
    time, at = rows[:, 0], rows[:, 1:3]
    now = np.stack([np.interp(time, wanted[:, 0], wanted[:, n]) for n in (1, 2)], axis=1)
    lag = np.linalg.norm(at - now, axis=1)
    path = wanted[:, 1:3]
    some = slice(None, None, 5)  # every 10 ms
    aside = np.array([np.sqrt(((path - place) ** 2).sum(axis=1).min()) for place in at[some]])
    force = rows[:, COLUMNS.index("force_n")]
    return Tracked(
        float(np.sqrt((lag**2).mean())),
        float(lag.max()),
        float(np.sqrt((aside**2).mean())),
        float(aside.max()),
        float(force.max()),
        float(force.std()),
        world.preset.limits.hard_n,
        float((rows[:, COLUMNS.index("mode")] == Mode.FOLLOWING).mean()),
        [
            (float(t - SETTLED_S), float(e) * 1000)
            for t, e in zip(time[::25], lag[::25], strict=True)
        ],
    )


def row(round_trip_ms: int, runs: Sequence[Tracked]) -> dict[str, float]:
    """Means of the RMS, worst of the rest."""
    return {
        "round_trip_ms": round_trip_ms,
        "lag_rms_mm": round(1000 * float(np.mean([run.lag_rms_m for run in runs])), 2),
        "lag_max_mm": round(1000 * max(run.lag_max_m for run in runs), 2),
        "aside_rms_mm": round(1000 * float(np.mean([run.aside_rms_m for run in runs])), 2),
        "aside_max_mm": round(1000 * max(run.aside_max_m for run in runs), 2),
        "force_max_n": round(max(run.force_max_n for run in runs), 2),
        "force_sd_n": round(float(np.mean([run.force_sd_n for run in runs])), 2),
        "followed": round(min(run.followed for run in runs), 4),
    }


def bar(round_trip_ms: int, runs: Sequence[Tracked]) -> verdict.Bar:
    """The force; the error is a figure to know, which nobody has bounded."""
    force_n, hard_n = max(run.force_max_n for run in runs), runs[0].hard_n
    lag_mm = row(round_trip_ms, runs)["lag_rms_mm"]
    return verdict.Bar(
        f"a scan by robot at {round_trip_ms} ms of round trip",
        f"force ≤ {hard_n:g} N",
        f"{force_n:.1f} N; lag {lag_mm:.2f} mm RMS",
        force_n <= hard_n,
    )


def main() -> int:
    """Run, print, and return the exit status."""
    p = argparse.ArgumentParser(prog="python -m loadtests.robot_tracking", description=__doc__)
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--pictures", type=Path, help="folder for the plot, as SVG")
    chosen = p.parse_args()
    rows, lines, bars, pictures = [], [], [], []
    table = [
        "| round trip, ms | lag, mm: RMS | max | beside the path, mm: RMS | max | force, N: max "
        "| SD |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(table))
    for round_trip_ms in ROUND_TRIPS_MS:
        runs = [track(round_trip_ms, seed) for seed in range(1, chosen.seeds + 1)]
        bars.append(bar(round_trip_ms, runs))
        rows.append(found := row(round_trip_ms, runs))
        table.append("| " + " | ".join(str(value) for value in list(found.values())[:-1]) + " |")
        print(table[-1], flush=True)
        lines.append(plot.Line(f"{round_trip_ms} ms", runs[0].curve, marked=False))
    if chosen.pictures:
        svg = plot.chart("From the hand to the probe", "time, s", "distance, mm", lines)
        pictures.append(plot.save(chosen.pictures, "robot-tracking", svg))
    markdown = "\n".join(table)
    title = "A scan by robot, over delay"
    print(verdict.line(title, bars, {"rows": rows}, markdown=markdown, pictures=pictures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
