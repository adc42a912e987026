"""The ladder down which silence leads: freeze, hold without force, retreat or stay, latched.

Nobody climbs it: what has once been held stays at rest until control is granted anew. Steps count
from the last valid command on the robot's own clock; what a sender says of time is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Rest = Literal["hold", "retreat"]
Cause = Literal["none", "silence", "blind", "stop", "force", "fault"]


class Step(IntEnum):
    """From following to rest; a higher one is safer."""

    FOLLOW = 0
    FREEZE = 1  # velocity zero; a command that comes now goes on
    HOLD = 2  # no force into the body
    REST = 3  # as the preset of the anatomy has it: hold, or retreat along the outward normal


@dataclass(frozen=True)
class Ladder:
    """When each step is taken, µs of silence; `blind_us`: of the picture's age at the hand."""

    freeze_us: int = 100_000
    hold_us: int = 300_000
    rest_us: int = 1_000_000
    blind_us: int = 300_000
    rest: Rest = "hold"

    def __post_init__(self) -> None:
        if not 0 < self.freeze_us <= self.hold_us <= self.rest_us:
            raise ValueError("freeze, hold and rest come in this order, each after some time")


class Watchdog:
    """One robot's. `step` and `cause` say where it stands and why."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.step = Step.FOLLOW
        self.cause: Cause = "none"

    @property
    def latched(self) -> bool:
        """Only a fresh grant leads out."""
        return self.step >= Step.HOLD

    def granted(self) -> None:
        """Control was given anew."""
        self.step, self.cause = Step.FOLLOW, "none"

    def trip(self, cause: Cause) -> None:
        """Something that does not wait for time: a stop, a force, a fault."""
        if self.step < Step.HOLD:
            self.step, self.cause = Step.HOLD, cause

    def look(self, silence_us: int, picture_age_us: int | None) -> Step:
        """Time has passed. `picture_age_us`: of what the hand acts on; None: she sees nothing."""
        ladder = self.ladder
        if silence_us >= ladder.rest_us:
            self._down(Step.REST, "silence")
        elif silence_us >= ladder.hold_us:
            self._down(Step.HOLD, "silence")
        elif self.latched:
            pass
        elif silence_us >= ladder.freeze_us:
            self.step, self.cause = Step.FREEZE, "silence"
        elif picture_age_us is None or picture_age_us > ladder.blind_us:
            self.step, self.cause = Step.FREEZE, "blind"
        else:
            self.step, self.cause = Step.FOLLOW, "none"
        return self.step

    def _down(self, step: Step, cause: Cause) -> None:
        if step > self.step:
            if not self.latched:
                self.cause = cause
            self.step = step
