"""A picture on a way that becomes narrow: it gets smaller at once, and comes back by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest

from loadtests.impairment.timeline import During

from .bandwidth import link
from .narrow import Call, Camera, Viewer
from .simulated import OUT_SSRC

FROM_S, UNTIL_S = 6, 26


def narrow(kbps: int, until_s: float = 40) -> tuple[Call, Camera, Viewer]:
    call = Call()
    camera = Camera(call.world)
    viewer = Viewer(call.world, link(0), 60, (During(FROM_S, UNTIL_S, {}, {"rate_kbps": kbps}),))
    call.cameras.append(camera)
    call.viewers.append(viewer)
    call.run(until_s)
    return call, camera, viewer


def test_a_megabit_is_enough_for_the_middle_size_without_a_freeze() -> None:
    call, camera, viewer = narrow(1000)
    print(call.table())
    assert {layers[0] for layers in call.layers[20 : FROM_S * 10 - 2]} == {2}
    # The picture goes on, soon without a queue before the bottleneck.
    assert viewer.gaps_ms(OUT_SSRC, (FROM_S + 3) * 1000, UNTIL_S * 1000) < 1000
    assert viewer.queue_ms((FROM_S + 5) * 1000, UNTIL_S * 1000) < 225  # 25 of it are the way's own
    steady = [layers[0] for layers in call.layers[(FROM_S + 8) * 10 : UNTIL_S * 10]]
    assert sum(layer == 1 for layer in steady) > len(steady) * 0.8
    assert sum(a != b for a, b in pairwise(steady)) <= 2  # it does not flap
    # And large again when there is room.
    assert call.layers[(UNTIL_S + 10) * 10] == (2,)
    assert call.shortages[(UNTIL_S + 10) * 10] == (0,)
    assert camera.keys_asked < 20


@pytest.mark.parametrize("kbps", [100, 60])
def test_where_no_picture_fits_a_still_comes_every_few_seconds(kbps: int) -> None:
    call, _, viewer = narrow(kbps)
    print(call.table())
    assert call.shortages[(FROM_S + 5) * 10] == (2,)
    stills = [
        a.at_us / 1e6
        for a in viewer.arrived[OUT_SSRC]
        if a.key and FROM_S + 2 < a.at_us / 1e6 < UNTIL_S
    ]
    assert 2 <= len(stills) <= 5
    assert all(3.5 < b - a < 8 for a, b in pairwise(stills))
    whole = [a for a in viewer.arrived[OUT_SSRC] if a.marker and a.at_us > (FROM_S + 3) * 1_000_000]
    assert whole  # a still arrives to its last packet
    assert (
        viewer.queue_ms((FROM_S + 7) * 1000, UNTIL_S * 1000) < 700
    )  # sound waits no longer than a still
    assert call.layers[(UNTIL_S + 12) * 10] == (2,)
    assert call.shortages[(UNTIL_S + 12) * 10] == (0,)


def test_numbers_go_on_over_stills_and_changes_of_size() -> None:
    """What is sent is one unbroken stream: gaps are losses of the link, and there are few."""
    _, _, viewer = narrow(300)
    seqs = [a.seq for a in viewer.arrived[OUT_SSRC]]
    steps = [(b - a) & 0xFFFF for a, b in pairwise(seqs)]
    stamps = [
        (b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(viewer.arrived[OUT_SSRC])
    ]
    assert all(0 < step < 0x8000 for step in steps)
    assert all(stamp < 0x80000000 for stamp in stamps)
    assert sum(step > 1 for step in steps) < 60
