"""Named networks. Each value has a source or a reason in its profile's `why`.

What changes by itself (a moving car's cells, other people's traffic) is a list of spans made from
the seed, so that two runs with one seed meet the same weather at the same second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from loadtests._impairment import Link
from loadtests.impairment.settings import LinkSettings, bursty
from loadtests.impairment.timeline import During, changes

Weather = Callable[[Random, float], list[During]]


def _calm(random: Random, seconds: float) -> list[During]:
    return []


@dataclass(frozen=True)
class Profile:
    """Both directions, what changes by itself during so many seconds, and why it is so."""

    up: LinkSettings
    down: LinkSettings
    why: str
    weather: Weather = _calm

    def spans(self, seed: int, seconds: float) -> list[During]:
        """What changes by itself."""
        return self.weather(Random(seed), seconds)

    def with_fields(self, up: dict[str, Any], down: dict[str, Any]) -> Profile:
        """The same, but for some settings."""
        return replace(self, up=replace(self.up, **up), down=replace(self.down, **down))


def _shared_rate(profile_up: float, profile_down: float, low: float, high: float) -> Weather:
    """Other people's traffic and fading: every second or three, another share of the rate."""

    def weather(random: Random, seconds: float) -> list[During]:
        spans, at_s = [], 0.0
        while at_s < seconds:
            end_s = at_s + random.uniform(1.0, 3.0)
            up, down = (random.uniform(low, high) for _ in range(2))
            spans.append(
                During(
                    at_s, end_s, {"rate_kbps": profile_up * up}, {"rate_kbps": profile_down * down}
                )
            )
            at_s = end_s
        return spans

    return weather


def _holds(every_s: float, low_s: float, high_s: float) -> Weather:
    """Interruptions at random moments, during which packets wait."""

    def weather(random: Random, seconds: float) -> list[During]:
        spans, at_s = [], random.expovariate(1 / every_s)
        while at_s < seconds:
            end_s = at_s + random.uniform(low_s, high_s)
            spans.append(During(at_s, end_s, {"outage": "hold"}, {"outage": "hold"}))
            at_s = end_s + random.expovariate(1 / every_s)
        return spans

    return weather


def _together(*parts: Weather) -> Weather:
    return lambda random, seconds: [span for part in parts for span in part(random, seconds)]


PROFILES: dict[str, Profile] = {
    "none": Profile(
        LinkSettings(), LinkSettings(), "Passes everything at once: the run to compare others with."
    ),
    "fibre": Profile(
        up=LinkSettings(rate_kbps=100_000, queue_ms=50, delay_ms=4, jitter_ms=1, loss=1e-5),
        down=LinkSettings(rate_kbps=100_000, queue_ms=50, delay_ms=4, jitter_ms=1, loss=1e-5),
        why="""A hospital's own line. Light takes 5 µs/km in fibre (refractive index 1.47), so 500
        km of cable from county to province are 2.5 ms, and routers get the rest of 4 ms. 50 ms at
        100 Mbit/s are 600 KB, a common switch's buffer. Loss: a hundredth of ITU-T Y.1541 class
        0's bound of 10^-3.""",
    ),
    "5g_slice": Profile(
        up=LinkSettings(rate_kbps=25_000, queue_ms=20, delay_ms=6, jitter_ms=4, loss=1e-6),
        down=LinkSettings(rate_kbps=50_000, queue_ms=20, delay_ms=6, jitter_ms=4, loss=1e-6),
        why="""5QI 80 of 3GPP TS 23.501 table 5.7.4-1: delay budget 10 ms, here spent to the last
        millisecond by delay and jitter; error rate 10^-6. Rate: one diagnostic picture (20
        Mbit/s) and a face upwards, twice that downwards. The short queue: what exceeds a
        guaranteed rate is policed, not stored.""",
    ),
    "5g_best_effort": Profile(
        up=LinkSettings(
            rate_kbps=15_000, queue_ms=200, delay_ms=18, jitter_ms=20, **bursty(0.002, 5)
        ),
        down=LinkSettings(
            rate_kbps=80_000, queue_ms=200, delay_ms=10, jitter_ms=15, **bursty(0.001, 5)
        ),
        weather=_together(_shared_rate(15_000, 80_000, 0.4, 1.0), _holds(60.0, 0.03, 0.11)),
        why="""Delay: Rohde & Schwarz measured (2022) below 7 ms down and about 18 ms up at 15
        Mbit/s, one way, in a commercial 5G NSA network beside the server; 3 ms are added
        downwards for the way to it. Jitter: a few uplink grants of a TDD pattern of 5 ms. Rates:
        a mid-band cell whose other users take up to 60 %. Loss: the radio repeats what it loses
        (5QI 9: 10^-6), so what is left is dropped in runs by full queues: 1 to 2 in a thousand.
        Holds of 30 to 110 ms about once a minute: handovers of 4G and 5G (Xu and others, SIGCOMM
        2020: 30 and 108 ms). Queue: between RFC 8868's short 70 and nominal 300 ms.""",
    ),
    "4g_moving": Profile(
        up=LinkSettings(
            rate_kbps=4_000, queue_ms=400, delay_ms=35, jitter_ms=40, **bursty(0.015, 6)
        ),
        down=LinkSettings(
            rate_kbps=12_000, queue_ms=400, delay_ms=25, jitter_ms=30, **bursty(0.01, 6)
        ),
        weather=_together(
            _shared_rate(4_000, 12_000, 0.25, 1.5), _holds(12.0, 0.03, 0.08), _holds(90.0, 0.3, 1.0)
        ),
        why="""An ambulance on an LTE network. Rates: 1 to 6 Mbit/s up, 3 to 18 down, another
        every 1 to 3 s, because drive tests see it change from second to second (Raca and others,
        MMSys 2018); the low end is where adaptation is at work. A handover about every 12 s
        (cells of 250 m at 75 km/h) holds packets for 30 to 80 ms (3GPP TR 36.881: 49.5 ms), and
        one in 90 s fails and takes 0.3 to 1 s to re-establish (its timer T311 allows 1 s or
        more). Delay: 60 ms both ways, usual for LTE under load; jitter: up to five repeats 8 ms
        apart (HARQ). Loss 1 to 1.5 % in runs of 6, a reasoned guess at what fades and handovers
        leave. Queue: RFC 8868's nominal 300 to 500 ms.""",
    ),
    "satellite": Profile(
        up=LinkSettings(
            rate_kbps=2_000,
            queue_ms=600,
            delay_ms=270,
            jitter_ms=20,
            loss=1e-3,
            **bursty(0.002, 20),
        ),
        down=LinkSettings(
            rate_kbps=10_000,
            queue_ms=600,
            delay_ms=270,
            jitter_ms=10,
            loss=1e-3,
            **bursty(0.002, 20),
        ),
        why="""Geostationary, where a township has neither fibre nor a mobile network; a low orbit
        is closer to 5g_best_effort. Delay: light takes 239 ms to 35 786 km and back and up to 280
        ms to the edge of the earth (5QI 10, made for it, allows 1100 ms). Rates: a small Ka-band
        terminal's contract. Jitter: a return link in time slots of some 20 ms. Loss: 10^-3 by
        itself, and runs of 20 in rain, a reasoned guess. Queue: one round trip, as terminals are
        dimensioned for TCP.""",
    ),
}


def links(
    profile: Profile, seed: int, seconds: float, during: tuple[During, ...] = ()
) -> tuple[Link, Link]:
    """Up and down without clock and sockets, for a simulation; as the emulator would make them."""
    spans = [*profile.spans(seed, seconds), *during]
    up = Link(profile.up.numbers(), 2 * seed + 1)
    down = Link(profile.down.numbers(), 2 * seed)
    up.schedule(changes(profile.up, spans, "up"))
    down.schedule(changes(profile.down, spans, "down"))
    return up, down
