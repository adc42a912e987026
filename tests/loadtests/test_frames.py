"""Loss and added latency from frame records, on records whose truth is known."""

import random

import numpy as np
import pytest

from loadtests import frames

MS = 1_000_000


def sent_frames(count: int = 90) -> np.ndarray:
    source = random.Random(1)
    out = np.zeros(count, frames.RECORD)
    for number, frame in enumerate(out):
        frame["timestamp"] = (4_294_900_000 + number * 3000) % 2**32  # wraps on the way
        frame["packets"] = source.randrange(3, 14)
        frame["flags"] = frames.KEY_FRAME if number % 30 == 0 else 0
        frame["first_ns"] = 10**18 + number * 33 * MS
        frame["last_ns"] = frame["first_ns"] + MS
    return out


def arrived(sent: np.ndarray, delay_ms: float, offset: int = 0) -> np.ndarray:
    got = sent.copy()
    got["timestamp"] = (got["timestamp"].astype(np.int64) + offset) % 2**32
    got["first_ns"] += int(delay_ms * MS)
    got["last_ns"] += int(delay_ms * MS)
    return got


def test_latency_is_that_of_the_first_and_of_the_last_subscriber() -> None:
    sent = sent_frames()
    window = frames.compare(sent, [arrived(sent, 3), arrived(sent, 1), arrived(sent, 2)])
    assert window.lost_packets == window.extra_packets == 0
    assert window.due_packets == 3 * sent["packets"].sum()
    assert window.first_ms == pytest.approx(1)
    assert window.last_ms == pytest.approx(3)
    assert window.key.sum() == 3


@pytest.mark.parametrize("delay_ms", [0.1, 40, 900])
def test_a_server_may_renumber_timestamps(delay_ms: float) -> None:
    sent = sent_frames()
    got = arrived(sent, delay_ms, offset=-123_456_789)
    window = frames.compare(sent, [got, arrived(sent, delay_ms)])
    assert window.lost_packets == 0
    assert window.last_ms == pytest.approx(delay_ms)


def test_every_frame_counts_at_every_subscriber_that_has_it_whole() -> None:
    sent = sent_frames()
    torn = arrived(sent, 5)
    torn["packets"][0] -= 1
    window = frames.compare(sent, [arrived(sent, 1), torn])
    assert sorted(window.every_ms) == pytest.approx([1] * 90 + [5] * 89)
    assert window.every_key.sum() == 3 + 2


def test_packets_of_sound_are_told_by_their_sizes() -> None:
    source = random.Random(2)
    sent = sent_frames()
    sent["packets"] = 1
    sent["octets"] = [source.randrange(60, 100) for _ in sent]
    got = arrived(sent, 2, offset=987_654_321)
    got["octets"] += 8  # an extension of the server's own
    window = frames.compare(sent, [got])
    assert window.lost_packets == 0
    assert window.every_ms == pytest.approx(2)


def test_every_missing_packet_is_counted_and_its_frame_has_no_latency() -> None:
    sent = sent_frames()
    got = arrived(sent, 1)
    got["packets"][5] -= 2
    whole_frame_lost = np.delete(arrived(sent, 1), 7)
    window = frames.compare(sent, [got, whole_frame_lost, arrived(sent, 1)])
    assert window.lost_packets == 2 + sent["packets"][7]
    assert window.lost_before_packets == 0
    assert len(window.last_ms) == len(sent) - 2


def test_what_all_subscribers_miss_was_lost_before_them() -> None:
    sent = sent_frames()
    got = arrived(sent, 1)
    got["packets"][5] -= 1
    window = frames.compare(sent, [got, got.copy()])
    assert window.lost_packets == window.lost_before_packets == 2


def test_a_subscriber_without_frames_lost_everything() -> None:
    sent = sent_frames()
    window = frames.compare(sent, [arrived(sent, 1), sent[:0]])
    assert window.lost_packets == sent["packets"].sum()


def test_padding_beyond_what_was_sent_is_extra_and_not_a_gain() -> None:
    sent = sent_frames()
    got = arrived(sent, 1)
    got["packets"][3] += 4
    got["packets"][4] -= 1
    window = frames.compare(sent, [got])
    assert (window.lost_packets, window.extra_packets) == (1, 4)


def test_foreign_frames_are_refused() -> None:
    sent = sent_frames()
    got = arrived(sent, 1)
    got["packets"] = 99
    with pytest.raises(frames.AlignmentError):
        frames.compare(sent, [got])


def test_a_subscriber_with_foreign_frames_beside_a_sound_one_lost_everything() -> None:
    sent = sent_frames()
    foreign = arrived(sent, 1)
    foreign["packets"] = 99
    window = frames.compare(sent, [arrived(sent, 1), foreign])
    assert window.lost_packets == sent["packets"].sum()


def test_a_server_that_drops_most_frames_is_still_matched() -> None:
    sent = sent_frames()
    window = frames.compare(sent, [arrived(sent, 1)[::4]])
    assert window.lost_packets == sent["packets"].sum() - sent["packets"][::4].sum()


def test_a_server_that_loses_half_of_every_frame_is_still_matched() -> None:
    sent = sent_frames()
    got = arrived(sent, 40, offset=1_234_567)
    got["packets"] = np.random.default_rng(1).binomial(got["packets"], 0.5)
    window = frames.compare(sent, [got[got["packets"] > 0]])
    assert window.lost_packets == sent["packets"].sum() - got["packets"].sum()
