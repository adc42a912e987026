"""A soak of seconds, and how its samples are judged."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from loadtests import soak
from loadtests.distal import Distal
from loadtests.measure import new_ssrcs
from loadtests.member import Member
from loadtests.peer import PROFILES, Network
from loadtests.soak import Sample, Settings, Soak
from signaling import protocol as p


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


async def test_a_member_whose_socket_drops_with_an_answer_goes_on_listening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Distal(tmp_path)
    await server.start()
    try:
        token = await server.token("drop")
        async with Network(PROFILES["AES-128-GCM"], coalesce_us=2000) as network:
            stays, comes = (Member(network, server.ws_url, token, name) for name in "ab")
            request = stays.client.request
            answers: list[p.SubscribeAnswer] = []

            async def cut_once(asked: Any, answer: Any) -> Any:
                if isinstance(asked, p.SubscribeAnswer):
                    answers.append(asked)
                    if len(answers) == 1:
                        stays.client.drop()
                return await request(asked, answer)

            monkeypatch.setattr(stays.client, "request", cut_once)
            await stays.enter(new_ssrcs())
            await comes.enter(new_ssrcs())
            await stays.until_offered(2)
            await comes.leave()
            async with asyncio.timeout(10):
                while stays.tracks:
                    await asyncio.sleep(0.05)
            assert len(answers) > 1
            await stays.leave()
    finally:
        await server.stop()
