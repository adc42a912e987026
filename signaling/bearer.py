"""The token of an HTTP request: only ever in the Authorization header."""

from __future__ import annotations

from aiohttp import web


def bearer(request: web.Request) -> str | None:
    """The bearer token; None when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
