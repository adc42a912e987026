"""The DICOM receiver, a process of its own, started and watched: 200 images a second delay no call.

The listening socket is bound here and handed down, so that a receiver that dies is replaced without
a peer being turned away: he waits in the backlog. Its loss is in the log and in the metrics.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict

import structlog

from dicom.intake import Doorway
from server.child import Child, ChildError, Told
from server.config import Settings, is_loopback

log = structlog.get_logger("server.receiver")
BACKLOG = 128


class Receiver:
    """Runs while `start` or `ready` has been called and `close` has not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listener: socket.socket | None = None
        self._child = Child("server.receiver_process", self._tell, self._heard, self._died)
        self._counts: dict[str, int] = {}  # of the process that lives
        self._before: dict[str, int] = {}  # of those that have died
        self._doorway: Doorway | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0: nowhere."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    async def start(self) -> None:
        """Listen, where that is wanted and allowed, and wait for the process.

        Raises OSError, ChildError.
        """
        settings = self._settings
        if not settings.dicom_port:
            return
        if not (is_loopback(settings.host) or settings.dicom_nodes):
            log.warning("no DICOM port: anybody could send. List the senders in dicom_nodes")
            return
        self._listener = _listen(settings.host, settings.dicom_port)
        await self._child.ready()

    async def intake(self) -> Doorway:
        """Where this process hands objects in. Raises ChildError."""
        await self._child.ready()
        if self._doorway is None:
            raise ChildError("the DICOM receiver has ended")
        return self._doorway

    def counters(self) -> Mapping[str, int]:
        """What happened since the start, `restarts` among it."""
        names = {"restarts", *self._counts, *self._before}
        whole = {name: self._counts.get(name, 0) + self._before.get(name, 0) for name in names}
        return whole | {"restarts": self._child.restarts}

    async def close(self) -> None:
        """Let it finish what it stores."""
        await self._child.close()
        if self._listener is not None:
            self._listener.close()

    def _heard(self, counts: dict[str, int]) -> None:
        self._counts = counts

    def _died(self) -> None:
        self._before = {
            name: self._before.get(name, 0) + self._counts.get(name, 0)
            for name in {*self._before, *self._counts}
        }
        self._counts = {}

    @contextlib.asynccontextmanager
    async def _tell(self) -> AsyncIterator[Told]:
        """What it is to do, and a pair of sockets for the way in."""
        settings = self._settings
        listener = self._listener.fileno() if self._listener else None
        ours, theirs = socket.socketpair()
        with theirs:
            self._doorway = await Doorway.open(ours)
            words = {
                "root": str(settings.data_dir / "dicom"),
                "socket": listener,
                "door": theirs.fileno(),
                "nodes": {ae: asdict(node) for ae, node in settings.nodes().listed.items()},
                "anybody": settings.nodes().anybody,
                "log_level": settings.log_level,
            }
            fds = [fd for fd in (listener, theirs.fileno()) if fd is not None]
            try:
                yield Told(words, fds)
            finally:
                await self._doorway.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::"
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
