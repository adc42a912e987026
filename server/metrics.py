"""Prometheus metrics. Labels name routes and classes, never a room or a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from aiohttp import hdrs, web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.requests import bearer, equal, from_this_machine
from signaling.problem import Problem

# The planes' other numbers only grow.
GAUGES = frozenset({"transports", "tcp_connections", "tcp_queued_bytes"})
SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)

Numbers = Callable[[], Mapping[str, int]]


class Planes(Protocol):
    """What the packet planes count, together and each by class group and number of its thread."""

    def counters(self) -> Mapping[str, int]: ...
    def counters_by_lane(self) -> Mapping[tuple[str, int], Mapping[str, int]]: ...


class Metrics:
    """One registry for one application, so that two can live in one process."""

    def __init__(self, counts: Numbers, media: Planes, dicom: Numbers, control: Numbers) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_Now(counts, media, dicom, control))
        self.requests = Counter(
            "distal_http_requests",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.durations = Histogram(
            "distal_http_request_seconds",
            "Time to answer, WebSockets excepted.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request. A method that nobody knows is no label: there are too many of them."""
        known = method if method in hdrs.METH_ALL else "OTHER"
        self.requests.labels(known, route, str(status)).inc()
        if status != 101:  # a WebSocket's time is a call's length
            self.durations.labels(route).observe(took_s)

    def page(self, token: str, behind_proxy: bool) -> web.RouteDef:
        """GET /metrics, for this machine or for who knows the token."""

        async def metrics(request: web.Request) -> web.Response:
            allowed = (
                equal(bearer(request), token) if token else from_this_machine(request, behind_proxy)
            )
            if not allowed:
                raise Problem(
                    401 if token else 403,
                    "Ask from this machine, or set metrics_token and send it as a bearer token",
                    title="Metrics are protected",
                    headers={"WWW-Authenticate": "Bearer"} if token else {},
                )
            return web.Response(
                body=generate_latest(self.registry),
                headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
            )

        return web.get("/metrics", metrics)


class _Now(Collector):
    """What is going on at the moment of asking."""

    def __init__(self, counts: Numbers, media: Planes, dicom: Numbers, control: Numbers) -> None:
        self._counts = counts
        self._media = media
        self._dicom = dicom
        self._control = control

    def collect(self) -> Iterable[Metric]:
        for name, value in self._counts().items():
            yield GaugeMetricFamily(f"distal_{name}", f"Present {name}.", value)
        for name, value in self._dicom().items():
            text = f"The DICOM receiver's {name.replace('_', ' ')}."
            yield CounterMetricFamily(f"distal_dicom_{name}", text, value=value)
        for name, value in self._control().items():
            text = f"The control process's {name.replace('_', ' ')}."
            yield CounterMetricFamily(f"distal_control_{name}", text, value=value)
        by_lane = self._media.counters_by_lane()
        for name, value in self._media.counters().items():
            text = f"The packet planes' {name.replace('_', ' ')}"
            family = GaugeMetricFamily if name in GAUGES else CounterMetricFamily
            yield family(f"distal_media_{name}", f"{text}.", value=value)
            each = family(f"distal_media_lane_{name}", f"{text}, each.", labels=("group", "thread"))
            for (group, thread), counters in by_lane.items():
                each.add_metric((group, str(thread)), counters[name])
            yield each
