"""How fast, and with how much felt force, one may work through a network as slow as this.

Below 200 ms of round trip all is as the operator set it; up to 300 ms motion slows down and the
felt force softens; up to 500 ms there is no force in the hand, only its bar on the screen; beyond,
or with a picture older than 300 ms, nothing moves. (The thresholds: Xu 2014, Nankaku 2022, Black
and Salcudean.) A longer round trip counts at once, a shorter one only after a while, or the robot
would jerk on a network that wavers about a threshold.
"""

from __future__ import annotations

from typing import NamedTuple

DIRECT_US, SOFT_US, LOST_US = 200_000, 300_000, 500_000
BLIND_US = 300_000
SLOWEST = 0.25  # of the operator's speed scale, just below the end
CALM_US = 2_000_000
FIRST_CALM_US = 300_000  # of a new connection


class Rule(NamedTuple):
    """`speed` and `feel` are shares of what the operator set; `feel` 0: the bar alone."""

    speed: float
    feel: float
    moves: bool


FREE, NONE = Rule(1.0, 1.0, True), Rule(0.0, 0.0, False)


def rule(round_trip_us: int | None, picture_age_us: int | None) -> Rule:
    """For these delays; None: not known, and nothing moves."""
    if round_trip_us is None or picture_age_us is None:
        return NONE
    if round_trip_us > LOST_US or picture_age_us > BLIND_US:
        return NONE
    if round_trip_us <= DIRECT_US:
        return FREE
    share = (round_trip_us - DIRECT_US) / (LOST_US - DIRECT_US)
    feel = max(0.0, (SOFT_US - round_trip_us) / (SOFT_US - DIRECT_US))
    return Rule(1.0 - (1.0 - SLOWEST) * share, feel, True)


class Governor:
    """The rule in force, of one lease."""

    def __init__(self) -> None:
        self._slow = NONE  # by the round trip alone
        self._worst = NONE  # since the calm began
        self._since_us: int | None = None
        self._calm_us = FIRST_CALM_US

    def look(self, round_trip_us: int | None, picture_age_us: int | None, now_us: int) -> Rule:
        """These are the delays now."""
        fresh = rule(round_trip_us, 0)
        if fresh <= self._slow:
            self._slow, self._since_us = fresh, None
        elif self._since_us is None:
            self._since_us, self._worst = now_us, fresh
        else:
            self._worst = min(self._worst, fresh)
            if now_us - self._since_us >= self._calm_us:
                self._slow, self._since_us, self._calm_us = self._worst, None, CALM_US
        return min(self._slow, rule(round_trip_us, picture_age_us))
