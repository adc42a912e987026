"""All that a run needs, as processes: server, arm, site agent, operator, consoles, bad networks.

`marks` is what people did and when, on this machine's clock: the truth that a verdict goes by.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from loadtests.distal import Distal
from loadtests.ports import free_udp_port
from loadtests.robot_faults.real.agent import Agent
from loadtests.robot_faults.real.console import Does, Screen
from loadtests.robot_faults.real.memory import ROW, Memory
from loadtests.robot_faults.real.network import Network
from loadtests.robot_faults.real.operator import Operator
from loadtests.robot_faults.real.specialist import Specialist

ROOM = "theatre"
TTL_S = 7200
READY_S = 60.0
GRANT_S = 15.0
FORCE, FREE_N = ROW.index("force_n"), 1.0


def clock_us() -> int:
    """The machine's, which all these processes share."""
    return time.monotonic_ns() // 1000


class Theatre:
    """`async with Theatre(folder) as theatre`; then `open_site`, `ready`, and a run."""

    def __init__(self, folder: Path, *, watchdog: bool = True) -> None:
        self.folder = folder
        self.chance = random.Random(0)  # a run's own
        self.memory = Memory(folder / "arm", make=True)
        self.marks: list[tuple[int, str, float]] = []
        self.watchdog = watchdog
        self._control_port = free_udp_port()
        self.server = Distal(
            folder, "--control-port", str(self._control_port), "--media-threads", "1"
        )
        self.operator: Operator | None = None
        self.people: list[Specialist] = []
        self._place = ""
        self._grants = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Theatre:
        self._stack = contextlib.AsyncExitStack()
        await self._stack.__aenter__()
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()

    async def _begin(self) -> None:
        server, stack = self.server, self._stack
        stack.push_async_callback(server.stop)
        await server.start()
        ports = self._control_port, server.media_port
        self.console_end = await stack.enter_async_context(Network(server.url, *ports, "up", 1))
        self.robot_end = await stack.enter_async_context(Network(server.url, *ports, "down", 11))
        self.end = self.console_end
        self._arm = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadtests.robot_faults.real.arm_process"),
            str(self.folder / "arm"),
        )
        stack.push_async_callback(self._end_arm)
        async with asyncio.timeout(READY_S):
            while not self.memory.count:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        token = await server.token(ROOM, "device", TTL_S)
        self.agent = Agent(
            self.folder, self.robot_end.web.url, token, self.folder / "arm", watchdog=self.watchdog
        )
        stack.push_async_callback(self.close_site)
        urls = self.console_end.web.ws_url, server.ws_url
        for name, url in zip(("Ann", "Bob"), urls, strict=True):
            token = await server.token(ROOM, "specialist", TTL_S)
            log = self.folder / f"{name}.log"
            self.people.append(Specialist(name, url, token, log))
        self.people[0].on_screen = self._seen
        stack.push_async_callback(self._everybody_leaves)

    # --- the site

    async def open_site(self, place: str) -> None:
        """Start its agent; the operator opens her page."""
        self._place = place
        page = await self.agent.start(place)
        self.operator = await Operator(page).__aenter__()

    async def close_site(self) -> None:
        """Both go home."""
        if self.operator is not None:
            await self.operator.__aexit__()
            self.operator = None
        await self.agent.stop()

    async def open_site_again(self) -> None:
        """After its agent was killed. Whoever had control has it no more by the operator's word."""
        await self.close_site()
        self.nobody()
        await self.open_site(self._place)

    @property
    def beside(self) -> Operator:
        """The operator, who is there."""
        assert self.operator is not None
        return self.operator

    # --- before a run

    async def ready(self, seed: int, *, both: bool) -> None:
        """All is mended, everybody there, the arm at rest. Raises TimeoutError."""
        self.chance = chance = random.Random(seed)
        delay_ms, jitter_ms = chance.uniform(1, 8), chance.uniform(0, 4)
        for network in (self.console_end, self.robot_end):
            network.usual(delay_ms, jitter_ms, chance.choice((0.0, 0.005)))
        self.end = chance.choice((self.console_end, self.robot_end))
        self.memory.sensor = ""
        ann, bob = self.people
        for signal_to in (ann.signal, self.signal_servo):  # a run before was given up
            signal_to(signal.SIGCONT)
        if not both:
            await bob.stop()
        for person in (ann, bob) if both else (ann,):
            if not person.alive:
                await person.start()
            person.do(Does(held=False, sweep=seed, how="", wrong="", ahead_us=0))
        await self.beside.until(self.well, READY_S)
        await self.beside.clear()
        async with asyncio.timeout(READY_S):
            while self.memory.last()[FORCE] > FREE_N:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        for person in (ann, bob) if both else (ann,):
            await person.until(lambda s: bool(s.robot) and s.pictures, READY_S)
        self.marks.clear()
        self._grants = 0

    def well(self, seen: dict[str, Any]) -> bool:
        """Whether the site is connected and its servo lives."""
        state = seen["state"]
        return bool(seen["site"]["connected"] and state and not state["stale"])

    # --- people

    def mark(self, column: str, value: float) -> None:
        """It is so from now on."""
        self.marks.append((clock_us(), column, value))

    def hold(self, number: int, held: bool) -> None:
        """A hand on the deadman, or off it."""
        self.mark(f"deadman_{number + 1}", held)
        self.people[number].do(Does(held=held))

    async def give(self, number: int, timeout_s: float = GRANT_S) -> None:
        """She asks, reads the digits out, and the operator grants. Raises TimeoutError."""
        person, beside = self.people[number], self.beside
        async with asyncio.timeout(timeout_s):
            await person.until(lambda screen: bool(screen.robot), timeout_s)
            epoch, before = person.screen.epoch, person.screen.digits
            person.do(Does(ask=True))
            await person.until(
                lambda s: s.phase == "agreed" and s.digits not in ("", before), timeout_s
            )
            me, digits = person.screen.me, person.screen.digits
            await beside.until(lambda _: beside.asks(me, digits), timeout_s)
            self._grants += 1
            self.mark("grants", self._grants)
            self.mark("holder", number + 1)
            await beside.grant(me, digits)
            await person.until(
                lambda s: s.phase == "granted" and s.epoch > epoch and s.mode >= 0, timeout_s
            )

    def nobody(self) -> None:
        """By the operator's word nobody has control."""
        self.mark("holder", 0)

    def later(self, seconds: float, what: Any) -> None:
        """`what` is a coroutine function or a function, without arguments."""

        async def do() -> None:
            await asyncio.sleep(seconds)
            result = what()
            if asyncio.iscoroutine(result):
                await result

        task = asyncio.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what dies

    def signal_servo(self, number: signal.Signals) -> None:
        """The site's, if it has one."""
        if (servo := self.agent.servo()) is not None:
            servo.send_signal(number)

    def kill_control(self) -> None:
        """The server's control process."""
        for child in psutil.Process(self.server.pid).children():
            if "server.control_process" in child.cmdline():
                child.kill()

    def kill_server(self) -> None:
        """Its main process."""
        os.kill(self.server.pid, signal.SIGKILL)

    # --- within

    def _seen(self, screen: Screen) -> None:
        self.mark("mode", screen.mode)
        self.mark("epoch", screen.epoch)

    async def _everybody_leaves(self) -> None:
        await asyncio.gather(*(person.stop() for person in self.people))

    async def _end_arm(self) -> None:
        if self._arm.returncode is None:
            self._arm.terminate()
        await self._arm.wait()
