"""A slow network makes it slow, then still; a better one is trusted after a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.governor import CALM_US, FREE, NONE, Governor, Rule, rule

delay = st.none() | st.integers(0, 1_000_000)


@pytest.mark.parametrize(
    ("round_trip_us", "expected"),
    [
        (0, FREE),
        (200_000, FREE),
        (250_000, Rule(0.875, 0.5, True)),
        (300_000, Rule(0.75, 0.0, True)),
        (500_000, Rule(0.25, 0.0, True)),
        (500_001, NONE),
        (None, NONE),
    ],
)
def test_each_delay_has_its_rule(round_trip_us: int | None, expected: Rule) -> None:
    assert rule(round_trip_us, 0) == pytest.approx(expected)


@pytest.mark.parametrize("age_us", [None, 300_001])
def test_an_old_picture_moves_nothing(age_us: int | None) -> None:
    assert rule(0, age_us) == NONE


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_delay_never_allows_more(one_us: int, other_us: int) -> None:
    less, more = sorted((one_us, other_us))
    assert rule(more, 0) <= rule(less, 0)


def test_worse_counts_at_once_and_better_after_a_while() -> None:
    governor = Governor()
    governor.look(0, 0, 0)
    assert governor.look(0, 0, CALM_US) == FREE
    assert governor.look(600_000, 0, CALM_US + 1) == NONE
    assert governor.look(0, 0, CALM_US + 2) == NONE
    assert governor.look(0, 0, 2 * CALM_US + 1) == NONE
    assert governor.look(0, 0, 2 * CALM_US + 2) == FREE


@given(st.lists(st.tuples(delay, delay, st.integers(0, CALM_US))))
def test_it_never_allows_more_than_the_delays_now(
    looks: list[tuple[int | None, int | None, int]],
) -> None:
    governor, now_us = Governor(), 0
    for round_trip_us, age_us, wait_us in looks:
        now_us += wait_us
        assert governor.look(round_trip_us, age_us, now_us) <= rule(round_trip_us, age_us)
