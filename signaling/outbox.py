"""A session's events: numbered when sent, kept for a while so that a dropped socket misses none.

Invariant: the kept events are numbered without a gap up to `seq`; whoever has seen everything up to
the number before the first kept one can go on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import msgspec

from signaling.protocol import Event, encode


@dataclass(frozen=True, slots=True)
class Kept:
    """One event as it was sent."""

    seq: int
    at: float
    data: bytes


class Outbox:
    """Bounded in events and bytes: the oldest go first, and with them the chance to go on."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._kept: deque[Kept] = deque()
        self._bytes = 0
        self.seq = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, event: Event, now: float) -> bytes:
        """Number an event and keep it; its bytes to send."""
        self.seq += 1
        data = encode(msgspec.structs.replace(event, seq=self.seq))
        self._kept.append(Kept(self.seq, now, data))
        self._bytes += len(data)
        while len(self._kept) > self._max_events or self._bytes > self._max_bytes:
            self._drop_first()
        return data

    def after(self, seq: int) -> list[bytes] | None:
        """The events after `seq`; None when some of them are gone, or never were."""
        first = self.seq - len(self._kept) + 1
        if not first - 1 <= seq <= self.seq:
            return None
        return [kept.data for kept in self._kept if kept.seq > seq]

    def forget_before(self, at: float) -> None:
        """Drop what was sent before then."""
        while self._kept and self._kept[0].at < at:
            self._drop_first()

    def _drop_first(self) -> None:
        self._bytes -= len(self._kept.popleft().data)
