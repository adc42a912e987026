"""One room: who is in it, who waits, what they said and who may do what.

No socket, no media and no clock in here: requests come in as calls with the time, and whoever is
concerned is told through `send`. What `state` shows a newcomer, plus every event after it, is what
everybody else sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from media.contract import CodecPolicy
from signaling import protocol as p
from signaling.codecs import as_preferences, room_policy
from signaling.film import Film
from signaling.refusal import Refused
from signaling.roles import has_to_wait
from signaling.settings import SignalingSettings
from signaling.sitting import Sitting
from signaling.speaker import SpeakerChoice
from signaling.text import paragraph
from signaling.tokens import Claims

Send = Callable[[str, p.Event], None]
REMOVED_SUBJECTS = 1000  # remembered; the oldest go first


@dataclass
class Member:
    """Somebody in the room, or before its door. `capabilities` None: he only publishes (WHIP)."""

    id: str
    name: str
    claims: Claims
    capabilities: p.Capabilities | None
    since_ms: int
    state: Literal["online", "reconnecting"] = "online"
    hand_raised_at_ms: int | None = None
    tracks: dict[str, p.TrackInfo] = field(default_factory=dict)
    quality: p.Quality | None = None

    @property
    def moderates(self) -> bool:
        return self.claims.grants.moderate

    def shown(self) -> p.Participant:
        """As the others see him."""
        return p.Participant(
            id=self.id,
            name=self.name,
            role=self.claims.role,
            institution=self.claims.institution,
            state=self.state,
            hand_raised_at_ms=self.hand_raised_at_ms,
            tracks=list(self.tracks.values()),
            quality=self.quality,
        )


class Room:
    """The state of one room and all that may be done to it."""

    def __init__(self, name: str, settings: SignalingSettings, now_ms: int, send: Send) -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self.waiting: dict[str, Member] = {}
        self.locked = False
        self.policy: CodecPolicy = settings.codecs
        self._settings = settings
        self._send = send
        self._started_at_ms = now_ms
        self._chat: deque[p.ChatLine] = deque(maxlen=settings.chat_lines)
        self._chat_count = 0
        self._speaker = SpeakerChoice()
        self._players = 0
        self.film = Film()
        self.sitting = Sitting(name, now_ms, self.film)
        self._robots: list[p.RobotInfo] = []
        self._sent_away: dict[str, None] = {}  # subjects that were removed or denied

    @property
    def title(self) -> str:
        return self._settings.titles.get(self.name, self.name)

    @property
    def active_speaker(self) -> str | None:
        return self._speaker.current

    @property
    def empty(self) -> bool:
        return not self.members and not self.waiting

    # --- coming and going ----------------------------------------------------------------------

    def must_wait(self, claims: Claims) -> bool:
        """Whether a newcomer with these claims has to be admitted."""
        sent_away = claims.subject in self._sent_away
        return sent_away or has_to_wait(claims.role, claims.grants, self.locked)

    def enter(self, member: Member, *, admitted: bool = False) -> bool:
        """Let somebody in; False when he has to wait. Raises Refused when the room is full."""
        if member.id in self.members or member.id in self.waiting:
            raise Refused("conflict", "already in this room, or waiting for it")
        people = self._settings.room_people if member.capabilities else self._settings.room_whip
        alike = [
            one
            for one in (*self.members.values(), *self.waiting.values())
            if (one.capabilities is None) == (member.capabilities is None)
        ]
        if len(alike) >= people:
            raise Refused("room_full", f"the room holds {people}")
        if not admitted and self.must_wait(member.claims):
            self.waiting[member.id] = member
            self._tell_waiting()
            return False
        self._let_in(member)
        return True

    def reenter(self, member_id: str, name: str, capabilities: p.Capabilities) -> None:
        """A page was loaded again: the same person, perhaps with another name or browser."""
        member = self.members[member_id]
        renamed, member.name = member.name != name, name
        member.capabilities = capabilities
        if renamed:
            self._tell(p.ParticipantLeft(participant=member_id, reason="left"), but=member_id)
            self._tell(p.ParticipantJoined(participant=member.shown()), but=member_id)
        self.set_state(member_id, "online")
        self._choose_codecs(but=member_id)

    def leave(self, member_id: str, reason: Literal["left", "removed", "lost"]) -> None:
        """Somebody is gone, from the room or from its door; unknown ones are gone already."""
        if self.waiting.pop(member_id, None):
            self._tell_waiting()
        member = self.members.pop(member_id, None)
        if member is None:
            return
        for track in member.tracks.values():
            self._tell(p.TrackRemoved(track=track.id, participant=member_id))
        if self.film.stop(member_id):
            self._tell(p.FilmChanged(film=self.film.state()))
        self._tell(p.ParticipantLeft(participant=member_id, reason=reason))
        self._choose_codecs()
        if self._speaker.current == member_id:
            self._speaker.current = None
            self._tell(p.ActiveSpeaker(participant=None))

    def set_state(self, member_id: str, state: Literal["online", "reconnecting"]) -> None:
        """He cannot be reached, or can again."""
        member = self.members.get(member_id)
        if member and member.state != state:
            member.state = state
            self._tell_updated(member)

    # --- what a moderator does -----------------------------------------------------------------

    def admit(self, by: str, member_id: str) -> None:
        """Let one in who waits. His Admitted event holds the room's state."""
        self._moderator(by)
        member = self._waiter(member_id)
        del self.waiting[member_id]
        self._sent_away.pop(member.claims.subject, None)
        self._let_in(member)
        self._send(member_id, p.Admitted(state=self.state(member_id)))
        self._tell_waiting()

    def deny(self, by: str, member_id: str) -> None:
        """Send one away who waits; the caller ends his session."""
        self._moderator(by)
        member = self._waiter(member_id)
        self._send_away(member)
        self._send(member_id, p.Removed(reason="denied"))
        self.leave(member_id, "removed")

    def remove(self, by: str, member_id: str) -> None:
        """Send one out; the caller ends his session. He comes back through the waiting room."""
        self._moderator(by)
        member = self._member(member_id)
        self._send_away(member)
        self._send(member_id, p.Removed(reason="removed"))
        self.leave(member_id, "removed")

    def lock(self, by: str, locked: bool) -> None:
        """While locked, newcomers wait."""
        self._moderator(by)
        if locked != self.locked:
            self.locked = locked
            self._tell(p.RoomLocked(locked=locked))

    def ask_mute(self, by: str, member_id: str) -> None:
        """Ask somebody to mute; nobody is muted by another's hand."""
        moderator = self._moderator(by)
        self._member(member_id)
        self._send(member_id, p.MuteAsked(by=moderator.name))

    # --- what everybody does -------------------------------------------------------------------

    def chat(self, by: str, text: str, now_ms: int) -> None:
        """Say something in writing."""
        member = self._member(by)
        if not member.claims.grants.chat:
            raise Refused("forbidden", "this token does not allow chat")
        text = paragraph(text)
        if not text:
            raise Refused("malformed", "nothing that can be shown", "text")
        self._chat_count += 1
        line = p.ChatLine(
            id=str(self._chat_count),
            participant=by,
            name=member.name,
            role=member.claims.role,
            at_ms=now_ms,
            text=text,
        )
        self._chat.append(line)
        self._tell(p.ChatAdded(line=line))

    def raise_hand(self, by: str, up: bool, now_ms: int) -> None:
        """Ask for the word; a hand that is up already keeps its place."""
        member = self._member(by)
        if up != (member.hand_raised_at_ms is not None):
            member.hand_raised_at_ms = now_ms if up else None
            self._tell_updated(member)

    # --- studies looked at together ------------------------------------------------------------

    def lead_film(self, by: str, on: bool) -> None:
        """Lead the others through studies, or stop."""
        leader = self.members.get(self.film.presenter or "")
        may_take = self._viewer(by).moderates or (leader and leader.state == "reconnecting")
        if self.film.lead(by, on, bool(may_take)):
            self._tell(p.FilmChanged(film=self.film.state()))

    def update_film(self, by: str, request: p.FilmUpdate) -> None:
        """Show and draw. What a presenter sent himself comes back to him only as marks."""
        marks = self.film.update(by, self._viewer(by).claims, request)
        if by == self.film.presenter:
            event = p.FilmMoved(view=request.view, cursor=request.cursor, marks=marks)
            self._tell(event, but=by)
            if marks:
                self._send(by, p.FilmMoved(view=None, cursor=None, marks=marks))
        elif marks:
            self._tell(p.FilmMoved(view=None, cursor=self.film.cursor, marks=marks))

    def close_film(self, by: str) -> None:
        """Put the pictures away."""
        if self.film.close(by, self._viewer(by).moderates):
            self._tell(p.FilmChanged(film=self.film.state()))

    def repeat_film(self, member_id: str) -> None:
        """His socket was away, and moves were not kept for him."""
        if self.film.begun:
            self.tell(member_id, p.FilmChanged(film=self.film.state()))

    # --- robots --------------------------------------------------------------------------------

    def put_robots(self, robots: Iterable[p.RobotInfo]) -> None:
        """Take what robots there are; tell when it has changed."""
        now = [robot for robot in robots if robot.participant in self.members]
        if now != self._robots:
            self._robots = now
            self._tell(p.RobotsChanged(robots=now))

    # --- tracks, codecs, figures ---------------------------------------------------------------

    def put_track(self, track: p.TrackInfo) -> None:
        """Somebody publishes a track, or it is called or coded otherwise now."""
        tracks = self._member(track.participant).tracks
        known = tracks.get(track.id)
        tracks[track.id] = track
        if known is None:
            self._tell(p.TrackAdded(track=track))
        elif known != track:
            self._tell(p.TrackUpdated(track=track))

    def update_track(
        self, by: str, track_id: str, muted: bool | None = None, label: str | None = None
    ) -> None:
        """His own track is muted or not, or has another label."""
        track = self._member(by).tracks.get(track_id)
        if track is None:
            raise Refused("not_found", "no such track of yours", "track")
        self.put_track(
            msgspec.structs.replace(
                track,
                muted=track.muted if muted is None else muted,
                label=track.label if label is None else label,
            )
        )

    def drop_track(self, member_id: str, track_id: str) -> None:
        """A track has ended."""
        member = self.members.get(member_id)
        if member and member.tracks.pop(track_id, None):
            self._tell(p.TrackRemoved(track=track_id, participant=member_id))

    def hear(self, levels: Mapping[str, float | None], now: float) -> None:
        """Take everybody's microphone levels; tell when the speaker changes."""
        if self._speaker.update(levels, now):
            self._tell(p.ActiveSpeaker(participant=self._speaker.current))

    def watched_by(self, players: int) -> None:
        """Take the number of players; tell when it changes."""
        if players != self._players:
            self._players = players
            self._tell(p.PlayersChanged(players=players))

    def report(self, figures: Iterable[p.Quality]) -> None:
        """Take everybody's figures and tell them."""
        present = [one for one in figures if one.participant in self.members]
        for one in present:
            self.members[one.participant].quality = one
        if present:
            self._tell(p.QualityReport(participants=present))

    def state(self, for_id: str) -> p.RoomState:
        """The room as one member sees it."""
        viewer = self.members[for_id]
        return p.RoomState(
            room=self.name,
            title=self.title,
            locked=self.locked,
            started_at_ms=self._started_at_ms,
            codecs=as_preferences(self.policy),
            participants=[member.shown() for member in self.members.values()],
            chat=list(self._chat),
            waiting=self._waiting_list() if viewer.moderates else [],
            active_speaker=self.active_speaker,
            players=self._players,
            film=self.film.state(),
            robots=self._robots,
        )

    # --- below ---------------------------------------------------------------------------------

    def _let_in(self, member: Member) -> None:
        self._tell(p.ParticipantJoined(participant=member.shown()))
        self.members[member.id] = member
        self._choose_codecs(but=member.id)

    def _choose_codecs(self, but: str | None = None) -> None:
        takers = [m.capabilities for m in self.members.values() if m.capabilities]
        policy = room_policy(self._settings.codecs, takers)
        if policy != self.policy:
            self.policy = policy
            self._tell(p.CodecsChanged(codecs=as_preferences(policy)), but=but)

    def _send_away(self, member: Member) -> None:
        self._sent_away[member.claims.subject] = None
        while len(self._sent_away) > REMOVED_SUBJECTS:
            del self._sent_away[next(iter(self._sent_away))]

    def _member(self, member_id: str) -> Member:
        member = self.members.get(member_id)
        if member is None:
            raise Refused("not_found", "no such participant in this room", "participant")
        return member

    def _waiter(self, member_id: str) -> Member:
        member = self.waiting.get(member_id)
        if member is None:
            raise Refused("not_found", "nobody waits by this id", "participant")
        return member

    def _moderator(self, member_id: str) -> Member:
        member = self._member(member_id)
        if not member.moderates:
            raise Refused("forbidden", "only a moderator may do this")
        return member

    def _viewer(self, member_id: str) -> Member:
        member = self._member(member_id)
        if not member.claims.grants.film:
            raise Refused("forbidden", "this token does not allow studies")
        return member

    def tell(self, member_id: str, event: p.Event) -> None:
        """Something for one of its members alone."""
        if member_id in self.members:
            self._send(member_id, event)

    def _tell(self, event: p.Event, but: str | None = None) -> None:
        for member_id in list(self.members):
            if member_id != but:
                self._send(member_id, event)

    def _tell_updated(self, member: Member) -> None:
        self._tell(
            p.ParticipantUpdated(
                participant=member.id,
                state=member.state,
                hand_raised_at_ms=member.hand_raised_at_ms,
            )
        )

    def _tell_waiting(self) -> None:
        event = p.WaitingChanged(waiting=self._waiting_list())
        for member in list(self.members.values()):
            if member.moderates:
                self._send(member.id, event)

    def _waiting_list(self) -> list[p.WaitingPerson]:
        return [
            p.WaitingPerson(
                id=one.id,
                name=one.name,
                role=one.claims.role,
                institution=one.claims.institution,
                since_ms=one.since_ms,
            )
            for one in self.waiting.values()
        ]
