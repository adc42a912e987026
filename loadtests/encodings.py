"""A camera's three simulcast encodings and a microphone's sound, encoded once and then only sent.

Each encoding is one VP8 group of pictures: frame 0 is a key frame and no other is, so its start is
what a request for a key frame gets, and the end of the loop goes over to it by itself. The picture
moves, is grainy enough to need its bit rate, and shows its number in a row of squares.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 30
AUDIO_RATE = 48_000
AUDIO_FRAME = 960  # 20 ms
AUDIO_KBPS = 32
COUNTER_BITS = 12  # squares along the top, the lowest bit first
KEY_WEIGHT = 700  # per cent of an average frame; libwebrtc allows 900
GRAIN = 14.0  # standard deviation, of 255
SPEED = 240  # pixels a second


@dataclass(frozen=True)
class Size:
    """One encoding as it is asked for."""

    rid: str
    width: int
    height: int
    kbps: int


@dataclass(frozen=True)
class Encoding:
    """One encoding as it came out: a key frame and what follows it."""

    size: Size
    frames: tuple[bytes, ...]


@dataclass(frozen=True)
class Recording:
    """All that a publisher sends, again and again."""

    video: tuple[Encoding, ...]
    audio: tuple[bytes, ...]


SECONDS = 6
SIZES = (Size("l", 320, 180, 150), Size("m", 640, 360, 600), Size("h", 1280, 720, 2_400))


def recording() -> Recording:
    """The one that all runs send, from the machine's temporary files if it was made before."""
    made_of = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"distal-encodings-{made_of}.msgpack"
    if not path.exists():
        made = Recording(tuple(video(SECONDS)), tuple(audio(SECONDS)))
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
            part.write(msgspec.msgpack.encode(made))
        Path(part.name).replace(path)  # whoever opens it finds all of it
    return msgspec.msgpack.decode(path.read_bytes(), type=Recording)


def video(seconds: float, sizes: tuple[Size, ...] = SIZES) -> list[Encoding]:
    """Encode the same pictures in each size; about the time that they last."""
    encoders = [_encoder(size) for size in sizes]
    frames: list[list[bytes]] = [[] for _ in sizes]
    for number, luma in enumerate(pictures(seconds, sizes[-1].width, sizes[-1].height)):
        for size, encoder, out in zip(sizes, encoders, frames, strict=True):
            picture = _frame(_scaled(luma, size), number)
            out.extend(bytes(packet) for packet in encoder.encode(picture))
    for encoder, out in zip(encoders, frames, strict=True):
        out.extend(bytes(packet) for packet in encoder.encode(None))
    return [Encoding(size, tuple(encoded)) for size, encoded in zip(sizes, frames, strict=True)]


def audio(seconds: float) -> list[bytes]:
    """Opus packets of 20 ms: a voice-like hum whose pitch and loudness move like syllables."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_RATE, "mono", "s16"
    encoder.bit_rate = AUDIO_KBPS * 1000
    encoder.options = {"application": "voip"}
    sound = _voice(seconds)
    packets: list[bytes] = []
    for start in range(0, len(sound) - AUDIO_FRAME + 1, AUDIO_FRAME):
        frame = av.AudioFrame.from_ndarray(
            sound[None, start : start + AUDIO_FRAME], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = AUDIO_RATE, start
        frame.time_base = Fraction(1, AUDIO_RATE)
        packets.extend(bytes(packet) for packet in encoder.encode(frame))
    return packets


def pictures(seconds: float, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Luma of each frame: a soft pattern that drifts, under grain that no encoder can predict."""
    source = np.random.default_rng(720)
    y, x = np.mgrid[0:height, 0 : 2 * width]
    pattern = 120 + 50 * np.sin(x / 37) * np.cos(y / 29) + 20 * np.sin((x + 2 * y) / 11)
    grain = source.normal(0, GRAIN, (height + 64, width + 64))
    grain += np.roll(grain, 1, 0) + np.roll(grain, 1, 1)  # a little coarse, as a camera's
    for number in range(round(seconds * FRAMES_PER_SECOND)):
        at = number * SPEED // FRAMES_PER_SECOND % width
        down, right = source.integers(0, 64, 2)
        picture = (
            pattern[:, at : at + width] + 0.6 * grain[down : down + height, right : right + width]
        )
        luma = np.clip(picture, 0, 255).astype(np.uint8)
        _stamp(luma, number)
        yield luma


def counter(luma: NDArray[np.uint8]) -> int:
    """The number that a decoded picture shows."""
    step = luma.shape[1] / COUNTER_BITS
    middle = luma[int(step / 4)]
    return sum(int(middle[int((bit + 0.25) * step)] > 128) << bit for bit in range(COUNTER_BITS))


def _stamp(luma: NDArray[np.uint8], number: int) -> None:
    step = luma.shape[1] / COUNTER_BITS
    luma[: int(step / 2)] = 128
    for bit in range(COUNTER_BITS):
        square = slice(int(bit * step), int((bit + 0.5) * step))
        luma[: int(step / 2), square] = 235 if number >> bit & 1 else 20


def _scaled(luma: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    step = luma.shape[1] // size.width
    if step == 1:
        return luma
    blocks = luma.reshape(size.height, step, size.width, step)
    return np.asarray(blocks.mean(axis=(1, 3)), np.uint8)


def _frame(luma: NDArray[np.uint8], number: int) -> av.VideoFrame:
    chroma = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
    frame = av.VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
    return frame


def _encoder(size: Size) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = size.width, size.height, "yuv420p"
    encoder.time_base = Fraction(1, FRAMES_PER_SECOND)
    encoder.framerate = Fraction(FRAMES_PER_SECOND)
    encoder.bit_rate = encoder.bit_rate_tolerance = size.kbps * 1000
    encoder.gop_size = 1_000_000
    encoder.thread_count = 1
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "minrate": str(size.kbps * 1000),
        "maxrate": str(size.kbps * 1000),
        "bufsize": str(size.kbps * 1000),
        "max-intra-rate": str(KEY_WEIGHT),
    }
    return encoder


def _voice(seconds: float) -> NDArray[np.int16]:
    t = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    pitch = 140 + 25 * np.sin(2 * np.pi * 0.5 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / AUDIO_RATE
    harmonics = sum(np.sin(n * phase) / n for n in range(1, 20))
    syllables = np.maximum(0, np.sin(2 * np.pi * 2 * t)) ** 0.5
    return np.asarray(4000 * harmonics * (0.2 + 0.8 * syllables), np.int16)
