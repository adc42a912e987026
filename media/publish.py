"""Publishing: the client offers what it sends, the answer says what the room takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import codecs
from .contract import CapacityError, CodecPolicy, DataClosing, Kind, SdpError, TrackStats
from .data import RELIABLE_MAX, DataEnd, DataRoom
from .lane import Lane
from .sdp import Format, Section, parse, render
from .subscription import MediaSubscription
from .transport import BaseTransport, check_bundle, data_answer, data_section

LAYERS_MAX = 3
TRACKS_MAX = 16  # of one publisher: cameras, screens, an ultrasound machine, several microphones
NO_PT = 0xFF
# Browsers begin at 300 kbit/s and take ten seconds to HD; a clinic's uplink is asked for more at
# once.
START_KBPS = 1200


@dataclass(eq=False)
class MediaTrack:
    """Implements `contract.Track`."""

    lane: Lane
    number: int  # in the plane
    mid: str
    kind: Kind
    codec: str
    stream: str  # tracks of one stream are played in step
    signature: tuple[object, ...]  # what makes it the same track after a renegotiation
    rids: tuple[str, ...] = ()
    service_class: str = "talk"
    subscriptions: list[MediaSubscription] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.lane.group}-{self.number}"

    def stats(self) -> TrackStats:
        return self.lane.stats.track(self.number)

    def end(self) -> None:
        """No more packets: subscribers' sections become inactive with their next offer."""
        self.lane.plane.remove_track(self.number)
        for subscription in list(self.subscriptions):
            subscription.track_ended()


@dataclass(frozen=True)
class _Choice:
    """The one format of a section that the answer keeps."""

    codec: codecs.Codec
    format: Format
    rtx: Format | None
    red: Format | None = None


class PublishTransport(BaseTransport):
    """Implements `contract.PublishTransport`."""

    def __init__(self, lane: Lane, data_room: DataRoom) -> None:
        super().__init__(lane)
        self.tracks: dict[str, MediaTrack] = {}
        self.on_data_closed: Callable[[str, DataClosing], None] | None = None
        self._data_room = data_room
        self._data: DataEnd | None = None

    async def negotiate(
        self,
        offer: str,
        policy: CodecPolicy,
        classes: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> str:
        """Answer an offer, first or renegotiated. Raises SdpError, and changes nothing then."""
        description = parse(offer)
        check_bundle(description)
        security = description.security()
        mixed = "a=extmap-allow-mixed" in description.session.lines
        ids = [0] * len(codecs.EXTENSIONS)
        sections: list[Section] = []
        wanted: dict[str, tuple[Section, _Choice]] = {}
        transport_cc = remb = False
        data_offer: Section | None = None
        for m in description.media:
            if data and data_offer is None and data_section(m) and not m.rejected:
                data_offer = m
                sections.append(data_answer(m, RELIABLE_MAX))
                continue
            choice = _choose(m, policy)
            if choice is None:
                sections.append(Section(m.kind, 0, m.protocol, m.formats, [f"a=mid:{m.mid}"]))
                continue
            sends = not m.rejected and m.direction in ("sendrecv", "sendonly")
            exts = {u: i for u, i in m.extensions().items() if _receives(choice.codec.kind, u)}
            if not mixed:
                exts = {u: i for u, i in exts.items() if i < 15}
            sections.append(_answer_section(m, choice, exts, sends))
            if not sends:
                continue
            if len(wanted) >= TRACKS_MAX:
                raise CapacityError(f"more than {TRACKS_MAX} tracks on one transport")
            wanted[m.mid] = (m, choice)
            for uri, id in exts.items():
                ids[codecs.EXTENSIONS.index(uri)] = id
            transport_cc |= "transport-cc" in choice.format.feedback
            remb |= "goog-remb" in choice.format.feedback
        if all(s.port == 0 for s in sections):
            allowed = ", ".join((*policy.audio, *policy.video))
            raise SdpError(f"nothing here can be sent into this room, which takes {allowed}")
        if data and data_offer is not None:
            self._open_data(data_offer, data)
        self._secure(security, offered=True)
        if self.state == "connected":
            await self._start_data()
        transport_cc = transport_cc and ids[codecs.TRANSPORT_CC] != 0
        reduced = all(m.attribute("rtcp-rsize") is not None for m, _ in wanted.values())
        self._lane.plane.set_receive(self.id, ids, transport_cc, remb, reduced)
        self._update_tracks(wanted, classes or {})
        return render(self._describe(sections, self._answered_setup))

    def _open_data(self, section: Section, participant: str) -> None:
        sctp = self._accept_data(section)
        if self._data is None:
            self._data = DataEnd(self._data_room, participant, sctp, self._data_closed)

    def _data_closed(self, label: str, reason: DataClosing) -> None:
        if self.on_data_closed is not None:
            self.on_data_closed(label, reason)

    def _update_tracks(
        self, wanted: dict[str, tuple[Section, _Choice]], classes: Mapping[str, str]
    ) -> None:
        signatures = {mid: _signature(m, choice) for mid, (m, choice) in wanted.items()}
        for mid, track in list(self.tracks.items()):
            if signatures.get(mid) != track.signature:
                del self.tracks[mid]
                track.end()
        for mid, (m, choice) in wanted.items():
            service_class = classes.get(mid, "talk")
            if mid not in self.tracks:
                self.tracks[mid] = self._add_track(m, choice, signatures[mid])
            self.tracks[mid].service_class = service_class

    def _add_track(self, m: Section, choice: _Choice, signature: tuple[object, ...]) -> MediaTrack:
        primaries, rtx, cname = m.ssrcs()
        ssrc = primaries[0] if primaries else 0
        rids = _rids(m, choice)
        layers = [(rid, 0, 0) for rid in rids]
        if not layers:
            layers = [("", ssrc, rtx.get(ssrc, 0) if choice.rtx else 0)]
        msid = (m.attribute("msid") or "").split()
        stream = f"{self.id}-{abs(hash(msid[0])) % 10**8 if msid else 0}"
        track = MediaTrack(
            self._lane,
            self._lane.next_id(),
            m.mid,
            choice.codec.kind,
            choice.codec.name,
            stream,
            signature,
            rids,
        )
        feedback = choice.format.feedback
        added = self._lane.plane.add_track(
            track.number,
            self.id,
            choice.codec.kind == "video",
            choice.codec.name,
            m.mid,
            cname or stream,
            choice.format.clock_rate,
            choice.format.payload_type,
            choice.rtx.payload_type if choice.rtx else NO_PT,
            "nack" in feedback,
            "nack pli" in feedback,
            "ccm fir" in feedback,
            layers,
            choice.red.payload_type if choice.red else NO_PT,
        )
        if not added:
            raise SdpError(f"a=ssrc:{ssrc} is used twice on this transport")
        return track

    async def close(self) -> None:
        """Free everything; the tracks end for their subscribers."""
        if self._data is not None:
            self._data.close()
            self._data = None
        self.on_data_closed = None
        tracks, self.tracks = self.tracks, {}
        for track in tracks.values():
            track.end()
        await super().close()


def _rids(m: Section, choice: _Choice) -> tuple[str, ...]:
    """The encodings to take, smallest picture first, which is the order of our own clients."""
    if choice.codec.name.lower() not in codecs.LAYERED or codecs.EXTENSIONS[codecs.RID] not in (
        m.extensions()
    ):
        return ()
    rids = m.simulcast()[:LAYERS_MAX]
    return tuple(rids) if len(rids) > 1 else ()


def _receives(kind: Kind, uri: str) -> bool:
    return uri in codecs.EXTENSIONS and codecs.EXTENSIONS.index(uri) in codecs.RECEIVED[kind]


def _choose(m: Section, policy: CodecPolicy) -> _Choice | None:
    names = {"audio": policy.audio, "video": policy.video}.get(m.kind, ())
    formats = m.rtp_formats()
    for name in names:
        codec = codecs.CODECS.get(name.lower())
        if codec is None:
            continue
        for f in formats.values():
            if (
                f.name.lower() == codec.name.lower()
                and f.clock_rate == codec.clock_rate
                and codecs.compatible(f.name, f.fmtp)
            ):
                rtx = (
                    r
                    for r in formats.values()
                    if r.name.lower() == "rtx"
                    and codecs.parameters(r.fmtp).get("apt") == str(f.payload_type)
                )
                red = codecs.redundant(formats, f.payload_type) if codec.red else None
                return _Choice(codec, f, next(rtx, None), formats.get(red) if red else None)
    return None


def _answer_section(m: Section, choice: _Choice, exts: dict[str, int], sends: bool) -> Section:
    f, rtx, red = choice.format, choice.rtx, choice.red
    channels = f"/{f.channels}" if f.channels > 1 else ""
    lines = ["c=IN IP4 0.0.0.0", "a=recvonly" if sends else "a=inactive", "a=rtcp-mux"]
    if m.mid:
        lines.insert(1, f"a=mid:{m.mid}")
    if m.attribute("rtcp-rsize") is not None:
        lines.append("a=rtcp-rsize")
    lines.extend(f"a=extmap:{id} {uri}" for uri, id in exts.items())
    lines.append(f"a=rtpmap:{f.payload_type} {f.name}/{f.clock_rate}{channels}")
    ours = (*choice.codec.feedback, "transport-cc", "goog-remb")
    lines.extend(f"a=rtcp-fb:{f.payload_type} {kind}" for kind in f.feedback if kind in ours)
    fmtp = [choice.codec.fmtp] if choice.codec.name != "H264" else [f.fmtp]
    if choice.codec.kind == "video" and "transport-cc" in f.feedback:
        fmtp.append(f"x-google-start-bitrate={START_KBPS}")
    if any(fmtp):
        lines.append(f"a=fmtp:{f.payload_type} {';'.join(part for part in fmtp if part)}")
    if rtx:
        lines.append(f"a=rtpmap:{rtx.payload_type} rtx/{rtx.clock_rate}")
        lines.append(f"a=fmtp:{rtx.payload_type} apt={f.payload_type}")
    if rids := _rids(m, choice):
        lines.extend(f"a=rid:{rid} recv" for rid in rids)
        lines.append(f"a=simulcast:recv {';'.join(rids)}")
    if red:
        lines.append(f"a=rtpmap:{red.payload_type} red/{red.clock_rate}{channels}")
        lines.append(f"a=fmtp:{red.payload_type} {red.fmtp}")
    kept = {str(one.payload_type) for one in (f, rtx, red) if one}
    formats = [pt for pt in m.formats if pt in kept]  # browsers send the first: the offer's choice
    return Section(m.kind, 9, m.protocol, formats, lines)


def _signature(m: Section, choice: _Choice) -> tuple[object, ...]:
    primaries, rtx, _ = m.ssrcs()
    formats = (choice.format, choice.rtx, choice.red)
    pts = tuple(f.payload_type if f else None for f in formats)
    return (choice.codec.name, pts, tuple(primaries), tuple(rtx.items()), _rids(m, choice))
