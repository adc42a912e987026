"""The whole benchmark, small: both servers as real processes, real WebRTC, a second of counting."""

from __future__ import annotations

import math
import shutil

import pytest

from loadtests import measure, report
from loadtests.distal import Distal
from loadtests.janus import Janus

SMALL = measure.Settings(subscribers=3, seconds=1.0, settle_s=0.5, joins=2)


async def test_distal_forwards_all_that_is_published() -> None:
    run = await measure.run(Distal, SMALL)
    assert run.profile == "AES-128-GCM"
    assert all(joining.server_cpu_s > 0 for joining in run.joinings)
    assert [f.spread_ms for f in run.forwarding] == [0, 20]
    for forwarding in run.forwarding:
        window = forwarding.window
        assert forwarding.cpu_s > 0
        assert window.sent_packets > 150  # 2.5 Mbit/s
        assert window.due_packets == 3 * window.sent_packets
        assert window.lost_packets == 0
        assert forwarding.duplicates == 0
        assert len(window.last_ms) == window.frames
        assert forwarding.audio.sent_packets > 30  # 50 a second
        assert forwarding.audio.lost_packets == 0
        assert len(forwarding.audio.every_ms) == 3 * forwarding.audio.frames
        assert (window.first_ms <= window.last_ms).all()
    assert not [text for text in run.complaints if "closed" in text or "unanswered" in text]
    assert run.publisher_feedback["transport-wide"] > 0
    assert run.subscriber_feedback["sender reports"] > 0


@pytest.mark.skipif(shutil.which("janus") is None, reason="Debian's janus is not installed")
async def test_the_table_sets_both_servers_side_by_side() -> None:
    settings = measure.Settings(subscribers=2, seconds=1.0, settle_s=0.5, spreads_ms=(0,), joins=1)
    runs = [await measure.run(make, settings) for make in (Distal, Janus)]
    numbers = report.summary(runs, settings)
    for server in numbers["servers"].values():
        assert server["forwarding"]["0"]["packets_per_s"] > 300
        assert math.isfinite(server["forwarding"]["0"]["last_all_p99_ms"])
        assert server["joins_per_s"] > 0
    janus = numbers["servers"]["Janus"]
    assert janus["agreed"] == "transport-wide feedback"
    assert janus["forwarding"]["0"]["feedback_per_s"] > 10
    table = report.markdown(numbers)
    assert "Distal is better by" in table
    assert "server CPU per forwarded packet" in table
