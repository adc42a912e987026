"""Data channels of a room: what one participant sends on a label goes to all others who have a
channel of that label and kind open, in the same class group.

A message arrives as `SENDER, line feed, message`, whether text or binary: the relay writes the
sender's name, so that nobody can speak for another. Nothing queues: see `data_queue.py` and
`sctp.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import WEBRTC_BINARY, WEBRTC_STRING
from OpenSSL import SSL

from .contract import DataClosing
from .data_queue import DataCounters, DataQueue, Message
from .rate import TokenBucket
from .sctp import BoundedSctp

LABEL = re.compile(r"[A-Za-z0-9._-]{1,32}")
CHANNELS_MAX = 16  # of one participant in one class group
UNRELIABLE_MAX = 1100  # octets: with the sender's name still one packet, lost or there as a whole
RELIABLE_MAX = 16 * 1024  # nothing else is sent to the receiver in the midst of a message
# Of one participant in one class group. A robot's joystick sends 100 a second; each message costs
# the relay about 0.15 ms, and as much again for each receiver.
MESSAGES_PER_S, MESSAGES_BURST = 300.0, 300.0
OCTETS_PER_S, OCTETS_BURST = 128 * 1024.0, 256 * 1024.0
OPEN_COST = 20.0  # messages: channels are not opened and closed for ever


class DataRoom:
    """Whose channels are open, in one room and class group."""

    def __init__(self, counters: DataCounters) -> None:
        self.counters = counters
        self._open: dict[tuple[str, bool], dict[DataEnd, RTCDataChannel]] = {}

    def open(self, end: DataEnd, channel: RTCDataChannel) -> None:
        self._open.setdefault((channel.label, channel.ordered), {})[end] = channel

    def close(self, end: DataEnd, channel: RTCDataChannel) -> None:
        key = channel.label, channel.ordered
        ends = self._open.get(key, {})
        if ends.get(end) is channel:
            del ends[end]
            if not ends:
                del self._open[key]

    def channel(self, end: DataEnd, label: str, reliable: bool) -> RTCDataChannel | None:
        return self._open.get((label, reliable), {}).get(end)

    def admits(self, label: str, reliable: bool) -> bool:
        """Whether channels like this are open to anybody here."""
        return True

    def take(
        self, sender: DataEnd, label: str, reliable: bool, said: str | bytes, at_s: float
    ) -> None:
        """To everybody else. Nobody waits for another."""
        protocol = WEBRTC_STRING if isinstance(said, str) else WEBRTC_BINARY
        octets = said.encode() if isinstance(said, str) else said
        data = b"%s\n%s" % (sender.participant.encode(), octets)
        message = Message(sender.participant, label, reliable, protocol, data, at_s)
        for end in list(self._open.get((label, reliable), ())):
            if end is not sender:
                end.put(message)


class DataEnd:
    """One participant's association. Closes channels that break the rules, with a reason."""

    def __init__(
        self,
        room: DataRoom,
        participant: str,
        sctp: BoundedSctp,
        closing: Callable[[str, DataClosing], None],
    ) -> None:
        self._room = room
        self.participant = participant
        self._sctp = sctp
        self._closing = closing
        self._queue = DataQueue(room.counters)
        self._channels: dict[RTCDataChannel, None] = {}
        now_s = time.monotonic()
        self._messages = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST, now_s)
        self._octets = TokenBucket(OCTETS_PER_S, OCTETS_BURST, now_s)
        sctp.on("datachannel", self._opened)
        sctp.on_ready = self._wake

    def close(self) -> None:
        """The association is over."""
        for channel in list(self._channels):
            self._forget(channel)
        self._sctp.on_ready = None

    # --- in ------------------------------------------------------------------------------------

    def _opened(self, channel: RTCDataChannel) -> None:
        reason = self._refusal(channel)
        if reason is not None:
            self._end(channel, reason)
            return
        self._channels[channel] = None
        self._room.open(self, channel)
        channel.on("message", lambda message: self._take(channel, message))
        channel.on("close", lambda: self._forget(channel))

    def _refusal(self, channel: RTCDataChannel) -> DataClosing | None:
        if not LABEL.fullmatch(channel.label):
            return "label"
        reliable = kind_of(channel)
        if reliable is None:
            return "kind"
        if not self._room.admits(channel.label, reliable):
            return "label"
        if any(other.label == channel.label for other in self._channels):
            return "label"
        if len(self._channels) >= CHANNELS_MAX:
            return "channels"
        if not self._messages.spend(OPEN_COST, time.monotonic()):
            return "flood"
        return None

    def _take(self, channel: RTCDataChannel, message: str | bytes) -> None:
        if channel not in self._channels:
            return  # closed by us, and the peer does not know yet
        now_s = time.monotonic()
        octets = message.encode() if isinstance(message, str) else message
        reliable = channel.ordered
        if len(octets) > (RELIABLE_MAX if reliable else UNRELIABLE_MAX):
            self._end(channel, "size")
            return
        if not (self._messages.spend(1, now_s) and self._octets.spend(len(octets), now_s)):
            if reliable:
                self._end(channel, "flood")
            else:
                self._room.counters.throttled += 1
            return
        self._room.counters.received += 1
        self._room.take(self, channel.label, reliable, message, now_s)

    def _end(self, channel: RTCDataChannel, reason: DataClosing) -> None:
        self._room.counters.closed += 1
        self._forget(channel)
        channel.close()
        self._closing(channel.label if LABEL.fullmatch(channel.label) else "", reason)

    def _forget(self, channel: RTCDataChannel) -> None:
        if channel in self._channels:
            del self._channels[channel]
            self._room.close(self, channel)
            self._queue.forget(channel.label, channel.ordered)

    # --- out -----------------------------------------------------------------------------------

    def put(self, message: Message) -> None:
        """Send a message as soon as it would not wait in SCTP or in the network."""
        if not self._queue.put(message):
            channel = self._room.channel(self, message.label, message.reliable)
            if channel is not None:
                self._end(channel, "slow")
            return
        self._wake()

    def _wake(self) -> None:
        try:
            while self._queue and self._sctp.ready:
                message = self._queue.take(time.monotonic())
                if message is None:
                    break
                channel = self._room.channel(self, message.label, message.reliable)
                if channel is not None and channel.id is not None:
                    protocol, data = message.protocol, message.leaving()
                    self._sctp.hand_over(channel.id, protocol, data, message.reliable)
                    self._room.counters.sent += 1
        except (ConnectionError, SSL.Error):
            pass  # the transport is going; whoever owns it hears so


def kind_of(channel: RTCDataChannel) -> bool | None:
    """True: reliable and in order. False: unreliable and unordered. None: anything else."""
    if channel.maxPacketLifeTime is None and channel.ordered and channel.maxRetransmits is None:
        return True
    if channel.maxPacketLifeTime is None and not channel.ordered and channel.maxRetransmits == 0:
        return False
    return None
