"""A robot's site and a console through the real server: control, what moves, stop, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.console.device import SimulatedHand
from clients.console.headless import HeadlessConsole
from clients.participant import Participant
from clients.robot.record import NotARecord, Reader
from clients.robot.replay import Session
from control.console import Console
from control.messages import Mode
from control.vectors import Vector
from loadtests.ports import free_udp_port
from tests.clients.robot.machine import machine
from tests.server_process import ROOT, DistalServer


def wave(seconds: float) -> Vector:
    """Where the hand wants to be: always on its way, up or down through the air."""
    return 0.0, 0.0, 0.03 * math.sin(1.5 * seconds)


@contextlib.asynccontextmanager
async def site(
    server: DistalServer, folder: Path, *more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The agent as an operator starts it, for a demonstration."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.robot", "--url", server.url, "--token-file", "-"),
        *("--grant", "at_once", "--operator-port", "0", "--data-dir", str(folder), *more),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(server.token("theatre", "device", "Robot").encode() + b"\n")
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DistalServer]:
    port = str(free_udp_port())
    async with DistalServer(tmp_path / "data", "--control-port", port) as server:
        yield server


@pytest.mark.timeout(180)
async def test_control_is_given_used_stopped_and_ends_with_the_site(
    server: DistalServer, tmp_path: Path
) -> None:
    """On a busy machine the robot may find her blind or slow at any moment, and stand still, so
    she does as people do: lets go, asks again, and presses again."""
    hand = SimulatedHand(wave)
    doctor = Participant(server.ws_url, server.token("theatre", "specialist", "Doctor"))
    async with site(server, tmp_path) as process, doctor, HeadlessConsole(doctor, hand) as headless:
        await doctor.until(lambda: headless.console is not None, 60)
        console, view = headless.console, doctor.view
        assert console is not None and view is not None

        def mode() -> Mode | None:
            return console.seen.mode if console.seen else None

        def rests() -> bool:
            return console.phase != "granted" or mode() in (Mode.HOLDING, Mode.LATCHED)

        def runs() -> bool:
            return mode() in (Mode.FOLLOWING, Mode.FROZEN)

        async def control() -> None:
            hand.deadman = False
            while console.phase != "granted" or mode() is None:
                headless.ask()
                await doctor.until(
                    lambda: (
                        (console.phase == "granted" and mode() is not None)
                        or console.phase == "ended"
                    ),  # while the arm doubts its sensors
                    30,
                )
            assert len(console.digits) == 6

        await control()
        await doctor.until(lambda: [r.holder for r in view.robots.values()] == [doctor.id], 30)
        moved = False
        while not moved:
            hand.deadman, until_s = False, hand.seconds + 0.1  # long enough to be seen
            if rests():
                await control()
            await doctor.until(lambda s=until_s: hand.seconds > s and not runs(), 30)
            if console.seen is None:
                continue
            height, hand.deadman = console.seen.position[2], True
            with contextlib.suppress(TimeoutError):
                await doctor.until(lambda h=height: _moved(console, h) or rests(), 3)
            moved = _moved(console, height)

        headless.stop()
        await doctor.until(rests, 30)
        await doctor.until(lambda: console.phase == "ended", 30)
        await control()  # a demonstration's robot is cleared by asking
        await doctor.until(lambda: kept(tmp_path, console.epoch), 30)
        os.kill(process.pid, signal.SIGKILL)
        await doctor.until(lambda: console.phase == "ended", 60)
        await doctor.until(lambda: not view.robots, 60)

    last = kept(tmp_path, console.epoch)  # though its writer was killed
    assert last and last.events[0].kind == "granted"
    before = [session(path) for path in files(tmp_path)[:-1]]
    assert any(one.tracking_mm and one.round_trip_ms and one.picture_ms for one in before)
    stops = [event.text for one in before for event in one.events if event.kind == "stop"]
    assert stops == [doctor.id], "an id, no name"


@pytest.mark.timeout(120)
async def test_a_machine_that_goes_away_is_said_and_its_picture_goes_on_when_it_is_back(
    server: DistalServer, tmp_path: Path
) -> None:
    port = free_udp_port()
    doctor = Participant(server.ws_url, server.token("theatre", "specialist", "Doctor"))
    address = ("--machine", f"igtl:127.0.0.1:{port}")
    async with contextlib.AsyncExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        first.enter_context(machine(port))
        await stack.enter_async_context(site(server, tmp_path, *address))
        await stack.enter_async_context(doctor)
        headless = HeadlessConsole(doctor, SimulatedHand(wave))
        await stack.enter_async_context(headless)

        def video() -> str | None:
            state = headless.console.state if headless.console else None
            return state.video if state else None

        await doctor.until(lambda: video() == "live", 60)
        first.close()
        await doctor.until(lambda: video() == "lost", 30)
        stack.enter_context(machine(port))
        await doctor.until(lambda: video() == "live", 30)
    (file,) = files(tmp_path)
    assert [event.text for event in session(file).events if event.kind == "video"] == [
        "live",
        "lost",
        "live",
    ]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("robot/record/*"))


def session(path: Path) -> Session:
    """One file of the record."""
    reader = Reader(path)
    session = Session(reader.begins)
    session.read(reader)
    assert not reader.damaged
    return session


def kept(folder: Path, epoch: int) -> Session | None:
    """The newest file, once it tells something of this grant."""
    with contextlib.suppress(NotARecord):
        newest = session(files(folder)[-1])
        return newest if newest.events and newest.begins.epoch == epoch else None
    return None


def _moved(console: Console, height: float) -> bool:
    """The probe has gone half a centimetre."""
    return console.seen is not None and abs(console.seen.position[2] - height) > 0.005
