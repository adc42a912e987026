"""What a subscriber gets where there is not room for all: calls in fake time behind narrow links.

The bounds are wide: how fast an estimate finds a network is `test_bandwidth.py`'s matter.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

from loadtests.impairment.timeline import During, outage

from .bandwidth import link
from .narrow import Call, Camera, Viewer
from .simulated import OUT_SSRC, World, ext_ids, rtp

NONE, REDUCED, STILL = 0, 1, 2
DIAGNOSTIC, TALK, PINNED = 3, 5, 2  # ranks, as media/subscription.py makes them
START_US = 1_000_000  # of a world's clock
VOICE = 300


class Voice:
    """A microphone: a packet each 20 ms."""

    SSRC, BYTES = 900, 80

    def __init__(self, world: World) -> None:
        self.peer = world.peer("10.0.3.1")
        self.seq = 0
        world.core.set_receive(self.peer.endpoint, ext_ids(), False, False, True)
        assert world.core.add_track(
            VOICE, self.peer.endpoint, False, "opus", "0", "c", 48000, 111, 255, False, False,
            False, [("", self.SSRC, 0)],
        )  # fmt: skip

    def step(self, ms: int) -> None:
        if ms % 20 == 0:
            self.seq += 1
            self.peer.send_rtp(
                rtp(self.seq, self.seq * 960, bytes(self.BYTES), ssrc=self.SSRC, pt=111)
            )


def room(kbps: float, *ranks: int, during: tuple[During, ...] = (), voice: bool = False) -> Call:
    """One viewer behind a link, who gets a camera for each of the ranks."""
    call = Call()
    tracks = tuple(100 + n for n in range(len(ranks)))
    call.cameras = [Camera(call.world, track, base=10 * n) for n, track in enumerate(tracks)]
    if voice:
        call.cameras.append(Voice(call.world))  # type: ignore[arg-type]
        tracks, ranks = (*tracks, VOICE), (*ranks, 0)
    call.viewers = [
        Viewer(call.world, link(kbps, queue_ms=500), 120, during, tracks=tracks, priorities=ranks)
    ]
    return call


def share(rows: list[tuple[int, ...]], which: int, value: int, since_s: float) -> float:
    """How much of the time since then it had this value."""
    late = [row[which] for row in rows[round(since_s * 10) :]]
    return late.count(value) / len(late)


def keys_s(call: Call, which: int, since_s: float = 0.0) -> list[float]:
    """When key frames came, in seconds of the call."""
    arrived = call.viewers[0].arrived[OUT_SSRC + which]
    return [at for a in arrived if a.key and (at := (a.at_us - START_US) / 1e6) >= since_s]


def test_the_more_important_picture_keeps_its_size() -> None:
    call = room(1000, TALK, DIAGNOSTIC)
    call.run(20)
    assert share(call.layers, 1, 1, 8) > 0.8, call.table()  # 600 kbit/s
    assert share(call.layers, 0, 0, 8) > 0.8, call.table()  # 150 kbit/s
    assert share(call.shortages, 0, REDUCED, 8) > 0.8


def test_equals_share() -> None:
    call = room(1800, TALK, TALK)
    call.run(20)
    assert share(call.layers, 0, 1, 8) > 0.7 and share(call.layers, 1, 1, 8) > 0.7, call.table()


def test_where_one_picture_fits_it_is_the_important_one_and_the_other_a_still() -> None:
    call = room(270, TALK, DIAGNOSTIC)
    call.run(30)
    assert share(call.shortages, 0, STILL, 10) > 0.8, call.table()
    assert share(call.shortages, 1, STILL, 10) < 0.1, call.table()
    assert call.viewers[0].gaps_ms(OUT_SSRC + 1, 12_000, 30_000) < 1500, call.table()


def test_what_is_pinned_meanwhile_changes_places_with_it() -> None:
    call = room(270, TALK, DIAGNOSTIC)
    call.run(15)
    call.world.core.prioritize(call.viewers[0].subscriptions[0], PINNED)
    call.run(20)
    assert share(call.shortages, 0, STILL, 25) < 0.1, call.table()
    assert share(call.shortages, 1, STILL, 25) > 0.8, call.table()


def test_a_narrow_way_has_stills_and_video_comes_back_by_itself() -> None:
    narrow = During(5, 35, down={"rate_kbps": 90})
    call = room(5000, TALK, during=(narrow,))
    call.run(55)
    assert share(call.shortages[:350], 0, STILL, 12) > 0.8, call.table()
    stills = [at for at in keys_s(call, 0, 12) if at < 35]
    assert 3 <= len(stills) <= 6, stills
    assert all(3 < later - earlier < 9 for earlier, later in pairwise(stills)), stills
    assert share(call.shortages, 0, NONE, 50) > 0.9, call.table()
    assert call.viewers[0].gaps_ms(OUT_SSRC, 50_000, 55_000) < 200, call.table()


def test_sound_comes_through_whatever_the_pictures_do() -> None:
    narrow = During(5, 30, down={"rate_kbps": 120})
    call = room(5000, TALK, TALK, during=(narrow,), voice=True)
    call.run(40)
    sound = call.viewers[0].arrived[OUT_SSRC + 2]
    late = [a for a in sound if (a.at_us - START_US) / 1e6 > 12]
    assert len(late) > 0.95 * 50 * 28, call.table()  # two stills and a probe may fill the queue
    # A still in pieces stands before it, no more: a jitter buffer lives with that.
    assert max(b.at_us - a.at_us for a, b in pairwise(late)) < 400_000, call.table()


class Lossy(Camera):
    """A camera whose own way to the relay loses every tenth packet."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        random, send = Random(7), self.peer.send_rtp
        self.peer.send_rtp = lambda packet: random.random() < 0.1 or send(packet)  # type: ignore[method-assign, assignment, return-value]


def test_a_publisher_s_losses_are_not_the_subscriber_s() -> None:
    estimates = []
    for kind in (Camera, Lossy):
        call = Call()
        call.cameras = [kind(call.world)]
        call.viewers = [Viewer(call.world, link(1500, queue_ms=500), 60)]
        call.run(20)
        late = [row[0] for row in call.estimates[100:]]
        estimates.append(sum(late) / len(late))
    unharmed, lossy = estimates
    assert lossy > 0.8 * unharmed, estimates


def test_who_is_reached_late_is_probed_when_a_picture_is_sent_again() -> None:
    """Until a key frame nothing can carry a probe: one that never left would be waited for."""
    call = Call()
    call.cameras = [Camera(call.world, 100 + n, "m", base=10 * n) for n in range(3)]
    call.viewers = [
        Viewer(
            call.world, link(0), 60, (outage(0, 4),), tracks=(100, 101, 102), priorities=(5, 5, 5)
        )
    ]
    call.run(8)
    assert min(row[0] for row in call.estimates[50:]) > 1_800_000, call.table()
    assert {shortage for row in call.shortages for shortage in row} == {NONE}, call.table()
