"""The console's side of one robot: who has control, under which key, and what the network does.

Pure logic, for headless consoles and tests; the browser has the same in TypeScript. Time is the
console's own monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, NamedTuple

from control import orders as o
from control.errors import ControlError, ForgedMessage, MalformedMessage
from control.governor import Governor, Rule
from control.keys import NOBODY, Public, Side
from control.messages import Command, Flag, Observation, Quaternion, decode, encode
from control.vectors import Vector

Phase = Literal["watching", "asked", "agreed", "granted", "ended"]
SENT_KEPT = 256  # commands whose round trip may still be told


class Wish(NamedTuple):
    """What a hand wants now."""

    flags: Flag
    position: Vector  # m
    orientation: Quaternion
    velocity: Vector  # m/s
    turning: Vector  # rad/s
    energy_j: float  # put in since the lease began


class Console:
    """`ended` and `denied` say why she has no control; `seen` is the newest observation."""

    def __init__(self, me: str, robot: str) -> None:
        self.me, self.robot = me, robot
        self.phase: Phase = "watching"
        self.digits = ""
        self.denied = ""
        self.state: o.State | None = None
        self.seen: Observation | None = None
        self.round_trip_us: int | None = None
        self.epoch = 0
        self._side: Side | None = None
        self._key = self._agreed = NOBODY
        self._sequence = 0
        self._number = 0
        self._sent: OrderedDict[int, int] = OrderedDict()
        self._governor = Governor()

    # --- control -------------------------------------------------------------------------------

    def ask(self) -> o.Ask:
        """I want control; an exchange before this one is over."""
        self._side = Side()
        self.phase, self.digits, self.denied = "asked", "", ""
        return o.Ask(commitment=self._side.commitment)

    def take(self, order: o.Order) -> o.Order | None:
        """An order of the robot, or the relay's about it; perhaps with an answer for the robot.

        Raises MalformedMessage, ForgedMessage: somebody on the way has made it up.
        """
        match order:
            case o.Show():
                return self._show(order)
            case o.Sealed():
                self._granted(o.open_to_holder(order, self._agreed))
            case o.Denied():
                self.phase, self.denied, self._side = "ended", order.reason, None
            case o.State():
                self.state = order
                if self.phase == "granted" and (order.holder, order.epoch) != (self.me, self.epoch):
                    self._end()
            case o.Gone() | o.Closing():
                self.lost()
        return None

    def lost(self) -> None:
        """The link is over, or the robot's; control with it."""
        self.state, self.seen = None, None
        if self.phase != "watching":
            self._end()

    def release(self) -> o.Sealed:
        """Give control back. Raises ControlError without it."""
        return self._seal(o.Release(epoch=self.epoch, number=self._number))

    def hand_over(self, to: str) -> o.Sealed:
        """To somebody who has asked. Raises ControlError without control."""
        return self._seal(o.HandOver(epoch=self.epoch, number=self._number, to=to))

    def adjust(self, imaging: o.Imaging) -> o.Sealed:
        """Turn the machine's knobs. Raises ControlError without control."""
        return self._seal(o.Adjust(epoch=self.epoch, number=self._number, imaging=imaging))

    def _show(self, order: o.Show) -> o.Reveal:
        if self._side is None or self.phase != "asked":
            raise MalformedMessage("nobody has asked")
        mine = self._side.public
        agreed = self._side.agree(
            Public(order.point, order.nonce), mine, self._side.commitment, (self.robot, self.me)
        )
        self.phase, self.digits, self._agreed = "agreed", agreed.digits, agreed.key
        return o.Reveal(point=mine.point, nonce=mine.nonce)

    def _granted(self, granted: o.Granted) -> None:
        if self.phase != "agreed" or granted.epoch <= self.epoch:
            raise ForgedMessage("a grant that was not asked for, or an old one")
        self.phase, self.epoch, self._key = "granted", granted.epoch, self._agreed
        self._sequence = self._number = 0
        self._sent.clear()
        self.seen, self.round_trip_us, self._governor = None, None, Governor()

    def _end(self) -> None:
        self.phase, self._key, self._agreed, self._side = "ended", NOBODY, NOBODY, None
        self.seen, self.digits = None, ""

    def _seal(self, message: o.FromHolder) -> o.Sealed:
        if self.phase != "granted":
            raise ControlError("ask for control first")
        self._number += 1
        return o.seal(message, self._key)

    # --- motion --------------------------------------------------------------------------------

    def observe(self, data: bytes, now_us: int) -> Observation | None:
        """The newest of what the robot says; None: old, or not under a key that is known here."""
        try:
            seen = decode(data, Observation, self._key)
        except ControlError:
            return None
        if self.seen is not None and seen.sequence <= self.seen.sequence:
            return None
        self.seen = seen
        sent_us = self._sent.get(seen.applied_sequence)
        if sent_us is not None:
            self.round_trip_us = max(now_us - sent_us - seen.applied_age_us, 0)
        return seen

    def rule(self, picture_age_us: int | None, now_us: int) -> Rule:
        """How much of the force may be felt. The robot judges motion by figures of its own."""
        return self._governor.look(self.round_trip_us, picture_age_us, now_us)

    def command(self, wish: Wish, seen_rtp: int | None, now_us: int) -> bytes | None:
        """The next command; None without control. `seen_rtp`: of the frame on the screen."""
        if self.phase != "granted":
            return None
        self._sequence += 1
        self._sent[self._sequence] = now_us
        while len(self._sent) > SENT_KEPT:
            self._sent.popitem(last=False)
        sees = Flag.SEES if seen_rtp is not None else Flag(0)
        return encode(
            Command(
                wish.flags | sees,
                self.epoch,
                self._sequence,
                now_us,
                self.seen.sequence if self.seen else 0,
                seen_rtp or 0,
                wish.position,
                wish.orientation,
                wish.velocity,
                wish.turning,
                wish.energy_j,
            ),
            self._key,
        )
