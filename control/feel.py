"""A haptic device in the hand: its motion becomes the probe's target, the body's force comes back.

Whatever the network does, the hand gets no more energy out of it than it has put in
(`control.passivity`). The probe's target begins where the probe is seen whenever the deadman is
pressed or the clutch let go, so that nothing jumps; after that it is the hand's own displacement.
"""

from __future__ import annotations

from typing import NamedTuple

from control.console import Wish
from control.governor import Rule
from control.messages import Flag, Mode, Observation
from control.passivity import Passivity
from control.vectors import ZERO, Vector, at_most, length, minus, plus, times

FRESH_US = 100_000  # an older force is not shown
FORCE_MAX_N = 20.0  # of the device
DRAG_N_S_M = 30.0  # of the device itself in contact: a delayed force alone would make it swing
TOUCH_N = 1.0  # in contact, wholly
AHEAD_M = 0.03  # of where the probe was last seen; what it does not follow is not saved up
RISE_N_S = 400.0  # a force that comes back after silence does not knock


class Held(NamedTuple):
    """What the device says."""

    position: Vector  # m, in directions of the arm's base frame
    velocity: Vector  # m/s
    deadman: bool
    clutch: bool


class Feel:
    """One device's; `step` a thousand times a second."""

    def __init__(
        self, scale: float = 1.0, share: float = 1.0, drag_n_s_m: float = DRAG_N_S_M
    ) -> None:
        """`scale`: of motion; `share`: of the force that is shown."""
        self.passivity = Passivity()
        self.force: Vector = ZERO  # of the body, as far as the network lets it be felt
        self.shown: Vector = ZERO
        self._scale, self._share, self._drag_n_s_m = scale, share, drag_n_s_m
        self._seen: Observation | None = None
        self._seen_us = 0
        self._hand: Held | None = None
        self._from: tuple[Vector, Vector] | None = None  # hand and probe, when they were joined
        self._target: Vector = ZERO

    def observe(self, seen: Observation, now_us: int) -> None:
        """What the robot says now."""
        self._seen, self._seen_us = seen, now_us

    def step(self, hand: Held, rule: Rule, now_us: int, step_s: float) -> Vector:
        """The force for the hand, N."""
        before, self._hand = self._hand, hand
        moved = minus(hand.position, before.position) if before else ZERO
        self._join(hand)
        wanted = times(self._felt(now_us), self._share * rule.feel)
        change = at_most(minus(wanted, self.force), RISE_N_S * step_s)
        self.force = at_most(plus(self.force, change), FORCE_MAX_N)
        contact = min(length(self.force) / TOUCH_N, 1.0)
        shown = minus(self.force, times(hand.velocity, self._drag_n_s_m * contact))
        self.shown = self.passivity.show(shown, moved, hand.velocity, step_s)
        return self.shown

    def wish(self) -> Wish | None:
        """For the next command; None before anything was seen."""
        if self._hand is None or self._seen is None:
            return None
        hand = self._hand
        flags = (Flag.DEADMAN if hand.deadman else Flag(0)) | (
            Flag.CLUTCH if hand.clutch else Flag(0)
        )
        joined = self._from is not None
        return Wish(
            flags,
            self._target if joined else self._seen.position,
            self._seen.orientation,
            times(hand.velocity, self._scale) if joined else ZERO,
            ZERO,
            self.passivity.put_in_j,
        )

    def _join(self, hand: Held) -> None:
        """From here on the probe goes as the hand goes."""
        if self._seen is None or not hand.deadman or hand.clutch:
            self._from = None
            return
        if self._from is None or self._seen.mode not in (Mode.FOLLOWING, Mode.READY):
            self._from = hand.position, self._seen.position
        start, probe = self._from
        self._target = plus(probe, times(minus(hand.position, start), self._scale))
        ahead = minus(self._target, self._seen.position)
        if (near := at_most(ahead, AHEAD_M)) is not ahead:
            self._target = plus(self._seen.position, near)
            self._from = hand.position, self._target

    def _felt(self, now_us: int) -> Vector:
        """The body's force on the probe, while the probe follows this hand."""
        seen = self._seen
        if seen is None or now_us - self._seen_us > FRESH_US or self._from is None:
            return ZERO
        return seen.force if seen.mode is Mode.FOLLOWING else ZERO
