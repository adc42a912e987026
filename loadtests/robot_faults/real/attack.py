"""What a relay could do that has turned on her: it sees all that she sends, and has no key.

And what a broken console does, which has one.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import struct
from collections import deque
from collections.abc import Callable
from typing import Literal

from clients.robot.mujoco_arm import SKIN
from clients.robot.servo_messages import clock_us
from control.messages import TAG_BYTES, Command, Flag, encode, epoch_of
from control.vectors import ZERO

How = Literal["", "replay", "forge"]
EVERY_S = 0.005
KEPT = 400
KEY_BYTES = 32
_SEQUENCE = struct.Struct(">8xI")

Send = Callable[[str, bytes], bool]


def forged(sent: deque[bytes], chance: random.Random) -> bytes:
    """A command as one would like it to be, or the newest of hers with one bit changed."""
    newest = sent[-1]
    if chance.random() < 0.5:
        bent = bytearray(newest)
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
        return bytes(bent)
    (sequence,) = _SEQUENCE.unpack_from(newest)
    command = Command(
        Flag.DEADMAN | Flag.SEES,
        epoch_of(newest) or 0,
        sequence + chance.randrange(1, 1000),
        clock_us(),
        chance.randrange(1000),
        chance.randrange(2**32),
        (SKIN[0], SKIN[1], SKIN[2] - 0.1),
        (0.0, 1.0, 0.0, 0.0),
        (0.0, 0.0, -1.0),
        ZERO,
        0.0,
    )
    return encode(command, chance.randbytes(KEY_BYTES))


def spoilt(data: bytes, key: bytes, wrong: float) -> bytes:
    """Hers, with this in the place of a figure, under her own key."""
    body = bytearray(data[:-TAG_BYTES])
    body[28:32] = struct.pack(">f", wrong)
    return bytes(body) + hmac.digest(key, bytes(body), "sha256")[:TAG_BYTES]


class Way:
    """Stands where her commands leave for the network. `send` puts them there."""

    def __init__(self, send: Send, key: Callable[[], bytes]) -> None:
        self.how: How = ""
        self.beside = False  # her own commands go on
        self.wrong: float | None = None
        self._send, self._key = send, key
        self._sent: deque[bytes] = deque(maxlen=KEPT)
        self._chance = random.Random()
        self._to = ""

    def __call__(self, to: str, data: bytes) -> bool:
        """A command of hers."""
        self._to = to
        if self.wrong is not None:
            return self._send(to, spoilt(data, self._key(), self.wrong))
        if self.how and not self.beside:
            return True
        self._sent.append(data)
        return self._send(to, data)

    async def attack(self) -> None:
        """For ever; does nothing most of the time."""
        while True:
            await asyncio.sleep(EVERY_S)
            if self.how and self._sent:
                replay = self.how == "replay"
                chance = self._chance
                data = chance.choice(self._sent) if replay else forged(self._sent, chance)
                self._send(self._to, data)
