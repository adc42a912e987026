"""The plane's counters as the contract's records: one look at the plane serves everybody for a
moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .contract import LayerStats, Shortage, SubscriptionStats, TrackStats, TransportStats

if TYPE_CHECKING:
    from ._plane import Plane

MAX_AGE_S = 0.2
LEVEL_AGE_US = 1_000_000  # without newer packets the speaker is silent
_UNKNOWN_LEVEL = -128
SHORTAGES: tuple[Shortage, ...] = ("none", "reduced", "still")  # in the plane's numbers

NO_TRANSPORT = TransportStats(0, 0, 0, 0, None)
NO_TRACK = TrackStats(0, 0, 0, 0, 0, 0.0, None, None)
NO_SUBSCRIPTION = SubscriptionStats(0, 0, 0, 0, None, None)


class PlaneStats:
    """A snapshot that is taken again when it is older than MAX_AGE_S."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._taken_s = -1.0
        self._transports: dict[int, TransportStats] = {}
        self._tracks: dict[int, TrackStats] = {}
        self._subscriptions: dict[int, SubscriptionStats] = {}
        self.counters: dict[str, int] = {}

    def refresh(self) -> None:
        now_s = time.monotonic()
        if now_s - self._taken_s < MAX_AGE_S:
            return
        self._taken_s = now_s
        endpoints, tracks, subscriptions, layers, counters = self._plane.snapshot()
        now_us = self._plane.now_us()
        self._transports = {
            id: TransportStats(
                p_in,
                o_in,
                p_out,
                o_out,
                heard / 1e6 if heard >= 0 else None,
                estimate if estimate >= 0 else None,
            )
            for id, p_in, o_in, p_out, o_out, heard, _, estimate in endpoints
        }
        by_track: dict[int, list[LayerStats]] = {}
        for track, _, packets, octets, last in layers:
            one = LayerStats(packets, octets, last / 1e6 if last >= 0 else None)
            by_track.setdefault(track, []).append(one)
        self._tracks = {
            id: TrackStats(
                packets,
                octets,
                max(0, lost),
                nacks,
                plis,
                jitter,
                level if level != _UNKNOWN_LEVEL and now_us - level_us < LEVEL_AGE_US else None,
                last / 1e6 if last >= 0 else None,
                tuple(by_track.get(id, ())),
            )
            for id, packets, octets, lost, nacks, plis, jitter, level, level_us, last in tracks
        }
        self._subscriptions = {
            id: SubscriptionStats(
                packets,
                octets,
                nacks,
                resent,
                fraction / 256 if fraction >= 0 else None,
                rtt_us / 1e6 if rtt_us >= 0 else None,
                layer if layer >= 0 else None,
                SHORTAGES[shortage],
            )
            for id, packets, octets, nacks, resent, fraction, rtt_us, layer, shortage in (
                subscriptions
            )
        }
        names = ("datagrams", "unknown", "malformed", "unauthentic", "forwarded", "messages")
        self.counters = dict(zip(names, counters, strict=True))
        over_tcp = ("tcp_connections", "tcp_queued_bytes", "tcp_dropped")
        self.counters |= zip(over_tcp, self._plane.tcp_counters(), strict=True)

    def transport(self, id: int) -> TransportStats:
        self.refresh()
        return self._transports.get(id, NO_TRANSPORT)

    def track(self, id: int) -> TrackStats:
        self.refresh()
        return self._tracks.get(id, NO_TRACK)

    def subscription(self, id: int) -> SubscriptionStats:
        self.refresh()
        return self._subscriptions.get(id, NO_SUBSCRIPTION)
