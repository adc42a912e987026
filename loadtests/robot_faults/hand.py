"""A console with a specialist at it: the real messages, made of what she has seen, in virtual time.

She lowers the probe until she feels the body, holds a force and sweeps. What goes on around her she
does not know: a hand that clings to the deadman through every fault is the worst one to have.
"""

from __future__ import annotations

import hmac
import math
import random
import struct
from dataclasses import replace

from control.errors import ControlError
from control.messages import TAG_BYTES, Command, Flag, Mode, Observation, Quaternion, decode, encode
from control.rotations import between, of_vector, product
from control.vectors import ZERO, Vector, at_most, length, minus, plus, times

SEND_US = 10_000
TOUCH_N = 1.0
LOWER_M_S = 0.035
LEAD_M, LEAD_RAD = 0.03, 0.25  # how far the target may be from where she sees the probe
FORCE_GAIN = 0.002  # m/s for each newton that is missing
PRESS_M_S = 0.02


class Sweep:
    """What she wants to do; random, within what people do."""

    def __init__(self, chance: random.Random) -> None:
        self.force_n = chance.choice([4.0, 6.0, 8.0, 12.0, 18.0, 40.0])  # the last: too much
        self.reach = (chance.uniform(0.0, 0.05), chance.uniform(0.02, 0.09))
        self.rate = (chance.uniform(0.5, 2.0), chance.uniform(0.3, 1.2))
        self.tilt = chance.uniform(0.0, 0.3)

    def along(self, seconds: float) -> Vector:
        """m/s over the skin."""
        (a, b), (p, q) = self.reach, self.rate
        return a * p * math.cos(p * seconds), b * q * math.cos(q * seconds), 0.0

    def place(self, seconds: float) -> tuple[float, float]:
        """m from where it began."""
        (a, b), (p, q) = self.reach, self.rate
        return a * math.sin(p * seconds), b * math.sin(q * seconds)

    def turning(self, seconds: float) -> Vector:
        return self.tilt * math.cos(1.3 * seconds), 0.0, 0.0


class Hand:
    """`held` is the truth about her hand; what the robot hears of it is another matter."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.sweep = Sweep(random.Random(seed))
        self.key = bytes(32)
        self.epoch = self.sequence = 0
        self.held = False
        self.frozen = False  # the page: nothing is sent, nothing is seen
        self.stuck = False  # it sends what it sent, with new numbers
        self.wrong: float | None = None  # in the place of a figure
        self.clock_us = 0  # ahead of the world's
        self.seen: Observation | None = None
        self.rtp: int | None = None
        self.target: Vector = ZERO
        self.orientation: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self._last: Command | None = None
        self._moving_s = 0.0
        self._touched = False

    def granted(self, epoch: int, key: bytes) -> None:
        """The robot's site has told her."""
        self.epoch, self.key, self.sequence = epoch, key, 0
        self.seen = None

    def see(self, data: bytes) -> None:
        """An observation; of another lease it cannot be read."""
        if self.frozen or self.stuck:
            return
        try:
            seen = decode(data, Observation, self.key)
        except ControlError:
            return
        if self.seen is None or seen.sequence > self.seen.sequence:
            self.seen = seen

    def look(self, rtp: int) -> None:
        """A frame is on her screen."""
        if not self.frozen and not self.stuck:
            self.rtp = rtp

    def send(self, now_us: int) -> bytes | None:
        """Her next command, a hundred times a second."""
        if self.frozen or self.epoch == 0:
            return None
        if self.stuck and self._last:
            command = self._last
        elif self.seen is None:
            return None
        else:
            command = self._wish(self.seen)
        self.sequence += 1
        command = replace(command, sequence=self.sequence, sent_us=max(now_us + self.clock_us, 0))
        self._last = command
        return self._spoilt(command) if self.wrong is not None else encode(command, self.key)

    def _wish(self, seen: Observation) -> Command:
        flags = (Flag.DEADMAN if self.held else Flag(0)) | (
            Flag.SEES if self.rtp is not None else Flag(0)
        )
        velocity, turning = ZERO, ZERO
        if self.held and seen.mode is Mode.FOLLOWING:
            velocity, turning = self._lead(seen)
            step_s = SEND_US / 1e6
            self.target = plus(self.target, times(velocity, step_s))
            self.orientation = product(of_vector(times(turning, step_s)), self.orientation)
        elif not self.held or seen.mode is not Mode.FROZEN:
            self.target, self.orientation = seen.position, seen.orientation
        ahead = at_most(minus(self.target, seen.position), LEAD_M)
        self.target = plus(seen.position, ahead)
        turned = at_most(between(seen.orientation, self.orientation), LEAD_RAD)
        self.orientation = product(of_vector(turned), seen.orientation)
        return Command(
            flags,
            self.epoch,
            0,
            0,
            seen.sequence,
            self.rtp or 0,
            self.target,
            self.orientation,
            velocity,
            turning,
            0.0,
        )

    def _lead(self, seen: Observation) -> tuple[Vector, Vector]:
        force_n = length(seen.force)
        self._touched |= force_n > TOUCH_N
        if not self._touched:
            return (0.0, 0.0, -LOWER_M_S), ZERO
        self._moving_s += SEND_US / 1e6
        missing = FORCE_GAIN * (self.sweep.force_n - force_n)
        down = max(min(missing, PRESS_M_S), -PRESS_M_S)
        along = self.sweep.along(self._moving_s)
        return (along[0], along[1], -down), self.sweep.turning(self._moving_s)

    def _spoilt(self, command: Command) -> bytes:
        """A broken console with a good key: what `encode` would have refused."""
        body = bytearray(encode(command, self.key)[:-TAG_BYTES])
        body[28:32] = struct.pack(">f", self.wrong or 0.0)
        return bytes(body) + hmac.digest(self.key, bytes(body), "sha256")[:TAG_BYTES]
