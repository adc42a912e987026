"""`python -m loadtests.robot_faults --runs N --seed S`: the matrix of faults, and its verdict."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from loadtests.robot_faults import report
from loadtests.robot_faults.faults import FAULTS
from loadtests.robot_faults.run import Plan, run
from loadtests.robot_faults.trajectory import Meta, Trajectory
from loadtests.robot_faults.verdict import Outcome, verdict

PREFIX = "distal-robot-faults-"


class Done(NamedTuple):
    """A run, and the file that it lies in."""

    meta: Meta
    outcome: Outcome
    path: str


def plans(runs: int, seed: int, faults: Sequence[str], watchdog: bool) -> Iterator[Plan]:
    """The faults by turns, each run with a seed of its own."""
    for number in range(runs):
        own = random.Random(f"{seed}/{number}").getrandbits(40)
        yield Plan(own, faults[number % len(faults)], watchdog)


def judged(path: Path) -> Done:
    """From the file alone."""
    trajectory = Trajectory.load(path)
    return Done(trajectory.meta, verdict(trajectory), str(path))


def named(folder: Path, number: int, fault: str) -> Path:
    """A run's file."""
    return folder / f"{number:05}-{fault.replace(' ', '_').replace(chr(39), '')}.npz"


def made(task: tuple[int, Plan, Path]) -> Done:
    """Run, written, read again and judged."""
    number, plan, folder = task
    path = named(folder, number, plan.fault)
    run(plan).save(path)
    return judged(path)


def table(done: Sequence[Done]) -> Iterator[str]:
    """Fault × time to safe × force × violations, as Markdown."""
    yield (
        "| fault | runs | still, ms: p50 | max | allowed | free of force, ms: p50 | max |"
        " peak force, share of the limit | violations |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name in dict.fromkeys(each.meta.fault for each in done):
        of = [each for each in done if each.meta.fault == name]
        still = [each.outcome.still_ms for each in of if each.outcome.still_ms is not None]
        free = [each.outcome.free_ms for each in of if each.outcome.free_ms is not None]
        share = max(each.outcome.force_n / each.meta.hard_n for each in of)
        allowed = of[0].meta.still_ms
        wrong = sum(len(each.outcome.violations) for each in of)
        yield (
            f"| {name} | {len(of)} | {_middle(still)} | {_most(still)} | "
            f"{'goes on' if allowed is None else allowed} | {_middle(free)} | {_most(free)} | "
            f"{share:.2f} | {wrong} |"
        )


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f}" if values else "–"


def _most(values: Sequence[float]) -> str:
    return f"{max(values):.0f}" if values else "–"


def summary(done: Sequence[Done]) -> dict[str, float | int]:
    """The last line."""
    outcomes = [each.outcome for each in done]
    return {
        "runs": len(done),
        "violations": sum(len(each.violations) for each in outcomes),
        "runs_with_violations": sum(bool(each.violations) for each in outcomes),
        "worst_time_to_safe_ms": round(max((o.still_ms or 0 for o in outcomes), default=0), 1),
        "worst_time_to_free_ms": round(max((o.free_ms or 0 for o in outcomes), default=0), 1),
        "worst_force_n": round(max((o.force_n for o in outcomes), default=0), 2),
        "worst_force_share": round(
            max((each.outcome.force_n / each.meta.hard_n for each in done), default=0), 3
        ),
    }


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m loadtests.robot_faults", description=__doc__)
    p.add_argument("--runs", type=int, default=len(FAULTS))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--fault", action="append", help="only these")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--out", type=Path, help="folder for the trajectories; else a new one")
    p.add_argument(
        "--real", action="store_true", help="in real time: server, site and consoles as processes"
    )
    p.add_argument("--without-watchdog", action="store_true", help="no time-outs on silence")
    p.add_argument("--recompute", type=Path, metavar="FOLDER", help="judge what lies there again")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when something was violated, or a run did not come about."""
    chosen = _parser().parse_args(arguments)
    began = time.monotonic()
    folder: Path = chosen.recompute or chosen.out or Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.mkdir(parents=True, exist_ok=True)
    more: dict[str, float] = {}
    if chosen.recompute:
        done = [judged(path) for path in sorted(folder.glob("*.npz"))]
    elif chosen.real:
        from loadtests.robot_faults.real import matrix as real  # it needs the whole server

        faults = _chosen(chosen.fault, real.FAULTS)
        done, more = real.runs(
            chosen.runs, chosen.seed, faults, folder, watchdog=not chosen.without_watchdog
        )
    else:
        every = plans(
            chosen.runs, chosen.seed, _chosen(chosen.fault, FAULTS), not chosen.without_watchdog
        )
        tasks = [(number, plan, folder) for number, plan in enumerate(every)]
        done = list(_progress(tasks, chosen.jobs))
    print("\n".join(table(done)))
    for each in done:
        for violation in each.outcome.violations:
            print(f"violation: {each.meta.fault}: {violation} ({each.path})")
    print(f"{len(done)} runs in {time.monotonic() - began:.0f} s; trajectories in {folder}")
    how = " in real time" if chosen.real else ""
    print(report.line({**summary(done), **more, "seed": chosen.seed}, table(done), how))
    return int(any(each.outcome.violations for each in done) or bool(more.get("not_run")))


def _chosen(names: Sequence[str] | None, faults: Mapping[str, object]) -> list[str]:
    """Raises SystemExit for a fault that there is not."""
    if unknown := set(names or ()) - faults.keys():
        raise SystemExit(f"no such fault: {', '.join(unknown)}; there are: {', '.join(faults)}")
    return list(names or faults)


def _progress(tasks: Sequence[tuple[int, Plan, Path]], jobs: int) -> Iterable[Done]:
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(tasks))) as pool:
        for number, each in enumerate(pool.imap(made, tasks, chunksize=1), 1):
            if number % 50 == 0:
                print(f"{number} of {len(tasks)}", file=sys.stderr, flush=True)
            yield each
