"""The seam between the benchmark and a server under test."""

from __future__ import annotations

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
