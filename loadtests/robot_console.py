"""`python -m loadtests.robot_console`: from a hand at a console to the arm's motion, on loopback.

The hand rests, then moves; the clock starts when the console's own loop reads the device and finds
it moving, and stops when the arm's true pose has left its rest by a hundredth of a millimetre. In
between lie the console's loops, its link, the server's control process, the site's agent and its
servo with its rules, all as they are in use, and the simulated arm's own inertia. The last line is
JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import random
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from clients.console.headless import HeadlessConsole
from clients.control_link import ControlLink
from clients.participant import Participant
from clients.robot.mujoco_arm import MujocoArm
from control.console import Console
from control.feel import Held
from control.gate import Motion
from control.messages import Mode
from control.vectors import ZERO, Vector, length, plus, times
from loadtests import verdict
from loadtests.distal import Distal
from loadtests.ports import free_udp_port

P99_MAX_MS = 20.0
ENTRY = "loadtests.robot_console"
ROOM = "theatre"
SPEED_M_S, MOVES_S = 0.05, 0.08  # four millimetres, to and fro
RESTS_S = (0.35, 0.45)  # and so at another moment of every loop on the way
LEFT_M = 1e-5  # the pose has left its rest
ASKED_M_S = 1e-4
LATE_S = 0.25  # it was not this input that moved the arm
BEFORE_S = 0.03
SEEN_S = 0.3  # for a deadman that is released to be seen so
READY_S, RUN_S = 60.0, 600.0


class NotedArm(MujocoArm):
    """The default arm, which keeps when it was where, and what it was asked for."""

    def __init__(self, clock: Callable[[], int], *, path: str) -> None:
        super().__init__(clock)
        self._now_us, self._path = clock, path
        self._rows = array("d")

    def move(self, motion: Motion, step_s: float) -> None:
        super().move(motion, step_s)
        self._rows.extend((self._now_us(), *self.pose()[0], length(motion.linear)))

    def close(self) -> None:
        super().close()
        np.save(self._path, np.array(self._rows).reshape(-1, 5))


class Nudges:
    """A device (clients/console/device.py) that moves now and then, while it `goes`."""

    def __init__(self) -> None:
        self.deadman = self.goes = False
        self.began_us: list[int] = []
        self._chance = random.Random(1)
        self._position: Vector = ZERO
        self._velocity: Vector = ZERO
        self._before_s = self._next_s = time.monotonic()
        self._side = 1.0

    def read(self) -> Held:
        now_s = time.monotonic()
        step_s, self._before_s = now_s - self._before_s, now_s
        if now_s >= self._next_s:
            if self._velocity != ZERO or not self.goes:
                self._velocity = ZERO
                self._next_s = now_s + self._chance.uniform(*RESTS_S)
            else:
                self._velocity = (SPEED_M_S * self._side, 0.0, 0.0)
                self._next_s, self._side = now_s + MOVES_S, -self._side
                self.began_us.append(round(now_s * 1e6))
        self._position = plus(self._position, times(self._velocity, step_s))
        return Held(self._position, self._velocity, self.deadman, clutch=False)

    def show(self, force: Vector, step_s: float) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def site(server: Distal, folder: Path, rows: Path) -> AsyncIterator[None]:
    """The agent, with nobody beside it."""
    token = folder / "token"
    token.write_text(await server.token(ROOM, "device"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.robot", "--url", server.url, "--token-file", str(token)),
        *("--grant", "at_once", "--operator-port", "0", "--data-dir", str(folder / "site")),
        *("--arm", f"{ENTRY}:NotedArm", "--arm-options", json.dumps({"path": str(rows)})),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def measure(inputs: int, folder: Path) -> tuple[Any, list[int], list[int], float]:
    """The arm's rows; when inputs began and commands left; how idle the machine was."""
    rows = folder / "arm.npy"
    server = Distal(folder, "--control-port", str(free_udp_port()))
    await server.start()
    try:
        nudges = Nudges()
        doctor = Participant(server.ws_url, await server.token(ROOM, "specialist"), name="Doctor")
        sent: list[int] = []
        console = HeadlessConsole(doctor, nudges, link=functools.partial(NotingLink, sent))
        async with site(server, folder, rows), doctor, console as headless:
            await doctor.until(lambda: headless.console is not None and headless.sees, READY_S)
            psutil.cpu_times_percent()
            began = await _nudge(headless, nudges, inputs)
            idle = psutil.cpu_times_percent().idle / 100
    finally:
        await server.stop()
    return np.load(rows), began, sent, idle


class NotingLink(ControlLink):
    """Notes in `sent` when each command is given to it, µs."""

    def __init__(self, sent: list[int], *of: Any) -> None:
        super().__init__(*of)
        self._sent = sent

    def send_motion(self, to: str, message: bytes) -> bool:
        self._sent.append(time.monotonic_ns() // 1000)
        return super().send_motion(to, message)


async def _nudge(headless: HeadlessConsole, nudges: Nudges, inputs: int) -> list[int]:
    """So many while the robot follows; a busy machine may have it stand still now and then."""
    doctor, console, good = headless.participant, headless.console, list[int]()
    assert console is not None
    while len(good) < inputs:
        nudges.deadman = nudges.goes = False
        headless.ask()
        await doctor.until(lambda: _mode(console) is Mode.READY, READY_S)
        await asyncio.sleep(SEEN_S)
        nudges.deadman = True
        await doctor.until(lambda: _mode(console) is Mode.FOLLOWING, READY_S)
        nudges.began_us.clear()
        nudges.goes = True
        enough = functools.partial(_enough, console, nudges, inputs - len(good))
        with contextlib.suppress(TimeoutError):
            await doctor.until(enough, RUN_S)
        nudges.goes = False
        good += nudges.began_us
        print(f"{len(good)} of {inputs} inputs", file=sys.stderr, flush=True)
        await asyncio.sleep(LATE_S)
    return good


def _enough(console: Console, nudges: Nudges, inputs: int) -> bool:
    return _mode(console) is not Mode.FOLLOWING or len(nudges.began_us) >= inputs


def _mode(console: Console) -> Mode | None:
    return console.seen.mode if console.phase == "granted" and console.seen else None


def delays_ms(rows: Any, began: Sequence[int], sent: Sequence[int]) -> dict[str, Any]:
    """Of each input that was followed: until its command left, the arm was asked, and it moved."""
    found: dict[str, list[float]] = {"sent": [], "asked": [], "moved": []}
    at, place, asked, left = rows[:, 0], rows[:, 1:4], rows[:, 4], np.array(sent)
    for start in began:
        first, last = np.searchsorted(at, (start, start + LATE_S * 1e6))
        before = np.searchsorted(at, start - BEFORE_S * 1e6)
        out = left[np.searchsorted(left, start) :]
        if before == first or not len(out):
            continue
        rest = place[before:first].mean(axis=0)
        away = np.linalg.norm(place[first:last] - rest, axis=1) > LEFT_M
        wished = asked[first:last] > ASKED_M_S
        if (asked[before:first] > ASKED_M_S).any() or not (
            away & np.maximum.accumulate(wished)
        ).any():
            continue
        found["sent"].append((out[0] - start) / 1000)
        found["asked"].append((at[first:last][wished][0] - start) / 1000)
        found["moved"].append((at[first:last][away][0] - start) / 1000)
    return {name: np.array(values) for name, values in found.items()}


WORDS = {
    "sent": "until a command leaves the console",
    "asked": "until the robot's rules ask the arm to move",
    "moved": "until the arm has moved",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.robot_console", description=__doc__)
    parser.add_argument("--inputs", type=int, default=300)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="distal-console-") as folder:
        rows, began, sent, idle = asyncio.run(measure(chosen.inputs, Path(folder)))
    delays = delays_ms(rows, began, sent)
    table = ["| ms after the hand moved | p50 | p99 | longest |", "|---|---:|---:|---:|"]
    numbers: dict[str, Any] = {"inputs": len(began), "followed": len(delays["moved"]), "idle": idle}
    for name, values in delays.items():
        p50, p99, most = (float(np.percentile(values, share)) for share in (50, 99, 100))
        table.append(f"| {WORDS[name]} | {p50:.1f} | {p99:.1f} | {most:.1f} |")
        numbers[name] = {"p50_ms": p50, "p99_ms": p99, "max_ms": most}
    table.append(f"\n{len(delays['moved'])} of {len(began)} inputs; machine idle {idle:.0%}")
    markdown = "\n".join(table)
    print(markdown)
    p50, p99 = numbers["moved"]["p50_ms"], numbers["moved"]["p99_ms"]
    bar = verdict.Bar(
        "console input to arm motion, loopback",
        f"p99 ≤ {P99_MAX_MS:g} ms",
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(delays['moved'])} inputs",
        p99 <= P99_MAX_MS and len(delays["moved"]) >= 0.9 * len(began),
    )
    print(verdict.line("Console input to arm motion", [bar], numbers, markdown=markdown))
    return int(not bar.held)


if __name__ == "__main__":
    sys.exit(main())
