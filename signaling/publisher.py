"""One participant's publishing transports: what he may send, and what he sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from media.contract import (
    CapacityError,
    CodecPolicy,
    DataClosing,
    Place,
    PublishTransport,
    SdpError,
    Track,
    TransportState,
)
from signaling import protocol as p
from signaling.refusal import Refused
from signaling.sections import sections
from signaling.tasks import Tasks
from signaling.text import one_line


@dataclass
class LiveTrack:
    """A published track: how the room shows it, and how the relay knows it."""

    info: p.TrackInfo
    media: Track
    group: str


class Publisher:
    """The transports of one participant, one per class group, opened when first offered.

    `changed(new, gone)` is told of the tracks that are there or different now, and of those that
    have ended.
    """

    def __init__(
        self,
        participant: str,
        grants: p.Grants,
        place: Place,
        max_tracks: int,
        changed: Callable[[list[LiveTrack], list[LiveTrack]], None],
        tell: Callable[[str, p.Event], None],
        tasks: Tasks,
    ) -> None:
        self.transports: dict[str, PublishTransport] = {}
        self.tracks: dict[str, LiveTrack] = {}
        self._participant = participant
        self._grants = grants
        self._place = place
        self._max_tracks = max_tracks
        self._changed = changed
        self._tell = tell
        self._tasks = tasks
        self._lock = asyncio.Lock()
        self._closed = False

    async def publish(
        self,
        group: str,
        sdp: str,
        media: list[p.PublishedMedia],
        policy: CodecPolicy,
        data: bool = False,
    ) -> tuple[str, list[p.PublishedTrack]]:
        """Answer an offer, first or renegotiated. Raises Refused before the relay hears of it.

        `data`: a section for data channels is taken if the grants allow it; else it is rejected.
        """
        self._allow(group, sdp, media, data)
        async with self._lock:
            if self._closed:
                raise Refused("not_joined", "join first")
            known = self.transports.get(group)
            transport = known or self._open(group)
            speaker = self._participant if data else None
            classes = {one.mid: one.service_class for one in media}
            try:
                answer = await transport.negotiate(sdp, policy, classes, speaker)
            except SdpError as error:
                if not known:
                    await self._close(group)
                raise Refused("bad_sdp", str(error), "sdp") from None
            except CapacityError as error:
                if not known:
                    await self._close(group)
                raise Refused("room_full", str(error), "media") from None
            if self._closed:
                await transport.close()
                raise Refused("not_joined", "left while the offer was being answered")
            return answer, self._take(group, transport, media)

    async def reset(self, group: str) -> None:
        """The peer connection is lost: its tracks have ended."""
        async with self._lock:
            await self._close(group)

    def close(self) -> None:
        """End every track, without telling anybody: the participant goes as a whole."""
        self._closed = True
        self.tracks.clear()
        transports, self.transports = self.transports, {}
        for transport in transports.values():
            transport.on_state = None
            self._tasks.spawn(transport.close())

    # --- below ---------------------------------------------------------------------------------

    def _allow(self, group: str, sdp: str, media: list[p.PublishedMedia], data: bool) -> None:
        if group not in self._place.groups:
            raise Refused("not_found", f"no transport group {group!r}", "transport")
        offered = {section.mid: section for section in sections(sdp)}
        listed = {one.mid for one in media}
        if len(listed) < len(media):
            raise Refused("malformed", "a mid is listed twice", "media")
        for index, one in enumerate(media):
            section = offered.get(one.mid)
            if section is None:
                raise Refused("malformed", "no such mid in the offer", f"media[{index}].mid")
            self._allow_kind(section.kind, f"media[{index}]")
            self._allow_class(group, one.service_class, f"media[{index}].service_class")
        for section in offered.values():
            if data and section.data and not self._grants.data:
                raise Refused("forbidden", "this token does not allow data channels", "sdp")
            if section.sends:
                self._allow_kind(section.kind, "sdp")
                if section.mid not in listed:
                    raise Refused(
                        "malformed", f"the section with mid {section.mid!r} is not listed", "media"
                    )
        elsewhere = sum(track.group != group for track in self.tracks.values())
        if elsewhere + len(media) > self._max_tracks:
            raise Refused("room_full", f"at most {self._max_tracks} tracks each", "media")

    def _allow_kind(self, kind: str, field: str) -> None:
        if kind not in self._grants.publish:
            raise Refused("forbidden", f"this token does not allow publishing {kind}", field)

    def _allow_class(self, group: str, name: str, field: str) -> None:
        if name not in self._grants.classes or name == "control":  # for robots' messages alone
            raise Refused("forbidden", f"this token does not allow the class {name}", field)
        if name not in self._place.groups[group]:
            raise Refused("malformed", f"the class {name} has another transport", field)

    def _open(self, group: str) -> PublishTransport:
        try:
            transport = self._place.open_publish(group)
        except CapacityError as error:
            raise Refused("room_full", str(error), "transport") from None

        def on_state(state: TransportState) -> None:
            if state in ("failed", "closed") and self.transports.get(group) is transport:
                self._lose(group)

        def on_data_closed(label: str, reason: DataClosing) -> None:
            closed = p.DataClosed(transport=f"publish:{group}", label=label, reason=reason)
            self._tell(self._participant, closed)

        transport.on_state = on_state
        transport.on_data_closed = on_data_closed
        self.transports[group] = transport
        return transport

    def _lose(self, group: str) -> None:
        """The relay gave the transport up: its tracks have ended, the next offer is a first."""
        transport = self.transports.pop(group)
        transport.on_state = None
        self._end(group)
        self._tasks.spawn(transport.close())

    async def _close(self, group: str) -> None:
        transport = self.transports.pop(group, None)
        if transport:
            transport.on_state = None
            self._end(group)
            await transport.close()

    def _end(self, group: str) -> None:
        gone = [track for track in self.tracks.values() if track.group == group]
        for track in gone:
            del self.tracks[track.info.id]
        if gone:
            self._changed([], gone)

    def _take(
        self, group: str, transport: PublishTransport, media: list[p.PublishedMedia]
    ) -> list[p.PublishedTrack]:
        """Compare what the transport holds now with what was known."""
        by_mid = {one.mid: one for one in media}
        present: list[LiveTrack] = []
        for mid, track in transport.tracks.items():
            said = by_mid.get(mid)
            if said is None:
                continue
            info = p.TrackInfo(
                id=track.id,
                participant=self._participant,
                kind=track.kind,
                source=said.source,
                service_class=said.service_class,
                codec=track.codec,
                label=one_line(said.label),
                muted=said.muted,
            )
            present.append(LiveTrack(info, track, group))
        ids = {live.info.id for live in present}
        gone = [t for t in self.tracks.values() if t.group == group and t.info.id not in ids]
        for live in gone:
            del self.tracks[live.info.id]
        self.tracks |= {live.info.id: live for live in present}
        self._changed(present, gone)
        return [p.PublishedTrack(mid=live.media.mid, track=live.info.id) for live in present]
