"""POST /api/join turns a code into a token; POST /api/rooms/{room}/invitations makes a link."""

from __future__ import annotations

import time
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from server import joins
from server.config import Settings
from server.identity import sign
from server.keys import TokenKey
from server.limits import RateLimit
from server.requests import bearer, public_origin, read_json, slow_down
from signaling.problem import Problem
from signaling.protocol import Name, Role
from signaling.tokens import TokenError, TokenVerifier

TOKEN_TTL_S = 4 * 3600  # a reload in a long consultation still finds it good
JOINS_BURST, JOINS_PER_S = 100, 2.0  # a lecture hall behind one address comes in at once
NO_STORE = {"Cache-Control": "no-store"}


class JoinRequest(Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=64)]


class InvitationRequest(Struct, forbid_unknown_fields=True):
    role: Role
    name: Name | None = None
    institution: Annotated[str, Meta(max_length=120)] = ""
    ttl_s: Annotated[int, Meta(ge=60, le=7 * 24 * 3600)] = 24 * 3600
    one_time: bool | None = None


class JoinApi:
    """Both routes, over one set of codes."""

    def __init__(
        self, codes: joins.JoinCodes, key: TokenKey, verifier: TokenVerifier, settings: Settings
    ) -> None:
        self._codes = codes
        self._key = key
        self._verifier = verifier
        self._settings = settings
        self._limit = RateLimit(JOINS_BURST, JOINS_PER_S, time.monotonic)

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post("/api/join", self.join),
            web.post("/api/rooms/{room}/invitations", self.invite),
        ]

    async def join(self, request: web.Request) -> web.Response:
        """Spend a code."""
        slow_down(request, self._limit, self._settings.behind_proxy)
        asked = await read_json(request, JoinRequest)
        try:
            invitation = self._codes.redeem(asked.code)
        except joins.CodeSpent:
            raise Problem(
                410,
                "This link works once. Ask your host for another one",
                title="Join link already used",
            ) from None
        except joins.CodeExpired:
            raise Problem(
                410, "Ask the person who sent it for another one", title="Join link expired"
            ) from None
        except joins.CodeError:
            raise Problem(
                404,
                "Check that the whole link was copied, or ask for another",
                title="Join link unknown",
            ) from None
        token = sign(
            self._key,
            invitation.room,
            invitation.role,
            invitation.name,
            invitation.institution,
            TOKEN_TTL_S,
            invitation.guest,
        )
        answer = {
            "token": token,
            "room": invitation.room,
            "role": invitation.role,
            "title": self._title(invitation.room),
        }
        return web.json_response(answer, headers=NO_STORE)

    async def invite(self, request: web.Request) -> web.Response:
        """Make a join link for somebody; for those who may moderate the room."""
        slow_down(request, self._limit, self._settings.behind_proxy)
        room = request.match_info["room"]
        try:
            claims = self._verifier.verify(bearer(request) or "")
        except TokenError as error:
            raise Problem(
                401, str(error), title="Token refused", headers={"WWW-Authenticate": "Bearer"}
            ) from None
        if claims.room != room or not claims.grants.moderate:
            raise Problem(
                403, "Only a moderator of this room may invite into it", title="Not allowed"
            )
        asked = await read_json(request, InvitationRequest)
        # Nobody opens another hospital's data by naming it, nor his own if he is a guest here.
        guest = claims.guest or asked.institution != claims.institution
        try:
            code = self._codes.invite(
                room, asked.role, asked.ttl_s, asked.name, asked.institution, asked.one_time, guest
            )
        except joins.TooManyCodes:
            raise Problem(
                503, "Try again when some have expired", title="Too many open invitations"
            ) from None
        settings = self._settings
        origin = public_origin(request, settings.behind_proxy, settings.public_url)
        answer = {"url": f"{origin}/join/{code}", "expires_s": int(time.time()) + asked.ttl_s}
        return web.json_response(answer, status=201, headers=NO_STORE)

    def _title(self, room: str) -> str:
        known = self._settings.rooms.get(room)
        return known.title if known else room
