"""The verdict on a run, from its trajectory alone. The definitions are in docs/control.md.

Nothing of control/ is imported here: who judges shall not lean on who is judged.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from loadtests.robot_faults.trajectory import Trajectory

WINDOW_S = 0.02  # over which velocities are taken
STILL_M_S = 0.004  # a servo that settles, and an arm that bends while the body breathes
STILL_RAD_S = 0.03
SPEED_SHARE = 1.05  # of the limit
EDGE_M = 0.002
EDGE_RAD = 0.02
FREE_N = 1.0
REACH_S = 0.45  # from a hand that lets go to an arm at rest: the network, the jitter, the servo


class Outcome(NamedTuple):
    """Times are None where the fault asks for none, or where it never came to that."""

    still_ms: float | None
    free_ms: float | None
    force_n: float
    violations: list[str]


def verdict(run: Trajectory) -> Outcome:
    """What became of it."""
    meta, time = run.meta, run["time_s"]
    step_s = float(time[1] - time[0])
    moving, turning = _velocities(run, step_s)
    outward = np.array(meta.outward)
    out = moving @ outward
    rest = moving - np.outer(np.maximum(out, 0.0), outward)  # what is not away from the body
    moves = (np.linalg.norm(rest, axis=1) > STILL_M_S) | (turning > STILL_RAD_S)
    wrong = _limits(run, moving, turning)

    allowed = _allowed(run, step_s)
    if (moves & ~allowed).any():
        at = time[np.argmax(moves & ~allowed)]
        wrong.append(f"motion without lease and deadman at {at:.2f} s")

    still_ms = free_ms = None
    if meta.still_ms is not None:
        after = time >= meta.onset_s
        until = time < _regained(run)
        still_ms = _last(moves & after & until, time, meta.onset_s)
        if still_ms > meta.still_ms:
            wrong.append(f"not still {still_ms:.0f} ms after the onset")
        if meta.free_ms is not None:
            pressed = (run["force_n"] > FREE_N) & after & until
            free_ms = _last(pressed, time, meta.onset_s)
            judged = time[until][-1] - meta.onset_s
            if free_ms > meta.free_ms and judged * 1000 > meta.free_ms:
                wrong.append(f"pressing {free_ms:.0f} ms after the onset")
    return Outcome(still_ms, free_ms, float(run["force_n"].max()), wrong)


def _velocities(run: Trajectory, step_s: float) -> tuple[Any, Any]:
    """m/s and rad/s, over a window that ends at each row."""
    n = round(WINDOW_S / step_s)
    place = run.columns("x", "y", "z")
    moving = np.zeros_like(place)
    moving[n:] = (place[n:] - place[:-n]) / (n * step_s)
    turn = run.columns("qw", "qx", "qy", "qz")
    turning = np.zeros(len(turn))
    sign = np.sign((turn[n:] * turn[:-n]).sum(axis=1))[:, None]
    chord = np.linalg.norm(
        turn[n:] - sign * turn[:-n], axis=1
    )  # an arc cosine loses the small ones
    turning[n:] = 4 * np.arcsin(np.minimum(chord / 2, 1.0)) / (n * step_s)
    return moving, turning


def _limits(run: Trajectory, moving: Any, turning: Any) -> list[str]:
    meta, wrong = run.meta, []
    if (most := run["force_n"].max()) > meta.hard_n:
        wrong.append(f"pressed with {most:.1f} N")
    if (most := np.linalg.norm(moving, axis=1).max()) > meta.speed_m_s * SPEED_SHARE:
        wrong.append(f"moved with {most:.3f} m/s")
    if (most := turning.max()) > meta.turning_rad_s * SPEED_SHARE:
        wrong.append(f"turned with {most:.2f} rad/s")
    outward = np.array(meta.outward)
    here = run.columns("x", "y", "z") - np.array(meta.centre)
    height = here @ outward
    aside = np.linalg.norm(here - np.outer(height, outward), axis=1)
    beyond = max(aside.max() - meta.radius_m, height.max() - meta.out_m, -height.min() - meta.in_m)
    if beyond > EDGE_M:
        wrong.append(f"{beyond * 1000:.1f} mm outside the workspace")
    w, x, y, z = (run[name] for name in ("qw", "qx", "qy", "qz"))
    beam = np.stack((2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)), axis=1)
    tilt = np.arccos(np.clip(-(beam @ outward), -1, 1)).max()
    if tilt > meta.tilt_rad + EDGE_RAD:
        wrong.append(f"tilted by {tilt:.2f} rad")
    return wrong


def _allowed(run: Trajectory, step_s: float) -> Any:
    """Whether the holder's hand has held the deadman within the last moments, after releasing it.

    A hand that held it already when control was given has to release it first.
    """
    grants, holder = run["grants"], run["holder"].astype(int)
    held = np.stack((np.zeros(len(grants)), run["deadman_1"], run["deadman_2"]), axis=1)
    held = held[np.arange(len(grants)), holder] > 0
    armed = np.zeros(len(grants), dtype=bool)
    released = False
    for row in range(len(grants)):
        if row == 0 or grants[row] != grants[row - 1]:
            released = False
        released |= holder[row] > 0 and not held[row]
        armed[row] = released and held[row]
    reach = round(REACH_S / step_s)
    last = np.where(armed, np.arange(len(armed)), -reach - 1)
    return np.arange(len(armed)) - np.maximum.accumulate(last) <= reach


def _regained(run: Trajectory) -> float:
    """When control could begin anew: a grant after the onset, then a deadman released and held."""
    time, grants = run["time_s"], run["grants"]
    after = time >= run.meta.onset_s
    before = grants[np.argmax(after)] if after.any() else grants[-1]
    fresh = after & (grants > before)
    if not fresh.any():
        return float("inf")
    row = int(np.argmax(fresh))
    holder = int(run["holder"][row])
    held = run[f"deadman_{holder}"][row:] > 0
    if held.all() or not held.any():
        return float("inf")
    free = int(np.argmin(held))
    again = np.flatnonzero(held[free:])
    return float(time[row + free + again[0]]) if len(again) else float("inf")


def _last(rows: Any, time: Any, onset_s: float) -> float:
    """Milliseconds from the onset to the last of these rows; 0: none."""
    return float(time[np.flatnonzero(rows)[-1]] - onset_s) * 1000 if rows.any() else 0.0
