"""A robot's site for browser tests: the robot's own rules over the real path, an arm of one line.

The arm goes where it is sent, and the body below pushes back like a spring. The robot's clock goes
no faster than its steps: a machine that is busy with browsers stumbles, which is not tested here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
import numpy as np
from aiortc import MediaStreamTrack

from clients.control_link import ControlLink
from clients.participant import Participant, Publication
from control import orders as o
from control.envelope import EVERYBODY, Stamp
from control.keys import Public, Side
from control.messages import Mode
from control.presets import preset
from control.robot import Robot
from control.sensors import Sensed
from control.vectors import ZERO, length, plus, times
from control.watchdog import Ladder
from signaling import protocol as p

SKIN_M = 0.12
PRESSED_N_M = 500.0
STEP_MAX_US = 10_000
DOWN = (0.0, 1.0, 0.0, 0.0)
FPS = 10
PATIENT = Ladder(freeze_us=300_000, hold_us=900_000, rest_us=3_000_000, blind_us=2_000_000)


class Picture(MediaStreamTrack):
    """A bar that goes round."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._began_s = time.monotonic()
        self._index = 0

    async def recv(self) -> av.VideoFrame:
        self._index += 1
        await asyncio.sleep(max(0.0, self._began_s + self._index / FPS - time.monotonic()))
        picture = np.full((240, 320, 3), 40, np.uint8)
        picture[:, (9 * self._index) % 300 :][:, :20] = 200
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = 90_000 // FPS * self._index, Fraction(1, 90_000)
        return frame


class Site:
    """`async with Site(url, token) as site: ...`; the test is its operator."""

    def __init__(self, url: str, token: str) -> None:
        limits = preset("abdomen", (0.5, 0.0, SKIN_M), (0.0, 0.0, 1.0))
        self.robot = Robot(replace(limits, ladder=PATIENT))
        self.digits: dict[str, str] = {}  # by who asks
        self.successor = ""  # whom the holder wants to follow
        self.imaging = o.Imaging(depth_mm=120, gain_db=0, frozen=False)
        self.modes: list[tuple[str, Mode]] = []  # who had control, and what the robot did
        self._keys: dict[str, bytes] = {}
        self._asked: dict[str, tuple[Side, bytes]] = {}
        self._position = (0.5, 0.0, SKIN_M + 0.01)
        self._now_us = 0
        self._picture = Picture()
        self._participant = Participant(url, token, publish=self._tracks)
        self._link = ControlLink(self._participant, "robot", self)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Site:
        await self._participant.__aenter__()
        await self._link.__aenter__()
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._say())]
        return self

    async def __aexit__(self, *problem: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._link.__aexit__(*problem)
        await self._participant.__aexit__(*problem)

    async def _tracks(self, _: p.CodecPreferences) -> Sequence[Publication]:
        return [Publication(self._picture, "device", "diagnostic", "ultrasound")]

    # What the operator does

    @property
    def asking(self) -> str | None:
        """Whose digits are to be compared."""
        return next(iter(self.digits), None)

    def grant(self) -> None:
        """To whom the holder hands over, else to who asks."""
        who = self.successor or self.asking
        assert who is not None
        del self.digits[who]
        self.successor = ""
        key = self._keys[who]
        grant = self.robot.grant(who, key, self._now_us)
        self._link.send_order(who, o.seal(o.Granted(epoch=grant.epoch, number=1), key))
        self._tell()

    def clear(self) -> None:
        """After a stop."""
        self.robot.clear(self._now_us)

    # What the link hears

    def opened(self) -> None:
        self._tell()

    def lost(self) -> None:
        self.robot.take_back(self._now_us)

    def motion(self, _: str, message: bytes, __: Stamp) -> None:
        self.robot.command(message, self._now_us)

    def order(self, sender: str, order: o.Order) -> None:
        match order:
            case o.Ask(commitment=commitment):
                side = Side()
                self._asked[sender] = side, commitment
                point, nonce = side.public
                self._link.send_order(sender, o.Show(point=point, nonce=nonce))
            case o.Reveal(point=point, nonce=nonce):
                side, commitment = self._asked.pop(sender)
                names = self._participant.id or "", sender
                agreed = side.agree(side.public, Public(point, nonce), commitment, names)
                self._keys[sender], self.digits[sender] = agreed
            case o.Stop():
                self.robot.stop(self._now_us, sender)
            case o.Sealed():
                said = o.open_from_holder(order, self._keys[sender])
                if isinstance(said, o.Release):
                    self.robot.release(self._now_us)
                elif isinstance(said, o.HandOver) and said.to in self.digits:
                    self.successor = said.to
                elif isinstance(said, o.Adjust):
                    self.imaging = said.imaging
        self._tell()

    # The arm

    async def _beat(self) -> None:
        before_us = time.monotonic_ns() // 1000
        while True:
            await asyncio.sleep(0.004)
            real_us = time.monotonic_ns() // 1000
            step_us = min(real_us - before_us, STEP_MAX_US)
            before_us = real_us
            self._now_us += step_us
            self._frames()
            depth = max(0.0, SKIN_M - self._position[2])
            tremor = 1e-6 * (self._now_us % 7)  # a sensor that says the same for long is stuck
            force = (tremor, 0.0, PRESSED_N_M * depth)
            sensed = Sensed(self._now_us, self._position, DOWN, force, ZERO)
            motion = self.robot.step(sensed, self._now_us, step_us / 1e6)
            self._position = plus(self._position, times(motion.linear, step_us / 1e6))
            if seen := self.robot.observation(self._now_us):
                self._link.send_motion(EVERYBODY, seen)
            now = self.robot.state(self._now_us)
            if not self.modes or self.modes[-1] != (now.holder, now.mode):
                self.modes.append((now.holder, now.mode))
                self._tell()

    def _frames(self) -> None:
        """As the sender stamps them: aiortc tells nobody else."""
        for connection in self._participant.publishing.values():
            for sender in connection.getSenders():
                if sender.track is self._picture:
                    stamp = getattr(sender, "_RTCRtpSender__rtp_timestamp", 0)
                    self.robot.frame(stamp, self._now_us)

    async def _say(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._tell()

    def _tell(self) -> None:
        now = self.robot.state(self._now_us)
        limits = self.robot.preset.limits
        state = o.State(
            epoch=now.epoch,
            holder=now.holder,
            since_ms=int(time.time() * 1000) if now.holder else 0,
            mode=cast(o.ModeName, now.mode.name.lower()),
            cause=cast(o.CauseName, now.cause.name.lower()),
            asking=list(self.digits),
            successor=self.successor,
            grants="operator",
            label="Test arm",
            preset="abdomen",
            limits=o.ForceLimits(warn_n=limits.warn_n, soft_n=limits.soft_n, hard_n=limits.hard_n),
            speed_m_s=limits.speed_m_s,
            imaging=self.imaging,
            scene=o.Scene(
                centre=[0.5, 0, 0],
                along=[0, 1, 0],
                outward=[0, 0, 1],
                half=[0.17, SKIN_M],
                length_m=0.5,
            ),
            video="live",
            simulated=True,
        )
        self._link.send_order(EVERYBODY, state)

    @property
    def force_n(self) -> float:
        """What the probe is pressed with."""
        return length(self.robot.state(self._now_us).force)
