"""A robot without physics: a probe that moves as it is told, over a spring, under a hand."""

from __future__ import annotations

import random
from dataclasses import replace

from control.gate import Motion
from control.messages import Command, Flag, Observation, decode, encode
from control.presets import Preset, preset
from control.robot import NOBODY, Robot
from control.rotations import of_vector, product
from control.sensors import Sensed
from control.vectors import Vector, plus, times

SKIN: Vector = (0.4, 0.0, 0.1)
UP: Vector = (0.0, 0.0, 1.0)
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
STEP_US = 2000
SPRING_N_M = 500.0
HELD = Flag.DEADMAN | Flag.SEES


class Bench:
    """Time goes by `run`; every 10 ms the hand sends what it wants and sees what there is."""

    def __init__(self, made: Preset | None = None, above_m: float = 0.005) -> None:
        self.robot = Robot(made or preset("abdomen", SKIN, UP))
        self.now_us = 100_000_000
        self.position: Vector = plus(SKIN, times(UP, above_m))
        self.orientation = (0.0, 1.0, 0.0, 0.0)
        self.force: Vector | None = None  # instead of the spring's
        self.sensor_us: int | None = None  # its last sign of life, when it has died
        self.stuck: Vector | None = None
        self.motion = Motion((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self.chance = random.Random(5)
        self.key = KEY
        self.hand = Command(
            Flag.SEES, 0, 0, 0, 0, 0, self.position, self.orientation, (0.0,) * 3, (0.0,) * 3, 0.0
        )  # type: ignore[arg-type]
        self.sends = self.sees = self.films = True
        self.seen: Observation | None = None
        self.steps = 0

    def sensed(self) -> Sensed:
        depth = max(SKIN[2] - self.position[2], 0.0)
        force = self.force or (0.0, 0.0, SPRING_N_M * depth)
        noisy = plus(force, (0.0, 0.0, self.chance.gauss(0, 0.02)))
        at_us = self.now_us if self.sensor_us is None else self.sensor_us
        return Sensed(at_us, self.position, self.orientation, self.stuck or noisy, (0.0, 0.0, 0.0))

    def step(self) -> None:
        self.now_us += STEP_US
        self.steps += 1
        if self.films and self.steps % 15 == 0:
            self.robot.frame(self.steps * 90, self.now_us)
            if self.sees:
                self.hand = replace(self.hand, seen_rtp=self.steps * 90)
        self.motion = self.robot.step(self.sensed(), self.now_us, STEP_US / 1e6)
        self.position = plus(self.position, times(self.motion.linear, STEP_US / 1e6))
        turn = times(self.motion.turning, STEP_US / 1e6)
        self.orientation = product(of_vector(turn), self.orientation)
        if data := self.robot.observation(self.now_us):
            key = self.key if self.robot.lease.grant else NOBODY
            observation = decode(data, Observation, key)
            if self.sees:
                self.seen = observation
                self.hand = replace(self.hand, seen_sequence=observation.sequence)
        if self.sends and self.steps % 5 == 0:
            self.send()

    def send(self, **changed: object) -> bool:
        self.hand = replace(self.hand, sequence=self.hand.sequence + 1, sent_us=self.now_us)
        message = replace(self.hand, **changed)  # type: ignore[arg-type]
        return self.robot.command(encode(message, self.key), self.now_us)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e6 / STEP_US)):
            self.step()

    def grant(self, holder: str = "ann") -> None:
        """Given, and gone through until she could move."""
        epoch = self.robot.grant(holder, self.key, self.now_us).epoch
        self.hand = replace(self.hand, epoch=epoch, sequence=0, flags=Flag.SEES)
        self.run(0.5)

    def engage(self) -> None:
        """Control given, deadman pressed, target where the probe is."""
        self.grant()
        self.aim(self.position)
        self.hold()
        self.run(0.1)

    def hold(self, flags: Flag = HELD) -> None:
        self.hand = replace(self.hand, flags=flags)

    def aim(self, position: Vector) -> None:
        self.hand = replace(self.hand, position=position)

    @property
    def pressed_n(self) -> float:
        return SPRING_N_M * max(SKIN[2] - self.position[2], 0.0)

    def kinds(self) -> list[tuple[str, str]]:
        return [(event.kind, event.text) for event in self.robot.drain()]
