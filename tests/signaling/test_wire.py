"""The sending half of a socket: in order, bounded, and never in the sender's way."""

import asyncio
from types import SimpleNamespace

import pytest

from signaling.wire import Wire


class Socket:
    """Takes one frame each time `pass_on` is released."""

    def __init__(self):
        self.frames = []
        self.closed_with = None
        self.aborted = False
        self.pass_on = asyncio.Semaphore(0)
        self.transport = SimpleNamespace(abort=self.abort)

    async def send_frame(self, data, opcode):
        await self.pass_on.acquire()
        if self.aborted:
            raise ConnectionResetError
        self.frames.append(data)

    async def close(self, code, message):
        self.closed_with = code

    def abort(self):
        self.aborted = True
        self.pass_on.release()


@pytest.fixture
async def make():
    tasks = []

    def make(max_messages=10, max_bytes=1000):
        socket = Socket()
        wire = Wire(socket, socket, max_messages, max_bytes)
        tasks.append(asyncio.create_task(wire.run()))
        return socket, wire, tasks[-1]

    yield make
    for task in tasks:
        task.cancel()


async def test_everything_goes_out_in_order_before_the_close(make):
    socket, wire, task = make()
    for n in range(5):
        wire.send(b"%d" % n)
    wire.close(1000, "done")
    wire.send(b"too late")
    for _ in range(5):
        socket.pass_on.release()
    await task
    assert socket.frames == [b"0", b"1", b"2", b"3", b"4"]
    assert socket.closed_with == 1000


@pytest.mark.parametrize(("count", "size"), [(20, 1), (3, 600)])
async def test_too_much_for_a_slow_reader_cuts_him(make, count, size):
    socket, wire, task = make()
    for _ in range(count):
        wire.send(b"x" * size)
        await asyncio.sleep(0)
    assert socket.aborted and wire.cut
    await task
    wire.send(b"after")
    assert socket.frames == []
