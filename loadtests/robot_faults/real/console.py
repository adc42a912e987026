"""`python -m loadtests.robot_faults.real.console URL NAME`: to be frozen and killed.

The headless console as it is, in a process of its own, with a hand that scans. The token comes
first on its input, then what the hand does, a JSON object a line; on its output it says what is on
her screen.
"""

from __future__ import annotations

import asyncio
import json
import sys

import msgspec

from clients.console.headless import HeadlessConsole
from clients.control_link import ControlLink, Hears
from clients.participant import Participant
from clients.robot.servo_messages import clock_us
from control.errors import ControlError
from control.messages import Observation
from loadtests.robot_faults.real.attack import How, Way
from loadtests.robot_faults.real.scan import Scan
from signaling.protocol import ControlPart

LOOK_S = 0.01


class Screen(msgspec.Struct, kw_only=True):
    """What she sees, as far as the one who leads her wants to know."""

    me: str = ""
    robot: str = ""
    phase: str = "watching"
    digits: str = ""
    mode: int = -1  # of the newest observation; -1: none
    epoch: int = 0
    pictures: bool = False


class Does(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is given, happens."""

    ask: bool = False
    stop: bool = False
    release: bool = False
    held: bool | None = None
    sweep: int | None = None
    how: How | None = None
    beside: bool = False
    wrong: str | None = None  # a figure as text, which JSON has not; empty: all is well
    ahead_us: int | None = None  # its clock leaps


class SpoiltLink(ControlLink):
    """What goes out has to pass by whoever spoils it."""

    way: Way

    def send_motion(self, to: str, message: bytes) -> bool:
        return self.way(to, message)

    def send_at_once(self, to: str, message: bytes) -> bool:
        """Past whoever spoils it."""
        return super().send_motion(to, message)


class Specialist:
    """She and her console."""

    def __init__(self, participant: Participant) -> None:
        self._ahead_us = 0
        self.hand = Scan(self._seen)
        self.headless = HeadlessConsole(participant, self.hand, clock=self._clock, link=self._link)

    def _link(self, participant: Participant, part: ControlPart, ears: Hears) -> ControlLink:
        link = SpoiltLink(participant, part, ears)
        self.way = link.way = Way(link.send_at_once, self._key)
        return link

    def _clock(self) -> int:
        return clock_us() + self._ahead_us

    def _seen(self) -> Observation | None:
        console = self.headless.console
        return console.seen if console else None

    def _key(self) -> bytes:
        console = self.headless.console
        return console._key if console else bytes(32)

    def screen(self) -> Screen:
        console, participant = self.headless.console, self.headless.participant
        if console is None:
            return Screen(me=participant.id or "")
        return Screen(
            me=participant.id or "",
            robot=console.robot if console.state else "",
            phase=console.phase,
            digits=console.digits,
            mode=int(console.seen.mode) if console.seen else -1,
            epoch=console.epoch,
            pictures=self.headless.sees,
        )

    def do(self, does: Does) -> None:
        """Raises ControlError when there is no robot."""
        if does.sweep is not None:
            self.hand.sweep(does.sweep)
        if does.held is not None:
            self.hand.held = does.held
        if does.how is not None:
            self.way.how, self.way.beside = does.how, does.beside
        if does.wrong is not None:
            self.way.wrong = float(does.wrong) if does.wrong else None
        if does.ahead_us is not None:
            self._ahead_us = does.ahead_us
        if does.ask:
            self.headless.ask()
        if does.stop:
            self.headless.stop()
        if does.release:
            self.headless.release()


async def _say(specialist: Specialist) -> None:
    told: Screen | None = None
    while True:
        if (now := specialist.screen()) != told:
            told = now
            print(msgspec.json.encode(now).decode(), flush=True)
        await asyncio.sleep(LOOK_S)


async def run(url: str, name: str) -> None:
    """Until the input ends."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    token = (await lines.readline()).decode().strip()
    async with Participant(url, token, name=name) as participant:
        specialist = Specialist(participant)
        async with specialist.headless:
            working = [asyncio.create_task(_say(specialist))]
            working.append(asyncio.create_task(specialist.way.attack()))
            try:
                while line := await lines.readline():
                    try:
                        specialist.do(msgspec.json.decode(line, type=Does))
                    except ControlError as error:
                        print(json.dumps({"refused": str(error)}), file=sys.stderr, flush=True)
            finally:
                for task in working:
                    task.cancel()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
