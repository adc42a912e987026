"""A link to the control process: motion and orders between a robot and its consoles.

It belongs to a participant and is opened anew for as long as he is in a room: when it fails, when
the server's control process was replaced, and after a new session. What was said on the link before
is over: a robot that had a holder then has none now (docs/control.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from aiortc import RTCPeerConnection

from clients import peer
from clients.backoff import Backoff
from clients.data import DataChannels
from clients.participant import Participant
from clients.protocol_client import ProtocolClient, RequestError
from control import orders as o
from control.envelope import Stamp, address, stamped
from control.errors import MalformedMessage
from signaling import protocol as p

log = logging.getLogger(__name__)

MOTION, ORDER = "motion", "order"
SILENT_S = 4.0  # the relay beats every second
OPEN_S = 15.0
LOOK_S = 0.25


class Hears(Protocol):
    """Whoever stands behind a link."""

    def opened(self) -> None:
        """Both channels are open; nothing was said on them yet."""

    def lost(self) -> None:
        """The link is over, and another one is being opened."""

    def motion(self, sender: str, message: bytes, stamp: Stamp) -> None:
        """A command or an observation, as it was sent."""

    def order(self, sender: str, order: o.Order) -> None:
        """An order; `control.envelope.RELAY` is the sender of the relay's own."""


class ControlLink:
    """`async with ControlLink(participant, "robot", ears) as link: ...`"""

    def __init__(self, participant: Participant, part: p.ControlPart, ears: Hears) -> None:
        self.malformed = 0
        self._participant = participant
        self._part: p.ControlPart = part
        self._ears = ears
        self._data: DataChannels | None = None
        self._heard_s = 0.0
        self._run: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self._data is not None and self._data.open

    def send_motion(self, to: str, message: bytes) -> bool:
        """False when it cannot leave now: the next one is better."""
        return self._data is not None and self._data.send(MOTION, address(to, message))

    def send_order(self, to: str, order: o.Order) -> bool:
        """False when there is no link; whoever has something to say says it on the next one."""
        if self._data is None:
            return False
        return self._data.send(ORDER, address(to, o.encode(order)).decode())

    async def __aenter__(self) -> ControlLink:
        self._run = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def _keep(self) -> None:
        backoff = Backoff()
        while True:
            if self._participant.state == "joined":
                pc = peer.connection()
                try:
                    await self._live(pc, backoff)
                except (ConnectionError, RequestError, TimeoutError) as error:
                    log.info("no control link: %s", error)
                finally:
                    gone, self._data = self._data, None
                    if gone is not None:
                        self._ears.lost()
                    await pc.close()
            await asyncio.sleep(backoff.next_s())

    async def _live(self, pc: RTCPeerConnection, backoff: Backoff) -> None:
        """Open a link and stay until it is over."""
        data = DataChannels(
            {MOTION: "newest", ORDER: "reliable"},
            lambda label, sender, message: self._received(data, label, sender, message),
        )
        data.open_on(pc)
        client = self._participant.client
        request = p.ControlOpen(id=0, part=self._part, sdp=await peer.offer(pc))
        opened = await self._participant.request(request, p.ControlOpened)
        await peer.take_answer(pc, opened.sdp)
        await self._participant.until(lambda: data.open, OPEN_S)
        self._heard_s = time.monotonic()
        backoff.reset()
        self._say_opened(data)
        while self._lives(data, client):  # noqa: ASYNC110 - three things may end it
            await asyncio.sleep(LOOK_S)

    def _lives(self, data: DataChannels, client: ProtocolClient | None) -> bool:
        silent_s = time.monotonic() - self._heard_s
        return data.open and self._participant.client is client and silent_s < SILENT_S

    def _say_opened(self, data: DataChannels) -> None:
        """Before anything that was said on it, which may be read first."""
        if self._data is not data:
            self._data = data
            self._ears.opened()

    def _received(
        self, data_channels: DataChannels, label: str, sender: str, message: str | bytes
    ) -> None:
        self._heard_s = time.monotonic()
        self._say_opened(data_channels)
        data = message.encode() if isinstance(message, str) else message
        try:
            if label == MOTION:
                self._ears.motion(sender, *stamped(data))
            else:
                self._ears.order(sender, o.decode(data))
        except MalformedMessage:
            self.malformed += 1


MakesLink = Callable[[Participant, p.ControlPart, Hears], ControlLink]
