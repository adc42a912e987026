"""The built web client: one page for every address of its own, and files that never change."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from signaling.problem import Problem

BUILT = Path(__file__).parent.parent / "clients" / "web" / "dist"
PAGES = (
    "/",
    "/join/{code}",
    "/room/{room}",
    "/network",
    "/film",
    "/film/{study}",
    "/shared/{link}",
)
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self';"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:;"
        " font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'self'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",  # a join code is in the page's address
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FOREVER = "public, max-age=31536000, immutable"  # names under /assets/ hold a hash of the content


class WebClient:
    """Serves `directory`, or says how to build it."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or BUILT

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        pages = [web.get(path, self.page) for path in PAGES]
        return [*pages, web.get("/{file:[^/]+}", self.file), web.get("/assets/{file}", self.asset)]

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """The client itself; it reads its own address."""
        index = self._directory / "index.html"
        if not index.is_file():
            raise Problem(
                503,
                "Run `make web`, or give --web-dir; the API works",
                title="Web client not built",
            )
        return web.FileResponse(index, headers={"Cache-Control": "no-cache"})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file beside the page: icon, manifest."""
        return self._send(self._directory, request.match_info["file"], "no-cache")

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file whose name changes with its content."""
        return self._send(self._directory / "assets", request.match_info["file"], FOREVER)

    def _send(self, directory: Path, name: str, cache: str) -> web.StreamResponse:
        # A route's pattern admits no slash, yet an encoded one arrives here decoded.
        path = directory / name
        if path.name != name or "\0" in name or not path.is_file():
            raise Problem(404, "There is nothing at this address", title="Not found")
        return web.FileResponse(path, headers={"Cache-Control": cache})


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer says what a browser must not do with it."""
    answer = await handler(request)
    if not answer.prepared:
        for name, value in SECURITY_HEADERS.items():
            answer.headers.setdefault(name, value)
    return answer
