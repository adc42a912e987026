"""One run: a scan, the fault at some moment of it, and somebody who tries again."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import psutil

from control.messages import Mode
from loadtests.robot_faults.faults import FREE_MS
from loadtests.robot_faults.real.faults import FAULTS, Change, Fault
from loadtests.robot_faults.real.memory import ROW
from loadtests.robot_faults.real.theatre import Theatre, clock_us
from loadtests.robot_faults.run import PLACES, SETTLE_S, told
from loadtests.robot_faults.trajectory import COLUMNS, Trajectory

log = logging.getLogger(__name__)

BOTH = ("old holder", "two consoles")  # need a second console
STEP_US = 2000
TRIES = 20
TOUCH_S = 12.0
TOUCHED_N = 1.0
SCAN_S = (0.3, 3.0)
REST_S = 0.5  # at rest for so long: nothing more will come
SEEN_S = 0.3  # for a deadman that is released to be seen so
NEVER_FREE_S = 5.0


class Plan(NamedTuple):
    """What distinguishes one run."""

    seed: int
    fault: str
    place: str


class Done(NamedTuple):
    """What it came to, and under what circumstances."""

    trajectory: Trajectory
    idle: float  # of the machine
    tries: int  # scans that had to be begun, until one was under way
    regained: bool | None  # None: nobody tried
    gap_ms: float  # between two rows of the arm's


class Spoilt(Exception):
    """The scan was over before the fault: a busy machine's picture grows old, for example."""


def plans(runs: int, seed: int, faults: Sequence[str]) -> list[Plan]:
    """The faults by turns; each place has its share of them, as the site is opened for one."""
    own = [random.Random(f"{seed}/real/{number}").getrandbits(40) for number in range(runs)]
    return [
        Plan(own[number], faults[number % len(faults)], PLACES[number * len(PLACES) // runs])
        for number in range(runs)
    ]


async def run(theatre: Theatre, plan: Plan) -> Done:
    """The whole run. Raises Spoilt when no scan would go on until the fault."""
    psutil.cpu_times_percent()
    for tries in range(1, TRIES + 1):
        try:
            await theatre.ready(plan.seed + tries, both=plan.fault in BOTH)
            await _still(theatre)
            begun_us = clock_us()
            await _scan(theatre)
        except (TimeoutError, Spoilt) as error:
            log.info("%s: begun again: %r, %s", plan.fault, error, theatre.people[0].screen)
            continue
        return await _fault(theatre, plan, begun_us, tries)
    raise Spoilt(f"no scan went on for long: {plan.fault}")


async def _scan(theatre: Theatre) -> None:
    """Until a random moment of it."""
    ann = theatre.people[0]
    await theatre.give(0)
    await ann.until(lambda screen: screen.mode == Mode.READY, 5)
    await asyncio.sleep(SEEN_S)
    theatre.hold(0, True)
    await ann.until(lambda screen: screen.mode == Mode.FOLLOWING, 3)
    async with asyncio.timeout(TOUCH_S):
        while theatre.memory.last()[ROW.index("force_n")] < TOUCHED_N:
            _goes_on(theatre)
            await asyncio.sleep(0.02)
    until = asyncio.get_running_loop().time() + theatre.chance.uniform(*SCAN_S)
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.02)
        _goes_on(theatre)
    if ann.screen.mode != Mode.FOLLOWING:
        raise Spoilt("frozen just now")


def _goes_on(theatre: Theatre) -> None:
    screen = theatre.people[0].screen
    if screen.phase != "granted" or screen.mode not in (Mode.FOLLOWING, Mode.FROZEN):
        raise Spoilt(f"{screen.phase}, {screen.mode}")


async def _fault(theatre: Theatre, plan: Plan, begun_us: int, tries: int) -> Done:
    fault, chance = FAULTS[plan.fault], theatre.chance
    for_s = 0.0 if fault.seconds is None else chance.uniform(*fault.seconds)
    theatre.mark("fault", 1)
    onset_us = clock_us()
    await _change(fault.begin, theatre)
    if for_s < math.inf:
        await _wait_until(onset_us, for_s)
        theatre.mark("fault", 0)
        await _change(fault.end, theatre)
    frees_s = for_s if fault.frees == "end" else 0.0
    await _comes_to_rest(theatre, fault, onset_us, frees_s if frees_s < math.inf else 0.0)
    regained = None
    if for_s < math.inf and fault.still_ms is not None and plan.fault != "released":
        regained = await _try_again(theatre)
    ended_us = clock_us()
    idle = psutil.cpu_times_percent().idle / 100
    free_ms = None
    if fault.still_ms is not None and fault.frees != "never":
        free_ms = FREE_MS + (round(for_s * 1000) if fault.frees == "end" else 0)
    rows = theatre.memory.rows(begun_us - STEP_US * 5)
    trajectory = Trajectory(
        told(
            plan.seed,
            plan.fault,
            plan.place,
            (onset_us - begun_us) / 1e6,
            fault.still_ms,
            free_ms,
        ),
        assembled(rows, theatre.marks, begun_us, ended_us),
    )
    _clean(theatre, fault)
    gap_ms = float(np.diff(rows[:, 0]).max()) / 1000
    return Done(trajectory, idle, tries, regained, gap_ms)


async def _comes_to_rest(theatre: Theatre, fault: Fault, onset_us: int, frees_s: float) -> None:
    """Long enough to see whether it does, and no longer."""
    if fault.still_ms is None or fault.frees == "never":
        await _wait_until(onset_us, NEVER_FREE_S if fault.seconds == (math.inf, math.inf) else 0)
        await asyncio.sleep(SETTLE_S)
        return
    least_s = fault.still_ms / 1000 + REST_S
    most_s = frees_s + FREE_MS / 1000 + SETTLE_S
    await _wait_until(onset_us, least_s)
    while (clock_us() - onset_us) / 1e6 < most_s and not _rested(theatre):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def _rested(theatre: Theatre) -> bool:
    rows = theatre.memory.rows(clock_us() - round(REST_S * 1e6))
    if len(rows) < 2:
        return False
    height = rows[:, ROW.index("z")]
    return bool(rows[:, ROW.index("force_n")].max() < TOUCHED_N and np.ptp(height) < 0.001)


async def _still(theatre: Theatre) -> None:
    """What moved before this run is at rest, but for going outward."""
    async with asyncio.timeout(10):
        while True:
            rows = theatre.memory.rows(clock_us() - round(REST_S * 1e6))
            place = rows[:, 1:3]
            if len(rows) > 100 and np.ptp(place, axis=0).max() < 0.001:
                return
            await asyncio.sleep(0.05)


async def _try_again(theatre: Theatre) -> bool:
    """Without a grant, then with one under a hand that clings, then as it should be."""
    ann = theatre.people[0]
    theatre.hold(0, False)
    await asyncio.sleep(0.2)
    theatre.hold(0, True)
    await asyncio.sleep(0.6)
    try:
        await ann.until(lambda screen: bool(screen.robot) and screen.pictures, 30)
        await theatre.beside.until(theatre.well, 30)
        await theatre.beside.clear()
        await theatre.give(0)
        await asyncio.sleep(0.5)
        theatre.hold(0, False)
        await asyncio.sleep(SEEN_S)
        theatre.hold(0, True)
        await ann.until(lambda screen: screen.mode == Mode.FOLLOWING, 5)
    except TimeoutError:
        return False
    await asyncio.sleep(0.7)
    return True


def _clean(theatre: Theatre, fault: Fault) -> None:
    """For ever was until now."""
    for person in theatre.people:
        theatre.hold(theatre.people.index(person), False)
    if fault.seconds == (math.inf, math.inf):
        theatre.end.mend()


async def _change(change: Change, theatre: Theatre) -> None:
    result = change(theatre)
    if inspect.isawaitable(result):
        await result


async def _wait_until(since_us: int, seconds: float) -> None:
    await asyncio.sleep(max(seconds - (clock_us() - since_us) / 1e6, 0.0))


def assembled(
    rows: Any, marks: Sequence[tuple[int, str, float]], begun_us: int, ended_us: int
) -> Any:
    """What the arm wrote and what people did, in rows 2 ms apart.

    Poses are taken between the arm's own rows, 1.6 ms apart; of forces the largest of each step.
    """
    grid = np.arange(begun_us, min(ended_us, rows[-1, 0]), STEP_US, dtype=np.float64)
    out = np.zeros((len(grid), len(COLUMNS)))
    at, turns = rows[:, 0], rows[:, 4:8]
    turned = np.sign((turns[1:] * turns[:-1]).sum(axis=1))  # q and -q are one posture
    turns[1:] *= np.cumprod(np.where(turned == 0, 1, turned))[:, None]
    out[:, 0] = (grid - begun_us) / 1e6
    for name in ROW[1:]:
        column = COLUMNS.index("force_felt_n" if name == "felt_n" else name)
        out[:, column] = np.interp(grid, at, rows[:, ROW.index(name)])
    turn = slice(COLUMNS.index("qw"), COLUMNS.index("qz") + 1)
    out[:, turn] /= np.linalg.norm(out[:, turn], axis=1, keepdims=True)
    step = ((at - begun_us) // STEP_US).astype(int)
    within = (step >= 0) & (step < len(grid))
    force = COLUMNS.index("force_n")
    np.maximum.at(out[:, force], step[within], rows[within, ROW.index("force_n")])
    for at_us, name, value in marks:
        out[grid >= at_us, COLUMNS.index(name)] = value
    return out
