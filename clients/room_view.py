"""What a participant knows of the room: the state it was given, and every event applied to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from signaling import protocol as p

CHAT_LINES_MAX = 500  # a person reads the last few


class RoomView:
    """Invariant: after `apply` of every event, this is what the server would tell a newcomer.

    `shortages` alone is one's own: the pictures that one's network is too slow for.
    """

    def __init__(self, state: p.RoomState) -> None:
        self.room = state.room
        self.title = state.title
        self.locked = state.locked
        self.codecs = state.codecs
        self.people = {person.id: person for person in state.participants}
        self.tracks = {track.id: track for person in state.participants for track in person.tracks}
        self.chat = list(state.chat)
        self.waiting = list(state.waiting)
        self.active_speaker = state.active_speaker
        self.players = state.players
        self.robots = {robot.participant: robot for robot in state.robots}
        self.shortages: dict[str, p.Shortage] = {}  # by track; none where it is silent

    def apply(self, event: p.AnyEvent) -> None:
        """Take one event in; those that are not about the room change nothing."""
        take = _TABLE.get(type(event))
        if take is not None:
            take(self, event)

    def named(self, name: str) -> p.Participant | None:
        """The first person of that name."""
        return next((person for person in self.people.values() if person.name == name), None)

    def tracks_of(self, participant: str) -> list[p.TrackInfo]:
        return [track for track in self.tracks.values() if track.participant == participant]

    def _joined(self, event: p.ParticipantJoined) -> None:
        self.people[event.participant.id] = event.participant
        self.tracks |= {track.id: track for track in event.participant.tracks}

    def _updated(self, event: p.ParticipantUpdated) -> None:
        person = self.people.get(event.participant)
        if person is not None:
            person.state = event.state
            person.hand_raised_at_ms = event.hand_raised_at_ms

    def _left(self, event: p.ParticipantLeft) -> None:
        self.people.pop(event.participant, None)
        for track in self.tracks_of(event.participant):
            del self.tracks[track.id]
            self.shortages.pop(track.id, None)

    def _track(self, event: p.TrackAdded | p.TrackUpdated) -> None:
        self.tracks[event.track.id] = event.track

    def _track_removed(self, event: p.TrackRemoved) -> None:
        self.tracks.pop(event.track, None)
        self.shortages.pop(event.track, None)

    def _shortage(self, event: p.ShortageChanged) -> None:
        if event.shortage == "none":
            self.shortages.pop(event.track, None)
        elif event.track in self.tracks:
            self.shortages[event.track] = event.shortage

    def _codecs(self, event: p.CodecsChanged) -> None:
        self.codecs = event.codecs

    def _speaker(self, event: p.ActiveSpeaker) -> None:
        self.active_speaker = event.participant

    def _players(self, event: p.PlayersChanged) -> None:
        self.players = event.players

    def _robots(self, event: p.RobotsChanged) -> None:
        self.robots = {robot.participant: robot for robot in event.robots}

    def _quality(self, event: p.QualityReport) -> None:
        for quality in event.participants:
            person = self.people.get(quality.participant)
            if person is not None:
                person.quality = quality

    def _chat(self, event: p.ChatAdded) -> None:
        self.chat = [*self.chat, event.line][-CHAT_LINES_MAX:]

    def _waiting(self, event: p.WaitingChanged) -> None:
        self.waiting = event.waiting

    def _locked(self, event: p.RoomLocked) -> None:
        self.locked = event.locked


_TABLE: dict[type[p.Event], Callable[[RoomView, Any], None]] = {
    p.ParticipantJoined: RoomView._joined,
    p.ParticipantUpdated: RoomView._updated,
    p.ParticipantLeft: RoomView._left,
    p.TrackAdded: RoomView._track,
    p.TrackUpdated: RoomView._track,
    p.TrackRemoved: RoomView._track_removed,
    p.ShortageChanged: RoomView._shortage,
    p.CodecsChanged: RoomView._codecs,
    p.ActiveSpeaker: RoomView._speaker,
    p.PlayersChanged: RoomView._players,
    p.QualityReport: RoomView._quality,
    p.RobotsChanged: RoomView._robots,
    p.ChatAdded: RoomView._chat,
    p.WaitingChanged: RoomView._waiting,
    p.RoomLocked: RoomView._locked,
}
