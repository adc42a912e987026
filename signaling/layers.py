"""Which simulcast layers a room needs: viewers ask by the size that they show, publishers send what
somebody watches. Pure logic; time is passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from signaling import protocol as p

LINGER_S = (
    4.0  # a layer is given up when nobody has wanted it for so long: pages are resized, tiles move
)
_STEP: dict[p.ViewQuality, float] = {"low": 0.0, "medium": 0.5, "high": 1.0}


def layer_for(quality: p.ViewQuality, count: int) -> int:
    """The layer, 0 the smallest, of `count` that serves this quality."""
    return ceil((count - 1) * _STEP[quality])


class Demand:
    """One track's layers that somebody watches, with those that somebody watched a moment ago."""

    def __init__(self, rids: tuple[str, ...]) -> None:
        self.rids = rids
        self.told: list[str] | None = None  # what the publisher was told last
        self._wanted_at: dict[int, float] = {}

    def update(self, wanted: Iterable[int], now: float) -> list[str] | None:
        """What to tell the publisher, or None when nothing changed since the last time."""
        for layer in wanted:
            self._wanted_at[layer] = now
        needed = [
            rid
            for layer, rid in enumerate(self.rids)
            if now - self._wanted_at.get(layer, float("-inf")) < LINGER_S
        ]
        if needed == self.told:
            return None
        self.told = needed
        return needed
