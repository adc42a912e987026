"""A relay that keeps the contract without packets: what was asked of it can be looked at."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from media.contract import (
    CapacityError,
    CodecPolicy,
    SdpError,
    SubscriptionStats,
    TrackStats,
    TransportStats,
)
from signaling.sections import sections

_ids = itertools.count(1)
NO_FIGURES = SubscriptionStats(0, 0, 0, 0, None, None)


def offer(*kinds: str, direction: str = "sendonly", codec: str = "") -> str:
    """A session description with one section per kind, mids 0, 1 …"""
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    for mid, kind in enumerate(kinds):
        name = codec if codec and kind == "video" else {"audio": "opus"}.get(kind, "VP8")
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}", f"a={direction}"]
        lines += [f"a=rtpmap:96 {name}/90000"]
    return "\r\n".join(lines) + "\r\n"


@dataclass
class FakeTrack:
    mid: str
    kind: str
    codec: str
    id: str = field(default_factory=lambda: f"t{next(_ids)}")
    level_dbov: int | None = None
    packets: int = 0
    lost: int = 0
    rids: tuple[str, ...] = ()
    limit_bps: int | None = None
    gaps: int = 0

    def stats(self) -> TrackStats:
        return TrackStats(
            self.packets, 0, self.lost, self.gaps, 0, 0, 0.0, self.level_dbov, None, self.limit_bps
        )


@dataclass
class FakeSubscription:
    track: FakeTrack
    mid: str
    paused: bool = False
    preferred: int | None = None
    pinned: bool = False
    figures: SubscriptionStats = NO_FIGURES

    def pause(self, paused: bool) -> None:
        self.paused = paused

    def prefer(self, layer: int, temporal: int = 7) -> None:
        self.preferred = layer

    def pin(self, pinned: bool) -> None:
        self.pinned = pinned

    def stats(self) -> SubscriptionStats:
        return self.figures


class FakeTransport:
    def __init__(self, place: FakePlace, group: str) -> None:
        self.place = place
        self.relay = relay = place.relay
        self.group = group
        self.state = "new"
        self.on_state = None
        self.figures = TransportStats(0, 0, 0, 0, time.monotonic())
        self.silent = False
        relay.open.append(self)

    def stats(self) -> TransportStats:
        if not self.silent:
            self.figures = self.figures._replace(last_heard_s=time.monotonic())
        return self.figures

    def fail(self) -> None:
        self.state = "failed"
        if self.on_state:
            self.on_state("failed")

    async def close(self) -> None:
        if self.state != "closed":
            self.state = "closed"
            self.relay.open.remove(self)


class FakePublish(FakeTransport):
    def __init__(self, place: FakePlace, group: str) -> None:
        super().__init__(place, group)
        self.tracks: dict[str, FakeTrack] = {}
        self.classes: dict[str, str] = {}
        self.policy: CodecPolicy | None = None
        self.data: str | None = None

    async def negotiate(self, offer, policy, classes=None, data=None):
        if self.relay.gate:
            await self.relay.gate.wait()
        if "garbage" in offer:
            raise SdpError("line 1 is garbage")
        self.policy, self.classes, self.data = policy, dict(classes or {}), data
        named = dict.fromkeys(policy.video, "")
        for section in sections(offer):
            known = self.tracks.get(section.mid)
            if not section.sends:
                if known:
                    del self.tracks[section.mid]
            elif known is None:
                codec = policy.audio[0] if section.kind == "audio" else next(iter(named))
                track = FakeTrack(section.mid, section.kind, codec)
                if section.kind == "video" and "a=simulcast:send l;m;h" in offer:
                    track.rids = ("l", "m", "h")
                self.tracks[section.mid] = track
        return "v=0 answer"


class FakeSubscribe(FakeTransport):
    def __init__(self, place: FakePlace, group: str) -> None:
        super().__init__(place, group)
        self.subscriptions: dict[str, FakeSubscription] = {}
        self.offers = 0
        self.restarts = 0
        self.answers: list[str] = []
        self._mids = itertools.count()

    def add(self, track):
        if len(self.subscriptions) >= self.relay.capacity:
            raise CapacityError("full")
        assert track.id not in self.subscriptions
        self.subscriptions[track.id] = FakeSubscription(track, str(next(self._mids)))
        return self.subscriptions[track.id]

    def remove(self, track):
        del self.subscriptions[track.id]

    def restart_ice(self):
        self.restarts += 1

    async def offer(self):
        self.offers += 1
        return f"v=0 offer {self.offers}"

    async def answer(self, sdp):
        if "garbage" in sdp:
            raise SdpError("line 1 is garbage")
        self.answers.append(sdp)

    async def negotiate(self, offer, tracks):
        if "garbage" in offer:
            raise SdpError("line 1 is garbage")
        for track in tracks:
            self.add(track)
        return "v=0 answer"


class FakePlace:
    def __init__(self, relay: FakeRelay) -> None:
        self.relay = relay
        self.groups = relay.groups

    def open_publish(self, group="main"):
        return FakePublish(self, group)

    def open_subscribe(self, group="main"):
        return FakeSubscribe(self, group)

    async def open_probe(self, offer):
        if "garbage" in offer:
            raise SdpError("line 1 is garbage")
        return FakeTransport(self, "main"), "v=0 answer"

    def leave(self) -> None:
        self.relay.places.remove(self)


class FakeRelay:
    """`open` lists every transport that is not closed."""

    def __init__(self) -> None:
        self.groups = {"main": ("talk", "teaching", "vitals", "imaging", "control")}
        self.groups["diagnostic"] = ("diagnostic",)
        self.open: list[FakeTransport] = []
        self.capacity = 60
        self.gate = None  # an asyncio.Event that holds publishing offers back
        self.places: list[FakePlace] = []  # reserved, and not left yet

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def place(self) -> FakePlace:
        place = FakePlace(self)
        self.places.append(place)
        return place

    @property
    def publishing(self) -> list[FakePublish]:
        return [one for one in self.open if isinstance(one, FakePublish)]

    @property
    def subscribing(self) -> list[FakeSubscribe]:
        return [one for one in self.open if isinstance(one, FakeSubscribe)]
