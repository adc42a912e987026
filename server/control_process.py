"""The control process: what `server.control` starts. Robots' and consoles' messages pass here.

On its input it is told whose link to open; on its output it says its port, the answers, the robots
of each room, and what it has counted. When its input ends it tells the robots, gives them a moment,
and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import WEBRTC_BINARY, WEBRTC_STRING

from control import orders as o
from control.desk import Delivery, Desk, NotAllowed
from control.envelope import RELAY, address, addressed, stamp
from control.errors import ControlError, MalformedMessage
from media.contract import CapacityError, PortError, SdpError
from media.data import DataEnd, DataRoom
from media.data_queue import DataCounters, Message
from media.link import LinkTransport
from media.relay import MediaRelay
from media.settings import ClassGroup, RelaySettings
from server import logs
from server.control_counts import ControlCounts

MOTION, ORDER = "motion", "order"
LOOK_S = 0.5
BEAT_LOOKS = 2  # looks to a beat
BIND_S = 8.0  # the process before this one may still be telling its robots
NICE = -15  # a stop must not wait for somebody's film
FAREWELL_S = 0.5  # for `closing` to reach the robots
LINE_MAX = 512 * 1024
log = structlog.get_logger("server.control_process")


def now_us() -> int:
    """This process's own clock."""
    return time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class Motion(Message):
    """Stamped when it leaves, so that its time here is told, waiting included."""

    came_us: int = 0
    counts: ControlCounts = field(default_factory=ControlCounts)

    def leaving(self) -> bytes:
        now = now_us()
        self.counts.passed(now - self.came_us)
        return stamp(self.data, self.came_us, now)


class ControlRoom(DataRoom):
    """The links of one room, between `Desk`'s rules and the channels."""

    def __init__(self, counters: DataCounters, counts: ControlCounts) -> None:
        super().__init__(counters)
        self.desk = Desk()
        self.links: dict[str, LinkTransport] = {}
        self._counts = counts
        self._ends: dict[str, DataEnd] = {}

    def admits(self, label: str, reliable: bool) -> bool:
        return (label, reliable) in {(MOTION, False), (ORDER, True)}

    def open(self, end: DataEnd, channel: RTCDataChannel) -> None:
        super().open(end, channel)
        self._ends[end.participant] = end
        if channel.label == ORDER:
            self.deliver(self.desk.known(end.participant))

    def close(self, end: DataEnd, channel: RTCDataChannel) -> None:
        super().close(end, channel)
        if self._ends.get(end.participant) is end and channel.label == ORDER:
            del self._ends[end.participant]

    def take(
        self, sender: DataEnd, label: str, reliable: bool, said: str | bytes, at_s: float
    ) -> None:
        """Pass it on if the rules allow it; drop and count it if not."""
        came_us = now_us()
        try:
            to, message = addressed(said.encode() if isinstance(said, str) else said)
            if label == ORDER:
                order = o.decode(message)
                self.deliver(self.desk.order(sender.participant, to, order, came_us))
            else:
                names = self.desk.motion(sender.participant, to, message, came_us)
                self._pass(names, sender.participant, message, came_us, at_s)
        except NotAllowed:
            self._counts.refused += 1
        except MalformedMessage:
            self._counts.malformed += 1

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Orders, to whoever has a channel open for them."""
        for to, sender, order in deliveries:
            if end := self._ends.get(to):
                data = address(sender or RELAY, o.encode(order))
                message = Message(sender, ORDER, True, WEBRTC_STRING, data, time.monotonic())
                end.put(message)

    def _pass(
        self, names: list[str], sender: str, message: bytes, came_us: int, at_s: float
    ) -> None:
        data = address(sender, message)
        for name in names:
            if end := self._ends.get(name):
                end.put(
                    Motion(sender, MOTION, False, WEBRTC_BINARY, data, at_s, came_us, self._counts)
                )


class ControlServer:
    """All rooms, one relay with one port."""

    def __init__(self, settings: RelaySettings) -> None:
        self._relay = MediaRelay(settings)
        self._rooms: dict[str, ControlRoom] = {}
        self._data = DataCounters()
        self._counts = ControlCounts()
        self._told: dict[str, dict[str, Any]] = {}
        self._told_counts: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, lines: asyncio.StreamReader) -> None:
        """Until the input ends. Raises PortError."""
        await self._bind()
        self._place = self._relay.place()
        say({"port": self._relay.ports["control"][0]})
        looking = asyncio.create_task(self._look())
        try:
            while line := await lines.readline():
                await self._do(json.loads(line))
        finally:
            looking.cancel()
            await self._farewell()

    async def _bind(self) -> None:
        until = time.monotonic() + BIND_S
        while True:
            try:
                return await self._relay.start()
            except PortError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    async def _farewell(self) -> None:
        for room in self._rooms.values():
            room.deliver(Delivery(name, "", o.Closing()) for name in list(room.links))
        if self._rooms:
            await asyncio.sleep(FAREWELL_S)
        await self._relay.close()

    # --- what is asked -------------------------------------------------------------------------

    async def _do(self, said: dict[str, Any]) -> None:
        match said:
            case {"open": number}:
                say({"re": number, **await self._open(said)})
            case {"close": name, "room": room_name}:
                if (room := self._rooms.get(room_name)) and (link := room.links.get(name)):
                    await link.close()

    async def _open(self, said: dict[str, Any]) -> dict[str, str]:
        room_name, name = said["room"], said["participant"]
        room = self._rooms.get(room_name)
        if room is None:
            room = self._rooms[room_name] = ControlRoom(self._data, self._counts)
        if before := room.links.get(name):
            await before.close()
        try:
            link, answer = await self._place.open_link(said["offer"], room, name)
        except SdpError as error:
            return {"bad_sdp": str(error)}
        except CapacityError as error:
            return {"full": str(error)}
        try:
            room.deliver(room.desk.enter(name, said["part"], said["may_command"], now_us()))
        except NotAllowed as error:
            await link.close()
            return {"full": str(error)}
        room.links[name] = link
        link.on_state = lambda state: self._changed(room_name, name, link, state)
        return {"answer": answer}

    def _changed(self, room_name: str, name: str, link: LinkTransport, state: str) -> None:
        """A link that has failed or closed is over; whoever wants another opens it."""
        if state not in ("failed", "closed"):
            return
        room = self._rooms[room_name]
        if state == "failed":
            closing = asyncio.create_task(link.close())
            self._tasks.add(closing)
            closing.add_done_callback(self._tasks.discard)
        if room.links.get(name) is link:
            del room.links[name]
            room.deliver(room.desk.leave(name))
            self._tell(room_name, room)

    # --- what is told --------------------------------------------------------------------------

    async def _look(self) -> None:
        for number in itertools.count():
            await asyncio.sleep(LOOK_S)
            now = now_us()
            for name, room in list(self._rooms.items()):
                room.deliver(room.desk.look(now))
                if number % BEAT_LOOKS == 0:
                    room.deliver(Delivery(one, "", o.Beat()) for one in list(room.links))
                self._tell(name, room)
                if room.desk.empty:
                    del self._rooms[name]
            counts = {**self._counts.named(), **self._data.named()}
            if counts != self._told_counts:
                self._told_counts = counts
                say({"counts": counts})

    def _tell(self, name: str, room: ControlRoom) -> None:
        robots = {
            participant: {
                "participant": participant,
                "label": state.label,
                "holder": state.holder,
                "mode": state.mode,
                "simulated": state.simulated,
            }
            for participant, state in room.desk.robots().items()
        }
        if robots != self._told.get(name, {}):
            self._told[name] = robots
            say({"room": name, "robots": robots})
        if not robots:
            self._told.pop(name, None)


def say(words: dict[str, Any]) -> None:
    """A line for the main process; it may be gone."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(words), flush=True)


async def main() -> int:
    """Serve until the input ends."""
    reader = asyncio.StreamReader(limit=LINE_MAX)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    told = json.loads(await reader.readline())
    logs.configure(told["log_level"])
    groups = {name: ClassGroup(**group) for name, group in told["relay"].pop("groups").items()}
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):  # not allowed everywhere
        os.setpriority(os.PRIO_PROCESS, 0, NICE)  # threads made later inherit it
    try:
        await ControlServer(RelaySettings(groups=groups, **told["relay"])).serve(reader)
    except PortError as error:
        log.error("no control port", port=error.port, why=error.strerror)
        return 1
    except ControlError as error:
        log.error("control", why=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
