"""What one direction of a network does to packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Outage = Literal["none", "lose", "hold"]
OUTAGES: tuple[Outage, ...] = get_args(Outage)

CHANCE_ONE = 1 << 53  # chances become whole numbers that C++ and Python compare alike
RATE_KBPS_MAX = 10_000_000.0  # 10 Gbit/s; above it a limit means nothing here
TIME_MS_MAX = 10_000.0  # no path holds a packet longer
JITTER_MS_MAX = 1_000.0  # keeps the arithmetic within 64 bits
CHANCES = ("loss", "burst_enter", "burst_leave", "burst_loss", "burst_loss_between")


@dataclass(frozen=True)
class LinkSettings:
    """In the order in which a packet meets them.

    An outage of kind `lose` is a cut cable: all that comes is lost, and the queue with it. `hold`
    is a handover: the queue waits, as far as it is deep. The rate counts IP packets, so 28 bytes
    more than the datagram. Loss is Gilbert and Elliott's two states, and independent loss besides.
    """

    outage: Outage = "none"
    rate_kbps: float = 0.0  # 0: unlimited
    queue_ms: float = 300.0  # a packet that would wait longer is dropped; 0: no such bound
    queue_bytes: int = 0  # a packet that would not fit is dropped; 0: no such bound
    loss: float = 0.0
    burst_enter: float = 0.0  # the chance after each packet; p in the literature
    burst_leave: float = 1.0  # r
    burst_loss: float = 0.0  # within a burst; 1 - h
    burst_loss_between: float = 0.0  # outside; 1 - k
    duplicate: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # at most so much more, on average a third; never reorders
    jitter_slot_ms: float = 20.0  # how fast it drifts
    reorder: float = 0.0  # chance of being held back and overtaken
    reorder_ms: float = 20.0

    def __post_init__(self) -> None:
        for name in (*CHANCES, "duplicate", "reorder"):
            _within(name, getattr(self, name), 0.0, 1.0)
        for name in ("queue_ms", "delay_ms", "reorder_ms"):
            _within(name, getattr(self, name), 0.0, TIME_MS_MAX)
        _within("rate_kbps", self.rate_kbps, 0.0, RATE_KBPS_MAX)
        _within("jitter_ms", self.jitter_ms, 0.0, JITTER_MS_MAX)
        _within("jitter_slot_ms", self.jitter_slot_ms, 0.1, JITTER_MS_MAX)
        _within("queue_bytes", self.queue_bytes, 0, 1 << 30)
        if self.outage not in OUTAGES:
            raise ValueError(f"outage must be one of {', '.join(OUTAGES)}, not {self.outage!r}")
        if self.rate_kbps and not (self.queue_ms or self.queue_bytes):
            raise ValueError("a limited rate needs a finite queue: set queue_ms or queue_bytes")

    def numbers(self) -> tuple[int, ...]:
        """What both cores reckon with, in the order of `LinkSettings::Numbers`."""
        return (
            round(self.rate_kbps * 1000),
            self.queue_bytes,
            _ns(self.queue_ms),
            _ns(self.delay_ms),
            _ns(self.jitter_ms),
            _ns(self.jitter_slot_ms),
            *(round(getattr(self, name) * CHANCE_ONE) for name in CHANCES),
            round(self.reorder * CHANCE_ONE),
            _ns(self.reorder_ms),
            round(self.duplicate * CHANCE_ONE),
            OUTAGES.index(self.outage),
        )


def bursty(loss: float, packets: float) -> dict[str, Any]:
    """Fields for losing a share of all packets in runs of so many on average."""
    _within("loss", loss, 0.0, 0.5)
    _within("packets", packets, 1.0, 1000.0)
    leave = 1.0 / packets
    return {
        "burst_loss": 1.0,
        "burst_leave": leave,
        "burst_enter": leave * loss / (1.0 - loss),
    }


def _ns(ms: float) -> int:
    return round(ms * 1e6)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be within {low} to {high}, not {value}")
