"""WHIP: an encoder publishes into a room with one POST, and is a participant there (RFC 9725)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Literal

import msgspec
from aiohttp import web

from media.contract import Transport
from signaling import protocol as p
from signaling.http_session import Endpoint, HttpSession
from signaling.publisher import Publisher
from signaling.refusal import Refused
from signaling.requests import now_ms
from signaling.room import Member
from signaling.sections import sections
from signaling.stage import Stage
from signaling.text import one_line
from signaling.tokens import Claims


class WhipSession(HttpSession):
    """One encoder in a room."""

    def __init__(
        self, claims: Claims, token: str, participant: str, stage: Stage, publisher: Publisher
    ) -> None:
        super().__init__(claims, token)
        self.participant = participant
        self.stage = stage
        self.publisher = publisher


class Whip(Endpoint[WhipSession]):
    """`?class=` names the service class, `talk` where it is silent."""

    prefix = "whip"

    async def open(
        self, claims: Claims, token: str, offer: str, request: web.Request
    ) -> tuple[WhipSession, str]:
        """Answer the offer, then show the encoder in the room."""
        service_class = _service_class(request.query.get("class", "talk"))
        group = self._group(service_class)
        stage = self._signaling.stage(claims.room)
        if stage.room.must_wait(claims):
            raise Refused(
                "forbidden", "this token's role has to be admitted first, or the room is locked"
            )
        participant = "w-" + secrets.token_urlsafe(9)
        member = Member(
            id=participant,
            name=one_line(claims.name or "") or one_line(claims.institution) or claims.role,
            claims=claims,
            capabilities=None,
            since_ms=now_ms(),
        )
        stage.room.enter(member)
        publisher = stage.publisher(participant, claims.grants)
        try:
            media = _media(offer, service_class)
            if not media:
                raise Refused("bad_sdp", "the offer sends nothing")
            answer, _ = await publisher.publish(group, offer, media, stage.room.policy)
        except BaseException:  # a client that hangs up cancels this
            self._leave(stage, participant, "lost")
            raise
        if participant not in stage.room.members:
            raise Refused("forbidden", "removed while the offer was being answered")
        return WhipSession(claims, token, participant, stage, publisher), answer

    def transports(self, session: WhipSession) -> Iterable[Transport]:
        """Its one publishing transport."""
        return session.publisher.transports.values()

    def end(self, session: WhipSession) -> None:
        """The encoder leaves the room."""
        self._leave(session.stage, session.participant, "left")

    def heard(self, session: WhipSession, lately: bool) -> None:
        """The room sees who is away."""
        state: Literal["online", "reconnecting"] = "online" if lately else "reconnecting"
        session.stage.room.set_state(session.participant, state)

    def sent_away(self, participant: str) -> None:
        """A moderator has removed this participant."""
        for session in list(self.sessions.values()):
            if session.participant == participant:
                self.drop(session)

    def _leave(
        self, stage: Stage, participant: str, reason: Literal["left", "removed", "lost"]
    ) -> None:
        stage.room.leave(participant, reason)
        stage.leave(participant)

    def _group(self, service_class: p.ServiceClass) -> str:
        for name, classes in self._signaling.relay.groups.items():
            if service_class in classes:
                return name
        raise Refused("not_found", f"nothing here serves the class {service_class}", "class")


def _service_class(name: str) -> p.ServiceClass:
    try:
        known: p.ServiceClass = msgspec.convert(name, p.ServiceClass)
    except msgspec.ValidationError:
        raise Refused("malformed", f"one of {', '.join(p.SERVICE_CLASSES)}", "class") from None
    return known


def _media(offer: str, service_class: p.ServiceClass) -> list[p.PublishedMedia]:
    """An encoder says nothing of its sections: talk is a face and a voice, all else a device."""

    def source(kind: str) -> p.Source:
        if service_class != "talk":
            return "device"
        return "microphone" if kind == "audio" else "camera"

    try:
        return [
            msgspec.convert(
                {"mid": s.mid, "source": source(s.kind), "service_class": service_class},
                p.PublishedMedia,
            )
            for s in sections(offer)
            if s.sends
        ]
    except msgspec.ValidationError:
        raise Refused("bad_sdp", "a media section has no usable mid") from None
