"""Join codes: what a link carries instead of a token, so that no token is ever in a URL.

A code is opaque and expires; a patient's or a guest's works once. It is kept only as a hash, and it
is spent by POST after a click, because chat programs fetch every link to draw a preview of it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from signaling.protocol import Role

CODES_MAX = 10_000  # a province's consultations of a day; 2 MB
CODE_BYTES = 15  # 120 bits: nobody guesses one, and it is 20 characters
ONE_TIME_ROLES: frozenset[Role] = frozenset({"patient", "interpreter"})


class CodeError(Exception):
    """A code that opens nothing."""


class CodeUnknown(CodeError):
    """Never given out, or long gone."""


class CodeSpent(CodeError):
    """It was good once."""


class CodeExpired(CodeError):
    """Its time is over."""


class TooManyCodes(Exception):
    """The bound is reached; it shrinks as codes expire."""


@dataclass(frozen=True)
class Invitation:
    """Who may come in by a code, until when, and how often (None: as often as he likes)."""

    room: str
    role: Role
    expires_s: float
    name: str | None = None
    institution: str = ""
    guest: bool = False  # of an institution that his host does not answer for
    uses: int | None = None


class JoinCodes:
    """All codes of this process. `now` is a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._by_hash: dict[bytes, Invitation] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def invite(
        self,
        room: str,
        role: Role,
        ttl_s: float,
        name: str | None = None,
        institution: str = "",
        one_time: bool | None = None,
        guest: bool = False,
    ) -> str:
        """Make a code. One-time by default for those who come from outside. Raises TooManyCodes."""
        self._forget_expired()
        if len(self._by_hash) >= CODES_MAX:
            raise TooManyCodes
        once = role in ONE_TIME_ROLES if one_time is None else one_time
        code = secrets.token_urlsafe(CODE_BYTES)
        self._by_hash[_hashed(code)] = Invitation(
            room=room,
            role=role,
            expires_s=self._now() + ttl_s,
            name=name,
            institution=institution,
            guest=guest,
            uses=1 if once else None,
        )
        return code

    def redeem(self, code: str) -> Invitation:
        """Use a code. Raises CodeError; a spent code says so until it expires."""
        key = _hashed(code)
        invitation = self._by_hash.get(key)
        if invitation is None:
            raise CodeUnknown
        if invitation.expires_s <= self._now():
            raise CodeExpired
        if invitation.uses == 0:
            raise CodeSpent
        if invitation.uses is not None:
            self._by_hash[key] = replace(invitation, uses=invitation.uses - 1)
        return invitation

    def _forget_expired(self) -> None:
        """Drop what ended an hour ago or more; until then its holder is told that it expired."""
        limit = self._now() - 3600
        self._by_hash = {key: item for key, item in self._by_hash.items() if item.expires_s > limit}


def _hashed(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
