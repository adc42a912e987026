"""The servo process: the arm follows a console through it, and comes to rest without its agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.robot.servo import REST_US, Settings
from clients.robot.servo_link import ServoGone, ServoLink
from clients.robot.servo_messages import clock_us
from control.errors import LeaseRefused
from control.messages import Command, Flag, Mode, Observation, decode, encode
from control.robot import NOBODY
from control.vectors import ZERO, Vector, plus

KEY = bytes(range(32))


@pytest.fixture
async def servo() -> AsyncIterator[ServoLink]:
    link = await ServoLink.start(Settings())
    yield link
    await link.close()


class Hand:
    """A console: sends a hundred times a second, sees what comes back."""

    def __init__(self, servo: ServoLink) -> None:
        self.servo, self.epoch, self.sequence = servo, 0, 0
        self.seen: Observation | None = None
        self.target: Vector = ZERO
        self.flags = Flag.SEES
        servo.on_seen = self.see

    def see(self, data: bytes) -> None:
        self.seen = decode(data, Observation, KEY if self.epoch else NOBODY)

    async def send(self) -> Observation:
        """One command, and then the newest that is seen."""
        self.sequence += 1
        rtp = self.sequence * 900
        self.servo.frame(rtp, clock_us())
        seen = self.seen
        assert seen is not None
        command = Command(
            self.flags, self.epoch, self.sequence, clock_us(), seen.sequence, rtp,
            self.target, seen.orientation, ZERO, ZERO, 0.0,
        )  # fmt: skip
        self.servo.command(encode(command, KEY))
        await asyncio.sleep(0.01)
        return self.seen or seen


async def test_the_arm_follows_and_comes_to_rest_without_its_agent() -> None:
    servo = await ServoLink.start(Settings())
    hand = Hand(servo)
    async with asyncio.timeout(20):
        while hand.seen is None:
            await asyncio.sleep(0.005)
        hand.epoch = await servo.grant("ann", KEY)
        hand.target = start = hand.seen.position
        while (await hand.send()).mode is not Mode.FOLLOWING:
            if hand.sequence == 50:
                hand.flags |= Flag.DEADMAN
        hand.target = plus(start, (0.01, 0.0, 0.01))
        while (await hand.send()).position[2] < start[2] + 0.009:
            pass
    began = time.monotonic()
    await servo.close()
    assert servo.process.returncode == 0
    assert time.monotonic() - began < REST_US / 1e6


async def test_two_servos_never_have_one_arm(tmp_path: Path) -> None:
    settings = Settings(lock=str(tmp_path / "new" / "arm.lock"))
    first = await ServoLink.start(settings)
    starting = asyncio.create_task(ServoLink.start(settings))
    done, _ = await asyncio.wait({starting}, timeout=1.5)
    assert not done
    await first.close()
    second = await starting
    assert first.process.returncode == 0
    await second.close()


async def test_who_is_stopped_is_given_nothing(servo: ServoLink) -> None:
    servo.stop("operator")
    with pytest.raises(LeaseRefused, match="operator"):
        await servo.grant("ann", KEY)
    servo.clear()
    assert await servo.grant("ann", KEY) == 1
    servo.take_back()
    async with asyncio.timeout(5):
        while not servo.status or servo.status.mode != Mode.IDLE or servo.status.epoch != 1:
            await asyncio.sleep(0.01)
    assert servo.status.holder == ""


async def test_a_killed_servo_is_noticed(servo: ServoLink) -> None:
    gone = asyncio.Event()
    servo.on_gone = gone.set
    servo.process.kill()
    async with asyncio.timeout(5):
        await gone.wait()
    with pytest.raises(ServoGone):
        servo.stop("operator")


async def test_an_arm_that_is_not_there_is_said() -> None:
    with pytest.raises(ServoGone):
        await ServoLink.start(Settings(arm="clients.robot.arm:Nothing"))
