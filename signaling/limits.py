"""When a publisher is told that he may send more or less. Pure logic."""

from __future__ import annotations

NEWS = 0.1  # of the rate; less is not worth an encoder's trouble


class Limit:
    """How much one track may take, as its publisher knows it."""

    def __init__(self) -> None:
        self.told: int | None = None  # bit/s; None: as much as he likes

    def update(self, bps: int | None) -> bool:
        """Whether to tell him."""
        if bps is None or self.told is None:
            news = bps != self.told
        else:
            news = abs(bps - self.told) > NEWS * self.told
        if news:
            self.told = bps
        return news
