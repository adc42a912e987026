"""Delays between attempts: growing, bounded, reset by success."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from clients.backoff import Backoff


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_delays_double_up_to_the_bound_and_spread_by_a_fifth(seed: int, attempts: int) -> None:
    backoff = Backoff(first_s=0.25, longest_s=8.0, random=random.Random(seed))
    for attempt in range(attempts):
        expected_s = min(0.25 * 2.0 ** min(attempt, 30), 8.0)
        assert 0.8 * expected_s <= backoff.next_s() <= 1.2 * expected_s


def test_success_begins_again_from_the_shortest_delay() -> None:
    backoff = Backoff(random=random.Random(1))
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.3
