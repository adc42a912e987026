"""Commands come out evenly, never much late, whatever the sender's clock says."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from control.jitter import LATEST_US, JitterBuffer
from tests.control.test_messages import COMMAND


def played(arrivals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(sequence, when) of what comes out, for (sent, came) of what goes in."""
    buffer, out = JitterBuffer(), []
    came = {came_us: (n, sent_us) for n, (sent_us, came_us) in enumerate(arrivals)}
    for now_us in range(0, max(came) + 2 * LATEST_US, 1000):
        if now_us in came:
            n, sent_us = came[now_us]
            buffer.put(replace(COMMAND, sequence=n, sent_us=sent_us), now_us)
        if command := buffer.take(now_us):
            out.append((command.sequence, now_us))
    return out


def test_jitter_is_evened_out() -> None:
    chance = random.Random(1)
    sent = [10_000 * n for n in range(300)]
    arrivals = [(at, at + 50_000 + 1000 * chance.randrange(9)) for at in sent]
    gaps = [b[1] - a[1] for a, b in pairwise(played(arrivals)[50:])]
    assert max(gaps) - min(gaps) <= 4000
    came = [b[1] - a[1] for a, b in pairwise(arrivals)]
    assert max(came) - min(came) >= 12_000


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=30))
def test_no_clock_of_the_sender_s_holds_a_command_back(clocks: list[int]) -> None:
    buffer = JitterBuffer()
    for n, sent_us in enumerate(clocks):
        now_us = 10_000 * n
        buffer.put(replace(COMMAND, sequence=n, sent_us=sent_us), now_us)
        newest = buffer.take(now_us + LATEST_US)
        assert newest is not None
        assert newest.sequence == n
