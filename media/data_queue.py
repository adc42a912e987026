"""What waits to be sent to one receiver of data. No clock and no network in here.

Of the unreliable messages only the newest of each sender and label waits, and not for long: old
pointers and old readings are worth nothing, and must not delay new ones. Reliable messages wait in
order, up to a bound. Unreliable ones go first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

STALE_S = 0.1
NEWEST_MAX = 256  # senders times labels; the one that has waited longest makes place
RELIABLE_MAX_OCTETS = 256 * 1024  # sixteen of the longest messages
RELIABLE_MAX = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """Ready to be sent to anybody: `data` begins with its sender's name."""

    sender: str
    label: str
    reliable: bool
    protocol: int  # SCTP's payload protocol identifier: text or binary (RFC 8831)
    data: bytes
    at_s: float

    def leaving(self) -> bytes:
        """What is sent, made when it is."""
        return self.data


@dataclass
class DataCounters:
    """Messages of one lane, for the metrics; `closed` are channels, by the relay."""

    received: int = 0
    sent: int = 0
    stale: int = 0  # dropped before a receiver whose network was busy
    throttled: int = 0  # dropped from a sender who sends too much
    closed: int = 0

    def named(self) -> dict[str, int]:
        """As the metrics call them."""
        return {f"data_{name}": value for name, value in vars(self).items()}


class DataQueue:
    """Unreliable messages that were replaced, or waited too long, are counted as stale."""

    def __init__(self, counters: DataCounters) -> None:
        self._counters = counters
        self._newest: dict[tuple[str, str], Message] = {}  # the first has waited longest
        self._reliable: deque[Message] = deque()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._newest) + len(self._reliable)

    def put(self, message: Message) -> bool:
        """Let a message wait; False when there is no place for a reliable one."""
        if message.reliable:
            octets = self._octets + len(message.data)
            if octets > RELIABLE_MAX_OCTETS or len(self._reliable) >= RELIABLE_MAX:
                return False
            self._reliable.append(message)
            self._octets = octets
            return True
        key = message.sender, message.label
        if key in self._newest:
            self._counters.stale += 1
        elif len(self._newest) >= NEWEST_MAX:
            del self._newest[next(iter(self._newest))]
            self._counters.stale += 1
        self._newest[key] = message  # in the place of the one before: each sender has his turn
        return True

    def take(self, now_s: float) -> Message | None:
        """The next to be sent."""
        while self._newest:
            message = self._newest.pop(next(iter(self._newest)))
            if now_s - message.at_s <= STALE_S:
                return message
            self._counters.stale += 1
        if self._reliable:
            message = self._reliable.popleft()
            self._octets -= len(message.data)
            return message
        return None

    def forget(self, label: str, reliable: bool) -> None:
        """The receiver's channel is closed: what waits for it is not wanted."""
        if reliable:
            self._reliable = deque(one for one in self._reliable if one.label != label)
            self._octets = sum(len(one.data) for one in self._reliable)
        else:
            self._newest = {key: one for key, one in self._newest.items() if key[1] != label}
