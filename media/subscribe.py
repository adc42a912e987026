"""Receiving: the server offers what is subscribed; or, for WHEP, answers what a client asks to
receive."""

from __future__ import annotations

from collections.abc import Sequence

from . import codecs
from .contract import CapacityError, Kind, SdpError, Track
from .lane import Lane
from .publish import MediaTrack
from .sdp import Description, Section, parse, render
from .subscription import MediaSubscription
from .transport import BaseTransport, check_bundle

SUBSCRIPTIONS_MAX = 240  # eighty people with microphone, camera and a screen


class _Slot:
    """One media section of our offers; used again, for the same kind, once it was agreed idle."""

    def __init__(self, mid: str, kind: Kind) -> None:
        self.mid = mid
        self.kind = kind
        self.subscription: MediaSubscription | None = None
        self.codec = codecs.CODECS["opus" if kind == "audio" else "vp8"]
        self.idle = False  # an answered offer had it inactive


class SubscribeTransport(BaseTransport):
    """Implements `contract.SubscribeTransport`."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self.subscriptions: dict[str, MediaSubscription] = {}
        self._slots: list[_Slot] = []
        self._offered_idle: set[str] = set()

    def add(self, track: Track) -> MediaSubscription:
        """Subscribe; packets flow once the next offer is answered. Raises CapacityError."""
        if not isinstance(track, MediaTrack) or track.lane is not self._lane:
            raise CapacityError("a track is received on a transport of its own class group")
        if track.id in self.subscriptions:
            return self.subscriptions[track.id]
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise CapacityError(f"more than {SUBSCRIPTIONS_MAX} tracks to one subscriber")
        free = (s for s in self._slots if s.idle and s.kind == track.kind)
        slot = next(free, None)
        if slot is None:
            slot = _Slot(str(len(self._slots)), track.kind)
            self._slots.append(slot)
        slot.idle = False
        slot.codec = codecs.CODECS[track.codec.lower()]
        slot.subscription = MediaSubscription(self, track, slot.mid)
        self.subscriptions[track.id] = slot.subscription
        return slot.subscription

    def remove(self, track: Track) -> None:
        """Unsubscribe; the section becomes inactive with the next offer."""
        subscription = self.subscriptions.get(track.id)
        if subscription is not None:
            self.forget(subscription)

    def forget(self, subscription: MediaSubscription) -> None:
        """Stop its packets and free its section."""
        subscription.stop()
        self.subscriptions.pop(subscription.track.id, None)
        for slot in self._slots:
            if slot.subscription is subscription:
                slot.subscription = None

    # --- the server offers ---------------------------------------------------------------------

    async def offer(self) -> str:
        """The offer for what is subscribed now; a new one may replace an unanswered one."""
        self._offered_idle = {s.mid for s in self._slots if s.subscription is None}
        sections = [_offer_section(slot) for slot in self._slots]
        return render(self._describe(sections, "actpass"))

    async def answer(self, sdp: str) -> None:
        """Take the answer to the latest offer. Raises SdpError."""
        description = parse(sdp)
        mids = [m.mid for m in description.media]
        expected = [s.mid for s in self._slots]
        if mids != expected[: len(mids)] or not mids:
            raise SdpError("the answer's media sections are not those of the offer")
        if any(not m.rejected for m in description.media):
            self._secure(description.security())
        self._agree_extensions(description, {uri: n + 1 for n, uri in enumerate(codecs.EXTENSIONS)})
        for slot, m in zip(self._slots, description.media, strict=False):
            if slot.subscription is None:
                slot.idle = slot.mid in self._offered_idle
            elif not m.rejected and m.direction in ("recvonly", "sendrecv"):
                formats = m.rtp_formats()
                if slot.codec.payload_type in formats:
                    rtx = slot.codec.rtx if slot.codec.rtx in formats else None
                    red = slot.codec.red if slot.codec.red in formats else None
                    slot.subscription.start(slot.codec.payload_type, rtx, red)

    def _agree_extensions(self, description: Description, ours: dict[str, int]) -> None:
        """What the peer's sections list goes out under `ours`; long ones only if forms may mix."""
        ids = [0] * len(codecs.EXTENSIONS)
        videos = [m for m in description.media if m.kind == "video"]
        counted = any(_agreed(m) == codecs.TRANSPORT_CC for m in videos)
        estimate = codecs.TRANSPORT_CC if counted else codecs.ABS_SEND_TIME
        mixed = "a=extmap-allow-mixed" in description.session.lines
        for m in description.media:
            mixed = mixed or "a=extmap-allow-mixed" in m.lines
            for uri in m.extensions():
                if uri in codecs.EXTENSIONS and m.kind in ("audio", "video"):
                    n = codecs.EXTENSIONS.index(uri)
                    kind: Kind = "audio" if m.kind == "audio" else "video"
                    if n not in codecs.SENT[kind]:
                        continue
                    if n in _ESTIMATES and not n == estimate == _agreed(m):
                        continue
                    ids[n] = ours.get(uri, 0)
        self._lane.plane.set_send(self.id, ids, mixed)

    # --- the client offers (WHEP) --------------------------------------------------------------

    async def negotiate(self, offer: str, tracks: Sequence[Track]) -> str:
        """Answer a receiving client's offer with these tracks. Raises SdpError."""
        description = parse(offer)
        check_bundle(description)
        security = description.security()
        left = [t for t in tracks if isinstance(t, MediaTrack) and t.lane is self._lane]
        sections: list[Section] = []
        starts: list[tuple[MediaSubscription, int, int | None, int | None]] = []
        for m in description.media:
            chosen = None
            if not m.rejected and m.direction in ("sendrecv", "recvonly"):
                chosen = next(((t, pt) for t in left for pt in _receivable(m, t)), None)
            if chosen is None:
                sections.append(Section(m.kind, 0, m.protocol, m.formats, [f"a=mid:{m.mid}"]))
                continue
            track, pt = chosen
            left.remove(track)
            subscription = MediaSubscription(self, track, m.mid)
            self.subscriptions[track.id] = subscription
            formats = m.rtp_formats()
            rtx = next(
                (
                    r.payload_type
                    for r in formats.values()
                    if r.name.lower() == "rtx" and codecs.parameters(r.fmtp).get("apt") == str(pt)
                ),
                None,
            )
            red = codecs.redundant(formats, pt)
            starts.append((subscription, pt, rtx, red))
            sections.append(_answer_section(m, subscription, pt, rtx, red))
        if not starts:
            names = ", ".join(sorted({t.codec for t in tracks if isinstance(t, MediaTrack)}))
            raise SdpError(f"the offer cannot receive what is published: {names or 'nothing yet'}")
        self._secure(security)
        offered = {u: i for m in description.media for u, i in m.extensions().items() if i < 15}
        self._agree_extensions(description, offered)
        for subscription, pt, rtx, red in starts:
            subscription.start(pt, rtx, red)
        return render(self._describe(sections, self._answered_setup))

    async def close(self) -> None:
        """Free everything."""
        for subscription in list(self.subscriptions.values()):
            self.forget(subscription)
        await super().close()


def _receivable(m: Section, track: MediaTrack) -> list[int]:
    if m.kind != track.kind:
        return []
    return [
        f.payload_type
        for f in m.rtp_formats().values()
        if f.name.lower() == track.codec.lower() and codecs.compatible(f.name, f.fmtp)
    ]


# What a receiver may tell of his network, by the extension that it tells it from; best first.
_ESTIMATES = {codecs.TRANSPORT_CC: "transport-cc", codecs.ABS_SEND_TIME: "goog-remb"}


def _agreed(m: Section) -> int | None:
    """The extension for this section's estimate, if its peer wants one."""
    uris, formats = m.extensions(), m.rtp_formats().values()
    for n, kind in _ESTIMATES.items():
        if codecs.EXTENSIONS[n] in uris and any(kind in f.feedback for f in formats):
            return n
    return None


def _codec_lines(
    codec: codecs.Codec, pt: int, rtx: int | None, red: int | None, estimates: Sequence[str]
) -> list[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    lines = [f"a=rtpmap:{pt} {codec.name}/{codec.clock_rate}{channels}"]
    lines.extend(f"a=rtcp-fb:{pt} {kind}" for kind in codec.feedback)
    lines.extend(f"a=rtcp-fb:{pt} {kind}" for kind in estimates)
    if codec.fmtp:
        lines.append(f"a=fmtp:{pt} {codec.fmtp}")
    if rtx is not None:
        lines.append(f"a=rtpmap:{rtx} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{rtx} apt={pt}")
    if red is not None:
        lines.append(f"a=rtpmap:{red} red/{codec.clock_rate}{channels}")
        lines.append(f"a=fmtp:{red} {pt}/{pt}")
    return lines


def _sender_lines(subscription: MediaSubscription, rtx: bool) -> list[str]:
    track = subscription.track
    ssrc, rtx_ssrc, name = subscription.ssrc, subscription.rtx_ssrc, f"{track.stream} {track.id}"
    lines = [f"a=msid:{name}"]
    if rtx:
        lines.append(f"a=ssrc-group:FID {ssrc} {rtx_ssrc}")
    for s in (ssrc, rtx_ssrc) if rtx else (ssrc,):
        lines.append(f"a=ssrc:{s} cname:{track.stream}")
        lines.append(f"a=ssrc:{s} msid:{name}")
    return lines


def _offer_section(slot: _Slot) -> Section:
    codec, subscription = slot.codec, slot.subscription
    lines = [
        "c=IN IP4 0.0.0.0",
        f"a=mid:{slot.mid}",
        "a=sendonly" if subscription else "a=inactive",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines.extend(f"a=extmap:{n + 1} {codecs.EXTENSIONS[n]}" for n in codecs.SENT[codec.kind])
    pts = (codec.payload_type, codec.rtx, codec.red)
    estimates = tuple(_ESTIMATES.values()) if codec.kind == "video" else ()
    lines.extend(_codec_lines(codec, *pts, estimates))
    if subscription:
        lines.extend(_sender_lines(subscription, codec.rtx is not None))
    formats = [str(pt) for pt in pts if pt is not None]
    return Section(codec.kind, 9, formats=formats, lines=lines)


def _answer_section(
    m: Section, subscription: MediaSubscription, pt: int, rtx: int | None, red: int | None
) -> Section:
    codec = codecs.CODECS[subscription.track.codec.lower()]
    lines = ["c=IN IP4 0.0.0.0"]
    if m.mid:
        lines.append(f"a=mid:{m.mid}")
    lines.extend(["a=sendonly", "a=rtcp-mux"])
    if m.attribute("rtcp-rsize") is not None:
        lines.append("a=rtcp-rsize")
    agreed = _agreed(m) if codec.kind == "video" else None
    names = [
        codecs.EXTENSIONS[n] for n in codecs.SENT[codec.kind] if n not in _ESTIMATES or n == agreed
    ]
    for uri, id in m.extensions().items():
        if uri in names and id < 15:
            lines.append(f"a=extmap:{id} {uri}")
    estimates = () if agreed is None else (_ESTIMATES[agreed],)
    lines.extend(_codec_lines(codec, pt, rtx, red, estimates))
    lines.extend(_sender_lines(subscription, rtx is not None))
    formats = [str(one) for one in (pt, rtx, red) if one is not None]
    return Section(m.kind, 9, m.protocol, formats, lines)
