"""Data channels of a headless participant: messages to the others of the room, and from them.

A message arrives as `SENDER, line feed, message`: docs/protocol.md, "Data channels".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal

from aiortc import RTCDataChannel, RTCPeerConnection

log = logging.getLogger(__name__)

Kind = Literal["newest", "reliable"]  # "newest": an older message than the newest is worthless
Received = Callable[[str, str, str | bytes], None]  # label, sender, message


class DataChannels:
    """Opened on one peer connection after another; `received` is called for each message."""

    def __init__(self, kinds: Mapping[str, Kind], received: Received | None = None) -> None:
        self.kinds = dict(kinds)
        self.dropped = 0  # unreliable messages that our own way out was too slow for
        self._received = received
        self._channels: dict[str, RTCDataChannel] = {}

    @property
    def open(self) -> bool:
        """Whether all of them are."""
        return bool(self._channels) and all(
            channel.readyState == "open" for channel in self._channels.values()
        )

    def send(self, label: str, message: str | bytes) -> bool:
        """Send, if the channel is open; False when an unreliable message would have to wait."""
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open":
            return False
        if self.kinds[label] == "newest" and channel.bufferedAmount > 0:
            self.dropped += 1
            return False
        channel.send(message)
        return True

    def open_on(self, pc: RTCPeerConnection) -> None:
        """Before the offer is made."""
        for label, kind in self.kinds.items():
            if kind == "newest":
                channel = pc.createDataChannel(label, ordered=False, maxRetransmits=0)
            else:
                channel = pc.createDataChannel(label)
            self._channels[label] = channel
            channel.on("message", self._receiver(label))

    def _receiver(self, label: str) -> Callable[[str | bytes], None]:
        def receive(message: str | bytes) -> None:
            if self._received is None:
                return
            try:  # aiortc ends the whole transport for an exception in here
                self._received(label, *sender_and_message(message))
            except Exception:
                log.exception("taking a message on %s failed", label)

        return receive


def sender_and_message(message: str | bytes) -> tuple[str, str | bytes]:
    """What the server made of a message, taken apart."""
    if isinstance(message, str):
        sender, _, text = message.partition("\n")
        return sender, text
    head, _, octets = message.partition(b"\n")
    return head.decode(), octets
