"""The link's meaning in Python, for the tests: `loadtests/native/impaired_link.cpp` must agree."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Sequence

HEADERS = 28
MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
LOSS, BURST_MOVE, BURST_LOSS, REORDER, DUPLICATE, JITTER = range(6)
NONE, LOSE, HOLD = range(3)


def mix(z: int) -> int:
    """SplitMix64's finish."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


class ReferenceLink:
    """As `loadtests._impairment.Link`; counts by name, without those that are zero."""

    def __init__(self, settings: Sequence[int], seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._set(settings)
        self._seed = seed
        self._changes: deque[tuple[int, Sequence[int]]] = deque()
        self._queue: deque[tuple[int, bytes]] = deque()
        self._sending: tuple[int, tuple[int, bytes]] | None = None  # done at, packet
        self._air: list[tuple[int, int, int, bytes]] = []  # departure, order, flow, data
        self._now = self._last_departure = self._wired = self._order = 0
        self._in_burst = False

    def schedule(self, changes: Sequence[tuple[int, Sequence[int]]]) -> None:
        self._changes = deque(changes)

    def push(self, now_ns: int, flow: int, data: bytes) -> None:
        self._advance(now_ns)
        self.counts["arrived"] += 1
        if self.outage == LOSE:
            self.counts["dropped_outage"] += 1
        elif not self._fits(len(data) + HEADERS):
            self.counts["dropped_queue"] += 1
        else:
            self._queue.append((flow, data))
            self._transmit()

    def poll(self, now_ns: int) -> list[tuple[int, int, bytes]]:
        self._advance(now_ns)
        out = []
        while self._air and self._air[0][0] <= self._now:
            departure, _, flow, data = heapq.heappop(self._air)
            self.counts["delivered"] += 1
            self.counts["delivered_bytes"] += len(data)
            out.append((departure, flow, data))
        return out

    @property
    def queued_bytes(self) -> int:
        return sum(len(data) + HEADERS for _, data in self._queue)

    def _set(self, settings: Sequence[int]) -> None:
        (
            self.rate, self.queue_bytes, self.queue_ns, self.delay, self.jitter, self.slot,
            self.loss, self.enter, self.leave, self.burst_loss, self.between,
            self.reorder, self.reorder_ns, self.duplicate, self.outage,
        ) = settings  # fmt: skip

    def _draw(self, chance: int, n: int) -> int:
        key = mix(self._seed + STEP * (chance + 1) & MASK)
        return mix(key + STEP * (n + 1) & MASK) >> 11

    def _jitter(self, at: int) -> int:
        def value(slot: int) -> int:
            u = self._draw(JITTER, slot) >> 33
            return self.jitter * (u * u >> 20) >> 20

        slot, into = divmod(at, self.slot)
        return (value(slot) * (self.slot - into) + value(slot + 1) * into) // self.slot

    def _fits(self, size: int) -> bool:
        if self.queue_bytes and self.queued_bytes + size > self.queue_bytes:
            return False
        if not self.rate or not self.queue_ns:
            return True
        ahead = self._sending[0] - self._now if self._sending else 0
        return ahead + self.queued_bytes * 8 * 10**9 // self.rate <= self.queue_ns

    def _advance(self, now: int) -> None:
        while True:
            done = self._sending[0] if self._sending else None
            change = self._changes[0][0] if self._changes else None
            if done is not None and done <= now and (change is None or done <= change):
                assert self._sending is not None
                packet = self._sending[1]
                self._sending = None
                self._now = max(self._now, done)
                self._wire(done, *packet)
            elif change is not None and change <= now:
                self._now = max(self._now, change)
                self._set(self._changes.popleft()[1])
                if self.outage == LOSE:
                    self.counts["dropped_outage"] += len(self._queue) + bool(self._sending)
                    self._queue.clear()
                    self._sending = None
            else:
                break
            self._transmit()
        self._now = max(self._now, now)

    def _transmit(self) -> None:
        while self._queue and not self._sending and self.outage != HOLD:
            flow, data = self._queue.popleft()
            if self.rate:
                took = -(-(len(data) + HEADERS) * 8 * 10**9 // self.rate)
                self._sending = self._now + took, (flow, data)
            else:
                self._wire(self._now, flow, data)

    def _wire(self, at: int, flow: int, data: bytes) -> None:
        n, self._wired = self._wired, self._wired + 1
        if self._lost(n):
            return
        departure = at + self.delay + self._jitter(at)
        if self._draw(REORDER, n) < self.reorder:
            self.counts["reordered"] += 1
            departure += self.reorder_ns
        else:
            departure = self._last_departure = max(departure, self._last_departure)
        copies = 1
        if self._draw(DUPLICATE, n) < self.duplicate:
            self.counts["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            heapq.heappush(self._air, (departure, self._order, flow, data))
            self._order += 1

    def _lost(self, n: int) -> bool:
        inside = self._in_burst
        burst = self._draw(BURST_LOSS, n) < (self.burst_loss if inside else self.between)
        if self._draw(BURST_MOVE, n) < (self.leave if inside else self.enter):
            self._in_burst = not inside
        random = self._draw(LOSS, n) < self.loss
        if burst:
            self.counts["lost_burst"] += 1
        elif random:
            self.counts["lost_random"] += 1
        return burst or random
