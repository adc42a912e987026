"""Where a room's media live: one row of lanes, a lane for each class group, all its life long.

A packet goes from publisher to subscribers inside one plane, so a room cannot be on two. Rows have
a plane thread for each class group; a new room goes to the row with the least to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .contract import SdpError
from .data import DataRoom
from .lane import Lane
from .link import LinkTransport
from .probe import ProbeTransport
from .publish import PublishTransport
from .subscribe import SubscribeTransport

if TYPE_CHECKING:
    from .relay import MediaRelay

# What a room counts for from its first moment, in streams to subscribers: people come in after the
# choice, and many rooms may be placed before a packet flows (three people, two tracks each).
ROOM_STREAMS = 12


class Row:
    """The lanes with one number, one of each class group."""

    def __init__(self, lanes: Mapping[str, Lane]) -> None:
        self.lanes = lanes
        self.rooms = 0

    @property
    def load(self) -> int:
        """Streams on their way to subscribers, and those to be expected."""
        return self.rooms * ROOM_STREAMS + sum(lane.streams for lane in self.lanes.values())


class MediaPlace:
    """Implements `contract.Place`."""

    def __init__(self, relay: MediaRelay, row: Row) -> None:
        self._relay = relay
        self._row = row
        self._left = False
        self._data = {name: DataRoom(lane.data) for name, lane in row.lanes.items()}
        row.rooms += 1

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        return self._relay.groups

    def open_publish(self, group: str = "main") -> PublishTransport:
        """A transport to publish on. Raises CapacityError, and KeyError for an unknown group."""
        self._relay.admit()
        return PublishTransport(self._row.lanes[group], self._data[group])

    def open_subscribe(self, group: str = "main") -> SubscribeTransport:
        """A transport to receive on. Raises CapacityError, and KeyError for an unknown group."""
        self._relay.admit()
        return SubscribeTransport(self._row.lanes[group])

    async def open_probe(self, offer: str) -> tuple[ProbeTransport, str]:
        """A transport whose data channels echo, with its answer. Raises SdpError, CapacityError."""
        self._relay.admit_probe()
        probe = ProbeTransport(next(iter(self._row.lanes.values())))
        try:
            return probe, await probe.negotiate(offer)
        except SdpError:
            await probe.close()
            raise

    async def open_link(
        self, offer: str, room: DataRoom, participant: str
    ) -> tuple[LinkTransport, str]:
        """A transport with data channels alone, with its answer. Raises SdpError, CapacityError."""
        self._relay.admit()
        link = LinkTransport(next(iter(self._row.lanes.values())), room, participant)
        try:
            return link, await link.negotiate(offer)
        except SdpError:
            await link.close()
            raise

    def leave(self) -> None:
        """The room is over. Further calls do nothing."""
        if not self._left:
            self._left = True
            self._row.rooms -= 1
