"""The agent's side of the servo process: it starts it, speaks with it, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Sequence
from subprocess import DEVNULL
from typing import Any

import msgspec

from clients.robot.servo import Settings
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
    encode,
    from_servo,
)
from control.errors import ControlError, LeaseRefused

START_S = 20.0  # a simulated arm compiles its model on a busy machine
ANSWER_S = 1.0
END_S = 20.0


class ServoGone(ControlError):
    """The servo process has ended: the arm is at rest, and a new one must be started."""


class ServoLink:
    """One servo process. Not for more than one event loop.

    `on_seen`, `on_status`, `on_event` and `on_gone` are called from the loop, and must not wait.
    """

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket) -> None:
        self.on_seen: Callable[[bytes], None] = lambda data: None
        self.on_status: Callable[[Status], None] = lambda status: None
        self.on_event: Callable[[Happened], None] = lambda event: None
        self.on_gone: Callable[[], None] = lambda: None
        self.process = process
        self.status: Status | None = None  # the last one
        self.gone = False
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[Given]] = {}
        self._number = 0
        self._running = self._loop.create_future()
        self._loop.add_reader(sock, self._read)

    @classmethod
    async def start(
        cls, settings: Settings, program: Sequence[str] = ("-m", "clients.robot.servo")
    ) -> ServoLink:
        """A process that runs already. Raises ServoGone when its arm cannot be had.

        `program` is what Python runs, with a descriptor and the settings as arguments.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *program, str(theirs.fileno()),
                msgspec.json.encode(settings).decode(), pass_fds=(theirs.fileno(),), stdin=DEVNULL,
            )  # fmt: skip
        link = cls(process, ours)
        try:
            await asyncio.wait_for(link._running, START_S)
        except BaseException:
            await link.close()
            raise
        return link

    def command(self, data: bytes) -> None:
        """A datagram from a console."""
        self._send(Commanded(data))

    def frame(self, rtp: int, captured_us: int) -> None:
        """An ultrasound frame goes out with this RTP timestamp, captured then (`clock_us`)."""
        self._send(Framed(rtp, captured_us))

    async def grant(self, holder: str, key: bytes) -> int:
        """Give control; its epoch. Raises LeaseRefused, ServoGone."""
        self._number += 1
        number = self._number
        answer: asyncio.Future[Given] = self._loop.create_future()
        self._answers[number] = answer
        try:
            self._send(Give(number, holder, key))
            given = await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            self.take_back()
            raise LeaseRefused("the arm does not answer") from None
        finally:
            self._answers.pop(number, None)
        if given.refused:
            raise LeaseRefused(given.refused)
        return given.epoch

    def take_back(self) -> None:
        """By the local operator."""
        self._send(TakeBack())

    def release(self) -> None:
        """By the holder."""
        self._send(Release())

    def stop(self, by: str) -> None:
        """By anybody; until `clear`."""
        self._send(Stop(by))

    def clear(self) -> None:
        """By the local operator."""
        self._send(Clear())

    async def close(self) -> None:
        """The arm comes to rest, and the process ends."""
        self._leave()
        try:
            await asyncio.wait_for(self.process.wait(), END_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def _send(self, message: ToServo) -> None:
        """Raises ServoGone. What the servo does not take at once was too late for it anyway, but
        a stop is not: a servo that does not read ends with its socket, and the arm comes to rest.
        """
        if self.gone:
            raise ServoGone("the servo process has ended")
        try:
            self._sock.send(encode(message))
        except BlockingIOError:
            if not isinstance(message, Commanded | Framed):
                self._leave()
        except OSError:
            self._leave()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                try:
                    data = self._sock.recv(MESSAGE_MAX)
                except ConnectionError:
                    data = b""
                if not data:
                    self._leave()
                    return
                self._hear(from_servo.decode(data))

    def _hear(self, message: Any) -> None:
        match message:
            case Seen(data):
                self.on_seen(data)
            case Status():
                self.status = message
                if not self._running.done():
                    self._running.set_result(None)
                self.on_status(message)
            case Happened():
                self.on_event(message)
            case Given(number):
                if (answer := self._answers.get(number)) and not answer.done():
                    answer.set_result(message)

    def _leave(self) -> None:
        if self.gone:
            return
        self.gone = True
        self._loop.remove_reader(self._sock)
        self._sock.close()
        over = ServoGone("the servo process has ended")
        for waiting in (*self._answers.values(), self._running):
            if not waiting.done():
                waiting.set_exception(over)
                waiting.exception()  # somebody may wait for it, or nobody
        self.on_gone()
