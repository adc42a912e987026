"""The demonstration's media file: made once from `scene_picture`, kept under the data directory.

Key frames come every second, because an encoded file cannot make one when a newcomer asks.
"""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from clients.scene_picture import HEIGHT, LOOP_S, WIDTH, Scene

VERSION = 2  # part of the file's name: a changed scene is drawn anew
FRAMES_PER_S = 30
SAMPLES_PER_S = 48_000
OPUS_FRAME = 960  # 20 ms
BITRATE_BPS = 2_300_000
LEAD_IN_S = 3  # encoded and thrown away: the rate control has settled when the loop begins

# No frame reordering, and key frames of at most some 60 packets: a receiver's socket buffer must
# hold the burst.
_VIDEO = {
    "VP8": (
        "libvpx",
        {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "error-resilient": "1",
            "max-intra-rate": "900",  # per cent of an average frame
        },
    ),
    "H264": (
        "libx264",
        {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "3.1",
            "x264-params": f"scenecut=0:vbv-maxrate={BITRATE_BPS // 1000}:vbv-bufsize=500",
        },
    ),
}


def scene_file(directory: Path, codec: str) -> Path:
    """The scene in `directory`, drawn and encoded now if it is not there: some 10 s of work."""
    path = directory / f"scene-{VERSION}-{codec}.mkv"
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".part", dir=directory)
    os.close(handle)
    part = Path(name)
    try:
        encode(part, codec)
        part.replace(path)  # whoever opens `path` finds the whole file
    finally:
        part.unlink(missing_ok=True)
    return path


def encode(path: Path, codec: str, seconds: int = LOOP_S) -> None:
    """Draw and encode the scene into a Matroska file. `codec` is VP8 or H264."""
    scene = Scene()
    with av.open(str(path), "w", format="matroska") as container:
        video, audio = _video_stream(container, codec), _audio_stream(container)
        for index in range(-LEAD_IN_S * FRAMES_PER_S, seconds * FRAMES_PER_S):
            picture = scene.frame(index / FRAMES_PER_S)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_S)
            packets = video.encode(frame)
            if index >= 0:
                container.mux(packets)
        sound = tones(seconds)
        for start in range(0, len(sound), OPUS_FRAME):
            piece = sound[None, start : start + OPUS_FRAME]
            samples = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            samples.sample_rate = SAMPLES_PER_S
            samples.pts, samples.time_base = start, Fraction(1, SAMPLES_PER_S)
            container.mux(audio.encode(samples))


def _video_stream(container: OutputContainer, codec: str) -> av.VideoStream:
    encoder, options = _VIDEO[codec]
    stream = container.add_stream(encoder, rate=FRAMES_PER_S, options=options)
    if not isinstance(stream, av.VideoStream):
        raise TypeError(f"{encoder} is no video encoder")
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = BITRATE_BPS
    stream.gop_size = FRAMES_PER_S
    stream.thread_count = 1  # the demonstration's server needs the other cores
    return stream


def _audio_stream(container: OutputContainer) -> av.AudioStream:
    stream = container.add_stream("libopus", rate=SAMPLES_PER_S, layout="mono")
    stream.bit_rate = 32_000
    return stream


def tones(seconds: int = LOOP_S) -> NDArray[np.int16]:
    """Soft sound that says 'connected' without a word: a low chord, and a chime every 5 s.

    Silent at both ends, so that the loop has no click.
    """
    t = np.arange(seconds * SAMPLES_PER_S) / SAMPLES_PER_S
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * t / 5)  # a breath, 5 s long
    chord = sum(np.sin(2 * np.pi * hertz * t) for hertz in (220.0, 277.2, 329.6))
    since = (t - 0.6) % 5  # of the last chime
    ring = np.exp(-since * 2.4) * np.minimum(since / 0.01, 1) * (t > 0.6)
    chime = np.sin(2 * np.pi * 880 * since) + 0.4 * np.sin(2 * np.pi * 1318.5 * since)
    ends = np.minimum(np.minimum(t, t[::-1]) / 0.02, 1)
    sound = (0.022 * swell * chord + 0.05 * ring * chime) * ends
    return np.asarray(sound * 32767, np.int16)
