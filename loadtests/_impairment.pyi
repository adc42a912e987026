"""The impairment emulator's native half (loadtests/native/impairment_module.cpp)."""

from collections.abc import Sequence

LATENESS_US_MAX: int
HELD_MAX: int

_Numbers = Sequence[int]  # loadtests.impairment.settings.LinkSettings.numbers()
_Schedule = Sequence[tuple[int, _Numbers]]

class LinkCounts:
    """Packets, each in one of these once it has arrived and is no longer held."""

    arrived: int
    delivered: int
    delivered_bytes: int
    dropped_queue: int
    dropped_outage: int
    dropped_full: int
    lost_random: int
    lost_burst: int
    duplicated: int
    reordered: int

class Link:
    """One direction, without clock and sockets: loadtests/native/impaired_link.hpp."""

    counts: LinkCounts
    queued_bytes: int
    held: int

    def __init__(self, settings: _Numbers, seed: int) -> None: ...
    def schedule(self, changes: _Schedule) -> None: ...
    def push(self, now_ns: int, flow: int, data: bytes) -> None: ...
    def poll(self, now_ns: int) -> list[tuple[int, int, bytes]]: ...
    def next_ns(self) -> int | None: ...

class EmulatorCounts:
    up: LinkCounts
    down: LinkCounts
    clients: int
    refused: int
    oversized: int
    send_errors: int

class Emulator:
    """Two links between clients and a server, on loopback sockets, in a thread of its own."""

    running: bool
    realtime: bool
    port: int
    now_ns: int  # since the start, the links' own time

    def __init__(
        self,
        *,
        listen: tuple[str, int],
        to: tuple[str, int],
        up: _Numbers,
        down: _Numbers,
        seed: int,
        max_clients: int,
        lifetime_ns: int,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def roam(self) -> None: ...
    def schedule(self, *, up: _Schedule, down: _Schedule) -> None: ...
    def counts(self) -> EmulatorCounts: ...
    def queue_ns(self, up: bool) -> int:
        """How long a packet that came now would wait for its turn."""

    def lateness(self) -> list[int]: ...

class DelayProbe:
    """Evenly paced datagrams; `run` gives each one's delay in ns, -1 for the lost."""

    port: int

    def __init__(self) -> None: ...
    def run(
        self, *, via_port: int, count: int, interval_ns: int, octets: int, drain_ns: int
    ) -> list[int]: ...

def wake_lateness(*, count: int, interval_ns: int) -> list[int]:
    """How late this machine wakes a thread that does nothing else, in ns each time."""
