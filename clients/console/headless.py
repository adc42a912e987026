"""A headless console in a room: a haptic device's loop at 1 kHz, and its link at 100 Hz.

The device has a thread of its own; between it and the network stand `Feel` and `Console`, whose
figures are passed whole. Nothing moves without the device's deadman, and when this process or its
network stumbles the robot judges by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable

from clients.console.device import Device
from clients.control_link import ControlLink, MakesLink
from clients.participant import Participant
from control import orders as o
from control.console import Console
from control.envelope import Stamp
from control.errors import ControlError
from control.feel import Feel
from control.governor import NONE, Rule
from control.vectors import length

log = logging.getLogger(__name__)
LOOP_S, SEND_S = 0.001, 0.01
PICTURE_FRESH_S = 0.5
STIRS_M_S = 0.002  # a hand that moves; below is its tremor
SWITCH_S = 0.0005  # the device's thread waits no longer for the network's


def clock_us() -> int:
    """This machine's monotonic clock."""
    return time.monotonic_ns() // 1000


class HeadlessConsole:
    """`async with HeadlessConsole(participant, device) as console: ...`

    It asks the room's first robot for control; `on_digits` is told what to read to the operator.
    """

    def __init__(
        self,
        participant: Participant,
        device: Device,
        feel: Feel | None = None,
        on_digits: Callable[[str], None] = lambda digits: None,
        clock: Callable[[], int] = clock_us,
        link: MakesLink = ControlLink,
    ) -> None:
        """`clock`: µs, monotonic; the device's thread reads it too. `link`: makes its link."""
        self.participant = participant
        self.console: Console | None = None
        self.feel = feel or Feel()
        self.loops = 0
        self.sees = False  # a picture of the ultrasound, now
        self.link = link(participant, "console", self)
        self._device = device
        self._on_digits = on_digits
        self._clock = clock
        self._rule: Rule = NONE
        self._ended = threading.Event()
        self._stirred = asyncio.Event()
        self._thread = threading.Thread(target=self._touch, daemon=True)
        self._sending: asyncio.Task[None] | None = None
        self._picture: tuple[int | None, float] = None, 0.0  # timestamp, and since when

    async def __aenter__(self) -> HeadlessConsole:
        sys.setswitchinterval(SWITCH_S)
        self._loop = asyncio.get_running_loop()
        await self.link.__aenter__()
        self._thread.start()
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await asyncio.to_thread(self._thread.join)
        await self.link.__aexit__()

    def ask(self) -> None:
        """For control of the robot. Raises ControlError when there is none."""
        console = self._known()
        self.link.send_order(console.robot, console.ask())

    def release(self) -> None:
        """Give control back. Raises ControlError without it."""
        console = self._known()
        self.link.send_order(console.robot, console.release())

    def stop(self) -> None:
        """Stop the robot, whoever has control. Raises ControlError when there is none."""
        self.link.send_order(self._known().robot, o.Stop())

    def _known(self) -> Console:
        if self.console is None:
            raise ControlError("there is no robot in the room")
        return self.console

    # --- the link ------------------------------------------------------------------------------

    def opened(self) -> None:
        pass

    def lost(self) -> None:
        if self.console is not None:
            self.console.lost()

    def motion(self, sender: str, message: bytes, stamp: Stamp) -> None:
        if self.console is not None and sender == self.console.robot:
            now = self._clock()
            if seen := self.console.observe(message, now):
                self.feel.observe(seen, now)

    def order(self, sender: str, order: o.Order) -> None:
        if isinstance(order, o.State) and (self.console is None or self.console.state is None):
            self._meet(sender)
        if self.console is None or not self._concerns(sender, order):
            return
        try:
            answer = self.console.take(order)
        except ControlError as error:
            log.warning("dropped: %s", error)
            return
        if answer is not None:
            self.link.send_order(self.console.robot, answer)
            self._on_digits(self.console.digits)

    def _meet(self, robot: str) -> None:
        """After a site or a server was restarted, names are others."""
        me = self.participant.id or ""
        if self.console is None or (self.console.me, self.console.robot) != (me, robot):
            self.console = Console(me, robot)

    def _concerns(self, sender: str, order: o.Order) -> bool:
        """Of this robot, or of the relay about it."""
        if isinstance(order, o.Gone):
            return self.console is not None and order.name == self.console.robot
        return isinstance(order, o.Closing) or (
            self.console is not None and sender == self.console.robot
        )

    async def _send(self) -> None:
        """Every 10 ms, and once in between when the hand begins or ends something."""
        due = time.monotonic()
        while True:
            due = max(due + SEND_S, time.monotonic())
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), due - time.monotonic())
                self._command()
            await asyncio.sleep(due - time.monotonic())
            self._command()

    def _command(self) -> None:
        console, wish, now = self.console, self.feel.wish(), self._clock()
        if console is None:
            return
        rtp = self._on_screen()
        self.sees = rtp is not None
        self._rule = console.rule(0 if rtp is not None else None, now)
        if wish is not None and (data := console.command(wish, rtp, now)):
            self.link.send_motion(console.robot, data)

    def _on_screen(self) -> int | None:
        """The newest picture of the ultrasound; None when none has come for a while."""
        view, console = self.participant.view, self.console
        if view is None or console is None:
            return None
        for track in view.tracks_of(console.robot):
            if track.label == "ultrasound" and (got := self.participant.received.get(track.id)):
                now_s = time.monotonic()
                if got.timestamp != self._picture[0]:
                    self._picture = got.timestamp, now_s
                fresh = now_s - self._picture[1] < PICTURE_FRESH_S
                return got.timestamp if fresh else None
        return None

    # --- the device ----------------------------------------------------------------------------

    def _touch(self) -> None:
        before = due = time.monotonic()
        did = False, False, False
        while not self._ended.is_set():
            due += LOOP_S
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            else:
                due -= wait  # behind: the beat begins anew
            now = time.monotonic()
            step_s, before = min(now - before, 0.02), now
            self.loops += 1
            held = self._device.read()
            self._device.show(self.feel.step(held, self._rule, self._clock(), step_s), step_s)
            does = held.deadman, held.clutch, length(held.velocity) > STIRS_M_S
            if does != did:
                did = does
                self._loop.call_soon_threadsafe(self._stirred.set)
        self._device.close()
