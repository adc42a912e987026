"""The aiohttp application: signaling, web client, join codes, health and metrics in one."""

from __future__ import annotations

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.config import Settings
from server.control import ControlProcess
from server.dicom_api import DicomApi
from server.join_api import JoinApi
from server.joins import JoinCodes
from server.keys import TokenKey
from server.metrics import Metrics, Planes
from server.network_api import NetworkApi
from server.receiver import Receiver
from server.web_client import WebClient, security_headers
from signaling.problem import Problem, problem_middleware
from signaling.service import Signaling
from signaling.tokens import TokenVerifier

log = structlog.get_logger("server.http")
BODY_MAX = 256 * 1024  # the largest session description, with room to spare
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Health:
    """Alive is whoever answers; ready is who has started and is not stopping."""

    def __init__(self) -> None:
        self.ready = False

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [web.get("/healthz", self.alive), web.get("/readyz", self.serving)]

    async def alive(self, _request: web.Request) -> web.Response:
        """The event loop turns."""
        return web.json_response({"status": "alive"}, headers={"Cache-Control": "no-store"})

    async def serving(self, _request: web.Request) -> web.Response:
        """Send me work."""
        if not self.ready:
            raise Problem(
                503, "Starting or stopping", title="Not ready", headers={"Retry-After": "2"}
            )
        return web.json_response({"status": "ready"}, headers={"Cache-Control": "no-store"})


def make_app(
    settings: Settings,
    signaling: Signaling,
    media: Planes,
    key: TokenKey,
    verifier: TokenVerifier,
    codes: JoinCodes,
    health: Health,
    receiver: Receiver,
    control: ControlProcess,
) -> web.Application:
    """Compose what is served. The web client comes last: it takes every name that is left."""
    metrics = Metrics(signaling.counts, media, receiver.counters, control.counters)
    app = web.Application(
        middlewares=[_observed(metrics), security_headers, problem_middleware],
        client_max_size=BODY_MAX,
    )
    app.add_routes(signaling.routes())
    app.add_routes(JoinApi(codes, key, verifier, settings).routes())
    network = NetworkApi(signaling.relay, verifier, signaling.settings.turn, settings)
    app.add_routes(network.routes())
    app.on_cleanup.append(network.close)
    film = DicomApi(settings, verifier, receiver.intake, signaling.given, signaling.sitting)
    app.add_routes(film.routes())
    app.cleanup_ctx.append(film.running)
    app.add_routes(health.routes())
    app.add_routes([metrics.page(settings.metrics_token, settings.behind_proxy)])
    app.add_routes(WebClient(settings.web_dir).routes())
    return app


def _observed(metrics: Metrics) -> Middleware:
    """Count and log each request by its route: addresses of pages hold codes and room names."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.monotonic()
        status = 499  # the client went away
        try:
            answer = await handler(request)
            status = answer.status
            return answer
        except web.HTTPException as refused:
            status = refused.status
            raise
        finally:
            took_s = time.monotonic() - started
            resource = request.match_info.route.resource
            route = resource.canonical if resource else "none"
            metrics.answered(request.method, route, status, took_s)
            if route not in QUIET:
                log.info(
                    "http",
                    method=request.method,
                    route=route,
                    status=status,
                    took_ms=round(took_s * 1000, 1),
                )

    return observe
