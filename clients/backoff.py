"""How long to wait before trying again: doubling, bounded, and never in step with the others."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Delays from `first_s` up to `longest_s`; each is spread by a fifth to either side.

    The spread keeps a thousand clients of a restarted server from coming back in the same instant.
    """

    first_s: float = 0.25
    longest_s: float = 8.0
    random: random.Random = field(default_factory=random.SystemRandom)
    _attempts: int = 0

    def next_s(self) -> float:
        """The delay before the next attempt."""
        delay_s = min(self.first_s * 2.0 ** min(self._attempts, 30), self.longest_s)
        self._attempts += 1
        return delay_s * self.random.uniform(0.8, 1.2)

    def reset(self) -> None:
        """An attempt succeeded: begin again from the shortest delay."""
        self._attempts = 0
