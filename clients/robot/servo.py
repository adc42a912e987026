"""The servo process: arm and robot's rules in a loop of their own, 625 times a second.

`python -m clients.robot.servo FD SETTINGS` is started by the agent (servo_link.py), which encodes
video and must be free to stumble. What comes over the socket is read between steps, what goes is
dropped rather than waited for. When the agent is gone the arm goes to its safe state, and when it
has come to rest there, the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from clients.robot.arm import Arm
from clients.robot.servo_messages import (
    MESSAGE_MAX,
    Clear,
    Commanded,
    Framed,
    Give,
    Given,
    Happened,
    Release,
    Seen,
    Status,
    Stop,
    TakeBack,
    ToServo,
    clock_us,
    encode,
    to_servo,
)
from control.errors import LeaseRefused
from control.messages import CHAIN, Mode
from control.presets import preset
from control.robot import Robot
from control.vectors import Vector

PERIOD_US = 1600  # 625 a second; a step takes a third of it or less
STATUS_US = 50_000
READ_MAX = 16  # messages between two steps
OWED_MAX = 256  # events and answers that the socket did not take
BEHIND_US = 20_000  # then the beat begins anew
REST_US = 15_000_000  # for an arm to come to rest without its agent, at most


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of one site. `arm`: `module:factory`, called with the clock and `arm_options`."""

    arm: str = "clients.robot.mujoco_arm:MujocoArm"
    arm_options: dict[str, Any] = msgspec.field(default_factory=dict)
    preset: str = "abdomen"
    centre: Vector = (0.5, 0.0, 0.12)  # where the probe may touch the body, base frame
    outward: Vector = (0.0, 0.0, 1.0)
    epoch: int = 0  # the last one that this site has used
    realtime: bool = True  # ask for the lowest real-time priority
    lock: str = ""  # a file: a second servo on this arm waits until the first has ended


def beats() -> Iterator[tuple[int, int]]:
    """Each period, at its time: when it is, and by how much too late."""
    due_us = clock_us()
    while True:
        due_us += PERIOD_US
        wait_us = due_us - clock_us()
        if wait_us > 0:
            time.sleep(wait_us / 1e6)
        now_us = clock_us()
        late_us = now_us - due_us
        if late_us > BEHIND_US:
            due_us = now_us
        yield now_us, late_us


class Servo:
    """The loop."""

    def __init__(self, sock: socket.socket, arm: Arm, robot: Robot) -> None:
        sock.setblocking(False)
        self.sock, self.arm, self.robot = sock, arm, robot
        self.alone = False  # without an agent
        self._latest_us = 0
        self._owed: deque[bytes] = deque(maxlen=OWED_MAX)
        self._status_us = 0
        self._mode = Mode.IDLE

    def run(self, looked: Callable[[int, int], None] = lambda now_us, late_us: None) -> None:
        """Until the agent is gone and the arm at rest. `looked` is told when each step began, and
        how late that was.
        """
        before_us, left_us = clock_us(), None
        try:
            for now_us, late_us in beats():
                self._latest_us = max(self._latest_us, late_us)
                self.step(now_us, (now_us - before_us) / 1e6)
                before_us = now_us
                looked(now_us, late_us)
                if self.alone:
                    left_us = left_us or now_us
                    if self.robot.mode is Mode.LATCHED or now_us - left_us > REST_US:
                        break
        finally:
            self.arm.close()

    def step(self, now_us: int, step_s: float) -> None:
        """One."""
        robot, arm = self.robot, self.arm
        self._read(now_us)
        arm.move(robot.step(arm.sense(), now_us, step_s), step_s)
        if data := robot.observation(now_us):
            self._send(encode(Seen(data)))  # and nothing else that takes time in this step
        elif robot.mode is not self._mode or now_us - self._status_us >= STATUS_US:
            self._mode, self._status_us = robot.mode, now_us
            robot.chain = chain(arm.points())
            for event in robot.drain():
                self._owe(Happened(event.at_us, event.kind, event.cause, event.text, event.figures))
            self._send(encode(self._status(now_us)))
            self._latest_us = 0
        while self._owed and self._send(self._owed[0]):
            self._owed.popleft()

    def leave(self) -> None:
        """The agent is gone."""
        if not self.alone:
            self.alone = True
            self.robot.arm_fault("the agent is gone", clock_us())

    def _read(self, now_us: int) -> None:
        for _ in range(READ_MAX):
            if self.alone:
                return
            try:
                data = self.sock.recv(MESSAGE_MAX)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.leave()
            else:
                self._hear(to_servo.decode(data), now_us)

    def _hear(self, message: ToServo, now_us: int) -> None:
        robot = self.robot
        match message:
            case Commanded(data):
                robot.command(data, now_us)
            case Framed(rtp, captured_us):
                robot.frame(rtp, captured_us)
            case Give(number, holder, key):
                try:
                    self._owe(Given(number, robot.grant(holder, key, now_us).epoch, ""))
                except LeaseRefused as refused:
                    self._owe(Given(number, 0, str(refused)))
            case TakeBack():
                robot.take_back(now_us)
            case Release():
                robot.release(now_us)
            case Stop(by):
                robot.stop(now_us, by)
            case Clear():
                robot.clear(now_us)

    def _owe(self, message: Given | Happened) -> None:
        self._owed.append(encode(message))

    def _send(self, data: bytes) -> bool:
        if self.alone:
            return False
        try:
            self.sock.send(data)
        except BlockingIOError:
            return False
        except OSError:
            self.leave()
            return False
        return True

    def _status(self, now_us: int) -> Status:
        state = self.robot.state(now_us)
        return Status(
            at_us=now_us,
            mode=int(state.mode),
            cause=int(state.cause),
            holder=state.holder,
            epoch=state.epoch,
            deadman=state.deadman,
            stopped=state.stopped,
            fault=state.fault,
            round_trip_us=state.round_trip_us,
            picture_age_us=state.picture_age_us,
            silence_us=state.silence_us,
            speed=state.rule.speed,
            feel=state.rule.feel,
            held=int(state.held),
            position=state.position,
            orientation=state.orientation,
            force=state.force,
            torque=state.torque,
            moving=state.moving.linear,
            refused=state.refused,
            points=self.arm.points(),
            joints=self.arm.joints(),
            late_us=self._latest_us,
        )


def chain(points: list[Vector]) -> tuple[float, ...]:
    """As an observation has them: as many as it has place for, the last one repeated."""
    whole = [*points[:CHAIN], *[points[-1]] * (CHAIN - len(points))]
    return tuple(value for point in whole for value in point)


def made(settings: Settings) -> tuple[Arm, Robot]:
    """Arm and rules as the settings have them. Raises what the arm's factory raises."""
    module, _, factory = settings.arm.partition(":")
    arm: Arm = getattr(importlib.import_module(module), factory)(clock_us, **settings.arm_options)
    return arm, Robot(preset(settings.preset, settings.centre, settings.outward), settings.epoch)


def alone(path: str) -> TextIO | None:
    """Wait until nobody else has this arm: a servo whose agent was killed still brings it to rest.

    What it gives is kept open for as long as the arm is used.
    """
    if not path:
        return None
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = Path(path).open("w")  # noqa: SIM115 (the kernel lets go with the process)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def prompt(realtime: bool) -> None:
    """Ask the machine to wake this process in time; each of these may be refused."""
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles; a collection would take milliseconds
    with contextlib.suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text("1000")
    if realtime:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def main() -> int:
    """`FD SETTINGS`, where the settings are JSON."""
    settings = msgspec.json.decode(sys.argv[2], type=Settings)
    sock = socket.socket(fileno=int(sys.argv[1]))
    lock = alone(settings.lock)
    servo = Servo(sock, *made(settings))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it is the agent's to end this
    signal.signal(signal.SIGTERM, lambda *_: servo.leave())
    prompt(settings.realtime)
    servo.run()
    if lock:
        lock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
