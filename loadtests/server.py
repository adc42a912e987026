"""The seam between the benchmark and a server under test."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from loadtests.peer import Network, Peer
from loadtests.sdp import Kind, Remote


@dataclass
class Session:
    """A connected peer, what the server said, and how to leave."""

    peer: Peer
    remote: Remote
    leave: Callable[[], Awaitable[None]]


@dataclass
class Person:
    """Somebody in a room: what she sends on, what she receives on, and how she leaves."""

    ssrcs: dict[Kind, int]
    publishing: Session
    receiving: Peer
    leave: Callable[[], Awaitable[None]]


class Server(Protocol):
    """A server under test: our own child process, on loopback."""

    name: str

    @property
    def pid(self) -> int: ...
    @property
    def version(self) -> str: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def publish(self, network: Network, ssrcs: dict[Kind, int]) -> Session: ...
    async def watch(self, network: Network) -> Session: ...


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """The same for UDP and, by its number, TCP; the next ones, one a core, are free for UDP."""
    while True:
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError, OverflowError):
            first = free_port()
            for port in range(first, first + (os.cpu_count() or 1)):
                probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                probe.bind(("127.0.0.1", port))
            return first
