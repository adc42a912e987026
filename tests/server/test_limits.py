"""The rate limit: a burst, then a trickle, each address for itself, and never unbounded."""

from __future__ import annotations

from server import limits
from server.limits import RateLimit


def test_a_burst_then_a_trickle() -> None:
    now_s = 0.0
    limit = RateLimit(3, 0.5, lambda: now_s)
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 2.0]
    now_s = 1.0
    assert limit.wait_s("a") == 1.0
    now_s = 2.0
    assert limit.wait_s("a") == 0
    assert limit.wait_s("a") > 0


def test_addresses_do_not_share() -> None:
    limit = RateLimit(1, 1, lambda: 0.0)
    assert limit.wait_s("a") == 0
    assert limit.wait_s("a") > 0
    assert limit.wait_s("b") == 0


def test_it_never_saves_more_than_the_burst() -> None:
    now_s = 0.0
    limit = RateLimit(2, 1, lambda: now_s)
    limit.wait_s("a")
    now_s = 1000.0
    assert [limit.wait_s("a") == 0 for _ in range(3)] == [True, True, False]


def test_strangers_push_out_the_oldest_only() -> None:
    limit = RateLimit(1, 0.001, lambda: 0.0)
    for number in range(limits.ADDRESSES_MAX + 10):
        limit.wait_s(str(number))
    assert limit.wait_s("0") == 0  # forgotten
    assert limit.wait_s(str(limits.ADDRESSES_MAX)) > 0  # remembered
