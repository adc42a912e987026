"""Settings that change while the network runs: spans of time, each with fields that differ then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from loadtests.impairment.settings import LinkSettings

Direction = Literal["up", "down"]  # up: from the clients to the server
NS = 1_000_000_000
SPANS_MAX = 100_000  # a change every second, both ways, for half a day

_PARSE = {f.name: {"float": float, "int": int}.get(str(f.type), str) for f in fields(LinkSettings)}


@dataclass(frozen=True)
class During:
    """From `start_s` until `end_s`, these fields of a direction are other than usual.

    Where spans overlap, the later in the list wins.
    """

    start_s: float
    end_s: float
    up: Mapping[str, Any] = field(default_factory=dict)
    down: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a span must end after it starts: {self.start_s} to {self.end_s} s")
        unknown = (self.up.keys() | self.down.keys()) - _PARSE.keys()
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")

    def of(self, direction: Direction) -> Mapping[str, Any]:
        return self.up if direction == "up" else self.down


def outage(start_s: float, seconds: float) -> During:
    """Nothing passes, either way."""
    lose = {"outage": "lose"}
    return During(start_s, start_s + seconds, lose, lose)


def changes(
    usual: LinkSettings, spans: Sequence[During], direction: Direction, from_ns: int = 0
) -> list[tuple[int, tuple[int, ...]]]:
    """A link's schedule: the complete settings at the beginning and whenever they change."""
    if len(spans) > SPANS_MAX:
        raise ValueError(f"{len(spans)} spans are more than {SPANS_MAX}")
    edges = [(span.start_s, True, i) for i, span in enumerate(spans)]
    edges += [(s.end_s, False, i) for i, s in enumerate(spans) if math.isfinite(s.end_s)]
    out = [(from_ns, usual.numbers())]
    active: set[int] = set()
    for at_s, begins, number in sorted(edges):
        (active.add if begins else active.discard)(number)
        now = usual
        for i in sorted(active):
            now = replace(now, **spans[i].of(direction))
        at_ns = from_ns + round(at_s * NS)
        if out[-1][0] == at_ns:
            out.pop()
        out.append((at_ns, now.numbers()))
    return out


def parse_fields(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read `down.rate_kbps=1000,loss=0.02`: fields up and fields down; without a prefix, both."""
    up: dict[str, Any] = {}
    down: dict[str, Any] = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.strip().partition("=")
        prefix, dot, rest = name.rpartition(".")
        if not equals or rest not in _PARSE or (dot and prefix not in ("up", "down")):
            raise ValueError(f"expected [up.|down.]SETTING=VALUE, not {item!r}")
        for direction, into in (("up", up), ("down", down)):
            if prefix in ("", direction):
                into[rest] = _PARSE[rest](value)
    return up, down


def parse_during(text: str) -> During:
    """Read `10-40:down.rate_kbps=1000`; an empty end lasts for ever."""
    span, _, what = text.partition(":")
    start, dash, end = span.partition("-")
    if not dash:
        raise ValueError(f"expected START-END:SETTINGS, not {text!r}")
    return During(float(start), float(end or math.inf), *parse_fields(what))


def parse_outage(text: str) -> During:
    """Read `5+25`: at 5 s, for 25 s."""
    start, plus, seconds = text.partition("+")
    if not plus:
        raise ValueError(f"expected START+SECONDS, not {text!r}")
    return outage(float(start), float(seconds))
