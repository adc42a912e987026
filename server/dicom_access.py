"""Who may see and store which studies: the one place that turns a token's claims into a scope.

Programs send the token in the Authorization header. Images, and range requests of an image loader,
send no header: `POST /api/dicomweb/session` turns a bearer token into a cookie that only reads.
Expiry gates coming in, as everywhere: who is in his room when his token expires reads on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime

from aiohttp import hdrs, web

from dicom.nodes import DEFAULT_INSTITUTION
from dicom.shares import DERIVED
from dicom.web.errors import Forbidden, Outside
from dicom.web.scope import Scope, Seat
from signaling.bearer import bearer
from signaling.film import Given
from signaling.problem import Problem
from signaling.protocol import Role
from signaling.sitting import Sitting
from signaling.tokens import Claims, TokenError, TokenVerifier

COOKIE = "distal-dicomweb"
INVALID = 'Bearer error="invalid_token"'
PATH = "/dicomweb"
DOCTORS: frozenset[Role] = frozenset({"host", "county_doctor", "specialist", "operator"})
SENDERS: frozenset[Role] = DOCTORS | {"device"}
LEASE_S = 600  # of a cookie in a room: the page renews it, what the room shows is asked each time
REMEMBERED = 4096  # tokens that were verified, by hash: a signature costs as much as a frame


def alone(institution: str) -> frozenset[str]:
    """An institution that collects no others' data."""
    return frozenset({institution})


def scope_of(claims: Claims, sees: Callable[[str], frozenset[str]] = alone) -> Scope:
    """What the holder of a token may do.

    Doctors see the studies of their institution and of those that it `sees`; a device sends into it
    and sees nothing. Students, patients, interpreters and guests see what is shared with them.
    """
    institution = claims.institution or DEFAULT_INSTITUTION
    if claims.guest or institution.startswith(DERIVED):  # what is derived opens by its link alone
        return Scope(subject=claims.subject)
    return Scope(
        institutions=sees(institution) if claims.role in DOCTORS else frozenset(),
        stores_into=institution if claims.role in SENDERS else "",
        subject=claims.subject,
        name=claims.name or "",
    )


def shared_by(given: Iterable[Given]) -> frozenset[tuple[str, str]]:
    """What a room's members may see because a doctor of theirs has shown it to them."""
    return frozenset(
        (institution or DEFAULT_INSTITUTION, study)
        for role, institution, study in given
        if role in DOCTORS
    )


def no_room(_claims: Claims) -> tuple[Given, ...] | None:
    """Nobody is in a room."""
    return None


def no_sitting(_claims: Claims) -> Sitting | None:
    """There is no consultation."""
    return None


class Access:
    """Verifies who asks.

    `given` tells what the room of a token's holder has been shown, None when he is not in it;
    `sitting` which consultation that is.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        given: Callable[[Claims], Iterable[Given] | None] = no_room,
        sees: Callable[[str], frozenset[str]] = alone,
        sitting: Callable[[Claims], Sitting | None] = no_sitting,
    ) -> None:
        self.sees = sees
        self._sitting = sitting
        self._verifier = verifier
        self._given = given
        self._known: OrderedDict[bytes, tuple[Claims, Scope]] = OrderedDict()

    def scope(self, request: web.Request) -> Scope:
        """What this request may see. Raises Problem."""
        claims, scope = self._verified(self._token(request))
        given = self._inside(claims)
        if claims.expires <= time.time():
            scope = dataclasses.replace(scope, stores_into="")
        shared = shared_by(given or ())
        return dataclasses.replace(scope, shared=scope.shared | shared) if shared else scope

    def _inside(self, claims: Claims) -> Iterable[Given] | None:
        """What his room was shown; None: he is outside. Raises Problem when that is too late."""
        given = self._given(claims)
        if given is None and claims.expires <= time.time():
            raise _challenge("the token has expired", INVALID)
        return given

    def doctor(self, request: web.Request) -> tuple[str, Claims]:
        """Whose studies this doctor answers for, and who it is; by token alone. Raises Problem."""
        token = bearer(request)
        if token is None:
            raise _challenge("a bearer token is needed")
        claims, scope = self._verified(token)
        if claims.expires <= time.time():
            raise _challenge("the token has expired", INVALID)
        if scope.institutions:
            return claims.institution or DEFAULT_INSTITUTION, claims
        raise Problem(403, "only doctors share images", title="Not allowed")

    def seat(self, request: web.Request) -> Seat:
        """Where this doctor sits, by token alone; it may end while he does. Raises Problem."""
        token = bearer(request)
        if token is None:
            raise _challenge("a bearer token is needed")
        claims, scope = self._verified(token)
        sitting = self._sitting(claims)
        if sitting is None and claims.expires <= time.time():
            raise _challenge("the token has expired", INVALID)
        if scope.stores_into not in scope.institutions:
            raise Forbidden("only doctors keep captures, in their own institution")
        if sitting is None:
            raise Outside("you are not in the consultation any more: come in again")
        shared = shared_by(self._given(claims) or ())
        return Seat(
            dataclasses.replace(scope, shared=scope.shared | shared),
            sitting.uid,
            sitting.room,
            datetime.fromtimestamp(sitting.started_at_ms / 1000),
            sitting.next_number,
            lambda institution, study: sitting.give(claims, institution, study),
        )

    async def open_session(self, request: web.Request) -> web.Response:
        """Set the cookie, for as long as the token holds, in a room for a while at least."""
        token = bearer(request)
        if token is None:
            raise _challenge("a bearer token is needed")
        claims, scope = self._verified(token)
        inside = self._inside(claims) is not None
        lasts_s = max(claims.expires - int(time.time()), LEASE_S if inside else 0)
        may_share = bool(scope.institutions) and claims.expires > time.time()
        answer = web.json_response(
            {"expires": claims.expires, "lasts_s": lasts_s, "may_share": may_share},
            headers={hdrs.CACHE_CONTROL: "no-store"},
        )
        answer.set_cookie(
            COOKIE,
            token,
            path=PATH,
            max_age=lasts_s,
            httponly=True,
            samesite="Strict",
            secure=over_tls(request),
        )
        return answer

    def _token(self, request: web.Request) -> str:
        token = bearer(request)
        if token is None and request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
            token = request.cookies.get(COOKIE)
        if not token:
            raise _challenge("a bearer token is needed")
        return token

    def _verified(self, token: str) -> tuple[Claims, Scope]:
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            claims = self._verifier.verify(token, expired=True)
        except TokenError as error:
            raise _challenge(str(error), INVALID) from None
        self._known[key] = known = (claims, scope_of(claims, self.sees))
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known


def over_tls(request: web.Request) -> bool:
    """Whether a cookie may be for encrypted ways alone. A false claim harms who makes it."""
    return request.secure or request.headers.get("X-Forwarded-Proto") == "https"


def _challenge(detail: str, challenge: str = "Bearer") -> Problem:
    return Problem(401, detail, title="Token refused", headers={hdrs.WWW_AUTHENTICATE: challenge})
