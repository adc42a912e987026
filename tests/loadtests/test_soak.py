"""A soak of seconds, and how its samples are judged."""

from __future__ import annotations

import math

import pytest

from loadtests import soak
from loadtests.soak import Sample, Settings, Soak


def rests(growth_an_hour: float, minutes: int = 60) -> list[Sample]:
    """A warm-up of 30 MB, then a steady growth."""
    return [
        Sample(m, round(100_000 * (1 + growth_an_hour * m / 60) + 30_000 * min(1, m / 15)), 0, 14)
        for m in range(3, minutes + 1, 3)
    ]


@pytest.mark.parametrize("grown", [0.0, 0.02, 0.3])
def test_growth_is_that_after_the_warm_up(grown: float) -> None:
    assert soak.growth(rests(grown)) == pytest.approx(grown * 100 / 130, abs=0.04)


def test_three_rests_after_the_warm_up_are_needed() -> None:
    assert math.isnan(soak.growth(rests(0.0, minutes=6)))


def held(seen: Soak) -> dict[str, bool]:
    return {bar.work.rpartition(": ")[2]: bar.held for bar in soak.bars(seen, Settings())}


def test_each_bar_can_fail() -> None:
    good = Soak(rests=rests(0.0))
    assert all(held(good).values())
    assert not held(Soak(rests=rests(0.3)))["resident memory"]
    leaking = [Sample(s.minute, s.rss_kb, 0, 14 + n // 10) for n, s in enumerate(rests(0.0))]
    assert not held(Soak(rests=leaking))["file descriptors"]
    assert not held(Soak(rests=rests(0.0), silent=1))["media of those who stay"]


async def test_guests_come_and_go_and_those_who_stay_hear_each_other() -> None:
    settings = Settings(minutes=0.25, busy_s=5.0, rest_s=0.5, sample_s=0.5)
    seen = await soak.run(settings)
    assert len(seen.rests) >= 2
    assert len(seen.samples) > len(seen.rests)
    assert sum(seen.counts.values()) > 0
    assert seen.failures == {}
    assert seen.silent == 0
    assert all(s.rss_kb > 20_000 and s.fds > 5 for s in seen.rests)
