"""A browser's recording as single pictures at an even rate. Runs in a decoder's process.

Browsers stamp each frame with its own time, DICOM's Frame Time is one for all: at each step of an
even grid stands the picture that was on the screen then, so that a freeze stays as long as it was.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import av
import imagecodecs
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from dicom.errors import Refused

CONTAINERS = {"video/webm": "matroska", "video/mp4": "mp4"}
CODECS = frozenset({"vp8", "vp9", "h264", "av1", "libdav1d"})  # what browsers record
SIDE_MAX = 4096
STEP_MIN_S = 1 / 30  # a machine's video has no more
STEP_MAX_S = 1.0
FRAMES_MAX = 2400  # 80 s at 30 a second; the page ends a clip after 60
JPEG_MAX_BYTES = 512 << 20
QUALITY = 90  # speckle is noise to JPEG; the recording has lost more already
T = TypeVar("T")


@dataclass(frozen=True)
class Loop:
    """What a recording holds. `frames` are JPEG baseline, YCbCr 4:2:2."""

    rows: int
    columns: int
    step_ms: float
    frames: list[bytes]


def read(path: Path, media: str) -> Loop:
    """All of it. Raises Refused for what is no such recording, or too large."""
    with path.open("rb") as file:
        try:
            step_s = _step_s(_times(file, media))
            file.seek(0)
            return _loop(file, media, step_s)
        except (av.FFmpegError, ValueError, EOFError) as error:
            raise Refused("undecodable", f"the clip is damaged: {type(error).__name__}") from None


def even(timed: Iterable[tuple[float, T]], step_s: float) -> Iterator[T]:
    """At each step the newest of `timed` (seconds, in order), from the first to the last."""
    first: float | None = None
    count = 0
    held: list[T] = []
    for at_s, one in timed:
        first = at_s if first is None else first
        while held and count * step_s < at_s - first - step_s / 2:
            yield held[0]
            count += 1
        held = [one]
    yield from held


def _open(file: BinaryIO, media: str) -> InputContainer:
    """The container is named: no other demuxer, which might follow addresses, ever looks at it."""
    container = av.open(file, "r", format=CONTAINERS[media])
    if not container.streams.video:
        raise Refused("undecodable", "the clip has no picture")
    codec = container.streams.video[0].codec_context
    if codec.name not in CODECS:
        raise Refused("undecodable", "no browser records such video")
    codec.thread_count = 1
    return container


def _times(file: BinaryIO, media: str) -> list[float]:
    with _open(file, media) as container:
        stream = container.streams.video[0]
        times = sorted(
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.size
        )
    if not times:
        raise Refused("undecodable", "the clip is empty")
    if (times[-1] - times[0]) / STEP_MIN_S > FRAMES_MAX:
        raise Refused("size", f"a clip has at most {FRAMES_MAX * STEP_MIN_S:.0f} s")
    return times


def _step_s(times: list[float]) -> float:
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    usual = statistics.median(gaps) if gaps else STEP_MAX_S
    return min(max(usual, STEP_MIN_S), STEP_MAX_S)


def _loop(file: BinaryIO, media: str, step_s: float) -> Loop:
    frames: list[bytes] = []
    size = 0
    with _open(file, media) as container:
        pictures = _Pictures()
        for picture in even(pictures.of(container), step_s):
            frames.append(picture.jpeg())
            size += len(frames[-1])
            if size > JPEG_MAX_BYTES or len(frames) > FRAMES_MAX:
                raise Refused("size", "the clip is too long for one object")
    if not frames:
        raise Refused("undecodable", "none of the clip's pictures can be decoded")
    return Loop(pictures.rows, pictures.columns, round(1000 * step_s, 3), frames)


class _Picture:
    """Coded when it is wanted, and once: a grid passes over some and stays at others."""

    def __init__(self, frame: VideoFrame, columns: int, rows: int) -> None:
        self._frame = frame
        self._size = columns, rows
        self._coded = b""

    def jpeg(self) -> bytes:
        if not self._coded:
            columns, rows = self._size
            shown = self._frame.reformat(columns, rows, "rgb24").to_ndarray()
            self._coded = jpeg(shown)
        return self._coded


class _Pictures:
    """The frames of a recording, all of the first one's size."""

    rows = columns = 0

    def of(self, container: InputContainer) -> Iterator[tuple[float, _Picture]]:
        last_s = float("-inf")
        for frame in container.decode(container.streams.video[0]):
            if frame.time is None or frame.time < last_s:
                continue
            last_s = frame.time
            if not self.rows:
                self.rows, self.columns = frame.height, frame.width
                check_size(self.rows, self.columns)
            # A camera's picture may come smaller for a while; one of another shape is another one.
            if abs(frame.width * self.rows - frame.height * self.columns) > 8 * self.rows:
                raise Refused("size", "the picture changes its shape within the clip")
            yield last_s, _Picture(frame, self.columns, self.rows)


def check_size(rows: int, columns: int) -> None:
    """Raises Refused."""
    if not (1 <= rows <= SIDE_MAX and 1 <= columns <= SIDE_MAX):
        raise Refused("size", f"no side of a picture may be longer than {SIDE_MAX}")


def jpeg(picture: np.ndarray) -> bytes:
    """JPEG baseline of RGB, as YBR_FULL_422 has it."""
    return bytes(imagecodecs.jpeg8_encode(picture, level=QUALITY, subsampling="422"))
