"""One track on its way to one subscriber."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .contract import SubscriptionStats
from .lane import Lane

if TYPE_CHECKING:
    from .publish import MediaTrack
    from .subscribe import SubscribeTransport

NO_PT = 0xFF
PINNED = 2  # after the service classes of priority 0, before all others


def rank(priority: int, pinned: bool) -> int:
    """A place in the order in which pictures keep their bandwidth, the first one longest.

    `priority` is that of the service class. What the subscriber pinned comes before all but the
    most important classes, and before the rest of its own.
    """
    own = 2 * priority + 1
    return min(own, PINNED) if pinned else own


class MediaSubscription:
    """Implements `contract.Subscription`. Packets flow between `start` and `stop`."""

    def __init__(self, transport: SubscribeTransport, track: MediaTrack, mid: str) -> None:
        self.track = track
        self.mid = mid
        self.ssrc = secrets.randbelow(2**32 - 2) + 1
        self.rtx_ssrc = secrets.randbelow(2**32 - 2) + 1
        self._transport = transport
        self._lane: Lane = track.lane
        self._number: int | None = None  # in the plane, while packets flow
        self._paused = False
        self._preferred: tuple[int, int] | None = None
        self._pinned = False
        track.subscriptions.append(self)

    def start(self, payload_type: int, rtx: int | None, red: int | None = None) -> None:
        """The subscriber has agreed to these payload types."""
        if self._number is not None:
            return
        number = self._lane.next_id()
        tos = self._lane.tos.get(self.track.service_class, 0)
        if self._lane.plane.add_subscription(
            number,
            self.track.number,
            self._transport.id,
            self.ssrc,
            self.rtx_ssrc,
            payload_type,
            NO_PT if rtx is None else rtx,
            tos,
            self._rank(),
            NO_PT if red is None else red,
        ):
            self._number = number
            self._lane.streams += 1
            if self._paused:
                self._lane.plane.pause(number, True)
            if self._preferred:
                self._lane.plane.prefer(number, *self._preferred)

    def stop(self) -> None:
        """No packets any more; the subscription is over."""
        if self._number is not None:
            self._lane.plane.remove_subscription(self._number)
            self._lane.streams -= 1
            self._number = None
        if self in self.track.subscriptions:
            self.track.subscriptions.remove(self)

    def track_ended(self) -> None:
        self._transport.forget(self)

    def pause(self, paused: bool) -> None:
        """Stop or resume the packets; the description stays."""
        self._paused = paused
        if self._number is not None:
            self._lane.plane.pause(self._number, paused)

    def prefer(self, layer: int, temporal: int = 7) -> None:
        """The layer to send, 0 the smallest, and its highest temporal layer."""
        self._preferred = (layer, temporal)
        if self._number is not None:
            self._lane.plane.prefer(self._number, layer, temporal)

    def pin(self, pinned: bool) -> None:
        """The subscriber looks at this one above all: it is the last to lose quality."""
        self._pinned = pinned
        if self._number is not None:
            self._lane.plane.prioritize(self._number, self._rank())

    def _rank(self) -> int:
        return rank(self._lane.priorities.get(self.track.service_class, 0), self._pinned)

    def stats(self) -> SubscriptionStats:
        return self._lane.stats.subscription(-1 if self._number is None else self._number)
