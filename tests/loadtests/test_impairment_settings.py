"""Spans of time, profiles and candidates: the pure parts around the link."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.impairment.candidates import through
from loadtests.impairment.emulator import of_histogram
from loadtests.impairment.profiles import PROFILES, links
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.timeline import (
    NS,
    During,
    changes,
    outage,
    parse_during,
    parse_fields,
    parse_outage,
)

USUAL = LinkSettings(rate_kbps=2500, delay_ms=50)


def at(spans: list[During], second: float) -> tuple[int, ...]:
    """What holds at that second."""
    now = USUAL.numbers()
    for at_ns, numbers in changes(USUAL, spans, "down"):
        if at_ns <= second * NS:
            now = numbers
    return now


def down(**fields: object) -> tuple[int, ...]:
    return LinkSettings(**{**vars(USUAL), **fields}).numbers()


def test_a_bottleneck_from_10_to_40_s() -> None:
    spans = [parse_during("10-40:down.rate_kbps=1000,down.queue_ms=200")]
    assert changes(USUAL, spans, "down") == [
        (0, USUAL.numbers()),
        (10 * NS, down(rate_kbps=1000.0, queue_ms=200.0)),
        (40 * NS, USUAL.numbers()),
    ]
    assert {numbers for _, numbers in changes(USUAL, spans, "up")} == {USUAL.numbers()}


def test_overlapping_spans_add_up_and_the_later_in_the_list_wins() -> None:
    spans = [
        During(0, 30, down={"rate_kbps": 500, "loss": 0.1}),
        outage(5, 25),
        During(10, 20, down={"rate_kbps": 100}),
    ]
    assert at(spans, 0) == down(rate_kbps=500, loss=0.1)
    assert at(spans, 5) == down(rate_kbps=500, loss=0.1, outage="lose")
    assert at(spans, 15) == down(rate_kbps=100, loss=0.1, outage="lose")
    assert at(spans, 29.9) == down(rate_kbps=500, loss=0.1, outage="lose")
    assert at(spans, 30) == USUAL.numbers()


spans_st = st.lists(
    st.builds(
        lambda start, length, rate: During(start, start + length, down={"rate_kbps": rate}),
        st.integers(0, 50), st.integers(1, 50), st.integers(1, 9999),
    ),
    max_size=6,
)  # fmt: skip


@given(spans_st, st.floats(0, 120))
def test_the_schedule_says_what_the_spans_say(spans: list[During], second: float) -> None:
    active = [s.down for s in spans if s.start_s <= second < s.end_s]
    assert at(spans, second) == down(**(active[-1] if active else {}))


def test_times_ascend_and_none_comes_twice() -> None:
    for name, profile in PROFILES.items():
        times = [t for t, _ in changes(profile.up, profile.spans(3, 600), "up", from_ns=7)]
        assert times == sorted(set(times)), name


def test_fields_of_one_direction_or_both() -> None:
    up, down_ = parse_fields("up.loss=0.1,delay_ms=20,down.queue_bytes=9000,outage=hold")
    assert up == {"loss": 0.1, "delay_ms": 20.0, "outage": "hold"}
    assert down_ == {"delay_ms": 20.0, "queue_bytes": 9000, "outage": "hold"}
    assert parse_during("3-:loss=1").end_s == math.inf
    assert parse_outage("5+25") == During(5, 30, {"outage": "lose"}, {"outage": "lose"})


@pytest.mark.parametrize(
    "text", ["10:loss=1", "40-10:loss=1", "1-2:los=1", "1-2:loss", "1-2:side.loss=1", "1-2:loss=x"]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_during(text)


def test_spans_with_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="loss"):
        changes(USUAL, [During(0, 1, down={"loss": 2})], "down")


def test_the_issues_profiles_are_there_with_their_reasons() -> None:
    assert {"fibre", "5g_slice", "5g_best_effort", "4g_moving", "satellite"} < PROFILES.keys()
    assert all(profile.why for profile in PROFILES.values())


@pytest.mark.parametrize("name", PROFILES)
def test_a_seed_makes_the_same_weather(name: str) -> None:
    def run(seed: int) -> list[tuple[int, int, bytes]]:
        up, down = links(PROFILES[name], seed, 30)
        out: list[tuple[int, int, bytes]] = []
        for number in range(3000):
            for link in (up, down):
                link.push(number * 10_000_000, number, bytes(1000))
                out += link.poll(number * 10_000_000)
        return out

    assert run(1) == run(1)
    assert name == "none" or run(1) != run(2)


def test_better_networks_bring_more_and_sooner() -> None:
    def run(name: str) -> tuple[int, float]:
        _, link = links(PROFILES[name], 5, 60)
        delays = []
        for number in range(20_000):
            now = number * 3_000_000
            link.push(now, number, bytes(1000))
            delays += [departure - 3_000_000 * n for departure, n, _ in link.poll(now)]
        return len(delays), sum(delays) / len(delays) / 1e6

    results = [run(n) for n in ("none", "fibre", "5g_slice", "5g_best_effort", "4g_moving")]
    assert results == sorted(results, key=lambda r: (-r[0], r[1]))
    assert 270 < run("satellite")[1] < 300


SDP = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "a=ice-lite",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=candidate:7 1 UDP 2130706431 192.0.2.2 10000 typ host",
        "a=candidate:8 1 udp 2130706175 127.0.0.1 10000 typ host generation 0",
        "a=candidate:9 1 tcp 1518280447 192.0.2.2 443 typ host tcptype passive",
        "a=end-of-candidates",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=candidate:1 1 udp 2130706431 fd00::2 10000 typ host",
        "a=end-of-candidates",
        "",
    ]
)


def test_every_section_leads_to_the_emulator_alone() -> None:
    got = through(SDP, {10000: ("127.0.0.1", 40000)})
    assert [line for line in got.split("\r\n") if "candidate:" in line] == [
        "a=candidate:7 1 udp 2130706431 127.0.0.1 40000 typ host",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host",
    ]
    rest = [line for line in SDP.split("\r\n") if not line.startswith("a=candidate:")]
    assert [line for line in got.split("\r\n") if not line.startswith("a=candidate:")] == rest


def test_a_way_round_the_emulator_is_refused() -> None:
    with pytest.raises(ValueError, match="10000"):
        through(SDP, {10001: ("127.0.0.1", 40000)})


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.floats(0, 100))
def test_percentiles_of_a_histogram(values: list[int], percentile: float) -> None:
    counts = [values.count(i) for i in range(51)]
    (place,) = of_histogram(counts, [percentile])
    below = sum(v <= place for v in values)
    assert below >= max(1, len(values) * percentile / 100)
    assert sum(v < place for v in values) < max(1, len(values) * percentile / 100)


def test_the_page_lists_every_setting_and_profile() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "impairment.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))
    defaults = vars(LinkSettings())
    assert rows.keys() == defaults.keys() | PROFILES.keys()
    for name, value in defaults.items():
        assert rows[name] == (f"{value:g}" if isinstance(value, float) else str(value))
