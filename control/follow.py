"""From a command to a velocity: towards the target, led by the target's own velocity.

The lead is trusted for 30 ms after the command and gone after 60: a hand that stopped while its
commands were lost is not run ahead of.
"""

from __future__ import annotations

from control.gate import Motion
from control.messages import Command, Quaternion
from control.rotations import between
from control.vectors import Vector, length, minus, plus, times

PULL_PER_S = 12.0  # of the distance; a lag of 80 ms without a lead
TURN_PER_S = 8.0
TRUSTED_US, GONE_US = 30_000, 60_000
ENGAGE_M, ENGAGE_RAD = 0.03, 0.35  # so near must target and probe be to begin
LEASH_M, LEASH_RAD = 0.10, 0.8  # and stay


def towards(command: Command, since_us: int, position: Vector, orientation: Quaternion) -> Motion:
    """What to ask of the arm, `since_us` after the command was due."""
    lead = min(max((GONE_US - since_us) / (GONE_US - TRUSTED_US), 0.0), 1.0)
    ahead_s = min(since_us, TRUSTED_US) / 1e6
    target = plus(command.position, times(command.velocity, ahead_s))
    turn = plus(between(orientation, command.orientation), times(command.turning, ahead_s))
    return Motion(
        plus(times(minus(target, position), PULL_PER_S), times(command.velocity, lead)),
        plus(times(turn, TURN_PER_S), times(command.turning, lead)),
    )


def far(command: Command, position: Vector, orientation: Quaternion, engaged: bool) -> bool:
    """Whether the target is where nobody could have led the probe by small steps.

    A console whose target is elsewhere does not know where the probe is, and must begin anew.
    """
    most_m, most_rad = (LEASH_M, LEASH_RAD) if engaged else (ENGAGE_M, ENGAGE_RAD)
    return (
        length(minus(command.position, position)) > most_m
        or length(between(orientation, command.orientation)) > most_rad
    )
