"""Media over TCP, for networks that block UDP: the passive side of ICE-TCP (RFC 6544).

A connection is read up to its first packet. When that is an ICE check which one of the planes
takes, the connection is that plane's from then on; so a single open port, such as 443, serves
every plane.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Iterable

import structlog

from ._plane import Plane
from .addresses import IpAddress, packed
from .contract import PortError

FIRST_CHECK_S = 10.0  # a client checks at once; a slow network may lose that packet twice
CHECK_MIN, CHECK_MAX = 20, 1500  # octets of a STUN message in one packet
# Connections without a check yet. One more ends the oldest, so that silence crowds nobody out.
WAITING_MAX = 256
WAITING_OF_SOURCE_MAX = 64  # of one address: a hospital behind one NAT joins in a minute's time
ACCEPT_EVERY_S = 0.002  # a flood takes a tenth of the event loop at most
ACCEPT_AGAIN_S = 0.5  # after an error: no file descriptor is free

log = structlog.get_logger("distal.media")


class TcpDoor:
    """A listening socket in front of the planes. Port 0 takes a free one.

    `host` is an IP address, '' for every one.
    `welcome` says of a source whether it may come in.
    """

    def __init__(
        self,
        host: str,
        port: int,
        planes: Callable[[], Iterable[Plane]],
        welcome: Callable[[IpAddress], bool],
    ) -> None:
        self._planes = planes
        self._welcome = welcome
        self._waiting: dict[asyncio.Task[None], bytes] = {}  # their sources, the oldest first
        try:
            self._listener = _listen(host, port)
        except OSError as error:
            number = error.errno or 0
            raise PortError(number, os.strerror(number), port, "TCP") from None
        self.port = int(self._listener.getsockname()[1])
        self._task = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Stop listening; connections that a plane has taken live on with it."""
        tasks = [self._task, *self._waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, (host, port, *_) = await loop.sock_accept(self._listener)
            except ConnectionError:  # it was gone before it was accepted
                continue
            except OSError as error:
                log.warning("tcp_accept_failed", reason=error.strerror)
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            address = ipaddress.ip_address(host)
            source = getattr(address, "ipv4_mapped", None) or address
            if self._welcome(source):
                self._admit(connection, packed(source), port)
            else:
                connection.close()
            await asyncio.sleep(ACCEPT_EVERY_S)

    def _admit(self, connection: socket.socket, source: bytes, port: int) -> None:
        same = [task for task, its in self._waiting.items() if its == source]
        if len(same) >= WAITING_OF_SOURCE_MAX:
            same[0].cancel()
        elif len(self._waiting) >= WAITING_MAX:
            next(iter(self._waiting)).cancel()
        task = asyncio.create_task(self._meet(connection, source, port))
        self._waiting[task] = source
        task.add_done_callback(self._waiting.pop)

    async def _meet(self, connection: socket.socket, source: bytes, port: int) -> None:
        """Hand the connection to the plane that its first packet is for, or close it."""
        with connection, contextlib.suppress(OSError, EOFError):  # TimeoutError is an OSError
            async with asyncio.timeout(FIRST_CHECK_S):
                size = int.from_bytes(await _read(connection, 2))  # RFC 4571
                if not CHECK_MIN <= size <= CHECK_MAX:
                    return
                check = await _read(connection, size)
            for plane in self._planes():
                if plane.adopt(connection.fileno(), source, port, check):
                    connection.detach()
                    return


async def _read(connection: socket.socket, size: int) -> bytes:
    """Exactly so much and no more: the rest is the plane's."""
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(connection, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _listen(host: str, port: int) -> socket.socket:
    both = host == "" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
    listener.setblocking(False)
    return listener
