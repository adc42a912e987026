"""The plane's counters as the contract's records: one look serves everybody for a moment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .contract import LayerStats, Shortage, SubscriptionStats, TrackStats, TransportStats

if TYPE_CHECKING:
    from ._plane import Plane

Row = TypeVar("Row", bound=tuple[Any, ...])

MAX_AGE_S = 0.2
LEVEL_AGE_US = 1_000_000  # without newer packets the speaker is silent
_UNKNOWN_LEVEL = -128
SHORTAGES: tuple[Shortage, ...] = ("none", "reduced", "still")  # in the plane's numbers

NO_TRANSPORT = TransportStats(0, 0, 0, 0, None)
NO_TRACK = TrackStats(0, 0, 0, 0, 0, 0, 0.0, None, None, None)
NO_SUBSCRIPTION = SubscriptionStats(0, 0, 0, 0, None, None)


class PlaneStats:
    """Each kind of row is read again when it is older than MAX_AGE_S, all of them at once; a record
    is made of a row when somebody asks for it."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._transports = _Rows(plane.endpoints)
        self._tracks = _Rows(plane.tracks)
        self._subscriptions = _Rows(plane.subscriptions)

    def transport(self, id: int) -> TransportStats:
        row = self._transports.get(id)
        if row is None:
            return NO_TRANSPORT
        _, packets_in, octets_in, packets_out, octets_out, heard_us, estimate_bps = row
        return TransportStats(
            packets_in,
            octets_in,
            packets_out,
            octets_out,
            heard_us / 1e6 if heard_us >= 0 else None,
            estimate_bps if estimate_bps >= 0 else None,
        )

    def track(self, id: int) -> TrackStats:
        row = self._tracks.get(id)
        if row is None:
            return NO_TRACK
        _, lost, gaps, nacks, plis, jitter_s, level, level_us, limit_bps, layers = row
        heard = level != _UNKNOWN_LEVEL and self._plane.now_us() - level_us < LEVEL_AGE_US
        last_us = max(last for _, _, last in layers)
        return TrackStats(
            sum(packets for packets, _, _ in layers),
            sum(octets for _, octets, _ in layers),
            max(0, lost),
            gaps,
            nacks,
            plis,
            jitter_s,
            level if heard else None,
            last_us / 1e6 if last_us >= 0 else None,
            limit_bps if limit_bps >= 0 else None,
            tuple(
                LayerStats(packets, octets, last / 1e6 if last >= 0 else None)
                for packets, octets, last in layers
            ),
        )

    def subscription(self, id: int) -> SubscriptionStats:
        row = self._subscriptions.get(id)
        if row is None:
            return NO_SUBSCRIPTION
        _, packets, octets, nacks, resent, fraction, rtt_us, layer, shortage = row
        return SubscriptionStats(
            packets,
            octets,
            nacks,
            resent,
            fraction / 256 if fraction >= 0 else None,
            rtt_us / 1e6 if rtt_us >= 0 else None,
            layer if layer >= 0 else None,
            SHORTAGES[shortage],
        )

    def counters(self) -> dict[str, int]:
        """Of the whole plane, as the metrics call them."""
        names = ("datagrams", "unknown", "malformed", "unauthentic", "forwarded", "messages")
        over_tcp = ("tcp_connections", "tcp_queued_bytes", "tcp_dropped")
        return {
            **dict(zip(names, self._plane.counters(), strict=True)),
            **dict(zip(over_tcp, self._plane.tcp_counters(), strict=True)),
        }


class _Rows(Generic[Row]):
    """Rows by their first column."""

    def __init__(self, read: Callable[[], list[Row]]) -> None:
        self._read = read
        self._read_s = -math.inf
        self._rows: dict[int, Row] = {}

    def get(self, id: int) -> Row | None:
        now_s = time.monotonic()
        if now_s - self._read_s >= MAX_AGE_S:
            self._read_s = now_s
            self._rows = {row[0]: row for row in self._read()}
        return self._rows.get(id)
