"""How even the servo's beat is: arm and rules against an empty loop, by turns, alike in all else.

    python -m loadtests.robot_servo --rounds 6 --seconds 5

Each turn is a process of its own with the same priority. The servo has its simulated arm, a console
that sends a hundred commands a second and thirty frames, and follows them. A step's lateness is
counted from its absolute deadline, its jitter is how far the time since the step before is from
the period. Ends with one line of JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import socket
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clients.robot.servo import PERIOD_US, Servo, Settings, beats, made, prompt
from clients.robot.servo_link import ServoLink
from clients.robot.servo_messages import clock_us
from control.errors import ControlError
from control.messages import Command, Flag, Mode, Observation, decode, encode
from control.vectors import ZERO, plus
from loadtests import verdict

RATE_HZ = 500.0
MORE_US = 500  # p99 of the jitter, above that of the empty loop
KEY = bytes(range(32))
WARM_S = 1.0
ENTRY = "loadtests.robot_servo"
WORDS = {
    "rate_hz": "steps a second",
    "late_p50_us": "lateness, p50, µs",
    "late_p99_us": "lateness, p99, µs",
    "late_max_us": "lateness, longest, µs",
    "jitter_p99_us": "jitter, p99, µs",
}


def child(kind: str, descriptor: int, path: Path, seconds: float) -> None:
    """One turn; when each step began and how late it was goes into a file."""
    times = array("q")
    late = array("q")
    sock = socket.socket(fileno=descriptor)
    if kind == "empty":
        sock.setblocking(False)
        prompt(realtime=True)
        end_us = clock_us() + round((seconds + WARM_S) * 1e6)
        for now_us, late_us in beats():
            times.append(now_us)
            late.append(late_us)
            if now_us > end_us:
                break
    else:
        servo = Servo(sock, *made(Settings()))
        signal.signal(signal.SIGTERM, lambda *_: servo.leave())

        def looked(now_us: int, late_us: int) -> None:
            if times or servo.robot.mode is Mode.FOLLOWING:
                times.append(now_us)
                late.append(late_us)

        prompt(realtime=True)
        servo.run(looked)
    np.save(path, np.array([times, late]))


class Hand:
    """Leads the probe in a circle over the body."""

    def __init__(self, link: ServoLink, epoch: int) -> None:
        self.link, self.epoch, self.key = link, epoch, KEY
        self.seen: Observation | None = None
        self.answered = asyncio.Event()
        link.on_seen = self.see

    def see(self, data: bytes) -> None:
        try:
            self.seen = decode(data, Observation, self.key)
        except ControlError:
            return  # of before the grant
        self.answered.set()

    async def lead(self, seconds: float) -> None:
        """For so long, from the first answer on."""
        await self.answered.wait()
        assert self.seen is not None
        start, began, due = self.seen.position, time.monotonic(), time.monotonic()
        sequence = rtp = 0
        while (now := time.monotonic() - began) < seconds:
            sequence += 1
            if sequence % 3 == 1:
                rtp = sequence * 900
                self.link.frame(rtp, clock_us())
            turn = 2 * math.pi * 0.3 * max(now - WARM_S, 0.0)
            self.link.command(
                encode(
                    Command(
                        Flag.SEES | (Flag.DEADMAN if now > WARM_S / 2 else Flag(0)),
                        self.epoch,
                        sequence,
                        clock_us(),
                        self.seen.sequence,
                        rtp,
                        plus(start, (0.03 * math.sin(turn), 0.03 * (1 - math.cos(turn)), 0.0)),
                        self.seen.orientation,
                        ZERO,
                        ZERO,
                        0.0,
                    ),
                    self.key,
                )
            )
            due += 0.01
            await asyncio.sleep(max(due - time.monotonic(), 0.0))


async def turn(kind: str, seconds: float, folder: Path) -> dict[str, float]:
    """One process for so long."""
    path = folder / f"{kind}.npy"
    if kind == "empty":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", ENTRY, "--seconds", str(seconds), "--turn", kind, str(path),
                str(theirs.fileno()), "{}", pass_fds=(theirs.fileno(),),
            )  # fmt: skip
            await asyncio.wait_for(process.wait(), seconds + 60)
    else:
        link = await ServoLink.start(Settings(), ("-m", ENTRY, "--turn", kind, str(path)))
        hand = Hand(link, await link.grant("ann", KEY))
        await hand.lead(seconds + WARM_S)
        await link.close()
    return figures(np.load(path))


def figures(steps: Any) -> dict[str, float]:
    """Of the steps after the first second."""
    times, late = steps
    if not len(times):
        raise SystemExit("the console never led the arm: this machine is too busy to measure")
    chosen = times > times[0] + WARM_S * 1e6 / 2
    times, late = times[chosen], late[chosen]
    jitter = np.abs(np.diff(times) - PERIOD_US)
    return {
        "rate_hz": (len(times) - 1) / (times[-1] - times[0]) * 1e6,
        "late_p50_us": float(np.percentile(late, 50)),
        "late_p99_us": float(np.percentile(late, 99)),
        "jitter_p99_us": float(np.percentile(jitter, 99)),
        "late_max_us": float(late.max()),
    }


async def measure(rounds: int, seconds: float) -> list[dict[str, dict[str, float]]]:
    """By turns, each first in every other round."""
    done = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            kinds = ("empty", "servo") if number % 2 == 0 else ("servo", "empty")
            done.append({kind: await turn(kind, seconds, Path(name)) for kind in kinds})
    return done


def report(rounds: Sequence[dict[str, dict[str, float]]]) -> dict[str, float]:
    """Medians over the rounds."""
    result: dict[str, float] = {}
    for kind in ("empty", "servo"):
        for name in rounds[0][kind]:
            result[f"{kind}_{name}"] = round(
                float(np.median([each[kind][name] for each in rounds])), 1
            )
    for name in ("late_p99_us", "jitter_p99_us"):
        result[f"more_{name}"] = round(result[f"servo_{name}"] - result[f"empty_{name}"], 1)
    return result


def said(result: dict[str, float]) -> str:
    """The last line."""
    rate, more_us = result["servo_rate_hz"], result["more_jitter_p99_us"]
    bars = [
        verdict.Bar(
            "a robot's servo: rate", f"≥ {RATE_HZ:g} Hz", f"{rate:.0f} Hz", rate >= RATE_HZ
        ),
        verdict.Bar(
            "a robot's servo: jitter, p99, above an empty loop's",
            f"≤ {MORE_US / 1000:g} ms",
            f"{more_us / 1000:.2f} ms",
            more_us <= MORE_US,
        ),
    ]
    rows = ["| | servo | empty loop |", "|---|---:|---:|"]
    for name, words in WORDS.items():
        rows.append(f"| {words} | {result['servo_' + name]:g} | {result['empty_' + name]:g} |")
    return verdict.line("A robot's servo", bars, result, markdown="\n".join(rows))


def main() -> int:
    """Run, print, and return the exit status."""
    p = argparse.ArgumentParser(prog="python -m loadtests.robot_servo", description=__doc__)
    p.add_argument("--rounds", type=int, default=6)
    p.add_argument("--seconds", type=float, default=5.0)
    p.add_argument("--turn", nargs=4, help=argparse.SUPPRESS)
    chosen = p.parse_args()
    if chosen.turn:
        kind, path, descriptor, _ = chosen.turn
        child(kind, int(descriptor), Path(path), chosen.seconds)
        return 0
    prompt(realtime=True)  # the console too: a stumble of its own would end its control
    result = report(asyncio.run(measure(chosen.rounds, chosen.seconds)))
    for name, value in result.items():
        print(f"{name:24} {value}")
    print(said(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
