"""One person's session: who he is, where he is, and the events he has yet to see.

It outlives its socket for a while, and a page load altogether.
"""

from __future__ import annotations

import asyncio
import math
import secrets

from media.contract import Transport
from signaling import protocol as p
from signaling.outbox import Outbox
from signaling.settings import SignalingSettings
from signaling.stage import Stage
from signaling.tokens import Claims
from signaling.wire import Wire


class Session:
    """Made by hello. `stage` is the room it is in or waits for; `wire` its present socket."""

    def __init__(self, claims: Claims, settings: SignalingSettings, now: float) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.participant = "p-" + secrets.token_urlsafe(9)
        self.claims = claims
        self._settings = settings
        self.outbox = Outbox(settings.outbox_events, settings.outbox_bytes)
        self.wire: Wire | None = None
        self.stage: Stage | None = None
        self.admitted = False  # has been in the room: comes back without waiting
        self.rejoin_by: float | None = None  # after a reload: join until then, or have left
        self.dropped_at: float | None = now  # when the socket went away; None while there is one
        self.attached_at = now  # when the present one, or the last, took over
        self.said_goodbye = False  # the socket ended with a close frame: a page that is gone
        self.vanished = False  # left the room unseen: nothing to go on with, but who he is
        self.ended = False
        self.renew_ice_at = math.inf  # half of its TURN credential's life is over then
        self.probe: Transport | None = None
        self.probe_until = 0.0
        self.lock = asyncio.Lock()  # one request at a time, even across sockets
        self._now = asyncio.get_running_loop().time

    @property
    def joined(self) -> bool:
        """Whether he is in the room, not before its door."""
        return self.stage is not None and self.participant in self.stage.room.members

    def send(self, event: p.Event) -> None:
        """Number an event, keep it for a resumption, and send it if there is a socket."""
        if self.ended:
            return
        if self.rejoin_by is not None and not isinstance(event, p.Removed | p.ServerClosing):
            return  # the room's state comes with his next join
        if self.wire is None and isinstance(event, p.QualityReport | p.FilmMoved):
            return  # the next one is better, or all of it with the resumption
        data = self.outbox.add(event, self._now())
        if self.wire:
            self.wire.send(data)

    def attach(self, wire: Wire, welcome: bytes, missed: list[bytes]) -> None:
        """Go on in another socket; an older one is told and closed."""
        older, self.wire = self.wire, wire
        if older:
            older.send(p.encode(p.Removed(reason="replaced")))
            older.close(4000, "replaced")
        self.dropped_at = None
        self.attached_at = self._now()
        self.said_goodbye = False
        wire.send(welcome)
        for data in missed:
            wire.send(data)

    def begin_again(self) -> None:
        """Nothing of what was sent counts any more: events are numbered from 1 again."""
        self.outbox = Outbox(self._settings.outbox_events, self._settings.outbox_bytes)

    async def close_probe(self) -> None:
        """End the network check."""
        probe, self.probe = self.probe, None
        if probe:
            await probe.close()
