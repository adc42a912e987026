"""What a request says about who sent it, when a proxy may stand in front."""

from __future__ import annotations

import hmac
import ipaddress
import math
from typing import TypeVar

import msgspec
from aiohttp import web

from server.config import is_loopback
from server.limits import RateLimit
from signaling.problem import Problem

BODY_MAX = 4096
T = TypeVar("T")


def client_address(request: web.Request, behind_proxy: bool) -> str:
    """Address of the client. Only the proxy's own entry, the last, is believed."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if behind_proxy and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return request.remote or ""


def rate_key(request: web.Request, behind_proxy: bool) -> str:
    """Whom to count as one asker: an address, or an IPv6 network of one customer (/64)."""
    text = client_address(request, behind_proxy)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return text


def slow_down(request: web.Request, limit: RateLimit, behind_proxy: bool) -> None:
    """Take one of what this asker may do. Raises Problem when there is none left."""
    wait_s = limit.wait_s(rate_key(request, behind_proxy))
    if wait_s:
        raise Problem(
            429,
            f"Try again in {math.ceil(wait_s)} s",
            title="Too many requests",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )


def public_origin(request: web.Request, behind_proxy: bool, public_url: str) -> str:
    """What this server is called outside, for links: scheme, host and port."""
    if public_url:
        return public_url.rstrip("/")
    scheme, host = request.scheme, request.host
    if behind_proxy:
        scheme = request.headers.get("X-Forwarded-Proto", scheme)
        host = request.headers.get("X-Forwarded-Host", host)
    return f"{scheme}://{host}"


def bearer(request: web.Request) -> str | None:
    """Token of the Authorization header."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token else None


def from_this_machine(request: web.Request, behind_proxy: bool) -> bool:
    """Whether a program on this machine asks this server directly.

    A page elsewhere can have its name resolve to 127.0.0.1, so the name counts too.
    """
    if behind_proxy or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    host = request.host
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(request.remote or "") and is_loopback(name)


def equal(said: str | None, secret: str) -> bool:
    """Compare without telling by the time it takes; no secret equals nothing."""
    return bool(secret) and said is not None and hmac.compare_digest(said.encode(), secret.encode())


async def read_json(request: web.Request, kind: type[T]) -> T:
    """A small body as what it has to be. Raises Problem."""
    if request.content_type != "application/json":
        raise Problem(415, "Send Content-Type: application/json", title="Not JSON")
    if request.content_length is None or request.content_length > BODY_MAX:
        raise Problem(413, f"Send Content-Length, at most {BODY_MAX} bytes", title="Too large")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, str(error), title="Malformed request") from None
