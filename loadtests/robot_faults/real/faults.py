"""What happens at the onset, what ends it, and by when the arm must be safe: in real time.

As in the virtual matrix (../faults.py), whose bounds these are, with what a machine takes to wake
the processes on the way. The robot's own clock cannot leap here: it is the kernel's.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from loadtests.robot_faults.faults import AT_ONCE_MS, BLIND_MS, SILENT_MS, SLOW_MS
from loadtests.robot_faults.real.attack import How
from loadtests.robot_faults.real.console import Does
from loadtests.robot_faults.real.theatre import Theatre

Change = Callable[[Theatre], Awaitable[None] | None]
MACHINE_MS = 50  # see docs/control.md
FOR_EVER = (math.inf, math.inf)


class Fault(NamedTuple):
    """As in ../faults.py."""

    begin: Change
    end: Change
    still_ms: int | None
    seconds: tuple[float, float] | None
    frees: Literal["onset", "end", "never"] = "onset"


def _nothing(_: Theatre) -> None:
    pass


def _cut(*, commands: bool = False, answers: bool = False, video: bool = False) -> Change:
    return lambda t: t.end.cut(commands=commands, answers=answers, video=video)


def _mend(t: Theatre) -> None:
    t.end.mend()


def _spoil(**fields: float) -> Change:
    return lambda t: t.end.spoil(**fields)


def _ann(does: Does) -> Change:
    return lambda t: t.people[0].do(does)


def _attack(how: How, *, beside: bool) -> Change:
    return _ann(Does(how=how, beside=beside))


def _freeze(t: Theatre) -> None:
    t.people[0].signal(signal.SIGSTOP)


def _wake(t: Theatre) -> None:
    t.people[0].signal(signal.SIGCONT)


def _leap(t: Theatre) -> None:
    """And then it says nothing more: a time-out on the sender's clock would never come."""
    sign = t.chance.choice((-1, 1, 1))
    t.people[0].do(Does(ahead_us=sign * round(10 ** t.chance.uniform(4, 10))))
    t.later(0.1, lambda: _freeze(t))


def _wrong(t: Theatre) -> None:
    t.people[0].do(Does(wrong=t.chance.choice(("nan", "inf", "-inf", "1e30", "-11.0"))))


def _sensor(wrong: str) -> Change:
    def change(t: Theatre) -> None:
        t.memory.sensor = wrong

    return change


async def _hand_over(t: Theatre) -> None:
    """A second one has control, while the first goes on as if nothing had happened."""
    await t.give(1)
    t.hold(1, True)
    t.later(0.6, lambda: t.hold(1, False))
    t.later(0.9, lambda: t.hold(1, True))


async def _old_holder(t: Theatre) -> None:
    """One is frozen, another has control and lets go of the deadman; then the first wakes up."""
    _freeze(t)
    await t.give(1)
    t.later(0.3, lambda: t.hold(1, True))
    t.later(1.3, lambda: t.hold(1, False))
    t.later(2.0, lambda: _wake(t))


def _released(t: Theatre) -> None:
    t.hold(0, False)
    t.later(0.3, lambda: t.people[0].do(Does(release=True)))
    t.later(0.3, t.nobody)


async def _stop(t: Theatre) -> None:
    await t.beside.stop()


async def _take_back(t: Theatre) -> None:
    t.nobody()
    await t.beside.take_back()


def _bound(ms: int) -> int:
    return ms + MACHINE_MS


FAULTS: dict[str, Fault] = {
    "link cut": Fault(
        _cut(commands=True, answers=True, video=True), _mend, _bound(SILENT_MS), FOR_EVER
    ),
    "outage 5 s": Fault(
        _cut(commands=True, answers=True, video=True), _mend, _bound(SILENT_MS), (5, 5)
    ),
    "commands lost": Fault(_cut(commands=True), _mend, _bound(SILENT_MS), (1, 3)),
    "answers lost": Fault(_cut(answers=True), _mend, _bound(SLOW_MS), (3, 5)),
    "video lost": Fault(_cut(video=True), _mend, _bound(BLIND_MS), (3, 5)),
    "reordered": Fault(_spoil(reorder=0.4, reorder_ms=150), _mend, None, (1, 3)),
    "duplicated": Fault(_spoil(duplicate=0.5), _mend, None, (1, 3)),
    "replayed": Fault(
        _attack("replay", beside=False), _attack("", beside=False), _bound(SILENT_MS), (1, 3)
    ),
    "replayed beside": Fault(
        _attack("replay", beside=True), _attack("", beside=False), None, (1, 3)
    ),
    "forged": Fault(
        _attack("forge", beside=False), _attack("", beside=False), _bound(SILENT_MS), (1, 3)
    ),
    "forged beside": Fault(_attack("forge", beside=True), _attack("", beside=False), None, (1, 3)),
    "old holder": Fault(_old_holder, _nothing, _bound(SILENT_MS), FOR_EVER, "never"),
    "two consoles": Fault(_hand_over, _nothing, None, FOR_EVER),
    "console's clock leaps": Fault(_leap, _wake, _bound(SILENT_MS + 100), (1, 3)),
    "no figures": Fault(_wrong, _ann(Does(wrong="")), _bound(SILENT_MS), (1, 3)),
    "console frozen": Fault(_freeze, _wake, _bound(SILENT_MS), (0.8, 3)),
    "console closed": Fault(
        lambda t: t.people[0].signal(signal.SIGKILL), _nothing, _bound(SILENT_MS), FOR_EVER
    ),
    "agent killed": Fault(
        lambda t: t.agent.signal(signal.SIGKILL),
        lambda t: t.open_site_again(),
        _bound(AT_ONCE_MS),
        (0.3, 2),
        "end",  # its servo yields until the arm rests, and ends; the body goes on breathing
    ),
    "agent stalled": Fault(
        lambda t: t.agent.signal(signal.SIGSTOP),
        lambda t: t.agent.signal(signal.SIGCONT),
        _bound(SILENT_MS),
        (0.2, 3),
    ),
    "servo killed": Fault(
        lambda t: t.signal_servo(signal.SIGKILL), _nothing, _bound(AT_ONCE_MS), (3, 3), "end"
    ),
    "servo stalled": Fault(
        lambda t: t.signal_servo(signal.SIGSTOP),
        lambda t: t.signal_servo(signal.SIGCONT),
        _bound(AT_ONCE_MS),
        (0.12, 0.6),
        "end",
    ),
    "force sensor silent": Fault(_sensor("silent"), _sensor(""), _bound(AT_ONCE_MS), (1, 3)),
    "force sensor stuck": Fault(_sensor("stuck"), _sensor(""), _bound(AT_ONCE_MS), (1, 3)),
    "force sensor mad": Fault(_sensor("mad"), _sensor(""), _bound(AT_ONCE_MS), (0.05, 3)),
    "control process killed": Fault(lambda t: t.kill_control(), _nothing, _bound(SILENT_MS), None),
    "server restarted": Fault(
        lambda t: t.kill_server(), lambda t: t.server.begin(), _bound(SILENT_MS), (1, 3)
    ),
    "stopped at the site": Fault(_stop, _nothing, _bound(AT_ONCE_MS), None),
    "stopped at the console": Fault(_ann(Does(stop=True)), _nothing, _bound(400), None),
    "taken back": Fault(_take_back, _nothing, _bound(AT_ONCE_MS), None),
    "released": Fault(_released, _nothing, _bound(SILENT_MS), None),
}
