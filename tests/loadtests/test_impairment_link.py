"""One direction of the emulated network: native and reference alike, and true to its settings."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests._impairment import Link
from loadtests.impairment.emulator import COUNTS
from loadtests.impairment.reference import ReferenceLink
from loadtests.impairment.settings import OUTAGES, LinkSettings, bursty

MS = 1_000_000
FAR = 1 << 50
HEADERS = 28


class AnyLink(Protocol):
    def schedule(self, changes: Sequence[tuple[int, Sequence[int]]]) -> None: ...
    def push(self, now_ns: int, flow: int, data: bytes) -> None: ...
    def poll(self, now_ns: int) -> list[tuple[int, int, bytes]]: ...


LINKS = pytest.mark.parametrize("make", [Link, ReferenceLink])

chance = st.one_of(st.just(0.0), st.floats(0, 1))
settings = st.builds(
    LinkSettings,
    rate_kbps=st.one_of(st.just(0.0), st.floats(10, 100_000)),
    queue_ms=st.floats(1, 1000),
    queue_bytes=st.one_of(st.just(0), st.integers(2000, 20_000)),
    delay_ms=st.floats(0, 500),
    jitter_ms=st.one_of(st.just(0.0), st.floats(0, 1000)),
    jitter_slot_ms=st.floats(0.1, 1000),
    loss=chance,
    burst_enter=chance,
    burst_leave=chance,
    burst_loss=chance,
    burst_loss_between=chance,
    reorder=chance,
    reorder_ms=st.floats(0, 100),
    duplicate=chance,
    outage=st.sampled_from(OUTAGES),
)
calm = settings.map(lambda s: LinkSettings(**{**vars(s), "outage": "none"}))
# What a sender does: gaps of up to 30 ms, and sizes.
packets = st.lists(
    st.tuples(st.integers(0, 30 * MS), st.integers(0, 1400)), min_size=1, max_size=60
)


def send(link: AnyLink, sent: Sequence[tuple[int, int]]) -> list[tuple[int, int, bytes]]:
    """Push them, each with its number as its flow, and return all that departs."""
    now = 0
    for number, (gap, size) in enumerate(sent):
        now += gap
        link.push(now, number, bytes(size))
    return link.poll(FAR)


def counted(link: Link) -> dict[str, int]:
    return {name: getattr(link.counts, name) for name in COUNTS if getattr(link.counts, name)}


@given(settings, st.lists(st.tuples(st.integers(0, 900 * MS), settings), max_size=4),
       packets, st.integers(0, 2**63 - 1))  # fmt: skip
def test_the_reference_agrees(
    first: LinkSettings,
    later: list[tuple[int, LinkSettings]],
    sent: list[tuple[int, int]],
    seed: int,
) -> None:
    changes = [(at, s.numbers()) for at, s in sorted(later, key=lambda change: change[0])]
    native, reference = Link(first.numbers(), seed), ReferenceLink(first.numbers(), seed)
    for link in (native, reference):
        link.schedule(changes)
    assert send(native, sent) == send(reference, sent)
    assert native.queued_bytes == reference.queued_bytes
    assert counted(native) == {name: n for name, n in reference.counts.items() if n}


@given(calm, packets, st.integers(0, 2**63 - 1), st.lists(st.integers(0, 2000 * MS)))
def test_looking_more_often_changes_nothing(
    chosen: LinkSettings, sent: list[tuple[int, int]], seed: int, looks: list[int]
) -> None:
    rarely = send(Link(chosen.numbers(), seed), sent)
    link = Link(chosen.numbers(), seed)
    often: list[tuple[int, int, bytes]] = []
    arrivals = list(itertools.accumulate(gap for gap, _ in sent))
    todo = [(at, 0, i) for i, at in enumerate(arrivals)] + [(at, 1, -1) for at in looks]
    for at, is_look, number in sorted(todo):
        if is_look:
            often += link.poll(at)
            assert all(departure <= at for departure, _, _ in often)
        else:
            link.push(at, number, bytes(sent[number][1]))
    assert often + link.poll(FAR) == rarely


@given(calm, packets, st.integers(0, 2**63 - 1))
def test_every_packet_has_one_fate(
    chosen: LinkSettings, sent: list[tuple[int, int]], seed: int
) -> None:
    link = Link(chosen.numbers(), seed)
    out = send(link, sent)
    c = link.counts
    gone = c.dropped_queue + c.dropped_outage + c.dropped_full + c.lost_random + c.lost_burst
    assert c.arrived == len(sent) == c.delivered - c.duplicated + gone
    assert len(out) == c.delivered
    assert link.held == 0 and link.next_ns() is None


@given(calm, packets, st.integers(0, 2**63 - 1))
def test_next_tells_when_to_look(
    chosen: LinkSettings, sent: list[tuple[int, int]], seed: int
) -> None:
    whole = send(Link(chosen.numbers(), seed), sent)
    link = Link(chosen.numbers(), seed)
    now = 0
    for number, (gap, size) in enumerate(sent):
        now += gap
        link.push(now, number, bytes(size))
    out: list[tuple[int, int, bytes]] = []
    while (next_ns := link.next_ns()) is not None:
        out += link.poll(next_ns)
    assert out == whole


@given(st.floats(10, 50_000), st.floats(0, 1000), packets, st.integers(0, 2**63 - 1))
def test_the_rate_is_never_exceeded(
    rate_kbps: float, queue_ms: float, sent: list[tuple[int, int]], seed: int
) -> None:
    chosen = LinkSettings(rate_kbps=rate_kbps, queue_ms=queue_ms or 1, delay_ms=7)
    out = send(Link(chosen.numbers(), seed), sent)
    rate = chosen.numbers()[0]
    for (before, _, _), (after, _, data) in itertools.pairwise(out):
        assert (after - before) * rate >= (len(data) + HEADERS) * 8 * 10**9


@given(st.floats(10, 50_000), st.integers(0, 1000), st.integers(0, 20_000), packets)
def test_the_queue_is_no_longer_than_it_may_be(
    rate_kbps: float, queue_ms: int, queue_bytes: int, sent: list[tuple[int, int]]
) -> None:
    chosen = LinkSettings(
        rate_kbps=rate_kbps, queue_ms=queue_ms or (0 if queue_bytes else 1), queue_bytes=queue_bytes
    )
    link = Link(chosen.numbers(), 1)
    now, arrived = 0, []
    for number, (gap, size) in enumerate(sent):
        now += gap
        arrived.append(now)
        link.push(now, number, bytes(size))
        assert not queue_bytes or link.queued_bytes <= queue_bytes
    rate = chosen.numbers()[0]
    for departure, number, data in link.poll(FAR):
        own = -(-(len(data) + HEADERS) * 8 * 10**9 // rate)
        if chosen.queue_ms:  # each of those ahead was rounded up to a whole nanosecond
            assert departure - arrived[number] - own <= chosen.queue_ms * MS + len(sent) + 1


@given(calm, packets, st.integers(0, 2**63 - 1))
def test_order_is_kept_unless_reordering_is_asked_for(
    chosen: LinkSettings, sent: list[tuple[int, int]], seed: int
) -> None:
    ordered = LinkSettings(**{**vars(chosen), "reorder": 0.0})
    flows = [flow for _, flow, _ in send(Link(ordered.numbers(), seed), sent)]
    assert flows == sorted(flows)


@given(st.floats(0, 500), st.floats(0.1, 1000), st.floats(0.1, 1000), packets)
def test_jitter_stays_within_its_bound(
    delay_ms: float, jitter_ms: float, slot_ms: float, sent: list[tuple[int, int]]
) -> None:
    chosen = LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms, jitter_slot_ms=slot_ms)
    arrived = list(itertools.accumulate(gap for gap, _ in sent))
    for departure, number, _ in send(Link(chosen.numbers(), 3), sent):
        assert 0 <= departure - arrived[number] - round(delay_ms * MS) <= round(jitter_ms * MS)


@LINKS
def test_jitter_drifts_over_all_its_range(make: type[AnyLink]) -> None:
    chosen = LinkSettings(jitter_ms=20, jitter_slot_ms=10)
    link = make(chosen.numbers(), 5)  # type: ignore[call-arg]
    out = send(link, [(5 * MS, 100)] * 4000)
    extra = [departure - 5 * MS * (number + 1) for departure, number, _ in out]
    assert min(extra) < 1 * MS and max(extra) > 18 * MS
    assert (
        5 * MS < sum(extra) / len(extra) < 8.5 * MS
    )  # a third of it, a little more for order's sake


def runs(lost: Sequence[bool]) -> list[int]:
    return [len(list(group)) for is_lost, group in itertools.groupby(lost) if is_lost]


def fates(chosen: LinkSettings, count: int, seed: int) -> list[bool]:
    link = Link(chosen.numbers(), seed)
    arrived: set[int] = set()
    for number in range(count):
        link.push(number, number, b"")
        arrived.update(flow for _, flow, _ in link.poll(number))
    return [number not in arrived for number in range(count)]


@pytest.mark.parametrize(("share", "length"), [(0.02, 4.0), (0.1, 10.0), (0.3, 2.0)])
def test_bursts_are_as_frequent_and_as_long_as_asked(share: float, length: float) -> None:
    lost = fates(LinkSettings(**bursty(share, length)), 200_000, seed=11)
    assert sum(lost) / len(lost) == pytest.approx(share, rel=0.06)
    assert sum(runs(lost)) / len(runs(lost)) == pytest.approx(length, rel=0.05)


def test_gilbert_elliott_loses_in_both_states() -> None:
    p, r, bad, good = 0.01, 0.05, 0.6, 0.02
    chosen = LinkSettings(burst_enter=p, burst_leave=r, burst_loss=bad, burst_loss_between=good)
    lost = fates(chosen, 300_000, seed=12)
    assert sum(lost) / len(lost) == pytest.approx((p * bad + r * good) / (p + r), rel=0.05)


def test_random_loss_has_no_memory() -> None:
    lost = fates(LinkSettings(loss=0.05), 200_000, seed=13)
    assert sum(lost) / len(lost) == pytest.approx(0.05, rel=0.03)
    after_loss = [b for a, b in itertools.pairwise(lost) if a]
    assert sum(after_loss) / len(after_loss) == pytest.approx(0.05, rel=0.1)


def test_another_seed_is_another_network() -> None:
    chosen = LinkSettings(loss=0.5)
    assert fates(chosen, 1000, seed=1) == fates(chosen, 1000, seed=1)
    differing = sum(
        a != b
        for a, b in zip(fates(chosen, 1000, seed=1), fates(chosen, 1000, seed=2), strict=True)
    )
    assert 400 < differing < 600


def test_live_settings_do_not_move_the_dice() -> None:
    """A bottleneck in one of two runs leaves the loss of all packets as it was."""
    chosen = LinkSettings(loss=0.3)
    narrow = LinkSettings(loss=0.3, rate_kbps=500, queue_ms=5000)
    link = Link(chosen.numbers(), 4)
    link.schedule([(100 * MS, narrow.numbers()), (400 * MS, chosen.numbers())])
    arrived = {number for _, number, _ in send(link, [(MS, 100)] * 1000)}
    assert [number not in arrived for number in range(1000)] == fates(chosen, 1000, seed=4)


def test_held_back_packets_are_overtaken() -> None:
    chosen = LinkSettings(reorder=0.1, reorder_ms=20, delay_ms=5)
    link = Link(chosen.numbers(), 6)
    out = send(link, [(MS, 100)] * 1000)
    late = [(departure, number) for departure, number, _ in out
            if departure == (number + 1 + 5 + 20) * MS]  # fmt: skip
    assert len(late) == link.counts.reordered and 60 < len(late) < 140
    flows = [number for _, number, _ in out]
    assert flows != sorted(flows) and sorted(flows) == list(range(1000))


def test_copies_follow_their_originals() -> None:
    link = Link(LinkSettings(duplicate=0.25, delay_ms=5).numbers(), 6)
    out = send(link, [(MS, 100)] * 1000)
    times = Counter(number for _, number, _ in out)
    assert set(times.values()) == {1, 2}
    assert sum(n == 2 for n in times.values()) == link.counts.duplicated
    assert link.counts.duplicated == pytest.approx(250, rel=0.2)


@LINKS
def test_an_outage_loses_all_that_comes_and_the_queue(make: type[AnyLink]) -> None:
    usual = LinkSettings(rate_kbps=112, queue_ms=1000)  # 1372 + 28 bytes in 100 ms
    cut = LinkSettings(rate_kbps=112, queue_ms=1000, outage="lose")
    link = make(usual.numbers(), 1)  # type: ignore[call-arg]
    link.schedule([(250 * MS, cut.numbers()), (500 * MS, usual.numbers())])
    for number, at in enumerate((0, 0, 0, 0, 300, 499, 500, 501)):
        link.push(at * MS, number, bytes(1372))
    assert [(d // MS, n) for d, n, _ in link.poll(FAR)] == [(100, 0), (200, 1), (600, 6), (700, 7)]


@LINKS
def test_a_handover_holds_what_comes(make: type[AnyLink]) -> None:
    usual, hold = LinkSettings(delay_ms=10), LinkSettings(delay_ms=10, outage="hold")
    link = make(usual.numbers(), 1)  # type: ignore[call-arg]
    link.schedule([(100 * MS, hold.numbers()), (150 * MS, usual.numbers())])
    for number, at in enumerate((95, 105, 120, 149, 160)):
        link.push(at * MS, number, b"x")
    assert [d // MS for d, _, _ in link.poll(FAR)] == [105, 160, 160, 160, 170]


@LINKS
def test_a_bottleneck_comes_and_goes(make: type[AnyLink]) -> None:
    wide = LinkSettings(rate_kbps=11_200, queue_ms=300)  # 1 ms a packet
    narrow = LinkSettings(rate_kbps=1_120, queue_ms=300)  # 10 ms a packet
    link = make(wide.numbers(), 1)  # type: ignore[call-arg]
    link.schedule([(1000 * MS, narrow.numbers()), (2000 * MS, wide.numbers())])
    out = send(link, [(4 * MS, 1372)] * 750)
    delays = {number: departure / MS - 4 * (number + 1) for departure, number, _ in out}
    assert all(delays[n] == 1 for n in range(249))
    during = [delays[n] for n in range(400, 499) if n in delays]
    assert 290 <= max(during) <= 310 and len(during) == pytest.approx(40, abs=2)
    assert all(delays[n] == 1 for n in range(550, 750))  # the queue is gone 30 ms after its end


def test_what_is_held_is_bounded() -> None:
    held = Link(LinkSettings(outage="hold").numbers(), 1)
    air = Link(LinkSettings(delay_ms=10_000).numbers(), 1)
    for link in (held, air):
        for number in range(20_000):
            link.push(number, number, b"x")
    assert (held.held, held.counts.dropped_queue) == (16_384, 20_000 - 16_384)
    assert (air.held, air.counts.dropped_full) == (16_384, 20_000 - 16_384)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 1.5},
        {"delay_ms": -1},
        {"jitter_slot_ms": 0},
        {"rate_kbps": float("nan")},
        {"rate_kbps": 100, "queue_ms": 0},
        {"outage": "rain"},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        LinkSettings(**wrong)  # type: ignore[arg-type]
