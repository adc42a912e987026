"""Signaling as a whole: rooms and sessions of this process, and the routes that lead to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Literal

from aiohttp import web

from media.contract import Relay
from signaling import protocol as p
from signaling.connection import Connection
from signaling.film import Given
from signaling.origin import may_connect
from signaling.problem import Problem
from signaling.refusal import Refused
from signaling.requests import now_ms
from signaling.robots import Control, NoControl, Robots
from signaling.room import Room
from signaling.session import Session
from signaling.settings import SignalingSettings
from signaling.sitting import Sitting
from signaling.stage import Stage
from signaling.tasks import Tasks
from signaling.tokens import Claims, TokenError, TokenVerifier
from signaling.whep import Whep
from signaling.whip import Whip
from signaling.wire import Wire

log = logging.getLogger(__name__)
REAP_EVERY_S = 0.5
REAP_HTTP_EVERY_S = 2.0  # it looks at every player's figures
CLOSE_ALL_S = 5.0  # then the relay closes what is left
CLOSE_SOCKET_S = 1.0  # how long a closing frame waits for the other one


class Signaling:
    """Made once by the server; `start` and `close` belong to its event loop."""

    def __init__(
        self,
        relay: Relay,
        verifier: TokenVerifier,
        settings: SignalingSettings,
        control: Control | None = None,
    ) -> None:
        self.relay = relay
        self.control: Control = control or NoControl()
        self.control.on_robots = self._robots
        self.verifier = verifier
        self.settings = settings
        self.sessions: dict[str, Session] = {}
        self.by_participant: dict[str, Session] = {}
        self.stages: dict[str, Stage] = {}
        self.strangers = asyncio.Semaphore(settings.strangers)
        self.tasks = Tasks()
        self._loops = Tasks()
        self._connections: set[Connection] = set()
        self._no_connections = asyncio.Event()
        self._no_connections.set()
        self._whip = Whip(self)
        self._whep = Whep(self)
        self._closing = False

    # --- for the server ------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [web.get("/ws", self._websocket), *self._whip.routes(), *self._whep.routes()]

    async def start(self) -> None:
        """Begin to look after those who are silent, and who speaks."""
        self._loops.spawn(_every(REAP_EVERY_S, self._reap))
        self._loops.spawn(_every(REAP_HTTP_EVERY_S, self._reap_http))
        self._loops.spawn(_every(self.settings.speaker_every_s, self._hear))
        self._loops.spawn(_every(self.settings.shortage_every_s, self._tell_shortages))
        self._loops.spawn(_every(self.settings.quality_every_s, self._report))

    async def close(self, reconnect_after_ms: int = 0) -> None:
        """Tell everybody to come back, close the sockets and free all media."""
        self._closing = True
        await self._loops.cancel()
        for session in list(self.sessions.values()):
            session.send(p.ServerClosing(reconnect_after_ms=reconnect_after_ms))
            if session.wire:
                session.wire.close(1001, "the server is closing")
            self.end(session, "left")
        for connection in self._connections:
            connection.close(1001, "the server is closing")
        await self._whip.close()
        await self._whep.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_ALL_S):
                await self._no_connections.wait()
                await self.tasks.finish()

    def counts(self) -> Mapping[str, int]:
        """How much there is of everything, for the metrics."""
        stages = self.stages.values()
        return {
            "rooms": len(stages),
            "participants": sum(len(stage.room.members) for stage in stages),
            "tracks": sum(len(stage.tracks) for stage in stages),
            "subscriptions": sum(stage.subscriptions() for stage in stages),
        }

    def given(self, claims: Claims) -> tuple[Given, ...] | None:
        """The studies that whoever holds this token has been given to see; None: he is outside."""
        room = self._room_of(claims)
        return room.film.given if room else None

    def sitting(self, claims: Claims) -> Sitting | None:
        """The consultation in which whoever holds this token sits; None: he is outside."""
        room = self._room_of(claims)
        return room.sitting if room else None

    def _room_of(self, claims: Claims) -> Room | None:
        stage = self.stages.get(claims.room)
        if stage is None:
            return None
        members = stage.room.members.values()
        inside = any(member.claims.subject == claims.subject for member in members)
        return stage.room if inside else None

    def revoke(self, subject: str) -> None:
        """Close everything that this subject's tokens opened."""
        for session in [s for s in self.sessions.values() if s.claims.subject == subject]:
            session.send(p.Removed(reason="revoked"))
            if session.wire:
                session.wire.close(1000, "revoked")
            self.end(session, "removed")
        self._whip.revoke(subject)
        self._whep.revoke(subject)

    # --- for connections -----------------------------------------------------------------------

    def welcome(self, hello: p.Hello, header_token: str | None, wire: Wire) -> Session:
        """Open a session or go on with one; its Welcome is on the wire. Raises Refused."""
        if hello.version != p.PROTOCOL_VERSION:
            raise Refused(
                "unsupported_version", f"this server speaks {p.PROTOCOL_VERSION}", "version"
            )
        claims = self._claims(hello, header_token)
        if hello.resume:
            return self._resume(hello, hello.resume, claims, wire)
        if claims is None:
            raise Refused("unauthorized", "a token is needed", "token")
        self._bound(claims)
        session = Session(claims, self.settings, time.monotonic())
        self.sessions[session.secret] = session
        self.by_participant[session.participant] = session
        session.attach(wire, p.encode(self._welcome(session, hello.id, resumed=False)), [])
        return session

    def entered(self, session: Session) -> None:
        """Somebody is in the room now: he hears what the others publish."""
        session.admitted, session.rejoin_by, session.vanished = True, None, False
        stage = session.stage
        if stage is None:
            return
        member = stage.room.members[session.participant]
        log.info("joined as %s", session.claims.role)
        if session.claims.grants.subscribe and member.capabilities:
            stage.listen(session.participant, member.capabilities, session.send)

    def dropped(self, session: Session, wire: Wire, *, said_goodbye: bool) -> None:
        """A socket is gone; unless another has taken over, its session waits for a while."""
        if session.wire is not wire:
            return
        session.wire = None
        session.said_goodbye = said_goodbye
        session.dropped_at = time.monotonic()
        if session.stage:
            session.stage.room.set_state(session.participant, "reconnecting")

    def sent_away(self, participant: str) -> None:
        """A moderator has removed or denied somebody; the room has told him."""
        if session := self.by_participant.get(participant):
            if session.wire:
                session.wire.close(1000, "removed")
            self.end(session, "removed")
        else:
            self._whip.sent_away(participant)

    def end(self, session: Session, reason: Literal["left", "removed", "lost"]) -> None:
        """A session is over: out of the room, transports closed, nothing to resume."""
        self._leave(session, reason)
        session.ended = True
        self.sessions.pop(session.secret, None)
        self.by_participant.pop(session.participant, None)
        self.tasks.spawn(session.close_probe())

    @property
    def closing(self) -> bool:
        """Whether newcomers should come back later."""
        return self._closing

    def stage(self, name: str) -> Stage:
        """The room of that name: a room named by a valid token exists. Raises Refused."""
        found = self.stages.get(name)
        if found is None:
            if len(self.stages) >= self.settings.rooms:
                raise Refused("room_full", f"this server holds {self.settings.rooms} rooms")
            room = Room(name, self.settings, now_ms(), self._send)
            found = self.stages[name] = Stage(room, self.relay.place(), self.settings, self.tasks)
        return found

    # --- below ---------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        if not may_connect(request, self.settings):
            raise Problem(403, "pages of this origin may not connect: see --allow-origin")
        if self._closing or self.strangers.locked():
            raise Problem(503, "come back in a moment", headers={"Retry-After": "2"})
        socket = web.WebSocketResponse(
            max_msg_size=self.settings.message_bytes,
            heartbeat=self.settings.heartbeat_s,
            timeout=CLOSE_SOCKET_S,
            compress=False,
        )
        if not socket.can_prepare(request).ok:
            raise Problem(426, "a WebSocket handshake is needed", headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        connection = Connection(self, request, socket)
        self._connections.add(connection)
        self._no_connections.clear()
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._no_connections.set()
        return socket

    def _claims(self, hello: p.Hello, header_token: str | None) -> Claims | None:
        """Whose token this is. One that has expired meanwhile does not end what it began."""
        token = hello.token if hello.token is not None else header_token
        if token is None:
            return None
        try:
            return self.verifier.verify(token)
        except TokenError as error:
            if hello.resume:
                return None
            raise Refused("unauthorized", str(error), "token") from None

    def _bound(self, claims: Claims) -> None:
        if len(self.sessions) >= self.settings.sessions:
            raise Refused("room_full", f"this server holds {self.settings.sessions} sessions")
        alike = sum(
            (session.wire is not None or session.stage is not None)
            and session.claims.subject == claims.subject
            and session.claims.room == claims.room
            for session in self.sessions.values()
        )
        if alike >= self.settings.subject_sessions:
            raise Refused("room_full", f"this token has {alike} sessions already", "token")

    def _resume(
        self, hello: p.Hello, resume: p.Resume, claims: Claims | None, wire: Wire
    ) -> Session:
        session = self.sessions.get(resume.session)
        if session is None or (
            claims
            and (claims.subject, claims.room) != (session.claims.subject, session.claims.room)
        ):
            raise Refused("session_gone", "nothing to go on with here", "resume.session")
        missed = session.outbox.after(resume.seq)
        resumed = resume.media and missed is not None and not session.vanished
        if not resumed:
            self._begin_again(session)
        welcome = self._welcome(session, hello.id, resumed)
        session.attach(wire, p.encode(welcome), (missed or []) if resumed else [])
        if resumed and session.stage:
            session.stage.room.set_state(session.participant, "online")
            session.stage.room.repeat_film(session.participant)
            session.stage.repeat_offers(session.participant)
        return session

    def _begin_again(self, session: Session) -> None:
        """His page was loaded again, or missed too much: he keeps his place, not his media."""
        if session.joined and session.stage:
            session.rejoin_by = time.monotonic() + self.settings.left_after_s
            session.stage.withdraw(session.participant)
            session.stage.room.set_state(session.participant, "reconnecting")
        else:
            self._leave(session, "left")
        session.begin_again()

    def _welcome(self, session: Session, re: int, resumed: bool) -> p.Welcome:
        claims = session.claims
        return p.Welcome(
            re=re,
            version=p.PROTOCOL_VERSION,
            session=session.secret,
            participant=session.participant,
            room=claims.room,
            title=self.settings.titles.get(claims.room, claims.room),
            role=claims.role,
            name=claims.name,
            institution=claims.institution,
            grants=claims.grants,
            transports=[
                p.TransportGroup(name=name, classes=[_service_class(c) for c in classes])
                for name, classes in self.relay.groups.items()
            ],
            resumed=resumed,
            joined=session.admitted and not resumed,
            resume_s=int(self.settings.resume_s),
            ice_servers=self._ice_servers(session),
        )

    def _ice_servers(self, session: Session) -> list[p.IceServer]:
        """Fresh credentials, and when to renew them."""
        turn = self.settings.turn
        if turn is None:
            return []
        session.renew_ice_at = time.monotonic() + turn.ttl_s / 2
        return turn.servers(session.participant)

    def _leave(self, session: Session, reason: Literal["left", "removed", "lost"]) -> None:
        stage, session.stage = session.stage, None
        session.rejoin_by = None
        if stage:
            log.info("gone as %s: %s", session.claims.role, reason)
            self.control.close_link(stage.room.name, session.participant)
            stage.room.leave(session.participant, reason)
            stage.leave(session.participant)

    def _robots(self, room: str, robots: Robots) -> None:
        if stage := self.stages.get(room):
            stage.room.put_robots(robots.values())

    def _send(self, participant: str, event: p.Event) -> None:
        if session := self.by_participant.get(participant):
            session.send(event)

    # --- from time to time ---------------------------------------------------------------------

    def _hear(self) -> None:
        now = time.monotonic()
        for stage in self.stages.values():
            stage.hear(now)
            stage.room.watched_by(stage.viewers)

    def _tell_shortages(self) -> None:
        for stage in self.stages.values():
            stage.tell_shortages()
            stage.tell_limits()

    def _report(self) -> None:
        for stage in self.stages.values():
            stage.report()

    def _reap(self) -> None:
        now = time.monotonic()
        for session in list(self.sessions.values()):
            self._look_after(session, now)
        for name, stage in list(self.stages.items()):
            if not stage.room.empty or stage.viewers:
                stage.empty_since = None
            elif stage.empty_since is None:
                stage.empty_since = now
            elif now - stage.empty_since >= self.settings.room_empty_s:
                del self.stages[name]
                stage.place.leave()

    def _reap_http(self) -> None:
        now = time.monotonic()
        self._whip.reap(now)
        self._whep.reap(now)

    def _look_after(self, session: Session, now: float) -> None:
        settings = self.settings
        if session.probe and now >= session.probe_until:
            self.tasks.spawn(session.close_probe())
        if session.dropped_at is None:
            if now - session.attached_at >= settings.outbox_s:  # else some are sent again just now
                session.outbox.forget_before(now - settings.outbox_s)
            if now >= session.renew_ice_at:
                session.send(p.IceServersChanged(ice_servers=self._ice_servers(session)))
            if session.rejoin_by is not None and now >= session.rejoin_by:
                self._leave(session, "left")
            return
        gone_s = now - session.dropped_at
        if session.stage:
            heard = session.stage.last_heard(session.participant) or 0.0
            silent_s = now - max(heard, session.dropped_at)
            patience_s = settings.left_after_s if session.said_goodbye else settings.lost_after_s
            if silent_s >= patience_s or gone_s >= settings.resume_s:
                self._leave(session, "lost")
                session.vanished = True
        if gone_s >= settings.resume_s:
            self.end(session, "lost")


async def _every(seconds: float, work: Callable[[], None]) -> None:
    """Do it again and again; one failure is no reason to stop."""
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            work()
        except Exception:
            log.exception("a periodic look failed")
        await asyncio.sleep(max(0.0, seconds - (loop.time() - started)))


def _service_class(name: str) -> p.ServiceClass:
    return _SERVICE_CLASSES[name]


_SERVICE_CLASSES: dict[str, p.ServiceClass] = {name: name for name in p.SERVICE_CLASSES}
