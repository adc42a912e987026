"""`python -m loadtests.rooms`: many small rooms in which everybody sends, Distal beside Janus.

Each person publishes a picture and a voice and receives those of the others, over one transport
each way. Pictures are small and one person in each room speaks while the others are muted, so that
neither server fills its core beside the load generator; the output says how much of the machine
was idle. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from loadtests import process, report, verdict
from loadtests._native import Publisher
from loadtests.distal import Distal
from loadtests.janus import Janus
from loadtests.measure import DRAIN_S, make_publisher, new_ssrcs
from loadtests.peer import PROFILES, Network
from loadtests.sdp import Kind
from loadtests.server import Person, Server

LEAST = 4  # times that Janus's CPU per packet is asked to be ours


class RoomServer(Server, Protocol):
    """A server with rooms."""

    async def fill_rooms(
        self, network: Network, rooms: int, ssrcs: list[dict[Kind, int]]
    ) -> list[Person]: ...


@dataclass(frozen=True)
class Settings:
    """What everybody does."""

    rooms: int = 20
    people: int = 5
    speaking: int = 1  # of each room; the others are muted
    bitrate_bps: int = 300_000
    frames_per_second: int = 15
    seconds: float = 8.0
    settle_s: float = 2.0


@dataclass(frozen=True)
class Run:
    """One server, once."""

    server: str
    packets: int
    seconds: float
    cpu_s: float
    client_cpu_s: float
    machine_idle: float
    due_packets: int  # from the first packet on
    lost_packets: int
    feedback: int
    agreed: int  # of all people, who gave transport-wide feedback
    late_frames: int


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    usual = Settings()
    parser = argparse.ArgumentParser(prog="python -m loadtests.rooms", description=__doc__)
    parser.add_argument("--rooms", type=int, default=usual.rooms)
    parser.add_argument("--people", type=int, default=usual.people, help="in each room")
    parser.add_argument("--speaking", type=int, default=usual.speaking, help="the rest are muted")
    parser.add_argument("--bitrate", type=int, default=usual.bitrate_bps, help="of each picture")
    parser.add_argument("--fps", type=int, default=usual.frames_per_second)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--servers", default="distal,janus")
    return parser.parse_args(arguments)


async def run(make: Callable[[Path], RoomServer], settings: Settings) -> Run:
    """Fill the rooms of one freshly started server, and measure."""
    with tempfile.TemporaryDirectory(prefix="distal-bench-") as folder:
        server = make(Path(folder))
        await server.start()
        try:
            async with Network(PROFILES["AES-128-GCM"], coalesce_us=0) as network:
                return await _measure(server, network, settings)
        finally:
            await server.stop()


async def _measure(server: RoomServer, network: Network, settings: Settings) -> Run:
    ssrcs = [new_ssrcs() for _ in range(settings.rooms * settings.people)]
    people = await server.fill_rooms(network, settings.rooms, ssrcs)
    try:
        return await _forward(server, network, people, settings)
    finally:
        await asyncio.gather(*(person.leave() for person in people))


async def _forward(
    server: RoomServer, network: Network, people: list[Person], settings: Settings
) -> Run:
    network.engine.coalesce(1000)
    publishers = [_publisher(n, person, settings) for n, person in enumerate(people)]
    try:
        for publisher in publishers:
            publisher.start()
            await asyncio.sleep(1 / settings.frames_per_second / len(publishers))
        await asyncio.sleep(settings.settle_s)
        psutil.cpu_times_percent()
        before, fed = _received(people), _feedback(people)
        began, cpu, own = time.perf_counter(), process.cpu_s(server.pid), _own_cpu_s()
        await asyncio.sleep(settings.seconds)
        seconds = time.perf_counter() - began
        cpu, own = process.cpu_s(server.pid) - cpu, _own_cpu_s() - own
        packets, fed = _received(people) - before, _feedback(people) - fed
        idle = psutil.cpu_times_percent().idle / 100
    finally:
        await asyncio.gather(*(asyncio.to_thread(p.stop) for p in publishers))
    await asyncio.sleep(DRAIN_S)
    sent = [p.sent(audio) for p in publishers for audio in (False, True)]
    due = sum(s.packets for s in sent) * (settings.people - 1)
    return Run(
        server.name,
        packets,
        seconds,
        cpu,
        own,
        idle,
        due,
        due - _received(people),
        fed,
        sum(person.receiving.gives_feedback for person in people),
        sum(s.late for s in sent),
    )


def _publisher(number: int, person: Person, settings: Settings) -> Publisher:
    ssrcs = person.ssrcs
    if number % settings.people >= settings.speaking:
        ssrcs = {"video": ssrcs["video"]}
    bitrate, rate = settings.bitrate_bps, settings.frames_per_second
    return make_publisher(person.publishing, ssrcs, bitrate, rate)


def _received(people: list[Person]) -> int:
    return sum(s.received for person in people for s in person.receiving.streams())


def _feedback(people: list[Person]) -> int:
    peers = [person.receiving for person in people]
    return sum(peer.engine.counts(peer.number).feedback_sent for peer in peers)


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _numbers(runs: list[Run], settings: Settings) -> dict[str, Any]:
    seconds = sum(r.seconds for r in runs)
    packets = sum(r.packets for r in runs)
    return {
        "cpu_us_per_packet": sum(r.cpu_s for r in runs) / max(1, packets) * 1e6,
        "cpu_us_per_packet_by_round": [r.cpu_s / max(1, r.packets) * 1e6 for r in runs],
        "packets_per_s": packets / seconds,
        "server_cores": sum(r.cpu_s for r in runs) / seconds,
        "generator_cores": sum(r.client_cpu_s for r in runs) / seconds,
        "machine_idle": sum(r.machine_idle for r in runs) / len(runs),
        "due_packets": sum(r.due_packets for r in runs),
        "lost_packets": sum(r.lost_packets for r in runs),
        "feedback_per_s": sum(r.feedback for r in runs) / seconds,
        "agreed": f"{runs[0].agreed} of {settings.rooms * settings.people}",
        "late_frames": sum(r.late_frames for r in runs),
    }


ROWS: list[tuple[str, str, str]] = [
    ("server CPU per forwarded packet, µs", "cpu_us_per_packet", ".2f"),
    ("packets/s forwarded", "packets_per_s", ".0f"),
    ("server CPU, cores", "server_cores", ".2f"),
    ("load generator's CPU, cores", "generator_cores", ".2f"),
    ("machine idle", "machine_idle", ".0%"),
    ("packets due", "due_packets", ".0f"),
    ("packets lost", "lost_packets", ".0f"),
    ("feedback packets/s", "feedback_per_s", ".0f"),
    ("people who agreed to transport-wide feedback", "agreed", ""),
    ("frames begun more than 5 ms late", "late_frames", ".0f"),
]


def _table(numbers: dict[str, dict[str, Any]], settings: Settings) -> str:
    lines = [
        f"{settings.rooms} rooms of {settings.people}, everybody sends "
        f"{settings.bitrate_bps / 1e3:g} kbit/s of video at {settings.frames_per_second} frames/s; "
        f"{settings.speaking} in each room speak (50 packets/s of Opus).",
        "",
        "| | " + " | ".join(numbers) + " |",
        "|---" + "|---:" * len(numbers) + "|",
    ]
    for title, name, form in ROWS:
        cells = [format(of_server[name], form) for of_server in numbers.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    chosen = _arguments(arguments)
    settings = Settings(
        chosen.rooms,
        chosen.people,
        min(chosen.speaking, chosen.people),
        chosen.bitrate,
        chosen.fps,
        chosen.seconds,
    )
    makes: dict[str, Callable[[Path], RoomServer]] = {"distal": Distal, "janus": Janus}
    runs: dict[str, list[Run]] = {}
    for _ in range(chosen.rounds):
        for name in chosen.servers.split(","):
            done = asyncio.run(run(makes[name], settings))
            runs.setdefault(done.server, []).append(done)
            cost = done.cpu_s / max(1, done.packets) * 1e6
            print(f"{done.server}: {cost:.2f} µs/packet", file=sys.stderr, flush=True)
    numbers = {server: _numbers(of_server, settings) for server, of_server in runs.items()}
    table = _table(numbers, settings)
    print(table)
    bars = []
    if {report.SUBJECT, report.YARDSTICK} <= numbers.keys():
        ours, theirs = (
            numbers[server]["cpu_us_per_packet"] for server in (report.SUBJECT, report.YARDSTICK)
        )
        work = f"CPU per forwarded packet, {settings.rooms} rooms of {settings.people}"
        bars.append(verdict.ratio(f"{work}, everybody sends", ours, theirs, LEAST, "µs"))
    print(verdict.line("Many rooms in which everybody sends", bars, numbers, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
