"""Who hands out tokens: this module. Everybody else only verifies them."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from server.keys import TokenKey, load_or_create
from signaling.roles import ROLES
from signaling.tokens import Claims, encode

TTL_MAX_S = 30 * 24 * 3600  # a token cannot be taken back one by one, so none lives for ever


class IdentityError(Exception):
    """No token for that; the message says why."""


def sign(
    key: TokenKey,
    room: str,
    role: str,
    name: str | None = None,
    institution: str = "",
    ttl_s: int = 3600,
    guest: bool = False,
) -> str:
    """Make a bearer token that holds for `ttl_s` from now. Raises IdentityError."""
    said: dict[str, Any] = {
        "subject": secrets.token_urlsafe(9),
        "room": room,
        "role": role,
        "institution": institution,
        "guest": guest,
        "name": name,
        "expires": int(time.time()) + ttl_s,
    }
    try:
        claims = msgspec.convert(said, Claims)
    except msgspec.ValidationError as error:
        raise IdentityError(f"no token can say that: {error}") from None
    return encode(claims, key.private, key.kid)


def make_token(
    data_dir: Path, room: str, role: str, name: str | None, institution: str, ttl_s: int
) -> str:
    """Check what a person typed, and sign it with the data directory's key."""
    if role not in ROLES:
        raise IdentityError(f"no role {role!r}; there are {', '.join(ROLES)}")
    if not 1 <= ttl_s <= TTL_MAX_S:
        raise IdentityError(f"a token lives between 1 and {TTL_MAX_S} seconds, not {ttl_s}")
    return sign(load_or_create(data_dir), room, role, name, institution, ttl_s)
