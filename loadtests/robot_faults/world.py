"""One run: arm, rules, network and people in one virtual time, two milliseconds a step.

The arm's physics, the robot's rules, the messages and their codes are those that run at a site; the
network is the impairment emulator's core (docs/impairment.md). The relay is a place where packets
are lost while it is down: it holds no state that the arm's safety hangs on.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from clients.robot.mujoco_arm import OUTWARD, SKIN, MujocoArm
from control.errors import LeaseRefused
from control.gate import STILL
from control.messages import Command, Flag, encode
from control.presets import Preset, preset
from control.robot import Robot
from control.vectors import ZERO, length
from loadtests._impairment import Link
from loadtests.impairment.settings import LinkSettings
from loadtests.robot_faults.hand import SEND_US, Hand
from loadtests.robot_faults.sensor import Sensor

STEP_US = 2000
FRAME_US = 33_333
PICTURE_US = 60_000  # from the transducer into a packet and from a packet onto the screen
ARM_ALONE_US = 20_000  # then an arm that is told nothing stops
ATTACK_US = 5_000
TOLD_US = 150_000  # by the reliable channel


class World:
    """`run` it; `rows` is what happened (trajectory.COLUMNS)."""

    def __init__(self, seed: int, place: str, delay_ms: float, jitter_ms: float, loss: float):
        self.chance = random.Random(seed)
        self.now_us = 0
        self.preset: Preset = preset(place, SKIN, OUTWARD)
        self.robot = Robot(self.preset)
        self.arm = MujocoArm(lambda: self.robot_us, seed=seed)
        self.hands = [Hand("ann", 2 * seed), Hand("bob", 2 * seed + 1)]
        self.rows: list[tuple[float, ...]] = []
        self.fault = False
        usual = LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms, loss=loss)
        odd = replace(usual, reorder=0.4, reorder_ms=150, duplicate=0.5)
        self._up, self._odd, self._down, self._video = (
            Link(settings.numbers(), 8 * seed + number)
            for number, settings in enumerate((usual, odd, usual, usual))
        )
        # what faults change
        self.up_cut = self.down_cut = self.video_cut = False
        self.reordering = self.doubling = self.replaying = self.forging = False
        self.stalled = self.dead = False
        self.sensor = ""
        self.robot_clock_us = 1_000_000_000  # ahead of the world's
        self._grants, self._holder = 0, 0
        self._later: list[tuple[int, int, Callable[[World], object]]] = []
        self._passed: deque[bytes] = deque(maxlen=400)  # what an attacker has seen go by
        self._count = 0
        self._frame_us = 0
        self._frames: list[tuple[int, int]] = []  # when on the screen, which
        self._sensor = Sensor(self.chance)
        self._told_us = 0  # the arm, last
        self._motion = STILL
        self._felt = 0.0

    @property
    def robot_us(self) -> int:
        """The robot's own clock."""
        return self.now_us + self.robot_clock_us

    def later(self, seconds: float, what: Callable[[World], object]) -> None:
        """Do it then."""
        self._count += 1
        heapq.heappush(self._later, (self.now_us + round(seconds * 1e6), self._count, what))

    def run(self, until_s: float) -> None:
        """Go on until then."""
        while self.now_us < until_s * 1e6:
            self._step()

    # People

    def grant(self, number: int) -> bool:
        """The operator gives control to a console, which hears of it a little later."""
        if self.dead or self.stalled:
            return False
        key = bytes(self.chance.randrange(256) for _ in range(32))
        if self.robot.stopped:
            self.robot.clear(self.robot_us)
        try:
            epoch = self.robot.grant(self.hands[number].name, key, self.robot_us).epoch
        except LeaseRefused:
            return False
        self._grants, self._holder = self._grants + 1, number + 1

        def told(world: World) -> None:
            if world.up_cut or world.down_cut:
                world.later(TOLD_US / 1e6, told)
            else:
                world.hands[number].granted(epoch, key)

        self.later(TOLD_US / 1e6, told)
        return True

    def nobody(self) -> None:
        """By the operator's word nobody has control."""
        self._holder = 0

    def hold(self, number: int, held: bool) -> None:
        """A hand on the deadman, or off it."""
        self.hands[number].held = held

    def stop(self, by: str) -> None:
        """Somebody presses stop; from the console it goes by the reliable channel."""
        if by == "operator":
            self.robot.stop(self.robot_us, by)
        else:
            self.later(TOLD_US / 1e6, lambda w: w.robot.stop(w.robot_us, "ann"))

    def take_back(self) -> None:
        """The operator."""
        self.robot.take_back(self.robot_us)
        self.nobody()

    def kill(self) -> None:
        """The rules are gone; the arm is told nothing more."""
        self.dead = True

    def restart(self) -> None:
        """A new process, which knows the last epoch from the record."""
        self.robot = Robot(self.preset, self.robot.lease.epoch)
        self.dead = False
        self.nobody()

    # A step

    def _step(self) -> None:
        self.now_us += STEP_US
        while self._later and self._later[0][0] <= self.now_us:
            heapq.heappop(self._later)[2](self)
        self._consoles()
        self._attackers()
        self._network()
        if self.now_us >= self._frame_us:
            self._frame_us += FRAME_US
            self._film()
        self._robot_moves()
        self._write()

    def _consoles(self) -> None:
        if self.now_us % SEND_US:
            return
        for number, hand in enumerate(self.hands):
            if (data := hand.send(self.now_us)) and not self.up_cut:
                self._passed.append(data)
                odd = number == 0 and (self.reordering or self.doubling)
                (self._odd if odd else self._up).push(self.now_us * 1000, number, data)

    def _attackers(self) -> None:
        """On the way, with all that was ever sent but no key."""
        sent = self._passed
        if self.now_us % ATTACK_US or not sent:
            return
        if self.replaying:
            self._up.push(self.now_us * 1000, 0, self.chance.choice(sent))
        if self.forging:
            forged = Command(
                Flag.DEADMAN | Flag.SEES,
                self.robot.lease.epoch,
                self.hands[0].sequence + self.chance.randrange(1, 1000),
                self.now_us,
                self.chance.randrange(1000),
                self.hands[0].rtp or 0,
                (SKIN[0], SKIN[1], SKIN[2] - 0.1),
                (0.0, 1.0, 0.0, 0.0),
                (0.0, 0.0, -1.0),
                ZERO,
                0.0,
            )
            data = encode(forged, bytes(self.chance.randrange(256) for _ in range(32)))
            if self.chance.random() < 0.5:  # or the newest of hers, with one bit changed
                bent = bytearray(sent[-1])
                bent[self.chance.randrange(len(bent))] ^= 1 << self.chance.randrange(8)
                data = bytes(bent)
            self._up.push(self.now_us * 1000, 0, data)

    def _network(self) -> None:
        now_ns = self.now_us * 1000
        deaf = self.dead or self.stalled
        for link in (self._up, self._odd):
            for _, _, data in link.poll(now_ns):
                if not deaf:
                    self.robot.command(data, self.robot_us)
        for _, _, data in self._down.poll(now_ns):
            for hand in self.hands:
                hand.see(data)
        for _, _, data in self._video.poll(now_ns):
            self._frames.append((self.now_us + PICTURE_US // 2, int.from_bytes(data, "big")))
        while self._frames and self._frames[0][0] <= self.now_us:
            rtp = self._frames.pop(0)[1]
            for hand in self.hands:
                hand.look(rtp)

    def _film(self) -> None:
        if self.dead or self.stalled:
            return
        rtp = self.now_us * 9 // 100 & 0xFFFFFFFF
        self.robot.frame(rtp, self.robot_us)
        self.later(PICTURE_US / 2e6, lambda w: w._send_frame(rtp))

    def _send_frame(self, rtp: int) -> None:
        if not self.video_cut:
            self._video.push(self.now_us * 1000, 0, rtp.to_bytes(4, "big"))

    def _robot_moves(self) -> None:
        step_s = STEP_US / 1e6
        if self.dead or self.stalled:
            # the arm goes on as it was told, and stops when it hears nothing more
            alone = self.now_us - self._told_us > ARM_ALONE_US
            self.arm.move(STILL if alone else self._motion, step_s)
            self._felt = length(self.arm.sense().force)
            return
        sensed = self._sensor(self.arm.sense(), self.sensor)
        self._motion = self.robot.step(sensed, self.robot_us, step_s)
        self._told_us = self.now_us
        self._felt = length(sensed.force) if math.isfinite(sensed.force[2]) else math.nan
        self.arm.move(self._motion, step_s)
        data = self.robot.observation(self.robot_us)
        if data and not self.down_cut:
            self._down.push(self.now_us * 1000, 0, data)
        self.robot.drain()

    def _write(self) -> None:
        arm, robot = self.arm, self.robot
        face = arm.pose()
        self.rows.append(
            (
                self.now_us / 1e6, *face[0], *face[1], arm.contact_n(), self._felt,
                self._grants, self._holder, self.hands[0].held, self.hands[1].held,
                self.fault, robot.mode, robot.lease.epoch,
            )
        )  # fmt: skip
