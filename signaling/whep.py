"""WHEP: a player receives one publisher of a room with one POST (draft-ietf-wish-whep).

It gets the room's only publisher, else the active speaker, else whoever came first;
`?participant=NAME` chooses by name or id. Players are not participants of the room.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from media.contract import CapacityError, SdpError, SubscribeTransport, Transport
from signaling import protocol as p
from signaling.http_session import Endpoint, HttpSession
from signaling.publisher import LiveTrack
from signaling.refusal import Refused
from signaling.sections import sections
from signaling.stage import Stage
from signaling.tokens import Claims

# Of several tracks of one kind, the one that a player wants first.
ORDER: tuple[p.Source, ...] = ("camera", "device", "screen", "microphone", "screen_audio")


class WhepSession(HttpSession):
    """One player."""

    def __init__(
        self,
        claims: Claims,
        token: str,
        stage: Stage,
        transport: SubscribeTransport,
        tracks: list[LiveTrack],
    ) -> None:
        super().__init__(claims, token)
        self.stage = stage
        self.transport = transport
        self.tracks = tracks


class Whep(Endpoint[WhepSession]):
    """A player whose publisher has left is let go, so that it asks again."""

    prefix = "whep"

    async def open(
        self, claims: Claims, token: str, offer: str, request: web.Request
    ) -> tuple[WhepSession, str]:
        """Answer the offer with the chosen publisher's tracks."""
        if not claims.grants.subscribe:
            raise Refused("forbidden", "this token does not allow subscribing")
        stage = self._signaling.stage(claims.room)
        if stage.room.must_wait(claims):
            raise Refused(
                "forbidden", "this token's role has to be admitted first, or the room is locked"
            )
        if stage.viewers >= self._signaling.settings.room_whep:
            raise Refused("room_full", f"the room holds {stage.viewers} players")
        tracks = _fitting(_tracks_of(stage, request.query.get("participant")), offer)
        try:
            transport = stage.place.open_subscribe(tracks[0].group)
        except CapacityError as error:
            raise Refused("room_full", str(error)) from None
        stage.viewers += 1
        try:
            answer = await transport.negotiate(offer, [track.media for track in tracks])
        except BaseException as error:  # a client that hangs up cancels this
            stage.viewers -= 1
            self._signaling.tasks.spawn(transport.close())
            if isinstance(error, SdpError):
                raise Refused("bad_sdp", str(error)) from None
            if isinstance(error, CapacityError):
                raise Refused("room_full", str(error)) from None
            raise
        return WhepSession(claims, token, stage, transport, tracks), answer

    def transports(self, session: WhepSession) -> Iterable[Transport]:
        """Its one subscribing transport."""
        return (session.transport,)

    def end(self, session: WhepSession) -> None:
        """The player goes."""
        session.stage.viewers -= 1
        self._signaling.tasks.spawn(session.transport.close())

    def reap(self, now: float) -> None:
        """End the silent, and those whose publisher has left."""
        super().reap(now)
        for session in list(self.sessions.values()):
            if not any(track.info.id in session.stage.tracks for track in session.tracks):
                self.drop(session)


def _tracks_of(stage: Stage, wanted: str | None) -> list[LiveTrack]:
    """The tracks of the participant to play. Raises Refused when there is none."""
    publishing = [
        member
        for member in stage.room.members.values()
        if any(track.info.participant == member.id for track in stage.tracks.values())
    ]
    if wanted is not None:
        named = [member for member in publishing if wanted in (member.id, member.name)]
        if not named:
            raise Refused("not_found", "nobody of this name publishes here", "participant")
        chosen = named[-1]  # who came last: the older one of two is perhaps a ghost
    elif not publishing:
        raise Refused("conflict", "nobody publishes in this room yet")
    else:
        speaking = [one for one in publishing if one.id == stage.room.active_speaker]
        chosen = (speaking or publishing)[0]
    tracks = [track for track in stage.tracks.values() if track.info.participant == chosen.id]
    return sorted(tracks, key=lambda track: ORDER.index(track.info.source))


def _fitting(tracks: list[LiveTrack], offer: str) -> list[LiveTrack]:
    """As many tracks of each kind as the offer has room for, all on one transport."""
    room = {"audio": 0, "video": 0}
    for section in sections(offer):
        if section.receives:
            room[section.kind] += 1
    chosen: list[LiveTrack] = []
    for track in tracks:
        if room[track.info.kind] and (not chosen or track.group == chosen[0].group):
            room[track.info.kind] -= 1
            chosen.append(track)
    if not chosen:
        raise Refused("bad_sdp", "the offer receives nothing that is published here")
    return chosen
