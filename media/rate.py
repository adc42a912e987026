"""How much one connection may ask: a token bucket. The time is passed in."""

from __future__ import annotations


class TokenBucket:
    """Fills with `rate` a second up to `burst`; what is spent is gone."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def spend(self, cost: float, now: float) -> bool:
        """Take `cost` out if it is there."""
        self._level = min(self.burst, self._level + max(0.0, now - self._at) * self.rate)
        self._at = now
        if cost > self._level:
            return False
        self._level -= cost
        return True
