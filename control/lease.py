"""Who has control: one person, for as long as she keeps saying so, by the local operator's grant.

Kept at the robot, which alone decides. Each grant has a number of its own, the epoch; a command of
another epoch is somebody's who had control once, and moves nothing. Control that ended for
whatever reason comes back by a fresh grant only, and then the deadman must be seen released before
it counts: a hand that clings to the stick through an outage starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from control.errors import LeaseRefused

RENEW_US = 500_000  # without a command for so long, the lease is over
FIRST_US = 10_000_000  # for the first one: the console has to hear of its grant
NEVER_US = 2**62
EPOCH_MAX = 2**32 - 1

Ending = Literal["taken_back", "released", "silent", "replaced", "stopped", "fault"]


@dataclass(frozen=True)
class Grant:
    """Control given to one person."""

    holder: str
    epoch: int
    since_us: int


class Lease:
    """The grants of one robot. `epoch` is the last that was used, also before a restart."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self.renew_us = RENEW_US
        self.grant: Grant | None = None
        self.ended: Ending | None = None  # why the last one did
        self.heard = False  # a command of the present grant
        self._renewed_us = 0
        self._sequence = -1
        self._released = False  # the deadman has been seen so in this epoch
        self._held = False
        self._used = False  # it could have moved something in this epoch

    def give(self, holder: str, now_us: int) -> Grant:
        """The local operator's word; whoever had control before has it no more.

        Raises LeaseRefused when the robot has used up its epochs.
        """
        if not holder:
            raise LeaseRefused("control is given to somebody by name")
        if self.epoch >= EPOCH_MAX:
            raise LeaseRefused("no epochs are left: the site needs a new identity")
        if self.grant:
            self.end("replaced")
        self.epoch += 1
        self.grant = Grant(holder, self.epoch, now_us)
        self.ended = None
        self._renewed_us = now_us
        self._sequence = -1
        self.heard = self._used = False
        return self.grant

    def end(self, why: Ending) -> None:
        """Nobody has control from now on."""
        if self.grant:
            self.grant, self.ended = None, why
        self._released = self._held = False

    def hear(self, epoch: int, sequence: int, deadman: bool, now_us: int) -> bool:
        """A command that is authentic. False: it is old, doubled or of another lease; ignore it."""
        self.look(now_us)
        if self.grant is None or epoch != self.grant.epoch or sequence <= self._sequence:
            return False
        self._sequence = sequence
        self._renewed_us = now_us
        self.heard = True
        self._released |= not deadman
        self._held = deadman
        self._used |= self._released and deadman
        return True

    def look(self, now_us: int) -> None:
        """Time has passed."""
        if self.grant and self.silence_us(now_us) > (self.renew_us if self.heard else FIRST_US):
            self.end("silent")

    def disarm(self) -> None:
        """The deadman must be seen released before it counts again."""
        self._released = False

    def moves(self, now_us: int) -> bool:
        """Whether the last command may move anything now."""
        self.look(now_us)
        return self.grant is not None and self._released and self._held

    @property
    def deadman(self) -> bool:
        """As the last command of the present lease has it."""
        return self._held

    @property
    def clings(self) -> bool:
        """Whether a hand that could once move something holds the deadman, armed or not."""
        return self._used and self._held

    def silence_us(self, now_us: int) -> int:
        """Since the last command of the present lease; on the local clock, never the sender's."""
        return now_us - self._renewed_us
