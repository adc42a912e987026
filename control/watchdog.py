"""The ladder down which silence leads: freeze, hold without force, retreat or stay, latched.

Nobody climbs it: what has once been held stays at rest until control is granted anew. Silence
counts from the last valid command on the robot's own clock; what a sender says of time is not
asked. An operator who sees nothing, or is too far away in time, is frozen too; if her hand clings
to the deadman all the same, that ends as silence does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from control.messages import Cause

Rest = Literal["hold", "retreat"]


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
    patience_us: int = 3_000_000  # frozen with the deadman held
    rest: Rest = "hold"

    def __post_init__(self) -> None:
        if not 0 < self.freeze_us <= self.hold_us <= self.rest_us:
            raise ValueError("freeze, hold and rest come in this order, each after some time")


class Watchdog:
    """One robot's. `step` and `cause` say where it stands and why, `since_us` since when."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.step = Step.FOLLOW
        self.cause = Cause.NONE
        self.since_us = 0
        self._cleared_us = 0  # frozen all the time since, with the deadman held

    @property
    def latched(self) -> bool:
        """Only a fresh grant leads out."""
        return self.step >= Step.HOLD

    def granted(self, now_us: int) -> None:
        """Control was given anew."""
        self.step, self.cause, self.since_us, self._cleared_us = (
            Step.FOLLOW,
            Cause.NONE,
            now_us,
            now_us,
        )

    def trip(self, cause: Cause, now_us: int) -> None:
        """Something that does not wait for time: a stop, a force, a fault."""
        if not self.latched:
            self._go(Step.HOLD, cause, now_us)

    def look(self, now_us: int, silence_us: int, trouble: Cause, held: bool) -> Step:
        """Time has passed.

        `trouble` is why the operator must not move now though she is heard (BLIND, DELAY) or NONE;
        `held`: the deadman.
        """
        ladder = self.ladder
        if not self.latched:
            if silence_us >= ladder.hold_us:
                self._go(Step.HOLD, Cause.SILENCE, now_us)
            elif silence_us >= ladder.freeze_us:
                self._go(Step.FREEZE, Cause.SILENCE, now_us)
            elif trouble:
                self._go(Step.FREEZE, trouble, now_us)
            else:
                self._go(Step.FOLLOW, Cause.NONE, now_us)
            if self.step is Step.FOLLOW or not held:
                self._cleared_us = now_us
            elif now_us - self._cleared_us >= ladder.patience_us:
                self._go(Step.HOLD, self.cause, now_us)
        self.rest(now_us, silence_us)
        return self.step

    def rest(self, now_us: int, silence_us: int = 0) -> None:
        """Time has passed with nobody in control. After a stop the arm stays where it is."""
        if self.step is Step.HOLD and self.cause is not Cause.STOP:
            ladder = self.ladder
            held_us = now_us - self.since_us
            if silence_us >= ladder.rest_us or held_us >= ladder.rest_us - ladder.hold_us:
                self._go(Step.REST, self.cause, now_us)

    def _go(self, step: Step, cause: Cause, now_us: int) -> None:
        if step is not self.step:
            self.since_us = now_us
        self.step, self.cause = step, cause
