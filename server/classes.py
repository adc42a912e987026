"""The service-class table: networks treat traffic by port and DSCP, so each class names its own.

DSCP follows RFC 8837, table 1 (flow type and priority); the latency targets name their sources.
The relay marks and prioritises by this table, the metrics and the latency tooling judge by it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Dscp = Annotated[int, Meta(ge=0, le=63)]
EF, AF41, AF32, AF21, AF11 = 46, 34, 28, 18, 10


class ServiceClassSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One class. `port` None shares the media port; priority 0 keeps its bandwidth longest."""

    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    dscp: Dscp
    priority: Annotated[int, Meta(ge=0, le=7)]
    latency_target_ms: Annotated[int, Meta(ge=1, le=60_000)]
    latency_source: str


CLASSES: dict[str, ServiceClassSettings] = {
    "control": ServiceClassSettings(
        dscp=EF,
        priority=0,
        latency_target_ms=20,
        latency_source="3GPP TR 22.826, robotic aided diagnosis, one way",
    ),
    "diagnostic": ServiceClassSettings(
        dscp=AF41,
        priority=1,
        latency_target_ms=100,
        latency_source="goal of this project: image age that still lets a hand follow an eye",
    ),
    "talk": ServiceClassSettings(
        dscp=AF41,
        priority=2,
        latency_target_ms=150,
        latency_source="ITU-T G.114, mouth to ear, essentially transparent to conversation",
    ),
    "vitals": ServiceClassSettings(
        dscp=AF21,
        priority=3,
        latency_target_ms=100,
        latency_source="3GPP TR 22.826, patient monitoring, one way",
    ),
    "imaging": ServiceClassSettings(
        dscp=AF11,
        priority=4,
        latency_target_ms=1000,
        latency_source="goal of this project: the first image within a second",
    ),
    "teaching": ServiceClassSettings(
        dscp=AF32,
        priority=5,
        latency_target_ms=3000,
        latency_source="goal of this project: a question still fits the slide it asks about",
    ),
}
