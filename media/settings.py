"""What the relay is told at its start; `server/config.py` makes it from the service-class table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICE_CLASSES = ("control", "diagnostic", "talk", "teaching", "imaging", "vitals")


@dataclass(frozen=True)
class ClassGroup:
    """Service classes that share one UDP port. Port 0 takes a free one."""

    port: int
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RelaySettings:
    """`advertise` empty: every local address. `dscp` and `priorities` by service class, 0 where
    they are silent; priority 0 keeps its bandwidth longest.

    Each group has one plane thread on its port, another on the next port, and so on.
    """

    host: str = "127.0.0.1"  # a loopback host refuses datagrams from other machines
    groups: Mapping[str, ClassGroup] = field(
        default_factory=lambda: {"main": ClassGroup(10000, SERVICE_CLASSES)}
    )
    threads: int = 1  # of each group
    in_loop: bool = False  # no thread: the event loop turns the planes, for links of data alone
    fewer_threads: bool = False  # rather than fail when a port after the first is taken
    tcp_port: int | None = None  # one for all groups, where UDP is blocked; 0 takes a free one
    advertise: tuple[str, ...] = ()
    dscp: Mapping[str, int] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    max_bitrate_bps: int = 4_000_000  # told by REMB to publishers without transport-wide feedback
