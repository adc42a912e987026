"""The relay: one lane per class group, and the transports on them. Implements `contract.Relay`."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from collections.abc import Mapping

from .addresses import IpAddress, candidates, local_addresses, packed
from .contract import CapacityError, SdpError
from .dtls import SharedCertificate
from .lane import Lane
from .probe import ProbeTransport
from .publish import PublishTransport
from .settings import RelaySettings
from .subscribe import SubscribeTransport

TRANSPORTS_MAX = 20_000  # of one process; 160 KB each
PROBES_MAX = 200
CHECK_EVERY_S = 1.0
ADDRESSES_EVERY_S = 5.0  # DHCP and a new Wi-Fi


class MediaRelay:
    """Python's side of the packet plane."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self.groups: Mapping[str, tuple[str, ...]] = {
            name: group.classes for name, group in settings.groups.items()
        }
        self._lanes: dict[str, Lane] = {}
        self._certificate = SharedCertificate.generateCertificate()
        self._addresses: list[IpAddress] = []
        self._addresses_at_s = 0.0
        self._watch: asyncio.Task[None] | None = None

    @property
    def ports(self) -> dict[str, int]:
        """The UDP port of each class group, once started."""
        return {name: lane.port for name, lane in self._lanes.items()}

    def counters(self) -> dict[str, int]:
        """Sums over all lanes of what the planes count, for the metrics."""
        total: dict[str, int] = {"transports": sum(len(x.transports) for x in self._lanes.values())}
        for lane in self._lanes.values():
            lane.stats.refresh()
            for name, value in lane.stats.counters.items():
                total[name] = total.get(name, 0) + value
        return total

    async def start(self) -> None:
        """Bind the UDP ports. Raises PortError."""
        host = ipaddress.ip_address(self._settings.host)
        # On loopback the socket still hears every local address: a browser that does not gather
        # loopback candidates reaches its own machine by them. Strangers are refused by their
        # source.
        bind = "" if host.is_loopback or host.is_unspecified else str(host)
        tos = {name: dscp << 2 for name, dscp in self._settings.dscp.items()}
        try:
            for name, group in self._settings.groups.items():
                self._lanes[name] = Lane(
                    name, bind, group.port, self._certificate, self._candidate_lines, tos
                )
                self._lanes[name].plane.set_remb(self._settings.max_bitrate_bps)
        except OSError:
            await self.close()
            raise
        self._read_addresses()
        self._watch = asyncio.create_task(self._check())

    async def close(self) -> None:
        """Close every transport and port."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        for lane in self._lanes.values():
            await lane.close()
        self._lanes.clear()

    def open_publish(self, group: str = "main") -> PublishTransport:
        """A transport to publish on. Raises CapacityError, and KeyError for an unknown group."""
        return PublishTransport(self._lane(group))

    def open_subscribe(self, group: str = "main") -> SubscribeTransport:
        """A transport to receive on. Raises CapacityError, and KeyError for an unknown group."""
        return SubscribeTransport(self._lane(group))

    async def open_probe(self, offer: str) -> tuple[ProbeTransport, str]:
        """A transport whose data channels echo, with its answer. Raises SdpError, CapacityError."""
        lane = self._lane(next(iter(self._lanes)))
        probes = sum(isinstance(t, ProbeTransport) for t in lane.transports.values())
        if probes >= PROBES_MAX:
            raise CapacityError("too many network checks at once: try again in a minute")
        probe = ProbeTransport(lane)
        try:
            return probe, await probe.negotiate(offer)
        except SdpError:
            await probe.close()
            raise

    def _lane(self, group: str) -> Lane:
        lane = self._lanes[group]
        if len(lane.transports) >= TRANSPORTS_MAX:
            raise CapacityError("this server carries as many transports as it can")
        return lane

    # --- addresses -----------------------------------------------------------------------------

    def _read_addresses(self) -> None:
        self._addresses_at_s = time.monotonic()
        self._addresses = local_addresses()
        if ipaddress.ip_address(self._settings.host).is_loopback:
            for lane in self._lanes.values():
                lane.plane.accept_only([packed(a) for a in self._addresses])

    def _candidate_lines(self, port: int) -> list[str]:
        if self._settings.advertise:
            return candidates([ipaddress.ip_address(a) for a in self._settings.advertise], port)
        host = ipaddress.ip_address(self._settings.host)
        if not host.is_loopback and not host.is_unspecified:
            return candidates([host], port)
        return candidates(self._addresses, port)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            now_s = time.monotonic()
            if now_s - self._addresses_at_s > ADDRESSES_EVERY_S:
                self._read_addresses()
            for lane in self._lanes.values():
                for transport in list(lane.transports.values()):
                    transport.check_alive(now_s)
