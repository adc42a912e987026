"""`python -m loadtests.soak`: a busy room for an hour; memory and file descriptors stay flat.

Four people stay. Guests come and go: members that change what they look at, members that vanish,
encoders by WHIP, players by WHEP, meetings in rooms of their own, malformed datagrams from
strangers and from peers. Every few minutes all guests leave; what the server holds then is
compared. It uses a third of a core with the server, so that it may run beside other work. The last
line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clients import plot
from loadtests import bench, process, verdict
from loadtests.distal import Distal
from loadtests.guests import Guests, Sending
from loadtests.measure import new_ssrcs
from loadtests.member import Member
from loadtests.peer import PROFILES, Network
from loadtests.report import machine

ROOM = "soak"
STAYING = 4
STREAMS = 2 * (STAYING - 1)  # picture and voice of each other
GROWTH_MOST = 0.03  # of memory in an hour, after the warm-up
WARM_UP = 0.25  # of the time
STEADY_S = 3.0  # file descriptors did not change for so long: the server has settled


@dataclass(frozen=True)
class Settings:
    """How long, and in what steps."""

    minutes: float = 60.0
    seed: int = 1
    busy_s: float = 150.0  # guests come and go
    rest_s: float = 20.0  # they are gone; longer than the server waits for the silent
    sample_s: float = 5.0


@dataclass(frozen=True)
class Sample:
    """What the server's processes hold."""

    minute: float
    rss_kb: int
    pss_kb: int
    fds: int


@dataclass
class Soak:
    """All that a soak has seen."""

    samples: list[Sample] = field(default_factory=list)
    rests: list[Sample] = field(default_factory=list)
    silent: int = 0  # streams between those who stay that brought nothing from rest to rest
    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    server_cores: float = 0.0
    own_cores: float = 0.0


async def run(settings: Settings) -> Soak:
    """Soak a freshly started server."""
    soak = Soak()
    with tempfile.TemporaryDirectory(prefix="distal-soak-") as folder:
        server = Distal(Path(folder))
        await server.start()
        try:
            async with Network(PROFILES["AES-128-GCM"], coalesce_us=2000) as network:
                await _soak(server, network, settings, soak)
        finally:
            await server.stop()
    return soak


async def _soak(server: Distal, network: Network, settings: Settings, soak: Soak) -> None:
    token = await server.token(ROOM, ttl_s=int(settings.minutes * 60) + 3600)
    guests = Guests(server, network, ROOM, token, settings.seed)
    began, cpu, own = time.monotonic(), process.cpu_s(server.pid), time.process_time()
    async with contextlib.AsyncExitStack() as stack:
        staying = [Member(network, server.ws_url, token, f"stays {n}") for n in range(STAYING)]
        for member in staying:
            stack.push_async_callback(member.leave)
            session = await member.enter(ssrcs := new_ssrcs())
            await stack.enter_async_context(Sending(session, ssrcs))
        for member in staying:
            await member.until_offered(STREAMS)
        heard: dict[tuple[str, int], int] = {}
        sampling = asyncio.create_task(_sample(server, began, settings, soak))
        stack.callback(sampling.cancel)
        while time.monotonic() - began < settings.minutes * 60:
            await guests.come_and_go(settings.busy_s)
            soak.rests.append(await _rest(server, began, settings))
            now = _heard(staying)
            soak.silent += STAYING * STREAMS - len(now)
            soak.silent += sum(now[stream] <= before for stream, before in heard.items())
            heard = now
            print(_told(soak), file=sys.stderr, flush=True)
            if sampling.done():
                sampling.result()
    seconds = time.monotonic() - began
    soak.counts, soak.failures = dict(guests.counts), dict(guests.failures)
    soak.server_cores = (process.cpu_s(server.pid) - cpu) / seconds
    soak.own_cores = (time.process_time() - own) / seconds


def _heard(staying: list[Member]) -> dict[tuple[str, int], int]:
    """Packets of each stream that those who stay send each other; they were there first."""
    return {
        (member.name, stream.ssrc): stream.received
        for member in staying
        if member.receiving is not None
        for stream in member.receiving.streams()[:STREAMS]
    }


def _look(server: Distal, began: float) -> Sample:
    rss, pss = process.memory_kb(server.pid)
    return Sample((time.monotonic() - began) / 60, rss, pss, process.fds(server.pid))


async def _sample(server: Distal, began: float, settings: Settings, soak: Soak) -> None:
    while True:
        soak.samples.append(_look(server, began))
        await asyncio.sleep(settings.sample_s)


async def _rest(server: Distal, began: float, settings: Settings) -> Sample:
    """Wait until the server has forgotten the guests, and look."""
    await asyncio.sleep(settings.rest_s)
    steady, since = process.fds(server.pid), time.monotonic()
    limit = since + settings.rest_s + 60
    while time.monotonic() < min(since + STEADY_S, limit):
        await asyncio.sleep(0.25)
        if (now := process.fds(server.pid)) != steady:
            steady, since = now, time.monotonic()
    return _look(server, began)


def _told(soak: Soak) -> str:
    last = soak.rests[-1]
    return f"{last.minute:.0f} min: RSS {last.rss_kb} KB, {last.fds} file descriptors"


def growth(rests: Sequence[Sample], of: str = "rss_kb") -> float:
    """By how much of itself a quantity grows in an hour: a line through all after the warm-up."""
    warm = [s for s in rests if s.minute >= WARM_UP * rests[-1].minute]
    if len(warm) < 3:
        return float("nan")
    hours = np.array([s.minute / 60 for s in warm])
    values = np.array([getattr(s, of) for s in warm], float)
    slope, _ = np.polyfit(hours, values, 1)
    return float(slope / values.mean())


def bars(soak: Soak, settings: Settings) -> list[verdict.Bar]:
    """What is asked of a soak."""
    work = f"{settings.minutes:g} minutes of a busy room: "
    out = []
    grown = growth(soak.rests)
    asked = f"at most {GROWTH_MOST:+.0%} an hour"
    shown = f"{grown:+.1%} an hour"
    out.append(verdict.Bar(f"{work}resident memory", asked, shown, grown <= GROWTH_MOST))
    fds = [s.fds for s in soak.rests if s.minute >= WARM_UP * soak.rests[-1].minute]
    same = len(set(fds)) == 1
    shown = f"{fds[0]}" if same else f"{min(fds)} to {max(fds)}"
    out.append(verdict.Bar(f"{work}file descriptors", "the same at each rest", shown, same))
    streams = f"{soak.silent} silent streams"
    out.append(verdict.Bar(f"{work}media of those who stay", "flow", streams, soak.silent == 0))
    return out


def _markdown(soak: Soak, settings: Settings) -> str:
    happened = ", ".join(f"{number} {what}" for what, number in soak.counts.items())
    failed = ", ".join(f"{number} × {what}" for what, number in soak.failures.items()) or "none"
    lines = ["| work | asked | measured | |", "|---|---|---|---|"]
    for bar in bars(soak, settings):
        held = "held" if bar.held else "**not held**"
        lines.append(f"| {bar.work} | {bar.asked} | {bar.measured} | {held} |")
    return "\n".join(
        [
            f"{machine()}; seed {settings.seed}; the server used {soak.server_cores:.2f} cores, "
            f"the load generator {soak.own_cores:.2f}. Guests: {happened}; failed: {failed}.",
            "",
            *lines,
        ]
    )


def _draw(soak: Soak, folder: Path) -> list[str]:
    def line(name: str, of: Sequence[Sample], what: str, scale: float, marked: bool) -> plot.Line:
        return plot.Line(name, [(s.minute, getattr(s, what) / scale) for s in of], marked)

    memory = plot.chart(
        "Memory of the server's processes",
        "minutes",
        "MB (RSS)",
        [
            line("guests come and go", soak.samples, "rss_kb", 1024, False),
            line("at rest", soak.rests, "rss_kb", 1024, True),
        ],
    )
    fds = plot.chart(
        "File descriptors of the server's processes",
        "minutes",
        "open",
        [
            line("guests come and go", soak.samples, "fds", 1, False),
            line("at rest", soak.rests, "fds", 1, True),
        ],
    )
    return [plot.save(folder, "soak-memory", memory), plot.save(folder, "soak-fds", fds)]


def _numbers(soak: Soak, settings: Settings) -> dict[str, Any]:
    return {
        "settings": settings.__dict__,
        "machine": machine(),
        "pss_growth_per_hour": growth(soak.rests, "pss_kb"),
        "rss_growth_per_hour": growth(soak.rests, "rss_kb"),
        "rests": [sample.__dict__ for sample in soak.rests],
        "silent_streams": soak.silent,
        "guests": soak.counts,
        "failures": soak.failures,
        "server_cores": soak.server_cores,
        "generator_cores": soak.own_cores,
    }


def main(arguments: list[str] | None = None) -> int:
    """Soak, print, and return the exit status."""
    usual = Settings()
    parser = argparse.ArgumentParser(prog="python -m loadtests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--busy", type=float, default=usual.busy_s, metavar="SECONDS")
    parser.add_argument("--rest", type=float, default=usual.rest_s, metavar="SECONDS")
    parser.add_argument("--docs", type=Path, help="write plots, numbers and the page's part there")
    chosen = parser.parse_args(arguments)
    settings = Settings(chosen.minutes, chosen.seed, chosen.busy, chosen.rest)
    soak = asyncio.run(run(settings))
    text, pictures = _markdown(soak, settings), []
    if chosen.docs:
        pictures = _draw(soak, chosen.docs / "pictures")
        shown = "".join(f"\n\n![]({Path('pictures') / name})" for name in pictures)
        bench.write(chosen.docs, "soak", text + shown)
    print(text)
    numbers = _numbers(soak, settings)
    said = verdict.line("A soak", bars(soak, settings), numbers, pictures=pictures)
    if chosen.docs:
        (chosen.docs / "soak.json").write_text(said + "\n", encoding="utf-8")
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
