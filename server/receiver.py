"""The DICOM receiver, a process of its own, started and watched: 200 images a second delay no call.

The listening socket is bound here and handed down, so that a receiver that dies is replaced without
a peer being turned away: he waits in the backlog. Its loss is in the log and in the metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import asdict

import structlog

from dicom.intake import Doorway
from server.config import Settings, is_loopback

log = structlog.get_logger("server.receiver")
BACKLOG = 128
START_S = 60.0  # migrations of a large index included
STOP_S = 5.0  # for what is being stored
AGAIN_S, AGAIN_MAX_S = 0.5, 30.0
SOUND_S = 60.0  # who has lived as long is not in a loop of deaths


class ReceiverError(Exception):
    """The receiver does not start; its reason is in the log."""


class Receiver:
    """Runs while `start` or `ready` has been called and `close` has not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listener: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._counts: dict[str, int] = {}  # of the process that lives
        self._before: dict[str, int] = {}  # of those that have died
        self._restarts = 0
        self._doorway: Doorway | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0: nowhere."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    async def start(self) -> None:
        """Listen, where that is wanted and allowed, and wait for the process. Raises OSError."""
        settings = self._settings
        if not settings.dicom_port:
            return
        if not (is_loopback(settings.host) or settings.dicom_nodes):
            log.warning("no DICOM port: anybody could send. List the senders in dicom_nodes")
            return
        self._listener = _listen(settings.host, settings.dicom_port)
        await self.ready()

    async def ready(self) -> None:
        """Wait for a living process, started by the first who asks. Raises ReceiverError."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep())
        try:
            async with asyncio.timeout(START_S):
                await self._ready.wait()
        except TimeoutError:
            raise ReceiverError("the DICOM receiver does not start: see the log") from None

    async def intake(self) -> Doorway:
        """Where this process hands objects in. Raises ReceiverError."""
        await self.ready()
        if self._doorway is None:
            raise ReceiverError("the DICOM receiver has ended")
        return self._doorway

    def counters(self) -> Mapping[str, int]:
        """What happened since the start, `restarts` among it."""
        names = {"restarts", *self._counts, *self._before}
        whole = {name: self._counts.get(name, 0) + self._before.get(name, 0) for name in names}
        return whole | {"restarts": self._restarts}

    async def close(self) -> None:
        """Let it finish what it stores."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    async def _keep(self) -> None:
        pause_s = AGAIN_S
        while True:
            began = time.monotonic()
            code = await self._run()
            self._ready.clear()
            self._restarts += 1
            self._before = {
                name: self._before.get(name, 0) + self._counts.get(name, 0)
                for name in {*self._before, *self._counts}
            }
            self._counts = {}
            if time.monotonic() - began > SOUND_S:
                pause_s = AGAIN_S
            log.error("the DICOM receiver died", code=code, again_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_MAX_S)

    async def _run(self) -> int:
        ours, theirs = socket.socketpair()
        with theirs:
            listener = self._listener.fileno() if self._listener else None
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.receiver_process"),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=[fd for fd in (listener, theirs.fileno()) if fd is not None],
            )
            door = theirs.fileno()
        self._doorway = await Doorway.open(ours)
        try:
            await self._talk(process, listener, door)
            return await process.wait()
        finally:
            await self._doorway.close()
            if process.stdin:
                process.stdin.close()  # it ends when nobody holds this any more
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _talk(self, process: Process, listener: int | None, door: int) -> None:
        if process.stdin is None or process.stdout is None:
            return
        settings = self._settings
        told = {
            "root": str(settings.data_dir / "dicom"),
            "socket": listener,
            "door": door,
            "nodes": {ae: asdict(node) for ae, node in settings.nodes().listed.items()},
            "anybody": settings.nodes().anybody,
            "log_level": settings.log_level,
        }
        process.stdin.write(json.dumps(told).encode() + b"\n")
        async for line in process.stdout:
            self._counts = json.loads(line)
            self._ready.set()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::"
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
