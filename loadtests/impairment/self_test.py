"""What the emulator adds to the delay that it was asked for, measured over loopback.

Beside it the same datagrams without the emulator, and how late this machine wakes any thread:
what the kernel, the probe and a busy host take is not the emulator's.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests._impairment import DelayProbe, wake_lateness
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.profiles import Profile
from loadtests.impairment.settings import LinkSettings

OCTETS = 1200
DRAIN_NS = 200_000_000


@dataclass(frozen=True)
class Load:
    """So many datagrams a second, through a link of so much delay."""

    packets_per_s: int = 5000
    seconds: float = 5.0
    delay_ms: float = 20.0


def measure(load: Load) -> dict[str, Any]:
    """Microseconds: without the emulator, beyond the delay with it, and where they come from."""
    probe = DelayProbe()
    count = round(load.packets_per_s * load.seconds)
    interval_ns = round(1e9 / load.packets_per_s)

    def run(port: int) -> tuple[np.ndarray[Any, Any], int]:
        took_ns = np.array(
            probe.run(
                via_port=port, count=count, interval_ns=interval_ns, octets=OCTETS,
                drain_ns=DRAIN_NS + round(load.delay_ms * 1e6),
            )
        )  # fmt: skip
        arrived = took_ns[took_ns >= 0]
        return arrived / 1000, len(took_ns) - len(arrived)

    link = LinkSettings(delay_ms=load.delay_ms)
    direct, _ = run(probe.port)
    with Emulator(("127.0.0.1", probe.port), Profile(link, link, "")) as network:
        through, lost = run(network.address[1])
        own = network.report()["late_us"]
        realtime = network.realtime
    added = through - load.delay_ms * 1000
    woken = np.array(wake_lateness(count=count, interval_ns=interval_ns)) / 1000
    return {
        "packets_per_s": load.packets_per_s,
        "packets": count,
        "delay_ms": load.delay_ms,
        "lost": lost,
        "direct_us": _percentiles(direct),
        "added_us": _percentiles(added),
        "late_us": own,
        "machine_us": _percentiles(woken),
        "realtime": realtime,
    }


def print_table(result: dict[str, Any]) -> None:
    """For people, on stderr; the caller prints the numbers for programs."""
    print(
        f"{result['packets']} datagrams of {OCTETS} bytes at {result['packets_per_s']} a second, "
        f"{result['delay_ms']} ms delay, {result['lost']} lost"
        f"{'' if result['realtime'] else '; without realtime priority'}",
        file=sys.stderr,
    )
    rows = {
        "direct_us": "loopback without the emulator",
        "added_us": "with it, beyond its delay",
        "late_us": "of that, its own lateness at departure",
        "machine_us": "this machine, waking a bare thread",
    }
    for key, name in rows.items():
        values = "  ".join(f"{at} {us:7.0f}" for at, us in result[key].items())
        print(f"{name:40} µs  {values}", file=sys.stderr)


def _percentiles(us: np.ndarray[Any, Any]) -> dict[str, float]:
    if not len(us):
        raise RuntimeError("no datagram arrived")
    p50, p99, worst = np.percentile(us, [50, 99, 100])
    return {"p50": round(p50, 1), "p99": round(p99, 1), "max": round(worst, 1)}
