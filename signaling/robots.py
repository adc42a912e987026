"""What signaling needs of whoever carries robots' and consoles' messages: one small contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from signaling import protocol as p

Part = Literal["robot", "console"]
Robots = Mapping[str, p.RobotInfo]  # by participant


class ControlUnavailable(Exception):
    """There is no control here, or its process is just being replaced."""


class Control(Protocol):
    """The control process, as signaling sees it."""

    on_robots: Callable[[str, Robots], None]  # of a room, whenever they have changed

    async def open(
        self, room: str, participant: str, part: Part, may_command: bool, offer: str
    ) -> str:
        """A link for this participant, in place of one that he had; the answer to its offer.

        Raises ControlUnavailable, SdpError, CapacityError.
        """
        ...

    def close_link(self, room: str, participant: str) -> None:
        """He has left the room: his link is over."""
        ...


class NoControl:
    """A server without control of robots."""

    on_robots: Callable[[str, Robots], None]

    async def open(
        self, room: str, participant: str, part: Part, may_command: bool, offer: str
    ) -> str:
        raise ControlUnavailable("this server carries no control of robots: see --control-port")

    def close_link(self, room: str, participant: str) -> None:
        pass
