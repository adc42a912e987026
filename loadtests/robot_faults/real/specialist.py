"""A console's process, as whoever leads her sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from loadtests.robot_faults.real.console import Does, Screen

END_S = 10.0


class Specialist:
    """`held` is the truth about her hand, whether or not her console is awake."""

    def __init__(self, name: str, url: str, token: str, log: Path) -> None:
        self.name = name
        self.screen = Screen()
        self.held = False
        self.on_screen: Callable[[Screen], None] = lambda screen: None
        self._url, self._token, self._log = url, token, log
        self._process: asyncio.subprocess.Process | None = None
        self._changed = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Into the room."""
        self.screen, self.held = Screen(), False
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "loadtests.robot_faults.real.console"),
                *(self._url, self.name),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(self._token.encode() + b"\n")
        self._reading = asyncio.create_task(self._read(self._process))

    async def stop(self) -> None:
        """And out of it."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self.signal(signal.SIGCONT)
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), END_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.gather(self._reading, return_exceptions=True)

    def signal(self, number: signal.Signals) -> None:
        """Freeze it, kill it."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, number)

    def do(self, does: Does) -> None:
        """Her hand; what a frozen console is told it hears when it wakes."""
        if does.held is not None:
            self.held = does.held
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.write(msgspec.json.encode(does) + b"\n")

    async def until(self, true: Callable[[Screen], bool], timeout_s: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not true(self.screen):
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.2)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.screen = msgspec.json.decode(line, type=Screen)
            self.on_screen(self.screen)
            self._changed.set()
