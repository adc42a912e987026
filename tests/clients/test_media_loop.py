"""A looped file: timestamps that never jump, a key frame first, and one clock for both tracks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients import media_loop
from clients.media_loop import EncodedPacket, LoopTrack, MediaFileError, MediaLoop, Playhead

spacings = st.lists(st.integers(1, 40_000), min_size=1, max_size=40)
kinds = st.sampled_from(["audio", "video"])


def loop_of(gaps: list[int], kind: str = "video", rest_ms: int = 40) -> MediaLoop:
    """A loop whose packets are `gaps` apart; every third one is a key frame."""
    stamps = [0]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    clock_hz = media_loop.CLOCK_HZ[kind]
    period_ms = stamps[-1] * 1000 // clock_hz + 1 + rest_ms
    packets = [EncodedPacket(at, bytes([i % 256]), i % 3 == 0) for i, at in enumerate(stamps)]
    codec = "VP8" if kind == "video" else "opus"
    return MediaLoop(kind, codec, period_ms, tuple(packets))


@given(spacings, kinds, st.integers(0, 100_000))
def test_timestamps_rise_for_ever_and_across_the_seam(
    gaps: list[int], kind: str, start: int
) -> None:
    loop = loop_of(gaps, kind)
    count = len(loop.packets)
    stamps = [loop.timestamp(start + i) for i in range(2 * count + 1)]
    assert all(a < b for a, b in pairwise(stamps))
    assert all(loop.timestamp(i + count) - loop.timestamp(i) == loop.period for i in range(count))


@given(spacings, kinds)
def test_every_loop_begins_with_a_key_frame_and_repeats_the_file(
    gaps: list[int], kind: str
) -> None:
    loop = loop_of(gaps, kind)
    count = len(loop.packets)
    for turn in range(3):
        assert loop.packet(turn * count).key
        assert [loop.packet(turn * count + i) for i in range(count)] == list(loop.packets)


@given(spacings)
def test_the_two_clocks_of_a_file_agree_after_any_number_of_loops(gaps: list[int]) -> None:
    video = loop_of(gaps, "video")
    audio = MediaLoop("audio", "opus", video.period_ms, (EncodedPacket(0, b"a", True),))
    for turn in (1, 7, 100_000):
        assert video.time_s(turn * len(video.packets)) == pytest.approx(audio.time_s(turn))


@given(st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_a_playhead_never_asks_to_wait_longer_than_until_the_frame_is_due(
    delays: list[float],
) -> None:
    playhead, now_s = Playhead(), 100.0
    for index, late_s in enumerate(delays):
        wait_s = playhead.wait_s(index * 0.04, now_s)
        assert 0 <= wait_s <= 0.04 + 1e-9
        now_s += wait_s + late_s


def test_a_short_stall_is_caught_up_and_a_long_one_is_not_burst() -> None:
    playhead = Playhead()
    assert playhead.wait_s(0.0, 10.0) == 0
    assert playhead.wait_s(0.1, 10.3) == 0  # 0.2 s late: at once
    assert playhead.wait_s(0.4, 10.3) == pytest.approx(0.1)  # caught up
    assert playhead.wait_s(0.5, 20.0) == 0  # 9.5 s late: the film goes on from here
    assert playhead.wait_s(0.6, 20.0) == pytest.approx(0.1)


def test_the_longest_wait_for_a_key_frame_counts_the_seam() -> None:
    packets = (EncodedPacket(0, b"", True), EncodedPacket(9_000, b"", False))
    assert MediaLoop("video", "VP8", 1000, packets).key_interval_s == 1.0


@pytest.mark.parametrize(
    "packets",
    [
        (),
        (EncodedPacket(0, b"", False),),
        (EncodedPacket(5, b"", True), EncodedPacket(5, b"", True)),
        (EncodedPacket(90_000, b"", True),),
    ],
)
def test_a_stream_unfit_for_looping_is_refused(packets: tuple[EncodedPacket, ...]) -> None:
    with pytest.raises(MediaFileError):
        MediaLoop("video", "VP8", 1000, packets)


@pytest.fixture(params=["VP8", "H264"])
def film(request: pytest.FixtureRequest, films: Callable[[str], Path]) -> Path:
    """Two seconds of the demonstration's film."""
    return films(request.param)


def test_a_film_loads_with_both_tracks_and_key_frames_every_second(film: Path) -> None:
    video, audio = media_loop.load(film)
    assert (video.codec, audio.codec) == (film.stem, "opus")
    assert video.key_interval_s < 1.01
    assert {b.timestamp - a.timestamp for a, b in pairwise(audio.packets)} == {960}
    assert abs(video.period_ms - 2000) <= 1
    largest = max(len(packet.data) for packet in video.packets)
    assert largest < 80_000  # more than some 60 packets at once overflow a receiver's socket


def test_a_film_decodes_seamlessly_through_three_loops(film: Path) -> None:
    loop = media_loop.load(film)[0]
    decoder = av.CodecContext.create({"VP8": "vp8", "H264": "h264"}[loop.codec], "r")
    frames = 0
    for index in range(3 * len(loop.packets)):
        frames += len(decoder.decode(av.Packet(loop.packet(index).data)))
    frames += len(decoder.decode(None))
    assert frames == 3 * len(loop.packets)


async def test_tracks_are_paced_together_and_hand_out_encoded_packets(film: Path) -> None:
    tracks = media_loop.tracks(media_loop.load(film))
    began = asyncio.get_running_loop().time()

    async def until(track: LoopTrack, seconds: float) -> float:
        while True:
            packet = await track.recv()
            at = float(packet.pts * packet.time_base)
            if at >= seconds:
                return at

    reached = await asyncio.gather(*(until(track, 0.5) for track in tracks))
    took = asyncio.get_running_loop().time() - began
    assert all(0.5 <= at < 0.55 for at in reached)
    assert took >= 0.49  # never faster than real time; slower only as the machine is


def test_what_cannot_be_published_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "no.mkv"
    path.write_bytes(b"not a film")
    with pytest.raises(MediaFileError):
        media_loop.load(path)
