"""`python -m loadtests.scale`: what a forwarded packet costs as the audience grows.

One publisher, Distal with ever more subscribers, and Janus at the sizes that it can carry, in
interleaved order. Receiving takes its share of the same cores: the output says how much of the
machine was idle and what was lost. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients import plot
from loadtests import measure, report, verdict
from loadtests.distal import Distal
from loadtests.janus import Janus
from loadtests.server import Server

MOST_GROWTH = 1.25  # of the largest audience's figure over the lowest
Runs = dict[tuple[str, int], list[measure.Run]]


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.scale", description=__doc__)
    parser.add_argument("--subscribers", default="10,60,150,300,500")
    parser.add_argument("--janus", default="10,60,150", help="its sizes; empty for none")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bitrate", type=int, default=2_500_000, help="bit/s on the network")
    parser.add_argument("--pictures", type=Path, help="folder for the plot; none without")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]


async def _rounds(chosen: argparse.Namespace) -> Runs:
    janus = set(_sizes(chosen.janus))
    runs: Runs = {}
    for _ in range(chosen.rounds):
        for size in sorted({*_sizes(chosen.subscribers), *janus}):
            makes: list[Callable[[Path], Server]] = [Distal, *([Janus] if size in janus else [])]
            for make in makes:
                settings = measure.Settings(
                    subscribers=size,
                    seconds=chosen.seconds,
                    spreads_ms=(0,),
                    bitrate_bps=chosen.bitrate,
                    joins=1,
                    joins_at_once=25,
                    joins_alone=0,
                )
                run = await measure.run(make, settings)
                runs.setdefault((run.server, size), []).append(run)
                cost = report.cpu_us(run.forwarding)
                print(f"{run.server}, {size}: {cost:.2f} µs", file=sys.stderr, flush=True)
    return runs


def _numbers(runs: list[measure.Run]) -> dict[str, Any]:
    forwarding = [f for run in runs for f in run.forwarding]
    windows = [window for f in forwarding for window in (f.window, f.audio)]
    seconds = sum(f.seconds for f in forwarding)
    return {
        "cpu_us_per_packet": report.cpu_us(forwarding),
        "cpu_us_per_packet_by_round": [report.cpu_us(run.forwarding) for run in runs],
        "packets_per_s": sum(f.packets for f in forwarding) / seconds,
        "server_cores": sum(f.cpu_s for f in forwarding) / seconds,
        "lost_packets": sum(w.lost_packets for w in windows),
        "due_packets": sum(w.due_packets for w in windows),
        "delta_p99_ms": report.latency_ms(forwarding, "every_ms", 99, key=False),
        "machine_idle": sum(f.machine_idle for f in forwarding) / len(forwarding),
        "agreed": runs[0].agreed,
        "complaints": [text for run in runs for text in run.complaints],
    }


def _table(numbers: dict[str, dict[str, Any]]) -> str:
    heads = ["µs/packet", "rounds", "packets/s", "lost", "server cores", "delta p99 ms", "idle"]
    lines = [f"| server | subscribers | {' | '.join(heads)} |", "|---" + "|---:" * 8 + "|"]
    for server, sizes in numbers.items():
        for size, n in sizes.items():
            rounds = "–".join(f"{edge(n['cpu_us_per_packet_by_round']):.2f}" for edge in (min, max))
            lines.append(
                f"| {server} | {size} | {n['cpu_us_per_packet']:.2f} | {rounds} "
                f"| {n['packets_per_s']:.0f} | {n['lost_packets']} | {n['server_cores']:.2f} "
                f"| {n['delta_p99_ms']:.1f} | {n['machine_idle']:.0%} |"
            )
    return "\n".join(lines)


def _bar(sizes: dict[str, Any]) -> verdict.Bar:
    largest = max(sizes, key=int)
    cost, lowest = (
        sizes[largest]["cpu_us_per_packet"],
        min(n["cpu_us_per_packet"] for n in sizes.values()),
    )
    measured = f"{cost:.2f} µs, lowest {lowest:.2f}: {cost / lowest - 1:+.0%}"
    asked = f"at most {MOST_GROWTH - 1:.0%} above the lowest"
    work = f"CPU per forwarded packet, {largest} subscribers"
    return verdict.Bar(work, asked, measured, cost <= MOST_GROWTH * lowest)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    numbers: dict[str, dict[str, Any]] = {}
    for (server, size), runs in asyncio.run(_rounds(chosen)).items():
        numbers.setdefault(server, {})[str(size)] = _numbers(runs)
    pictures = []
    if chosen.pictures:
        lines = [
            plot.Line(server, [(int(size), n["cpu_us_per_packet"]) for size, n in sizes.items()])
            for server, sizes in numbers.items()
        ]
        drawn = plot.chart("Server CPU per forwarded packet", "subscribers", "µs", lines)
        pictures.append(plot.save(chosen.pictures, "benchmark-scale", drawn))
    table = _table(numbers)
    print(table)
    bars = [_bar(numbers[report.SUBJECT])]
    title = "A growing audience"
    print(verdict.line(title, bars, numbers, markdown=table, pictures=pictures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
