"""The control process, started and watched: a join, a query or an upload never delays a stop.

It has transports, an event loop and a UDP port of its own. This side asks it to open links and
hears which robots there are. When it dies, robots come to rest by themselves for want of commands,
and all links are opened anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from media.contract import CapacityError, SdpError
from server.child import Child, ChildError, Told
from server.config import Settings
from signaling import protocol as p
from signaling.robots import ControlUnavailable, Part, Robots

ANSWER_S = 10.0
PORT_S = 2.0


class ControlProcess:
    """Implements `signaling.robots.Control`."""

    def __init__(self, settings: Settings) -> None:
        self.on_robots: Callable[[str, Robots], None] = lambda _room, _robots: None
        self.port = 0
        self._settings = settings
        self._child = Child("server.control_process", self._tell, self._heard, self._died)
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._counts: dict[str, int] = {}
        self._rooms: set[str] = set()  # with robots

    async def start(self) -> None:
        """Wait until it serves. Raises OSError when its port is taken, and ChildError."""
        if self._settings.control_port:
            await self._free_port()
            await self._child.ready()

    async def _free_port(self) -> None:
        """Whether it can be bound, before a process tries; one of before may still say goodbye."""
        settings = self._settings.control()
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        until = time.monotonic() + PORT_S
        while True:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                try:
                    return probe.bind((settings.host, self._settings.control_port))
                except OSError:
                    if time.monotonic() > until:
                        raise
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """It tells the robots, and ends."""
        await self._child.close()
        self._forget()

    def counters(self) -> Mapping[str, int]:
        """Of the process that lives; `restarts` of all."""
        return {**self._counts, "restarts": self._child.restarts}

    async def open(
        self, room: str, participant: str, part: Part, may_command: bool, offer: str
    ) -> str:
        """Implements `Control.open`."""
        if not self._settings.control_port:
            raise ControlUnavailable("this server carries no control: see --control-port")
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._child.say(
                {
                    "open": number,
                    "room": room,
                    "participant": participant,
                    "part": part,
                    "may_command": may_command,
                    "offer": offer,
                }
            )
            async with asyncio.timeout(ANSWER_S):
                said = await answer
        except (ChildError, TimeoutError):
            raise ControlUnavailable("the control process is just being replaced") from None
        finally:
            del self._asked[number]
        match said:
            case {"answer": str(sdp)}:
                return sdp
            case {"bad_sdp": str(why)}:
                raise SdpError(why)
            case {"full": str(why)}:
                raise CapacityError(why)
            case _:
                raise ControlUnavailable("the control process is just being replaced")

    def close_link(self, room: str, participant: str) -> None:
        with contextlib.suppress(ChildError):
            self._child.say({"close": participant, "room": room})

    def _heard(self, said: dict[str, Any]) -> None:
        match said:
            case {"port": port}:
                self.port = port
            case {"re": number}:
                if (waiting := self._asked.get(number)) and not waiting.done():
                    waiting.set_result(said)
            case {"room": room, "robots": robots}:
                found = msgspec.convert(robots, dict[str, p.RobotInfo])
                (self._rooms.add if found else self._rooms.discard)(room)
                self.on_robots(room, found)
            case {"counts": counts}:
                self._counts = counts

    def _died(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Nobody answers any more, and no robot is to be seen."""
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_result({})
        for room in self._rooms:
            self.on_robots(room, {})
        self._rooms.clear()

    @contextlib.asynccontextmanager
    async def _tell(self) -> AsyncIterator[Told]:
        yield Told(
            {"relay": asdict(self._settings.control()), "log_level": self._settings.log_level}
        )
