"""Who may say what to whom between robots and consoles in one room: the relay's own rules.

The relay trusts nobody's word for who he is: names are its own. Motion goes to a robot from the one
console that the robot has named as its holder, in the epoch that it has named, and only while that
console's token allows control. The robot looks at all this again, and at the authentication code,
which the relay cannot read: two locks of different makers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from control import orders as o
from control.envelope import EVERYBODY
from control.errors import ControlError, MalformedMessage
from control.messages import COMMAND_BYTES, OBSERVATION_BYTES

Part = Literal["robot", "console"]
QUIET_US = 3_000_000  # a robot says its state every second
MEMBERS_MAX = 64
_EPOCH = struct.Struct(">4xI")


class NotAllowed(ControlError):
    """This one may not say this; it is dropped and counted."""


class Delivery(NamedTuple):
    """An order for one member."""

    to: str
    sender: str  # empty: the relay
    order: o.Order


@dataclass
class _Member:
    part: Part
    may_command: bool


@dataclass
class _Robot:
    state: o.State | None
    heard_us: int


class Desk:
    """One room's."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._robots: dict[str, _Robot] = {}

    @property
    def empty(self) -> bool:
        return not self._members

    def robots(self) -> dict[str, o.State]:
        """By participant, those that have said what they are."""
        return {name: robot.state for name, robot in self._robots.items() if robot.state}

    # --- coming and going ----------------------------------------------------------------------

    def enter(self, name: str, part: Part, may_command: bool, now_us: int) -> list[Delivery]:
        """Somebody's link; a second one of the same name takes the first one's place.

        Raises NotAllowed when the room has as many as it can.
        """
        gone = self.leave(name)
        if len(self._members) >= MEMBERS_MAX:
            raise NotAllowed(f"a room has at most {MEMBERS_MAX} control links")
        self._members[name] = _Member(part, may_command)
        if part == "robot":
            self._robots[name] = _Robot(None, now_us)
        return gone

    def known(self, name: str) -> list[Delivery]:
        """What a member who can hear now should know: the robots as they are."""
        if name not in self._members:
            return []
        return [
            Delivery(name, robot, state) for robot, state in self.robots().items() if robot != name
        ]

    def leave(self, name: str) -> list[Delivery]:
        """Somebody's link is over; the others hear of it."""
        member = self._members.pop(name, None)
        self._robots.pop(name, None)
        if member is None:
            return []
        return [Delivery(other, "", o.Gone(name=name)) for other in self._others(member.part)]

    def look(self, now_us: int) -> list[Delivery]:
        """Time has passed: a robot that is quiet for too long is gone until it speaks again."""
        told: list[Delivery] = []
        for name, robot in self._robots.items():
            if robot.state is not None and now_us - robot.heard_us > QUIET_US:
                robot.state = None
                told += [Delivery(c, "", o.Gone(name=name)) for c in self._others("robot")]
        return told

    # --- messages ------------------------------------------------------------------------------

    def motion(self, sender: str, to: str, data: bytes, now_us: int) -> list[str]:
        """Whom a command or an observation goes to. Raises NotAllowed, MalformedMessage."""
        member = self._member(sender)
        if member.part == "robot":
            if to != EVERYBODY or len(data) != OBSERVATION_BYTES:
                raise MalformedMessage("a robot sends observations, to everybody")
            self._robots[sender].heard_us = now_us
            return list(self._others("robot"))
        robot = self._robots.get(to)
        if robot is None or robot.state is None:
            raise NotAllowed("no such robot")
        if len(data) != COMMAND_BYTES:
            raise MalformedMessage("a console sends commands")
        (epoch,) = _EPOCH.unpack_from(data)
        if not member.may_command or (robot.state.holder, robot.state.epoch) != (sender, epoch):
            raise NotAllowed("somebody else has control, or nobody")
        return [to]

    def order(self, sender: str, to: str, order: o.Order, now_us: int) -> list[Delivery]:
        """Whom an order goes to. Raises NotAllowed."""
        member = self._member(sender)
        if member.part == "robot":
            return self._from_robot(sender, to, order, now_us)
        if not isinstance(order, o.FROM_CONSOLE):
            raise NotAllowed(f"a console does not say {type(order).__name__}")
        if isinstance(order, o.Stop):
            names = list(self._robots) if to == EVERYBODY else [to]
        elif not member.may_command:
            raise NotAllowed("this token does not allow control")
        else:
            names = [to]
        if any(name not in self._robots for name in names):
            raise NotAllowed("no such robot")
        return [Delivery(name, sender, order) for name in names]

    def _from_robot(self, sender: str, to: str, order: o.Order, now_us: int) -> list[Delivery]:
        if not isinstance(order, o.FROM_ROBOT):
            raise NotAllowed(f"a robot does not say {type(order).__name__}")
        robot = self._robots[sender]
        robot.heard_us = now_us
        if isinstance(order, o.State):
            robot.state = order
            return [Delivery(name, sender, order) for name in self._others("robot")]
        member = self._members.get(to)
        if member is None or member.part != "console":
            raise NotAllowed("no such console")
        return [Delivery(to, sender, order)]

    def _member(self, name: str) -> _Member:
        member = self._members.get(name)
        if member is None:
            raise NotAllowed("not here")
        return member

    def _others(self, part: Part) -> Iterator[str]:
        """Those who hear this part: consoles hear robots, robots hear consoles."""
        return (name for name, member in self._members.items() if member.part != part)
