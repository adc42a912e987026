"""A UDP wire that a test can make lossy: it stands between one client and the server's port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

Address = tuple[str, int]


class LossyUdp:
    """Passes datagrams both ways; `drop(datagram, to_server)` says which are lost."""

    def __init__(self, server: Address, drop: Callable[[bytes, bool], bool]) -> None:
        self._server = server
        self._drop = drop
        self._near = _socket()
        self._far: dict[Address, socket.socket] = {}
        self.dropped = 0

    async def __aenter__(self) -> LossyUdp:
        self._near.bind((self._server[0], 0))
        asyncio.get_running_loop().add_reader(self._near, self._from_client)
        return self

    async def __aexit__(self, *_: object) -> None:
        for wire in (self._near, *self._far.values()):
            asyncio.get_running_loop().remove_reader(wire)
            wire.close()

    @property
    def port(self) -> int:
        return int(self._near.getsockname()[1])

    def _from_client(self) -> None:
        datagram, client = self._near.recvfrom(65536)
        if client not in self._far:
            wire = self._far[client] = _socket()
            wire.connect(self._server)
            asyncio.get_running_loop().add_reader(wire, self._from_server, wire, client)
        if not self._lost(datagram, True):
            self._far[client].send(datagram)

    def _from_server(self, wire: socket.socket, client: Address) -> None:
        datagram = wire.recv(65536)
        if not self._lost(datagram, False):
            self._near.sendto(datagram, client)

    def _lost(self, datagram: bytes, to_server: bool) -> bool:
        lost = self._drop(datagram, to_server)
        self.dropped += lost
        return lost


def _socket() -> socket.socket:
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setblocking(False)
    return wire


def is_dtls(datagram: bytes) -> bool:
    """RFC 7983: by the first byte."""
    return bool(datagram) and 20 <= datagram[0] <= 63
