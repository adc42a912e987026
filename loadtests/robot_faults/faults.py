"""The faults: what happens at the onset, what ends it, and by when the arm must be safe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from loadtests.robot_faults.world import World

Change = Callable[[World], None]
FREE_MS = 3500  # from 25 N to below 1 N, at the softest place


class Fault(NamedTuple):
    """`still_ms`: by when nothing moves but outward; None: the work may go on, within limits.

    `seconds`: how long it lasts, None: one that is over at once; `infinity`: for ever.
    """

    begin: Change
    end: Change
    still_ms: int | None
    seconds: tuple[float, float] | None
    frees: Literal["onset", "end", "never"] = "onset"  # from when on the body gets free


def _nothing(world: World) -> None:
    pass


def _set(**values: object) -> Change:
    def change(world: World) -> None:
        for name, value in values.items():
            setattr(world, name, value)

    return change


def _hand(**values: object) -> Change:
    def change(world: World) -> None:
        for name, value in values.items():
            setattr(world.hands[0], name, value)

    return change


def _all(*changes: Change) -> Change:
    def change(world: World) -> None:
        for each in changes:
            each(world)

    return change


def _leap(world: World) -> None:
    sign = world.chance.choice((-1, 1))
    world.robot_clock_us += sign * round(10 ** world.chance.uniform(5.1, 9.5))


def _console_leap(world: World) -> None:
    """And then it says nothing more: a time-out on the sender's clock would never come."""
    sign = world.chance.choice((-1, 1, 1))
    world.hands[0].clock_us += sign * round(10 ** world.chance.uniform(4, 10))
    world.later(0.1, _hand(frozen=True))


def _wrong(world: World) -> None:
    world.hands[0].wrong = world.chance.choice((math.nan, math.inf, -math.inf, 1e30, -11.0))


def _deaf_to_frames(world: World) -> None:
    """All that the robot sends is lost; what it hears goes on."""
    world.down_cut = world.video_cut = True


def _hand_over(world: World) -> None:
    """A second one commands without having control, and then has it, while the first goes on."""
    first, second = world.hands
    second.epoch, second.key, second.seen = first.epoch, bytes(range(9, 41)), first.seen
    second.rtp = first.rtp
    world.hold(1, True)
    world.later(0.4, lambda w: w.grant(1))
    world.later(1.2, lambda w: w.hold(1, False))
    world.later(1.6, lambda w: w.hold(1, True))


def _old_holder(world: World) -> None:
    """One is lost, another has control and lets go of the deadman; then the first wakes up."""
    world.up_cut = world.down_cut = True
    world.later(1.2, lambda w: w.grant(1))
    world.later(1.3, _set(up_cut=False, down_cut=False))
    world.later(1.3, _hand(frozen=True))
    world.later(2.0, lambda w: w.hold(1, True))
    world.later(3.0, lambda w: w.hold(1, False))
    world.later(3.6, _hand(frozen=False))


def _released(world: World) -> None:
    world.hold(0, False)
    world.later(0.3, lambda w: w.robot.release(w.robot_us))
    world.later(0.3, lambda w: w.nobody())


FOR_EVER = (math.inf, math.inf)
AT_ONCE_MS = 150  # a servo that settles from full speed takes half of it
SILENT_MS, BLIND_MS, SLOW_MS = 400, 600, 900

FAULTS: dict[str, Fault] = {
    "link cut": Fault(_set(up_cut=True, down_cut=True), _nothing, SILENT_MS, FOR_EVER),
    "outage 5 s": Fault(
        _set(up_cut=True, down_cut=True), _set(up_cut=False, down_cut=False), SILENT_MS, (5, 5)
    ),
    "commands lost": Fault(_set(up_cut=True), _set(up_cut=False), SILENT_MS, (1, 4)),
    "answers lost": Fault(_set(down_cut=True), _set(down_cut=False), SLOW_MS, (4.5, 5)),
    "answers and video lost": Fault(
        _deaf_to_frames, _set(down_cut=False, video_cut=False), BLIND_MS, (4.5, 5)
    ),
    "video lost": Fault(_set(video_cut=True), _set(video_cut=False), BLIND_MS, (4.5, 5)),
    "reordered": Fault(_set(reordering=True), _set(reordering=False), None, (1, 4)),
    "duplicated": Fault(_set(doubling=True), _set(doubling=False), None, (1, 4)),
    "replayed": Fault(_set(up_cut=True, replaying=True), _set(replaying=False), SILENT_MS, (1, 4)),
    "replayed beside": Fault(_set(replaying=True), _set(replaying=False), None, (1, 4)),
    "forged": Fault(_set(up_cut=True, forging=True), _set(forging=False), SILENT_MS, (1, 4)),
    "forged beside": Fault(_set(forging=True), _set(forging=False), None, (1, 4)),
    "old holder": Fault(_old_holder, _nothing, SILENT_MS, FOR_EVER, "never"),
    "two consoles": Fault(_hand_over, _nothing, None, FOR_EVER),
    "robot's clock leaps": Fault(_leap, _nothing, AT_ONCE_MS, None),
    "console's clock leaps": Fault(_console_leap, _hand(frozen=False), SILENT_MS + 100, (1, 4)),
    "no figures": Fault(_wrong, _hand(wrong=None), SILENT_MS, (1, 4)),
    "console frozen": Fault(_hand(frozen=True), _hand(frozen=False), SILENT_MS, (0.8, 4)),
    "console repeats itself": Fault(_hand(stuck=True), _hand(stuck=False), BLIND_MS, (4.5, 5)),
    "console closed": Fault(_hand(frozen=True), _nothing, SILENT_MS, FOR_EVER),
    "agent killed": Fault(lambda w: w.kill(), lambda w: w.restart(), AT_ONCE_MS, (0.3, 3), "end"),
    "loop stalled": Fault(_set(stalled=True), _set(stalled=False), AT_ONCE_MS, (0.12, 0.6), "end"),
    "force sensor silent": Fault(_set(sensor="silent"), _set(sensor=""), AT_ONCE_MS, (1, 5)),
    "force sensor stuck": Fault(_set(sensor="stuck"), _set(sensor=""), AT_ONCE_MS, (1, 5)),
    "force sensor mad": Fault(_set(sensor="mad"), _set(sensor=""), AT_ONCE_MS, (0.01, 5)),
    "relay restarted": Fault(
        _set(up_cut=True, down_cut=True, video_cut=True),
        _set(up_cut=False, down_cut=False, video_cut=False),
        SILENT_MS,
        (1.0, 3.0),
    ),
    "stopped at the site": Fault(lambda w: w.stop("operator"), _nothing, AT_ONCE_MS, None),
    "stopped at the console": Fault(lambda w: w.stop("console"), _nothing, 400, None),
    "taken back": Fault(lambda w: w.take_back(), _nothing, AT_ONCE_MS, None),
    "released": Fault(_released, _nothing, SILENT_MS, None),
}
