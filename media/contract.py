"""The whole contract between those who decide (`signaling/`) and those who forward (`media/`).

A participant publishes on one transport and receives on another, one pair per class group.
Publishing and WHIP: the client offers, `PublishTransport.negotiate` answers. Receiving: the server
offers (`SubscribeTransport.offer`), the client answers. WHEP: the client offers, `negotiate`
answers. Nothing here blocks: DTLS and ICE go on behind it and are told through `on_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Kind = Literal["audio", "video"]
TransportState = Literal["new", "connected", "failed", "closed"]
# Of room on a subscriber's way: a lesser picture than asked for, or a still now and then.
Shortage = Literal["none", "reduced", "still"]
# Why the relay closes a data channel: a label that is none or open already; neither reliable nor
# unreliable as the relay knows it; too many channels, too long a message, too many messages; or
# its receiver's network is too slow for what is sent reliably.
DataClosing = Literal["label", "kind", "channels", "size", "flood", "slow"]


class MediaError(Exception):
    """Root of what `media` raises; the message says what to do."""


class SdpError(MediaError):
    """The peer's session description cannot be served."""


class CapacityError(MediaError):
    """A bound was reached: transports, tracks of a transport, subscriptions of a transport."""


class PortError(OSError):
    """A port cannot be bound: in use, or not allowed."""

    def __init__(
        self, number: int, reason: str, port: int, kind: Literal["UDP", "TCP"] = "UDP"
    ) -> None:
        super().__init__(number, f"{kind} port {port}: {reason}")
        self.port = port
        self.kind = kind


@dataclass(frozen=True)
class CodecPolicy:
    """RTP encoding names that may be published, best first. Names compare without case."""

    audio: tuple[str, ...] = ("opus",)
    video: tuple[str, ...] = ("VP8", "H264")


class LayerStats(NamedTuple):
    """One simulcast encoding of a track since it began."""

    packets: int
    octets: int
    last_packet_s: float | None  # on the monotonic clock; old: the publisher has stopped it


class TrackStats(NamedTuple):
    """Since the track began. `level_dbov`: loudest of the last half second, 0 down to -127."""

    packets: int
    octets: int
    lost: int  # gaps that no retransmission filled
    gaps: int  # what did not come in its turn, whether it came later or not
    nacks: int  # sent to the publisher
    plis: int  # sent to the publisher
    jitter_s: float
    level_dbov: int | None
    last_packet_s: float | None  # on the monotonic clock
    limit_bps: int | None  # what the networks of those who watch can carry, when that is too little
    layers: tuple[LayerStats, ...] = ()  # smallest picture first; one without simulcast


class SubscriptionStats(NamedTuple):
    """One track on its way to one subscriber. Loss and round trip are from its latest report."""

    packets: int
    octets: int
    nacks: int  # asked by the subscriber
    retransmissions: int
    fraction_lost: float | None
    rtt_s: float | None
    layer: int | None = None  # the one that is sent now
    shortage: Shortage = "none"


class TransportStats(NamedTuple):
    packets_in: int
    octets_in: int
    packets_out: int
    octets_out: int
    last_heard_s: float | None  # any authenticated packet, on the monotonic clock
    estimate_bps: int | None = None  # what its way can carry; None: it gives no feedback


class Track(Protocol):
    """A published stream: what a publisher gives and a subscriber asks for."""

    @property
    def id(self) -> str: ...  # unique in this process, safe in URLs
    @property
    def mid(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def codec(self) -> str: ...  # RTP encoding name, for example VP8
    @property
    def rids(self) -> tuple[str, ...]: ...  # of simulcast, smallest picture first; else ()

    def stats(self) -> TrackStats: ...


class Subscription(Protocol):
    @property
    def track(self) -> Track: ...
    @property
    def mid(self) -> str: ...

    def pause(self, paused: bool) -> None: ...

    def prefer(self, layer: int, temporal: int = 7) -> None:
        """The layer to send, 0 the smallest, and its highest temporal layer.

        The nearest one that the publisher sends is given, from its next key frame on.
        """
        ...

    def pin(self, pinned: bool) -> None:
        """The subscriber looks at this one above all: it is the last to lose quality."""
        ...

    def stats(self) -> SubscriptionStats: ...


class Transport(Protocol):
    """One 5-tuple with one DTLS association."""

    group: str
    state: TransportState
    on_state: Callable[[TransportState], None] | None

    def stats(self) -> TransportStats: ...
    async def close(self) -> None: ...


class PublishTransport(Transport, Protocol):
    @property
    def tracks(self) -> Mapping[str, Track]: ...  # by mid

    on_data_closed: Callable[[str, DataClosing], None] | None  # with the channel's label

    async def negotiate(
        self,
        offer: str,
        policy: CodecPolicy,
        classes: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> str:
        """Answer an offer, first or renegotiated; `tracks` is up to date when this returns.

        `classes` gives the service class of each mid (`talk` where it is silent). A track whose
        media section became inactive is gone, and with it every subscription to it. `data` is the
        name under which the publisher speaks on data channels; without it there are none. Raises
        SdpError.
        """
        ...


class SubscribeTransport(Transport, Protocol):
    @property
    def subscriptions(self) -> Mapping[str, Subscription]: ...  # by track id

    def add(self, track: Track) -> Subscription:
        """Subscribe; packets flow once the next offer is answered. Raises CapacityError."""
        ...

    def remove(self, track: Track) -> None: ...

    def restart_ice(self) -> None:
        """Put new ICE credentials into the next offer; the association and its keys stay."""
        ...

    async def offer(self) -> str:
        """The offer for what is subscribed now; a new one may replace an unanswered one."""
        ...

    async def answer(self, sdp: str) -> None:
        """Take the answer to the latest offer. Raises SdpError."""
        ...

    async def negotiate(self, offer: str, tracks: Sequence[Track]) -> str:
        """WHEP: answer a receiving client's offer with these tracks. Raises SdpError."""
        ...


class Place(Protocol):
    """Where one room's media live, as long as the room does: one plane for each class group."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...  # class group → its service classes

    def open_publish(self, group: str = "main") -> PublishTransport: ...
    def open_subscribe(self, group: str = "main") -> SubscribeTransport: ...

    async def open_probe(self, offer: str) -> tuple[Transport, str]:
        """A transport whose data channels echo, for the network check; with its answer."""
        ...

    def leave(self) -> None:
        """The room is over: its place counts no longer."""
        ...


class Relay(Protocol):
    groups: Mapping[str, tuple[str, ...]]  # class group → its service classes

    @property
    def ports(self) -> Mapping[str, tuple[int, ...]]:
        """The UDP ports of each class group, once started."""
        ...

    async def start(self) -> None:
        """Bind the ports. Raises PortError."""
        ...

    async def close(self) -> None: ...

    def place(self) -> Place:
        """The least loaded place for a new room, reserved until it is left."""
        ...
