"""`python -m loadtests.dicom_beside`: what images that are being stored do to a call's media.

The publisher and the subscribers of `loadtests.relay` with Distal alone, without and with four
associations that send CT images of 0.5 MB as fast as they are taken, in turn. The bar allows for
the processor that the senders themselves take from a machine of two cores. The last line is JSON
(`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import time
from pathlib import Path

from loadtests import measure, report, verdict
from loadtests.dicom_store import image
from loadtests.distal import Distal
from loadtests.ports import free_port

ASSOCIATIONS = 4
MORE_MAX_MS = 5.0  # at the 99th percentile
KINDS = ("every_delta_p50_ms", "every_delta_p99_ms", "audio_p99_ms")


class Alone(Distal):
    """A server with a DICOM port that nobody uses."""

    def __init__(self, folder: Path) -> None:
        self.dicom_port = free_port()
        self.stored_per_s = 0.0
        super().__init__(folder, "--dicom-port", str(self.dicom_port))


class Storing(Alone):
    """One that stores all the while."""

    last: Storing | None = None

    async def start(self) -> None:
        await super().start()
        Storing.last = self
        file = self.folder / "one.dcm"
        image(1, 1).save_as(file, enforce_file_format=True)
        where = ("127.0.0.1", str(self.dicom_port), str(file))
        self._began = time.monotonic()
        self._senders = [
            await asyncio.create_subprocess_exec(
                *("storescu", "+II", "--repeat", "100000", *where),
                env=os.environ | {"TCP_NODELAY": "1"},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            for _ in range(ASSOCIATIONS)
        ]

    async def stop(self) -> None:
        took_s = time.monotonic() - self._began
        for sender in self._senders:
            if sender.returncode is None:
                sender.kill()
            await sender.wait()
        with sqlite3.connect(self.folder / "data/dicom/index.db") as base:
            [count] = base.execute("SELECT count(*) FROM instance").fetchone()
        self.stored_per_s = count / took_s
        await super().stop()


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.dicom_beside", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args(arguments)
    settings = measure.Settings(
        subscribers=chosen.subscribers, seconds=chosen.seconds, spreads_ms=(0,), joins=1
    )
    found: dict[str, dict[str, list[float]]] = {}
    rates: list[float] = []
    for _ in range(chosen.rounds):
        for kind in (Alone, Storing):
            run = asyncio.run(measure.run(kind, settings))
            [numbers] = report.summary([run], settings)["servers"][run.server][
                "forwarding"
            ].values()
            for name in KINDS:
                found.setdefault(name, {}).setdefault(kind.__name__, []).append(numbers[name])
        if Storing.last is not None:
            rates.append(Storing.last.stored_per_s)
    bars = []
    rows = ["| added latency | alone | while images are stored |", "|---|---:|---:|"]
    for name, by_kind in found.items():
        alone, storing = (statistics.median(by_kind[kind]) for kind in ("Alone", "Storing"))
        rows.append(f"| {name} | {alone:.2f} | {storing:.2f} |")
        measured = f"{alone:.2f} ms, {storing:.2f} ms while {statistics.median(rates):.0f}/s come"
        work = f"a call beside ingest: {name}"
        bars.append(
            verdict.Bar(
                work, f"at most {MORE_MAX_MS:g} ms more", measured, storing - alone <= MORE_MAX_MS
            )
        )
    table = "\n".join(rows)
    print(table)
    numbers_ = {"latency_ms": found, "stored_per_s": rates}
    print(verdict.line("A call beside ingest", bars, numbers_, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
