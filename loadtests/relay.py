"""`python -m loadtests.relay`: Distal beside Janus, under the same publisher and subscribers.

Both run as children of this process on one machine, in turn (A B A B), each freshly started, with
the same number of counting subscribers. docs/benchmarks.md says what each number means. The last
line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtests import floor, measure, report, verdict
from loadtests.distal import Distal
from loadtests.janus import Janus
from loadtests.peer import FEEDBACK_INTERVAL_MS, PROFILES
from loadtests.server import Server

LEAST = {20: 6, 60: 8, 150: 8}  # times that Janus's CPU per packet is asked to be ours
LATENCY_AT = 60  # subscribers
SERVERS: dict[str, Callable[[Path], Server]] = {"distal": Distal, "janus": Janus}


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.relay", description=__doc__)
    parser.add_argument("--subscribers", default="60", help="one number or several: 20,60,150")
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
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
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
    by_size = {}
    for size in map(int, chosen.subscribers.split(",")):
        settings = measure.Settings(
            subscribers=size,
            seconds=chosen.seconds,
            spreads_ms=tuple(int(ms) for ms in chosen.spread_ms.split(",")),
            bitrate_bps=chosen.bitrate,
            profile=chosen.profile,
            coalesce_us=chosen.coalesce_us,
            feedback_ms=chosen.feedback_ms,
            joins=3 if size == LATENCY_AT else 1,
        )
        runs = asyncio.run(_rounds(names, settings, chosen.rounds))
        numbers = by_size[size] = report.summary(runs, settings)
        if chosen.floor:
            numbers["floor_cpu_us_per_packet"] = floor.measure(size)
    tables = "\n\n".join(report.markdown(numbers) for numbers in by_size.values())
    if chosen.json:
        text = json.dumps(by_size, indent=2, ensure_ascii=False)
        Path(chosen.json).write_text(text + "\n", encoding="utf-8")
    print(tables)
    bars = [bar for size, numbers in by_size.items() for bar in _bars(size, numbers)]
    sizes = {str(size): numbers for size, numbers in by_size.items()}
    print(verdict.line("One publisher, many subscribers", bars, sizes, markdown=tables))
    return 0


def _bars(size: int, numbers: dict[str, Any]) -> list[verdict.Bar]:
    servers = numbers["servers"]
    if not {report.SUBJECT, report.YARDSTICK} <= servers.keys():
        return []
    bars = []
    for spread in numbers["settings"]["spreads_ms"]:
        ours, theirs = (
            servers[name]["forwarding"][str(spread)] for name in (report.SUBJECT, report.YARDSTICK)
        )
        way = f"frame spread over {spread} ms" if spread else "frame at once"

        def bar(
            what: str,
            number: str,
            least: float,
            unit: str = "ms",
            *,
            way: str = way,
            ours: dict[str, float] = ours,
            theirs: dict[str, float] = theirs,
        ) -> verdict.Bar:
            work = f"{what}, {size} subscribers, {way}"
            return verdict.ratio(work, ours[number], theirs[number], least, unit)

        if size in LEAST:
            bars.append(bar("CPU per forwarded packet", "cpu_us_per_packet", LEAST[size], "µs"))
        if size == LATENCY_AT:
            for kind in ("delta", "key"):
                for percentile in (50, 99):
                    number = f"every_{kind}_p{percentile}_ms"
                    bars.append(bar(f"added latency, {kind} frames, p{percentile}", number, 2))
            for percentile in (50, 99):
                bars.append(bar(f"… sound, p{percentile}", f"audio_p{percentile}_ms", 1))
    return bars


if __name__ == "__main__":
    sys.exit(main())
