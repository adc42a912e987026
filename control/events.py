"""What happened at the robot, for the record: refusals, transitions, faults, with their causes."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from control.messages import Cause

HELD_MAX = 512  # until the caller fetches them; then the oldest go, and are counted
REFUSALS_EVERY_US = 1_000_000  # a flood of forged packets is one event a second

Kind = Literal[
    "granted",  # figures: epoch
    "ended",  # the lease; text: why
    "mode",  # text: the new one
    "limit",  # text: what held the motion back; figures: force_n
    "refused",  # text: why; figures: count since the last such event
    "stop",  # text: by whom
    "cleared",
    "fault",  # text: what is wrong
    "video",  # the ultrasound machine's; text: lost, or live
    "record",  # of what happens; text: why it is not kept, or that it is again
    "governor",  # figures: speed, round_trip_ms (absent when it is not known)
]


class Event(NamedTuple):
    """One, at a time of the robot's clock."""

    at_us: int
    kind: Kind
    cause: Cause
    text: str
    figures: dict[str, float]


class Events:
    """Those not fetched yet; `lost` were too many."""

    def __init__(self) -> None:
        self.lost = 0
        self.refused: dict[str, int] = {}  # in all
        self._held: deque[Event] = deque()
        self._told: dict[str, tuple[int | None, int]] = {}  # when, and how many had been by then

    def add(self, at_us: int, kind: Kind, cause: Cause, text: str = "", **figures: float) -> None:
        if len(self._held) >= HELD_MAX:
            self._held.popleft()
            self.lost += 1
        self._held.append(Event(at_us, kind, cause, text, figures))

    def refuse(self, at_us: int, why: str) -> None:
        """A command is not taken."""
        count = self.refused[why] = self.refused.get(why, 0) + 1
        told_us, before = self._told.get(why, (None, 0))
        if told_us is None or not 0 <= at_us - told_us < REFUSALS_EVERY_US:
            self._told[why] = at_us, count
            self.add(at_us, "refused", Cause.NONE, why, count=count - before)

    def drain(self) -> list[Event]:
        """All since the last time, oldest first."""
        events = list(self._held)
        self._held.clear()
        return events
