"""Credentials for the operator's TURN server, made for one participant and good for a few hours.

The TURN server and this one share a secret and nothing else (draft-uberti-behave-turn-rest): the
user name is the Unix time at which it ends and whom it was given to, the password is the name's
HMAC. coturn takes it with `use-auth-secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from signaling import protocol as p


@dataclass(frozen=True, kw_only=True)
class TurnSettings:
    """`urls` as RFC 7065 writes them, for example turns:turn.example:443?transport=tcp."""

    urls: tuple[str, ...]
    secret: bytes = field(repr=False)
    ttl_s: int

    def servers(self, subject: str, ttl_s: int | None = None) -> list[p.IceServer]:
        """All the servers, with a credential that nobody but `subject` is given."""
        username = f"{int(time.time()) + (ttl_s or self.ttl_s)}:{subject}"
        digest = hmac.digest(self.secret, username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return [p.IceServer(urls=list(self.urls), username=username, credential=credential)]


def link_values(servers: Iterable[p.IceServer]) -> list[str]:
    """One Link header a URL, as WHIP and WHEP give them (RFC 9725 section 4.6)."""
    return [
        f'<{url}>; rel="ice-server"; username="{server.username}";'
        f' credential="{server.credential}"; credential-type="password"'
        for server in servers
        for url in server.urls
    ]
