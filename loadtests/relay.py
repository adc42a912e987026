"""`python -m loadtests.relay`: Distal beside Janus, under the same publisher and subscribers.

Both run as children of this process on one machine, in turn (A B A B), each freshly started, with
the same number of counting subscribers. docs/benchmarks.md says what each number means.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from loadtests import floor, measure, report
from loadtests.distal import Distal
from loadtests.janus import Janus
from loadtests.peer import FEEDBACK_INTERVAL_MS, PROFILES
from loadtests.server import Server

SERVERS: dict[str, Callable[[Path], Server]] = {"distal": Distal, "janus": Janus}


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.relay", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--servers", default="distal,janus", help="in the order of each round")
    parser.add_argument(
        "--spread-ms",
        default="0,20",
        help="time over which the publisher spreads a frame's packets; 0 sends them at once",
    )
    parser.add_argument("--bitrate", type=int, default=2_500_000, help="bit/s on the network")
    parser.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        default="AES-128-GCM",
        help="best SRTP profile that the clients offer; a server may choose AES-CM all the same",
    )
    parser.add_argument("--coalesce-us", type=int, default=1000, help="the sinks' receive pause")
    parser.add_argument(
        "--feedback-ms",
        type=int,
        default=FEEDBACK_INTERVAL_MS,
        help="between a subscriber's transport-wide feedback packets; 0: receiver reports only",
    )
    parser.add_argument("--floor", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", metavar="FILE", help="write all numbers there; - is stdout")
    return parser.parse_args(arguments)


async def _rounds(names: list[str], settings: measure.Settings, rounds: int) -> list[measure.Run]:
    runs = []
    for number in range(rounds):
        for name in names:
            run = await measure.run(SERVERS[name], settings)
            runs.append(run)
            costs = ", ".join(
                f"{report.cpu_us([f]):.2f} µs/packet, "
                f"{f.window.lost_packets + f.audio.lost_packets} lost"
                for f in run.forwarding
            )
            print(f"round {number + 1}, {run.server}: {costs}", file=sys.stderr, flush=True)
    return runs


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    names = chosen.servers.split(",")
    unknown = set(names) - SERVERS.keys()
    if unknown:
        print(f"unknown servers: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    settings = measure.Settings(
        subscribers=chosen.subscribers,
        seconds=chosen.seconds,
        spreads_ms=tuple(int(ms) for ms in chosen.spread_ms.split(",")),
        bitrate_bps=chosen.bitrate,
        profile=chosen.profile,
        coalesce_us=chosen.coalesce_us,
        feedback_ms=chosen.feedback_ms,
    )
    runs = asyncio.run(_rounds(names, settings, chosen.rounds))
    numbers = report.summary(runs, settings)
    floor_us = floor.measure(settings.subscribers) if chosen.floor else None
    if floor_us:
        numbers["floor_cpu_us_per_packet"] = floor_us
    if chosen.json == "-":
        print(json.dumps(numbers, indent=2, ensure_ascii=False))
        return 0
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(numbers, indent=2, ensure_ascii=False) + "\n")
    print(report.markdown(numbers, floor_us))
    return 0


if __name__ == "__main__":
    sys.exit(main())
