"""One plane with its UDP port: the lane that transports of one class group share."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aiortc.rtcdtlstransport import RTCCertificate

from ._plane import Plane
from .contract import PortError
from .data_queue import DataCounters
from .srtp import FUNCTIONS
from .stats import PlaneStats

if TYPE_CHECKING:
    from .transport import BaseTransport


_ids = itertools.count(1)  # of all lanes: a track's id is the process's


class Lane:
    """Owns a plane; hands what it cannot forward (DTLS) to the transports."""

    def __init__(
        self,
        group: str,
        host: str,
        port: int,
        certificate: RTCCertificate,
        candidate_lines: Callable[[int], list[str]],
        tos: Mapping[str, int],
        priorities: Mapping[str, int],
        in_loop: bool = False,
    ) -> None:
        self.group = group
        self.certificate = certificate
        self.tos = tos  # by service class: DSCP in the upper six bits (RFC 2474)
        self.priorities = priorities  # by service class
        self.transports: dict[int, BaseTransport] = {}
        self._candidate_lines = candidate_lines
        self.data = DataCounters()
        self.streams = 0  # on their way to subscribers
        try:
            self.plane = Plane(FUNCTIONS, host, port, threaded=not in_loop)
        except OSError as error:
            number = error.errno or 0
            raise PortError(number, os.strerror(number), port) from None
        self.stats = PlaneStats(self.plane)
        self._fd = self.plane.turn_fd if in_loop else self.plane.event_fd
        asyncio.get_running_loop().add_reader(
            self._fd, self._turn if in_loop else self._take_events
        )

    @property
    def port(self) -> int:
        return self.plane.port

    def next_id(self) -> int:
        """Unique in this process for endpoints, tracks and subscriptions."""
        return next(_ids)

    def counters(self) -> dict[str, int]:
        """What the plane counts, the messages on data channels, and the open transports."""
        return {"transports": len(self.transports), **self.stats.counters(), **self.data.named()}

    def candidate_lines(self) -> list[str]:
        return self._candidate_lines(self.port)

    def _turn(self) -> None:
        self.plane.turn()
        self._take_events()

    def _take_events(self) -> None:
        for endpoint, datagram in self.plane.take_events():
            transport = self.transports.get(endpoint)
            if transport is not None:
                transport.deliver(datagram)

    async def close(self) -> None:
        for transport in list(self.transports.values()):
            await transport.close()
        with contextlib.suppress(ValueError):
            asyncio.get_running_loop().remove_reader(self._fd)
        self.plane.close()
