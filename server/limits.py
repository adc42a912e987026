"""A token bucket for each address, bounded in number, for what may be asked only so often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

ADDRESSES_MAX = 4096


class RateLimit:
    """`burst` at once, then `per_s` each second, for each key. `now` is a monotonic clock."""

    def __init__(self, burst: int, per_s: float, now: Callable[[], float]) -> None:
        self._burst = burst
        self._per_s = per_s
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # level, at

    def wait_s(self, key: str) -> float:
        """Take one; 0 when it was there, else the seconds until one will be."""
        now = self._now()
        level, at = self._buckets.pop(key, (float(self._burst), now))
        level = min(self._burst, level + (now - at) * self._per_s)
        granted = level >= 1
        self._buckets[key] = (level - 1 if granted else level, now)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - level) / self._per_s
