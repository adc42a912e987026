"""`python -m loadtests.joins`: a hundred subscribers join at one moment, Distal beside Janus.

A join is WHEP (with Janus its WebSocket), ICE, DTLS, until SRTP keys are there. The clients share
the machine with the server, so the wall time says less than what a join costs the server's own
processes. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtests import measure, verdict
from loadtests.distal import Distal
from loadtests.janus import Janus
from loadtests.server import Server

LEAST = 100  # joins a second of one core
SERVERS: dict[str, Callable[[Path], Server]] = {"distal": Distal, "janus": Janus}


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.joins", description=__doc__)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--times", type=int, default=3, help="for each started server")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--servers", default="distal,janus", help="in the order of each round")
    return parser.parse_args(arguments)


def _numbers(runs: list[measure.Run], at_once: int) -> dict[str, Any]:
    joinings = [joining for run in runs for joining in run.joinings]
    joined = at_once * len(joinings)
    server_s = sum(joining.server_cpu_s for joining in joinings)
    return {
        "joins_per_s": joined / sum(joining.wall_s for joining in joinings),
        "joins_per_server_core": joined / server_s,
        "server_cpu_ms_per_join": server_s / joined * 1e3,
        "client_cpu_ms_per_join": sum(j.client_cpu_s for j in joinings) / joined * 1e3,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    settings = measure.Settings(
        subscribers=chosen.at_once, spreads_ms=(), joins=chosen.times, joins_alone=0, settle_s=0.5
    )
    runs: dict[str, list[measure.Run]] = {}
    for _ in range(chosen.rounds):
        for name in chosen.servers.split(","):
            run = asyncio.run(measure.run(SERVERS[name], settings))
            runs.setdefault(run.server, []).append(run)
    numbers = {server: _numbers(done, chosen.at_once) for server, done in runs.items()}
    lines = [
        f"| {chosen.at_once} at once | joins/s | joins/s of a server core | server ms/join "
        "| client ms/join |",
        "|---" + "|---:" * 4 + "|",
    ]
    for server, n in numbers.items():
        lines.append(
            f"| {server} | {n['joins_per_s']:.0f} | {n['joins_per_server_core']:.0f} "
            f"| {n['server_cpu_ms_per_join']:.2f} | {n['client_cpu_ms_per_join']:.2f} |"
        )
    table = "\n".join(lines)
    print(table)
    bars = []
    if "Distal" in numbers:
        ours = numbers["Distal"]
        measured = (
            f"{ours['joins_per_server_core']:.0f}; {ours['joins_per_s']:.0f} a second on the wall, "
            "clients included"
        )
        held = ours["joins_per_server_core"] >= LEAST
        bars.append(
            verdict.Bar(f"joins, {chosen.at_once} at once", f"≥ {LEAST}/s a core", measured, held)
        )
    print(verdict.line("Joining", bars, numbers, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
