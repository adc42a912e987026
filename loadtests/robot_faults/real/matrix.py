"""`python -m loadtests.robot_faults --real`: one run after the other, in one server and site."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loadtests.robot_faults.matrix import Done, judged, named
from loadtests.robot_faults.real.faults import FAULTS as FAULTS
from loadtests.robot_faults.real.run import Done as Made
from loadtests.robot_faults.real.run import Spoilt, plans, run
from loadtests.robot_faults.real.theatre import Theatre

LOGS = "site.log", "log"
RUN_S = 300.0  # one that takes longer has gone wrong


def runs(
    count: int, seed: int, faults: Sequence[str], folder: Path, *, watchdog: bool
) -> tuple[list[Done], dict[str, float]]:
    """Each judged from its file, and what the machine was like."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("loadtests.robot_faults").setLevel(logging.INFO)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # while the server is dead
    return asyncio.run(_runs(count, seed, faults, folder, watchdog))


async def _runs(
    count: int, seed: int, faults: Sequence[str], folder: Path, watchdog: bool
) -> tuple[list[Done], dict[str, float]]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    done: list[Done] = []
    made: list[Made] = []
    place = ""
    with tempfile.TemporaryDirectory(prefix="distal-theatre-", dir="/dev/shm") as shared:
        async with Theatre(Path(shared), watchdog=watchdog) as theatre:
            for number, plan in enumerate(plans(count, seed, faults)):
                if plan.place != place:
                    place = plan.place
                    await theatre.close_site()
                    await theatre.open_site(place)
                try:
                    async with asyncio.timeout(RUN_S):
                        one = await run(theatre, plan)
                except (Spoilt, TimeoutError) as error:
                    print(f"{number:3} {plan.fault}: no run: {error!r}", file=sys.stderr)
                    continue
                path = named(folder, number, plan.fault)
                one.trajectory.save(path)
                made.append(one)
                done.append(judged(path))
                print(_line(number, one, done[-1]), file=sys.stderr, flush=True)
        for name in LOGS:
            shutil.copy(f"{shared}/{name}", folder)
    return done, {"not_run": count - len(done), **(machine(made) if made else {})}


def _line(number: int, made: Made, done: Done) -> str:
    outcome = done.outcome
    back = {None: "", True: ", came back", False: ", DID NOT COME BACK"}[made.regained]
    still = "–" if outcome.still_ms is None else f"{outcome.still_ms:.0f} ms"
    return (
        f"{number:3} {done.meta.fault:24} {done.meta.preset:8} still {still:>7}, "
        f"{outcome.force_n:4.1f} N, idle {made.idle:.0%}, tries {made.tries}{back} "
        f"{'; '.join(outcome.violations)}"
    )


def machine(made: Sequence[Made]) -> dict[str, float]:
    """What it was like."""
    return {
        "idle_mean": round(statistics.mean(one.idle for one in made), 3),
        "idle_least": round(min(one.idle for one in made), 3),
        "scans_begun": sum(one.tries for one in made),
        "regained": sum(one.regained is True for one in made),
        "not_regained": sum(one.regained is False for one in made),
        "arm_gap_max_ms": round(max(one.gap_ms for one in made), 1),
    }
