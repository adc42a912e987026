"""Who hears whom in one room: joins the room's state to the relay's transports.

Everybody with the grant `subscribe` gets every track of the others that he can decode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from media.contract import Place, Transport
from signaling import protocol as p
from signaling.codecs import decodes
from signaling.last_n import LastN
from signaling.layers import Demand
from signaling.limits import Limit
from signaling.publisher import LiveTrack, Publisher
from signaling.quality import Look, quality
from signaling.refusal import Refused
from signaling.room import Room
from signaling.settings import SignalingSettings
from signaling.subscriber import Subscriber
from signaling.tasks import Tasks


@dataclass
class Listener:
    """One who receives: a transport per class group, opened when there is something to hear."""

    capabilities: p.Capabilities
    send: Callable[[p.Event], None]
    subscribers: dict[str, Subscriber] = field(default_factory=dict)


class Stage:
    """The media of one room."""

    def __init__(self, room: Room, place: Place, settings: SignalingSettings, tasks: Tasks) -> None:
        self.room = room
        self.place = place
        self.tracks: dict[str, LiveTrack] = {}
        self.publishers: dict[str, Publisher] = {}
        self.listeners: dict[str, Listener] = {}
        self.said: dict[str, p.ReportQuality] = {}
        self.viewers = 0  # WHEP sessions
        self.empty_since: float | None = None
        self._settings = settings
        self._tasks = tasks
        self._looks: dict[str, Look] = {}
        self._demands: dict[str, Demand] = {}  # by track, of those with layers
        self._limits: dict[str, Limit] = {}
        self._last_n = LastN(settings.last_n)

    # --- coming and going ----------------------------------------------------------------------

    def publisher(self, participant: str, grants: p.Grants) -> Publisher:
        """The publishing side of a participant, made when first asked for."""
        found = self.publishers.get(participant)
        if found is None:
            found = Publisher(
                participant,
                grants,
                self.place,
                self._settings.tracks,
                self._changed,
                self.room.tell,
                self._tasks,
            )
            self.publishers[participant] = found
        return found

    def listen(
        self, participant: str, capabilities: p.Capabilities, send: Callable[[p.Event], None]
    ) -> None:
        """From now on he gets what the others publish."""
        listener = Listener(capabilities, send)
        self.listeners[participant] = listener
        for track in self.tracks.values():
            self._offer(participant, listener, track)
        self._show_cameras(time.monotonic())

    def withdraw(self, participant: str) -> None:
        """Close all his transports; he stays in the room, without tracks."""
        publisher = self.publishers.pop(participant, None)
        listener = self.listeners.pop(participant, None)
        if listener:
            for subscriber in listener.subscribers.values():
                subscriber.close()
        if publisher:
            for track in list(publisher.tracks.values()):
                self._end(track)
                self.room.drop_track(participant, track.info.id)
            publisher.close()

    def leave(self, participant: str) -> None:
        """Close all his transports; the room has said goodbye already."""
        self.withdraw(participant)
        self.said.pop(participant, None)
        self._looks.pop(participant, None)

    # --- what participants ask -----------------------------------------------------------------

    def subscriber(self, participant: str, group: str) -> Subscriber:
        """His subscribing transport of a group. Raises Refused."""
        listener = self.listeners.get(participant)
        found = listener.subscribers.get(group) if listener else None
        if found is None:
            raise Refused("not_found", "no such transport", "transport")
        return found

    def view(self, participant: str, asked: p.Subscribe) -> None:
        """Stop or start one track's packets to him, in this quality. Raises Refused."""
        listener = self.listeners.get(participant)
        for subscriber in listener.subscribers.values() if listener else ():
            if subscriber.pause(asked.track, not asked.on):
                if asked.quality:
                    subscriber.prefer(asked.track, asked.quality)
                if asked.pinned is not None:
                    subscriber.pin(asked.track, asked.pinned)
                self._demand(self.tracks[asked.track], time.monotonic())
                return
        raise Refused("not_found", "no such track for you", "track")

    def repeat_offers(self, participant: str) -> None:
        """His socket came back: answers may have got lost with the old one."""
        if listener := self.listeners.get(participant):
            for subscriber in listener.subscribers.values():
                subscriber.again()

    # --- what the relay counted ----------------------------------------------------------------

    def transports(self, participant: str) -> Iterator[Transport]:
        """All that is open for one participant."""
        if publisher := self.publishers.get(participant):
            yield from publisher.transports.values()
        if listener := self.listeners.get(participant):
            for subscriber in listener.subscribers.values():
                if subscriber.transport:
                    yield subscriber.transport

    def last_heard(self, participant: str) -> float | None:
        """When the relay last had an authentic packet from him, on the monotonic clock."""
        heard = [transport.stats().last_heard_s for transport in self.transports(participant)]
        return max((at for at in heard if at is not None), default=None)

    def subscriptions(self) -> int:
        """How many tracks are on their way to somebody's WebSocket session."""
        return sum(
            len(subscriber.transport.subscriptions)
            for listener in self.listeners.values()
            for subscriber in listener.subscribers.values()
            if subscriber.transport
        )

    def hear(self, now: float) -> None:
        """Choose the active speaker by the microphones' levels, where there is a choice."""
        if len(self.publishers) < 2 and not self.listeners:
            return
        levels: dict[str, float | None] = dict.fromkeys(self.room.members)
        for track in self.tracks.values():
            who = track.info.participant
            if track.info.kind != "audio" or track.info.source == "screen_audio":
                continue
            if self.room.members[who].tracks[track.info.id].muted:
                continue
            level = track.media.stats().level_dbov
            if level is not None:
                known = levels[who]
                levels[who] = level if known is None else max(level, known)
        self.room.hear(levels, now)
        if self._choose_cameras():
            self._show_cameras(now)

    def tell_shortages(self) -> None:
        """Tell everybody which pictures his network has become too slow for, or is no more."""
        for listener in self.listeners.values():
            for subscriber in listener.subscribers.values():
                for track, shortage in subscriber.shortages().items():
                    listener.send(p.ShortageChanged(track=track, shortage=shortage))

    def tell_limits(self) -> None:
        """Tell publishers how much the networks of those who watch can carry."""
        for track in self.tracks.values():
            bps = track.media.stats().limit_bps
            limit = self._limits.setdefault(track.info.id, Limit())
            if limit.update(bps):
                told = p.LimitChanged(track=track.info.id, bps=bps)
                self.room.tell(track.info.participant, told)

    def report(self) -> None:
        """Tell everybody everybody's network figures since the last report."""
        now = time.monotonic()
        for track in self.tracks.values():
            self._demand(track, now)
        figures = []
        for participant, member in self.room.members.items():
            look = self._look(participant, now)
            before = self._looks.get(participant)
            self._looks[participant] = look
            if before is None:
                continue
            one = quality(participant, before, look, self.said.get(participant))
            if member.state == "reconnecting":
                one.level = "poor"
            figures.append(one)
        self.room.report(figures)

    # --- below ---------------------------------------------------------------------------------

    def _look(self, participant: str, now: float) -> Look:
        publisher = self.publishers.get(participant)
        listener = self.listeners.get(participant)
        return Look(
            at=now,
            transports=[transport.stats() for transport in self.transports(participant)],
            tracks=[t.media.stats() for t in publisher.tracks.values()] if publisher else [],
            subscriptions=[
                figures
                for subscriber in (listener.subscribers.values() if listener else ())
                for figures in subscriber.figures()
            ],
        )

    def _changed(self, present: list[LiveTrack], gone: list[LiveTrack]) -> None:
        for track in gone:
            self._end(track)
            self.room.drop_track(track.info.participant, track.info.id)
        for track in present:
            self.tracks[track.info.id] = track
            self.room.put_track(track.info)
            for participant, listener in self.listeners.items():
                self._offer(participant, listener, track)
            self._demand(track, time.monotonic())
        if present or gone:
            self._choose_cameras()
            self._show_cameras(time.monotonic())

    def _cameras(self) -> Iterator[LiveTrack]:
        """The faces, of which a large room has more than anybody's screen and network."""
        for track in self.tracks.values():
            if track.info.source == "camera" and track.info.service_class == "talk":
                yield track

    def _choose_cameras(self) -> bool:
        """Whose cameras are on by themselves; True when that has changed."""
        members = self.room.members
        on = {
            who
            for track in self._cameras()
            if not members[who := track.info.participant].tracks[track.info.id].muted
        }
        return self._last_n.update(list(members), on, self.room.active_speaker)

    def _show_cameras(self, now: float) -> None:
        changed: set[str] = set()
        cameras = list(self._cameras())
        for participant, listener in self.listeners.items():
            shown = self._last_n.shown(participant)
            hidden = frozenset(t.info.id for t in cameras if t.info.participant not in shown)
            for subscriber in listener.subscribers.values():
                changed |= subscriber.hide(hidden)
        for track in cameras:
            if track.info.id in changed:
                self._demand(track, now)

    def _offer(self, participant: str, listener: Listener, track: LiveTrack) -> None:
        if participant == track.info.participant:
            return
        subscriber = listener.subscribers.get(track.group)
        if not decodes(listener.capabilities, track.info.kind, track.info.codec):
            if subscriber:
                subscriber.unwant(track.info.id)
            return
        if subscriber is None:
            subscriber = Subscriber(
                track.group, self.place, self._settings.answer_s, listener.send, self._tasks
            )
            listener.subscribers[track.group] = subscriber
        subscriber.want(track)

    def _demand(self, track: LiveTrack, now: float) -> None:
        """Tell the publisher of several encodings which of them somebody watches."""
        rids = track.media.rids
        if not rids:
            return
        demand = self._demands.setdefault(track.info.id, Demand(rids))
        subscribers = (
            subscriber
            for listener in self.listeners.values()
            if (subscriber := listener.subscribers.get(track.group))
        )
        layers = {subscriber.layer(track.info.id) for subscriber in subscribers}
        wanted = {layer for layer in layers if layer is not None} | {0}  # a newcomer sees at once
        if self.viewers:
            wanted.add(len(rids) - 1)
        told = demand.update(wanted, now)
        if told is not None:
            self.room.tell(track.info.participant, p.LayersWanted(track=track.info.id, rids=told))

    def _end(self, track: LiveTrack) -> None:
        self.tracks.pop(track.info.id, None)
        self._demands.pop(track.info.id, None)
        self._limits.pop(track.info.id, None)
        for listener in self.listeners.values():
            if subscriber := listener.subscribers.get(track.group):
                subscriber.unwant(track.info.id)
