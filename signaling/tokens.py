"""Tokens: who somebody is, in which room, and what he may do there. JWT, signed with EdDSA only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from signaling.protocol import Grants, Ident, Name, Role
from signaling.roles import grants_of

ALGORITHM = "EdDSA"  # pinned: what the token itself says of its algorithm counts for nothing
ISSUER = AUDIENCE = "distal"
TOKEN_MAX = 8192
RoomName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x20\x7f/?#%\\]+\Z")]

OF_ROLE: Any = None  # stands for the role's grants until they are filled in


class TokenError(Exception):
    """The token opens nothing; the message says why and holds nothing of it."""


class Claims(Struct, kw_only=True, frozen=True):
    """What a token says. Expiry gates joining, not a running call."""

    subject: Ident
    room: RoomName
    role: Role
    expires: int  # Unix time, s
    institution: Annotated[str, Meta(max_length=120)] = ""
    guest: bool = False  # the institution is no more than a name: its data are not his
    name: Name | None = None
    grants: Grants = OF_ROLE

    def __post_init__(self) -> None:
        if self.grants is OF_ROLE:
            msgspec.structs.force_setattr(self, "grants", grants_of(self.role))


class _Header(Struct):
    kid: str = ""


_header = msgspec.json.Decoder(_Header)


def _kid(token: str) -> str:
    """Which key to try; all else of the header is checked with the signature."""
    head = token.partition(".")[0]
    padded = head + "=" * (-len(head) % 4)
    return _header.decode(base64.urlsafe_b64decode(padded)).kid


class TokenVerifier:
    """Verifies tokens against public keys by their `kid`."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    def verify(self, token: str, *, expired: bool = False) -> Claims:
        """The claims of a valid token, `expired` too if asked for. Raises TokenError."""
        if len(token) > TOKEN_MAX:
            raise TokenError("the token is too long")
        try:
            key = self._keys.get(_kid(token))
            if key is None:
                raise TokenError("the token is signed with a key that is not known here")
            said: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": not expired},
            )
        except jwt.ExpiredSignatureError:
            raise TokenError("the token has expired") from None
        except (jwt.PyJWTError, msgspec.DecodeError, ValueError, RecursionError):
            raise TokenError("the token is not valid") from None
        said |= {"subject": said["sub"], "expires": said["exp"]}
        try:
            return msgspec.convert(said, Claims)
        except msgspec.ValidationError as error:
            raise TokenError(f"the token's claims are not valid: {error}") from None


def encode(claims: Claims, private_key: Ed25519PrivateKey, kid: str) -> str:
    """Sign claims. Grants go into the token only where they differ from their role's."""
    said: dict[str, Any] = msgspec.to_builtins(claims)
    said |= {"iss": ISSUER, "aud": AUDIENCE, "sub": said.pop("subject")}
    said["exp"] = said.pop("expires")
    if claims.grants == grants_of(claims.role):
        del said["grants"]
    return jwt.encode(said, private_key, algorithm=ALGORITHM, headers={"kid": kid})
