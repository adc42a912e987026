"""What WHIP (RFC 9725) and WHEP share: one POST opens a session, DELETE ends it, PATCH trickles.

The server is ICE-lite and lists all its candidates in its answer, so a client's candidates are
accepted and not needed; ICE restarts are refused with the status that RFC 9725 section 4.3.3 asks
for. There is no socket to lose: a session whose media falls silent is gone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

from aiohttp import web

from media.contract import Transport
from signaling.bearer import bearer
from signaling.origin import may_connect
from signaling.problem import Problem
from signaling.refusal import Refused
from signaling.tokens import Claims, TokenError
from signaling.turn import link_values

if TYPE_CHECKING:
    from signaling.service import Signaling

SDP = "application/sdp"
TRICKLE = "application/trickle-ice-sdpfrag"
SDP_MAX = 200_000
OVER = ("failed", "closed")
STATUS = {  # of what signaling refuses
    "malformed": 400,
    "bad_sdp": 400,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "room_full": 503,
}


class HttpSession:
    """One accepted POST."""

    def __init__(self, claims: Claims, token: str) -> None:
        self.id = secrets.token_urlsafe(16)
        self.etag = f'"{secrets.token_urlsafe(9)}"'
        self.claims = claims
        self.opened = time.monotonic()
        self._token = hashlib.sha256(token.encode()).digest()

    def opened_by(self, token: str) -> bool:
        """Whether this is the token of the POST; it may end its session after it has expired."""
        digest = hashlib.sha256(token.encode()).digest()
        return hmac.compare_digest(self._token, digest)


S = TypeVar("S", bound=HttpSession)


class Endpoint(ABC, Generic[S]):
    """The resource of one protocol: `/whip/{room}` or `/whep/{room}`, and the sessions below it."""

    prefix: str

    def __init__(self, signaling: Signaling) -> None:
        self._signaling = signaling
        self.sessions: dict[str, S] = {}

    # --- what a protocol adds ------------------------------------------------------------------

    @abstractmethod
    async def open(
        self, claims: Claims, token: str, offer: str, request: web.Request
    ) -> tuple[S, str]:
        """Open a session and answer its offer. Raises Refused or Problem."""

    @abstractmethod
    def transports(self, session: S) -> Iterable[Transport]:
        """What a session has open."""

    @abstractmethod
    def end(self, session: S) -> None:
        """Free what a session holds; it is not listed any more."""

    def heard(self, session: S, lately: bool) -> None:
        """Whether its peer was heard lately; asked again and again."""

    # --- for the service -----------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        endpoint, resource = f"/{self.prefix}/{{room}}", f"/{self.prefix}/{{room}}/{{session}}"
        return [
            web.post(endpoint, self._post),
            web.options(endpoint, self._options),
            web.patch(resource, self._patch),
            web.delete(resource, self._delete),
            web.options(resource, self._options),
        ]

    def reap(self, now: float) -> None:
        """End the sessions whose media is silent, or whose peer has said goodbye."""
        for session in list(self.sessions.values()):
            transports = [t for t in self.transports(session) if t.state not in OVER]
            heard = [session.opened]
            for transport in transports:
                at = transport.stats().last_heard_s
                if at is not None:
                    heard.append(at)
            silent_s = now - max(heard)
            self.heard(session, silent_s < self._signaling.settings.http_silent_after_s)
            if not transports or silent_s >= self._signaling.settings.http_lost_after_s:
                self.drop(session)

    def revoke(self, subject: str) -> None:
        """End all sessions of one subject."""
        for session in [s for s in self.sessions.values() if s.claims.subject == subject]:
            self.drop(session)

    def drop(self, session: S) -> None:
        """End one session."""
        if self.sessions.pop(session.id, None):
            self.end(session)

    async def close(self) -> None:
        """End all."""
        for session in list(self.sessions.values()):
            self.drop(session)

    # --- HTTP ----------------------------------------------------------------------------------

    async def _post(self, request: web.Request) -> web.Response:
        self._allow_origin(request)
        if self._signaling.closing:
            raise Problem(503, "come back in a moment", headers={"Retry-After": "2"})
        token, claims = self._authorize(request)
        if request.content_type != SDP:
            raise Problem(415, f"the offer has to be {SDP}", headers={"Accept-Post": SDP})
        if request.content_length is not None and request.content_length > SDP_MAX:
            raise Problem(413, f"at most {SDP_MAX} bytes")
        try:
            offer = await request.text()
        except (UnicodeDecodeError, LookupError):
            raise Problem(400, "the offer is not UTF-8") from None
        if not offer.startswith("v=0") or len(offer) > SDP_MAX:
            raise Problem(400, "the body is not a session description")
        try:
            session, answer = await self.open(claims, token, offer, request)
        except Refused as refused:
            raise _problem(refused) from None
        self.sessions[session.id] = session
        answered = web.Response(
            status=201,
            text=answer,
            content_type=SDP,
            headers={
                "Location": f"{request.rel_url.raw_path}/{session.id}",
                "ETag": session.etag,
                "Accept-Patch": TRICKLE,
                "Cache-Control": "no-store",
                **self._cors(request),
            },
        )
        if turn := self._signaling.settings.turn:
            for value in link_values(turn.servers("h-" + secrets.token_urlsafe(9))):
                answered.headers.add("Link", value)
        return answered

    async def _patch(self, request: web.Request) -> web.Response:
        self._allow_origin(request)
        session = self._session(request)
        if request.content_type != TRICKLE:
            raise Problem(415, f"a patch has to be {TRICKLE}", headers={"Accept-Patch": TRICKLE})
        match = request.headers.get("If-Match")
        if match == "*":
            raise Problem(422, "ICE restarts are not supported: POST a new session")
        if match is not None and session.etag not in [tag.strip() for tag in match.split(",")]:
            raise Problem(412, "another ICE session: the entity tag is out of date")
        try:
            fragment = await request.text()
        except (UnicodeDecodeError, LookupError):
            raise Problem(400, "the fragment is not UTF-8") from None
        if "a=" not in fragment:
            raise Problem(400, "the body is not an SDP fragment")
        return web.Response(status=204, headers={"ETag": session.etag, **self._cors(request)})

    async def _delete(self, request: web.Request) -> web.Response:
        self._allow_origin(request)
        self.drop(self._session(request))
        return web.Response(status=200, headers=self._cors(request))

    async def _options(self, request: web.Request) -> web.Response:
        self._allow_origin(request)
        headers = {"Accept-Post": SDP, "Accept-Patch": TRICKLE, **self._cors(request)}
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
                "Access-Control-Max-Age": "600",
            }
        return web.Response(status=204, headers=headers)

    # --- below ---------------------------------------------------------------------------------

    def _authorize(self, request: web.Request) -> tuple[str, Claims]:
        token = bearer(request)
        if token is None:
            raise Problem(401, "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        try:
            claims = self._signaling.verifier.verify(token)
        except TokenError as error:
            challenge = 'Bearer error="invalid_token"'
            raise Problem(401, str(error), headers={"WWW-Authenticate": challenge}) from None
        if claims.room != request.match_info["room"]:
            raise Problem(403, "this token is for another room")
        return token, claims

    def _session(self, request: web.Request) -> S:
        """The session of the address, for the token that opened it or a moderator's."""
        token = bearer(request)
        session = self.sessions.get(request.match_info["session"])
        known = session is not None and session.claims.room == request.match_info["room"]
        if session is not None and known and token and session.opened_by(token):
            return session
        _, claims = self._authorize(request)
        if session is None or not known:
            raise Problem(404, "no such session: it has ended, or never was")
        if claims.subject != session.claims.subject and not claims.grants.moderate:
            raise Problem(403, "this session belongs to another token")
        return session

    def _allow_origin(self, request: web.Request) -> None:
        if not may_connect(request, self._signaling.settings):
            raise Problem(403, "pages of this origin may not connect: see --allow-origin")

    def _cors(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get("Origin")
        if origin is None:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "Location, ETag, Accept-Patch, Link",
            "Vary": "Origin",
        }


def _problem(refused: Refused) -> Problem:
    status = STATUS.get(refused.code, 400)
    retry = {"Retry-After": "5"} if status in (409, 503) else {}
    where = f"{refused.field}: " if refused.field else ""
    return Problem(status, where + refused.reason, headers=retry)
