"""The bandwidth estimator in calls over emulated links: what it finds, and what viewers pay.

`pytest -s tests/media/test_bandwidth.py` prints a line for each network.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.impairment.profiles import PROFILES
from loadtests.impairment.settings import bursty
from loadtests.impairment.timeline import During, outage
from media._plane import BandwidthEstimator
from tests.media.bandwidth import Call, Second, link, write_feedback

MBPS = 1_000_000
FLOOR, CEILING, START = 30_000, 100 * MBPS, MBPS


def told(name: str, call: Call) -> list[Second]:
    """Run it, and print what it was like after the first five seconds."""
    seconds = call.run()
    later = seconds[5:]
    print(
        f"\n{name:28} estimate {min(s.bps for s in later) / MBPS:6.2f} "
        f"{mean(s.bps for s in later) / MBPS:6.2f} {max(s.bps for s in later) / MBPS:6.2f} Mbit/s, "
        f"came {mean(s.came_bps for s in later) / MBPS:6.2f}, "
        f"queue {mean(s.queue_ms for s in later):4.0f} {max(s.queue_ms for s in later):5.0f} ms, "
        f"probes {call.probes}"
    )
    return seconds


def narrow(start_s: float, end_s: float, kbps: float) -> tuple[During, ...]:
    return (During(start_s, end_s, down={"rate_kbps": kbps}),)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mbps", [0.3, 1, 3, 10])
def test_a_constant_limit_is_found_without_a_standing_queue(mbps: float, seed: int) -> None:
    call = Call(link(1000 * mbps), int(3 * mbps * MBPS), 30, seed=seed)
    later = told(f"{mbps} Mbit/s", call)[8:]
    assert 0.7 * mbps * MBPS < mean(s.bps for s in later) < 1.05 * mbps * MBPS
    assert mean(s.came_bps for s in later) > 0.7 * mbps * MBPS
    assert mean(s.queue_ms for s in later) < 110  # of each second's longest: key frames, probes
    assert mean(s.lost for s in later) < 0.01


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("queue_ms", [300, 3000])
@pytest.mark.parametrize(("wide_mbps", "wanted_mbps"), [(5, 6), (20, 2.5)])
def test_a_bottleneck_comes_and_goes(
    wide_mbps: float, wanted_mbps: float, queue_ms: float, seed: int
) -> None:
    profile = link(1000 * wide_mbps, queue_ms=queue_ms)
    during = narrow(20, 40, 1000)
    call = Call(profile, int(wanted_mbps * MBPS), 60, during, seed=seed)
    seconds = told(f"{wide_mbps} to 1 Mbit/s and back", call)
    assert max(s.queue_ms for s in seconds[25:40]) < 200
    assert mean(s.came_bps for s in seconds[25:40]) > 0.65 * MBPS
    room = min(wide_mbps, wanted_mbps) * MBPS
    recovered = next(n for n, s in enumerate(seconds[40:]) if s.bps > 0.7 * room)
    assert recovered < 10


@pytest.mark.parametrize(
    "more", [{"paced": True}, {"feedback_ms": 50}, {"feedback_ms": 250}, {"skew_ppm": 200}]
)
def test_senders_and_receivers_may_differ(more: dict[str, int]) -> None:
    call = Call(link(3000), 5 * MBPS, 30, **more)  # type: ignore[arg-type]
    later = told(f"3 Mbit/s, {more}", call)[8:]
    assert 0.75 * 3 * MBPS < mean(s.bps for s in later) < 3 * MBPS
    assert mean(s.queue_ms for s in later) < 110


@pytest.mark.parametrize("seed", [1, 2])
def test_other_peoples_packets_leave_less(seed: int) -> None:
    """A probe's packets come closer together than what is left between somebody else's."""
    call = Call(link(3000), 5 * MBPS, 30, seed=seed, others_bps=2 * MBPS)
    later = told("2 of 3 Mbit/s are taken", call)[10:]
    assert 0.7 * MBPS < mean(s.bps for s in later) < 1.15 * MBPS
    assert mean(s.queue_ms for s in later) < 150


def test_a_longer_way_is_not_taken_for_a_queue_for_ever() -> None:
    during = (During(10, 40, down={"delay_ms": 175}),)
    seconds = told("150 ms more on the way", Call(link(5000), int(2.5 * MBPS), 40, during))
    assert min(s.bps for s in seconds[16:]) > 2.5 * MBPS


def test_layers_that_fit_are_kept() -> None:
    """A sender that can send only some rates is not pushed below the one that fits."""
    steps = (150_000, 700_000, 2_400_000)
    call = Call(link(20_000), int(2.5 * MBPS), 60, narrow(20, 40, 1000), steps=steps)
    seconds = told("layers, 1 Mbit/s", call)
    assert mean(s.came_bps for s in seconds[25:40]) > 0.7 * MBPS  # with its sound
    assert max(s.queue_ms for s in seconds[25:40]) < 200
    assert max(s.came_bps for s in seconds[50:]) > 2 * MBPS


HARMLESS = {
    "no limit": link(),
    "loopback": link(delay_ms=0.1),
    "5 % random loss": link(loss=0.05),
    "2 % bursty loss": link(**bursty(0.02, 5)),
    "20 ms of jitter": link(jitter_ms=20),
    "reordering": link(reorder=0.05, reorder_ms=30, duplicate=0.02),
    "fibre": PROFILES["fibre"],
    "5g_slice": PROFILES["5g_slice"],
    "5g_best_effort": PROFILES["5g_best_effort"],
    "satellite": PROFILES["satellite"],
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_congestion_costs_nothing(name: str) -> None:
    call = Call(HARMLESS[name], int(2.5 * MBPS), 30)
    seconds = told(name, call)
    assert min(s.bps for s in seconds[3:]) > 2.5 * MBPS  # three seconds: the satellite's
    assert call.probes < 8


def test_a_lossy_limit_is_used() -> None:
    for profile in (link(3000, loss=0.05), link(3000, **bursty(0.02, 5)), link(3000, jitter_ms=20)):
        seconds = told("3 Mbit/s, and more", Call(profile, 5 * MBPS, 30))
        assert mean(s.bps for s in seconds[5:]) > 0.7 * 3 * MBPS
        assert mean(s.queue_ms for s in seconds[5:]) < 120


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_moving_car_is_followed(seed: int) -> None:
    seconds = told("4g_moving", Call(PROFILES["4g_moving"], 5 * MBPS, 60, seed=seed))
    assert mean(s.came_bps for s in seconds) > 3.5 * MBPS
    assert mean(s.queue_ms for s in seconds) < 150


@pytest.mark.parametrize("gone_s", [5, 25])
def test_an_outage_does_not_destroy_the_estimate(gone_s: int) -> None:
    call = Call(link(5000), int(2.5 * MBPS), gone_s + 20, (outage(10, gone_s),))
    seconds = told(f"{gone_s} s of outage", call)
    assert min(s.bps for s in seconds[10 : gone_s + 12]) > 2 * MBPS
    assert mean(s.came_bps for s in seconds[gone_s + 11 :]) > 2 * MBPS


def lose_some(random: Random, bodies: list[bytes]) -> list[bytes]:
    return [body for body in bodies if random.random() > 0.3]


def shuffle_and_repeat() -> Callable[[Random, list[bytes]], list[bytes]]:
    kept: list[bytes] = []

    def disorder(random: Random, bodies: list[bytes]) -> list[bytes]:
        kept.extend(bodies)
        if len(kept) < 3:
            return []
        out = random.sample(kept, k=3) + kept[:1]
        kept.clear()
        return out

    return disorder


@pytest.mark.parametrize("disorder", [lose_some, shuffle_and_repeat()])
@pytest.mark.parametrize("mbps", [1, 20])
def test_feedback_may_be_lost_reordered_and_doubled(
    mbps: float, disorder: Callable[[Random, list[bytes]], list[bytes]]
) -> None:
    call = Call(link(1000 * mbps), int(2.5 * MBPS), 30, feedback=disorder)
    seconds = told("feedback in disorder", call)
    assert mean(s.bps for s in seconds[8:]) > 0.65 * min(mbps, 2.5) * MBPS
    assert mean(s.queue_ms for s in seconds[8:]) < 400  # it is also up to 300 ms late


def test_who_wants_little_is_not_probed() -> None:
    call = Call(link(1000), 60_000, 20)
    seconds = told("sound alone", call)
    assert call.probes == 0 and min(s.bps for s in seconds) >= START
    assert max(s.sent_bps for s in seconds) < 120_000


def test_room_is_found_when_it_is_wanted() -> None:
    """Little is sent for twenty seconds, then much is wanted."""
    call = Call(link(20_000), 0, 30, wanted_at=lambda s: 60_000 if s < 20 else 4 * MBPS)
    seconds = told("little, then much", call)
    assert max(s.bps for s in seconds[:20]) < 1.5 * MBPS
    assert seconds[22].bps > 4 * MBPS


class Wire:
    """An estimator whose packets' fates are chosen by hand."""

    def __init__(self) -> None:
        self.estimator = BandwidthEstimator()
        self.sent: list[int] = []
        self.now_us = 0

    def send(self, count: int = 10, size: int = 1200) -> int:
        """One burst; the number of its first packet."""
        first = len(self.sent)
        for _ in range(count):
            assert self.estimator.on_sent(size, self.now_us) == len(self.sent) & 0xFFFF
            self.sent.append(self.now_us)
        self.now_us += 33_000
        return first

    def tell(self, base: int, came: list[bool], delay_us: int = 20_000) -> None:
        arrivals = [
            self.sent[base + n] + delay_us + 100 * n if c else None for n, c in enumerate(came)
        ]
        self.estimator.on_feedback(write_feedback(base, arrivals), self.now_us)


def test_nothing_is_known_before_the_first_feedback() -> None:
    wire = Wire()
    assert not wire.estimator.known and wire.estimator.bps == START
    first = wire.send()
    assert wire.estimator.on_timer(wire.now_us, 10 * MBPS) == (0, 0)
    wire.tell(first, [True] * 10)
    assert wire.estimator.known
    probe, size = wire.estimator.on_timer(wire.now_us, 10 * MBPS)
    assert probe > 0 and 3 * MBPS * 0.015 / 8 < size < 3 * MBPS * 0.07 / 8


def test_losses_are_counted_once_and_corrected() -> None:
    wire = Wire()
    for burst in range(40):
        first = wire.send()
        came = [n % 10 != 0 for n in range(10)]
        wire.tell(first, came)
        wire.tell(first, came)  # told twice
        if burst % 2:
            wire.tell(first, [True])  # it was late, not lost
    assert wire.estimator.loss == pytest.approx(0.05, abs=0.02)


def test_heavy_loss_cuts_even_without_a_queue() -> None:
    wire = Wire()
    for _ in range(90):
        wire.tell(wire.send(), [n % 2 == 0 for n in range(10)])
    assert wire.estimator.loss == pytest.approx(0.5, abs=0.05)
    assert wire.estimator.bps < 0.6 * MBPS


def test_feedback_about_what_was_never_sent_is_ignored() -> None:
    wire = Wire()
    wire.estimator.on_feedback(write_feedback(0, [1000, 2000]), 1000)
    assert not wire.estimator.known
    first = wire.send()
    for _ in range(300):  # 3000 packets more: the first are forgotten
        wire.send()
    wire.tell(first, [True] * 10)
    assert not wire.estimator.known


@given(st.data())
def test_every_way_of_writing_feedback_is_understood(data: st.DataObject) -> None:
    """Run lengths and vectors, small, large and negative deltas: the loss told is found."""
    wire = Wire()
    count = data.draw(st.integers(60, 300))
    wire.send(count)
    delays = st.one_of(st.none(), st.integers(0, 200_000))
    arrivals: list[int | None] = data.draw(st.lists(delays, min_size=count, max_size=count))
    came = sum(a is not None for a in arrivals)
    body = write_feedback(0, arrivals, runs=data.draw(st.booleans()))
    wire.estimator.on_feedback(body[: data.draw(st.integers(0, len(body) - 1))], 33_000)
    assert not wire.estimator.known  # cut short: as if it had not come
    wire.estimator.on_feedback(body, 33_000)
    wire.now_us = 600_000
    wire.send(1)
    wire.tell(count, [True])
    assert wire.estimator.loss == pytest.approx(1 - (came + 1) / (count + 1))


garbage = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda base, count, rest: bytes(8) + base.to_bytes(2) + count.to_bytes(2) + rest,
        st.integers(0, 400),
        st.integers(0, 65535),
        st.binary(max_size=300),
    ),
)


@given(
    st.lists(st.tuples(garbage, st.integers(0, 3 * MBPS)), max_size=40), st.integers(0, 100 * MBPS)
)
def test_garbage_never_leaves_the_bounds(
    messages: list[tuple[bytes, int]], wanted_bps: int
) -> None:
    wire = Wire()
    for body, gap_us in messages:
        wire.send(12)
        wire.now_us += gap_us
        wire.estimator.on_feedback(body, wire.now_us)
        probe, size = wire.estimator.on_timer(wire.now_us, wanted_bps)
        assert not probe or 3000 <= size <= 2 * wanted_bps * 0.06 / 8 + 3000
        assert FLOOR <= wire.estimator.bps <= CEILING
        assert 0 <= wire.estimator.loss <= 1 and wire.estimator.queue_delay_us >= 0
