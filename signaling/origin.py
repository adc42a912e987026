"""Which web pages may talk to this server: its own, and those of the allow-list."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from signaling.settings import SignalingSettings

PORTS = {"http": 80, "https": 443}


def may_connect(request: web.Request, settings: SignalingSettings) -> bool:
    """Programs send no Origin; a browser's has to be this host, or be allowed."""
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.allow_origins:
        return True
    hosts = [request.headers.get("Host", "")]
    if settings.behind_proxy:
        hosts.append(request.headers.get("X-Forwarded-Host", "").split(",")[0].strip())
    try:
        scheme = urlsplit(origin).scheme
        return _place(origin) is not None and _place(origin) in [
            _place(f"{scheme}://{host}") for host in hosts if host
        ]
    except ValueError:
        return False


def _place(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme)
    return (parts.hostname, port) if parts.hostname and port else None
