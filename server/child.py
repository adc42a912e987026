"""A process of the server's own: started, told what to do, watched, and replaced when it dies.

It reads one line of JSON that says what it is to do, later ones as they come, and ends with its
input, so it outlives nobody for long. Each line that it prints is one JSON value for `heard`; the
first says that it serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import structlog

log = structlog.get_logger("server.child")
START_S = 60.0  # migrations of a large index included
STOP_S = 5.0  # for what is under way
AGAIN_S, AGAIN_MAX_S = 0.5, 30.0
SOUND_S = 60.0  # who has lived as long is not in a loop of deaths


class ChildError(Exception):
    """It does not start; its reason is in the log."""


class Told(NamedTuple):
    """What a child begins with; `fds` it inherits."""

    words: dict[str, Any]
    fds: Sequence[int] = ()


class Child:
    """Lives from the first `ready` to `close`."""

    def __init__(
        self,
        module: str,
        tell: Callable[[], AbstractAsyncContextManager[Told]],
        heard: Callable[[Any], None],
        died: Callable[[], None],
    ) -> None:
        """`tell` is entered for each life; `died` is called after each that has ended by itself."""
        self.restarts = 0
        self._module = module
        self._tell = tell
        self._heard = heard
        self._died = died
        self._watch: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._process: Process | None = None

    async def ready(self) -> None:
        """Wait for a living process, started by the first who asks. Raises ChildError."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep())
        try:
            async with asyncio.timeout(START_S):
                await self._ready.wait()
        except TimeoutError:
            raise ChildError(f"{self._module} does not start: see the log") from None

    def say(self, words: dict[str, Any]) -> None:
        """Another line. Raises ChildError when there is nobody to hear it."""
        if self._process is None or self._process.stdin is None or not self._ready.is_set():
            raise ChildError(f"{self._module} has ended")
        self._process.stdin.write(json.dumps(words).encode() + b"\n")

    async def close(self) -> None:
        """Let it finish what it is at."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _keep(self) -> None:
        pause_s = AGAIN_S
        while True:
            began = time.monotonic()
            code = await self._run()
            self.restarts += 1
            self._died()
            if time.monotonic() - began > SOUND_S:
                pause_s = AGAIN_S
            log.error("a process died", module=self._module, code=code, again_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_MAX_S)

    async def _run(self) -> int:
        async with self._tell() as told:
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=told.fds,
            )
            try:
                await self._talk(process, told)
                return await process.wait()
            finally:
                self._ready.clear()
                self._process = None
                await _end(process)

    async def _talk(self, process: Process, told: Told) -> None:
        if process.stdin is None or process.stdout is None:
            return
        process.stdin.write(json.dumps(told.words).encode() + b"\n")
        async for line in process.stdout:
            self._heard(json.loads(line))
            self._ready.set()


async def _end(process: Process) -> None:
    if process.stdin:
        process.stdin.close()  # it ends when nobody holds this any more
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_S):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
