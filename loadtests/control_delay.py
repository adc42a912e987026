"""`python -m loadtests.control_delay`: what the server adds to a command's way to a robot.

A console sends commands a hundred times a second and a robot observations, through the control
process of a server that does nothing else, and then of one that forwards 20 HD streams while ten
people a second join and images are stored as fast as they come. The delay is from a datagram's
arrival at the server's port to its leaving the server, by the kernel's clock, so that the clients'
own Python does not count. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from clients.control_link import ControlLink
from clients.participant import Participant
from control import messages as m
from control import orders as o
from control.envelope import EVERYBODY, Stamp
from loadtests import measure, verdict
from loadtests.dicom_store import image
from loadtests.distal import Distal
from loadtests.peer import PROFILES, Network
from loadtests.ports import free_port, free_udp_port
from loadtests.wiretap import Passed, Wiretap

RATE_HZ = 100
P50_MAX_MS, P99_MAX_MS = 1.0, 3.0
SUBSCRIBERS, JOINS_PER_S, ASSOCIATIONS = 20, 10, 4
SMALLEST, LARGEST = 160, 400  # octets of a datagram with one message of motion, on either side
KEY = bytes(32)
ZERO, UPRIGHT = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)
SETTLE_S = 2.0


@dataclass
class Ears:
    """Counts what comes."""

    sequences: list[int] = field(default_factory=list)
    kept_us: list[int] = field(default_factory=list)
    holders: set[str] = field(default_factory=set)

    def opened(self) -> None:
        pass

    def lost(self) -> None:
        raise RuntimeError("the control link was lost")

    def motion(self, _sender: str, message: bytes, stamp: Stamp) -> None:
        self.sequences.append(int.from_bytes(message[8:12]))
        self.kept_us.append(stamp.kept_us)

    def order(self, _sender: str, order: o.Order) -> None:
        if isinstance(order, o.State):
            self.holders.add(order.holder)


@dataclass(frozen=True)
class Phase:
    """One way's delays, in ms; `lost`: messages that did not arrive."""

    delays_ms: list[float]
    sent: int
    lost: int
    kept_us: list[int]
    idle: float  # of the machine

    def at(self, percent: float) -> float:
        return float(np.percentile(self.delays_ms, percent)) if self.delays_ms else float("nan")


async def run(seconds: float) -> dict[str, dict[str, Phase]]:
    """By phase, then by way."""
    found: dict[str, dict[str, Phase]] = {}
    control, dicom = free_udp_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="distal-control-") as made:
        folder = Path(made)
        options = ("--control-port", str(control), "--dicom-port", str(dicom))
        server = Distal(folder, *options)
        await server.start()
        try:
            async with pair(server) as (console, robot):
                found["alone"] = await phase(console, robot, control, seconds)
                async with under_load(server, folder, dicom):
                    found["beside everything else"] = await phase(console, robot, control, seconds)
        finally:
            await server.stop()
    return found


@dataclass
class End:
    """A participant with a link, and whom it talks to."""

    link: ControlLink
    ears: Ears
    to: str


@contextlib.asynccontextmanager
async def pair(server: Distal) -> AsyncIterator[tuple[End, End]]:
    """A console that has control of a robot."""
    tokens = [await server.token("theatre", role) for role in ("device", "specialist")]
    ears = Ears(), Ears()
    device = Participant(server.ws_url, tokens[0], name="Robot")
    doctor = Participant(server.ws_url, tokens[1], name="Doctor")
    async with (
        device,
        doctor,
        ControlLink(device, "robot", ears[0]) as robot,
        ControlLink(doctor, "console", ears[1]) as console,
    ):
        await device.until(lambda: robot.open and console.open)
        assert device.id is not None and doctor.id is not None
        saying = asyncio.create_task(_say(robot, state(doctor.id)))
        try:
            await doctor.until(lambda: doctor.id in ears[1].holders)
            yield End(console, ears[1], device.id), End(robot, ears[0], EVERYBODY)
        finally:
            saying.cancel()


async def _say(robot: ControlLink, told: o.State) -> None:
    """Every second, as a robot does."""
    while True:
        robot.send_order(EVERYBODY, told)
        await asyncio.sleep(1.0)


async def phase(console: End, robot: End, port: int, seconds: float) -> dict[str, Phase]:
    """Both ways at once."""
    await asyncio.sleep(SETTLE_S)
    for end in (console, robot):
        end.ears.sequences.clear()
        end.ears.kept_us.clear()
    psutil.cpu_times_percent()
    with Wiretap(port) as tap:
        sent = await asyncio.gather(
            _send(console, seconds, command), _send(robot, seconds, observation)
        )
        await asyncio.sleep(0.5)
    idle = psutil.cpu_times_percent().idle / 100
    console_port, robot_port = _ports(tap.passed, port)
    there, back = (console_port, robot_port), (robot_port, console_port)
    return {
        "command": _way(tap.passed, port, there, sent[0], robot.ears, idle),
        "observation": _way(tap.passed, port, back, sent[1], console.ears, idle),
    }


async def _send(end: End, seconds: float, make: object) -> int:
    sent, began = 0, time.monotonic()
    assert callable(make)
    while (now := time.monotonic()) - began < seconds:
        sent += end.link.send_motion(end.to, make(sent))
        due = began + (int((now - began) * RATE_HZ) + 1) / RATE_HZ
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return sent


def _ports(passed: list[Passed], port: int) -> tuple[int, int]:
    """The console's and the robot's: observations are larger than commands."""
    sizes: dict[int, list[int]] = {}
    for one in passed:
        if one.target == port and SMALLEST <= one.size <= LARGEST:
            sizes.setdefault(one.source, []).append(one.size)
    two = sorted(sizes, key=lambda each: len(sizes[each]))[-2:]
    console, robot = sorted(two, key=lambda each: statistics.median(sizes[each]))
    return console, robot


def _way(
    passed: list[Passed], port: int, ends: tuple[int, int], sent: int, ears: Ears, idle: float
) -> Phase:
    source, target = ends

    def when(from_port: int, to_port: int) -> list[int]:
        leaving = from_port == port
        return [
            one.at_ns
            for one in passed
            if (one.source, one.target, one.sent) == (from_port, to_port, leaving)
            and SMALLEST <= one.size <= LARGEST
        ]

    came, left = when(source, port), when(port, target)
    if len(came) != sent or len(left) != len(ears.sequences):
        raise RuntimeError(
            f"{sent} sent and {len(came)} seen, {len(ears.sequences)} heard and {len(left)} seen"
        )
    delays = [(at - came[n]) / 1e6 for n, at in zip(ears.sequences, left, strict=True)]
    return Phase(delays, sent, sent - len(left), list(ears.kept_us), idle)


@contextlib.asynccontextmanager
async def under_load(server: Distal, folder: Path, dicom_port: int) -> AsyncIterator[None]:
    """20 HD streams, ten joins a second, four associations of DICOM."""
    async with contextlib.AsyncExitStack() as stack:
        network = await stack.enter_async_context(Network(PROFILES["AES-128-GCM"], 1000))
        ssrcs = measure.new_ssrcs()
        publishing = await server.publish(network, ssrcs)
        publisher = measure.make_publisher(publishing, ssrcs, 2_500_000)
        sessions = [await server.watch(network) for _ in range(SUBSCRIBERS)]
        publisher.start()
        stack.callback(publisher.stop)
        joining = asyncio.create_task(_join(server, network))
        senders = await _store(folder, dicom_port)
        try:
            yield
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)
            for sender in senders:
                if sender.returncode is None:
                    sender.kill()
                await sender.wait()
            await asyncio.gather(*(session.leave() for session in sessions))


async def _join(server: Distal, network: Network) -> None:
    """Each stays for a second."""

    async def visit() -> None:
        session = await server.watch(network)
        await asyncio.sleep(1.0)
        await session.leave()

    async with asyncio.TaskGroup() as visits:
        while True:
            visits.create_task(visit())
            await asyncio.sleep(1 / JOINS_PER_S)


async def _store(folder: Path, port: int) -> list[asyncio.subprocess.Process]:
    file = folder / "one.dcm"
    image(1, 1).save_as(file, enforce_file_format=True)
    return [
        await asyncio.create_subprocess_exec(
            *("storescu", "+II", "--repeat", "100000", "127.0.0.1", str(port), str(file)),
            env=os.environ | {"TCP_NODELAY": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(ASSOCIATIONS)
    ]


def state(holder: str, epoch: int = 1) -> o.State:
    """A robot that follows this console; empty: nobody."""
    return o.State(
        epoch=epoch,
        holder=holder,
        since_ms=0,
        mode="following" if holder else "idle",
        cause="none",
        asking=[],
        successor="",
        grants="operator",
        label="Load test",
        preset="abdomen",
        limits=o.ForceLimits(warn_n=10, soft_n=15, hard_n=25),
        speed_m_s=0.1,
        imaging=o.Imaging(depth_mm=120, gain_db=0, frozen=False),
        scene=o.Scene(
            centre=[0, 0, 0], along=[1, 0, 0], outward=[0, 0, 1], half=[0.1, 0.1], length_m=0.5
        ),
        video="live",
        simulated=True,
    )


def command(sequence: int, epoch: int = 1) -> bytes:
    wish = (0, 0, ZERO, UPRIGHT, ZERO, ZERO, 0.0)
    return m.encode(m.Command(m.Flag(1), epoch, sequence, 0, *wish), KEY)


def observation(sequence: int) -> bytes:
    return m.encode(
        m.Observation(
            0, 1, sequence, 0, 0, 0, m.Mode.FOLLOWING, m.Cause.NONE, ZERO, UPRIGHT, ZERO, ZERO, 0.0
        ),
        KEY,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.control_delay", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    chosen = parser.parse_args(arguments)
    found = asyncio.run(run(chosen.seconds))
    rows = [
        "| added by the server, ms | p50 | p99 | longest | sent | lost | kept above 3 ms | idle |",
        "|---" + "|---:" * 7 + "|",
    ]
    bars, numbers = [], {}
    for name, ways in found.items():
        for way, measured in ways.items():
            late = sum(kept > 3000 for kept in measured.kept_us)
            rows.append(
                f"| {way}, {name} | {measured.at(50):.2f} | {measured.at(99):.2f} "
                f"| {measured.at(100):.2f} | {measured.sent} | {measured.lost} | {late} "
                f"| {measured.idle:.0%} |"
            )
            held = measured.at(50) <= P50_MAX_MS and measured.at(99) <= P99_MAX_MS
            bars.append(
                verdict.Bar(
                    f"{way} through the server, {name}",
                    f"p50 ≤ {P50_MAX_MS:g} ms, p99 ≤ {P99_MAX_MS:g} ms, none lost",
                    f"{measured.at(50):.2f}, {measured.at(99):.2f} ms, {measured.lost} lost",
                    held and measured.lost == 0,
                )
            )
            numbers[f"{way}, {name}"] = {
                "p50_ms": measured.at(50),
                "p99_ms": measured.at(99),
                "max_ms": measured.at(100),
                "sent": measured.sent,
                "lost": measured.lost,
            }
    table = "\n".join(rows)
    print(table)
    print(verdict.line("Control beside everything else", bars, numbers, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
