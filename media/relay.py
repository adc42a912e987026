"""The relay: lanes in rows, and rooms placed on them. Implements `contract.Relay`."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from collections.abc import Iterator, Mapping

import structlog

from ._plane import Plane
from .addresses import IpAddress, candidates, local_addresses, packed
from .contract import CapacityError, PortError
from .dtls import SharedCertificate
from .lane import Lane
from .place import MediaPlace, Row
from .probe import ProbeTransport
from .settings import RelaySettings
from .tcp import TcpDoor
from .watchdog import Watchdog

TRANSPORTS_MAX = 20_000  # of one process; 160 KB each
PROBES_MAX = 200
CHECK_EVERY_S = 1.0
ADDRESSES_EVERY_S = 5.0  # DHCP and a new Wi-Fi

log = structlog.get_logger("distal.media")


class MediaRelay:
    """Python's side of the packet planes."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self.groups: Mapping[str, tuple[str, ...]] = {
            name: group.classes for name, group in settings.groups.items()
        }
        self._rows: list[Row] = []
        self._certificate = SharedCertificate.generateCertificate()
        self._tcp: TcpDoor | None = None
        self._addresses: list[IpAddress] = []
        self._addresses_at_s = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._watchdog: Watchdog | None = None

    @property
    def ports(self) -> dict[str, tuple[int, ...]]:
        """The UDP ports of each class group, one for each of its threads, once started."""
        return {name: tuple(row.lanes[name].port for row in self._rows) for name in self.groups}

    @property
    def tcp_port(self) -> int:
        """The TCP port of all class groups, once started; 0 without one."""
        return self._tcp.port if self._tcp is not None else 0

    def counters(self) -> dict[str, int]:
        """Sums over all lanes of what the planes count, for the metrics."""
        total = {"transports": 0}
        for counters in self.counters_by_lane().values():
            for name, value in counters.items():
                total[name] = total.get(name, 0) + value
        return total

    def counters_by_lane(self) -> dict[tuple[str, int], dict[str, int]]:
        """The same of each plane, by class group and number of the thread."""
        return {
            (group, number): lane.counters()
            for number, row in enumerate(self._rows)
            for group, lane in row.lanes.items()
        }

    async def start(self) -> None:
        """Bind the ports. Raises PortError."""
        try:
            for number in range(self._settings.threads):
                try:
                    self._rows.append(Row(await self._bind(number)))
                except PortError as error:
                    if number == 0 or not self._settings.fewer_threads:
                        raise
                    log.warning("media_port_taken", port=error.port, threads=number)
                    break
            if self._settings.tcp_port is not None:
                self._tcp = TcpDoor(
                    self._bind_host, self._settings.tcp_port, self._planes, self._welcome
                )
        except OSError:
            await self.close()
            raise
        self._read_addresses()
        self._watch = asyncio.create_task(self._check())
        self._watchdog = Watchdog([lane.plane for lane in self._lanes()])

    async def _bind(self, number: int) -> dict[str, Lane]:
        """The lanes of a row, on each group's port and as many further; all or none."""
        tos = {name: dscp << 2 for name, dscp in self._settings.dscp.items()}
        lanes: dict[str, Lane] = {}
        try:
            for name, group in self._settings.groups.items():
                lane = Lane(
                    name,
                    self._bind_host,
                    group.port + number if group.port else 0,
                    self._certificate,
                    self._candidate_lines,
                    tos,
                    self._settings.priorities,
                    self._settings.in_loop,
                )
                lane.plane.set_remb(self._settings.max_bitrate_bps)
                lanes[name] = lane
        except OSError:
            for lane in lanes.values():
                await lane.close()
            raise
        return lanes

    async def close(self) -> None:
        """Close every transport and port."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._tcp is not None:
            await self._tcp.close()
            self._tcp = None
        for lane in self._lanes():
            await lane.close()
        if self._watchdog is not None:
            self._watchdog.stop()
        self._rows.clear()

    def place(self) -> MediaPlace:
        """The least loaded place for a new room, reserved until it is left."""
        return MediaPlace(self, min(self._rows, key=lambda row: row.load))

    def admit(self) -> None:
        """Keep the bound before another transport is opened. Raises CapacityError."""
        if sum(len(lane.transports) for lane in self._lanes()) >= TRANSPORTS_MAX:
            raise CapacityError("this server carries as many transports as it can")

    def admit_probe(self) -> None:
        """The same before a network check, which anybody with a token may begin."""
        self.admit()
        everything = (t for lane in self._lanes() for t in lane.transports.values())
        if sum(isinstance(transport, ProbeTransport) for transport in everything) >= PROBES_MAX:
            raise CapacityError("too many network checks at once: try again in a minute")

    def _planes(self) -> Iterator[Plane]:
        return (lane.plane for lane in self._lanes())

    def _lanes(self) -> Iterator[Lane]:
        for row in self._rows:
            yield from row.lanes.values()

    # --- addresses -----------------------------------------------------------------------------

    @property
    def _bind_host(self) -> str:
        """The address to listen on; '' is every one.

        On loopback the sockets still hear every local address: a browser that does not gather
        loopback candidates reaches its own machine by them. Strangers are refused by their source.
        """
        host = ipaddress.ip_address(self._settings.host)
        return "" if host.is_loopback or host.is_unspecified else str(host)

    def _read_addresses(self) -> None:
        self._addresses_at_s = time.monotonic()
        self._addresses = local_addresses()
        if ipaddress.ip_address(self._settings.host).is_loopback:
            for lane in self._lanes():
                lane.plane.accept_only([packed(a) for a in self._addresses])

    def _welcome(self, source: IpAddress) -> bool:
        """Whether a TCP connection may come in: on loopback only this machine's own."""
        if not ipaddress.ip_address(self._settings.host).is_loopback:
            return True
        return source.is_loopback or source in self._addresses

    def _candidate_lines(self, port: int) -> list[str]:
        addresses = self._addresses
        host = ipaddress.ip_address(self._settings.host)
        if self._settings.advertise:
            addresses = [ipaddress.ip_address(a) for a in self._settings.advertise]
        elif not host.is_loopback and not host.is_unspecified:
            addresses = [host]
        return candidates(addresses, port, self.tcp_port)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            now_s = time.monotonic()
            if now_s - self._addresses_at_s > ADDRESSES_EVERY_S:
                self._read_addresses()
            for lane in self._lanes():
                for transport in list(lane.transports.values()):
                    transport.check_alive(now_s)
