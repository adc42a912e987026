"""A media file played for ever without decoding it: encoded packets, on timestamps that never jump.

Invariant: packet `index` of a loop is due at `time_s(index)`, which depends on nothing but the
index. So two tracks of one file stay together for as long as they share a `Playhead`, and
timestamps go on across the seam where the file begins again. Every loop begins with a key frame,
and a file fit for a room has one at least every two seconds: an encoded file cannot answer a
request for one.
"""

from __future__ import annotations

import asyncio
import io
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import av.container
from aiortc import MediaStreamTrack
from av.bitstream import BitStreamFilterContext

CLOCK_HZ = {"audio": 48_000, "video": 90_000}  # RTP clocks: RFC 7587 and RFC 6184, 7741
RTP_NAMES = {"vp8": "VP8", "h264": "H264", "opus": "opus"}
FILE_BYTES_MAX = 256 * 1024 * 1024  # it is held in memory
TOGETHER_S = Fraction(1, 20)  # an encoder's start-up delay, not a late start
OPUS_GRID = 120  # 2.5 ms, its shortest frame: undoes a container's rounding to milliseconds
LATE_S_MAX = 0.5  # after a longer stall the film goes on from where it was, without a burst

AvStream = av.VideoStream | av.AudioStream


class MediaFileError(Exception):
    """The file cannot be published as it is; the message says why."""


@dataclass(frozen=True)
class EncodedPacket:
    """`timestamp` counts the kind's RTP clock from the beginning of the file."""

    timestamp: int
    data: bytes
    key: bool


@dataclass(frozen=True)
class MediaLoop:
    """One elementary stream of a file, and how long the whole file lasts (`period_ms`)."""

    kind: str
    codec: str  # RTP encoding name
    period_ms: int
    packets: tuple[EncodedPacket, ...]

    def __post_init__(self) -> None:
        stamps = [packet.timestamp for packet in self.packets]
        if not stamps or any(a >= b for a, b in pairwise(stamps)):
            raise MediaFileError(f"{self.kind}: timestamps must rise, and there must be some")
        if stamps[0] < 0 or stamps[-1] >= self.period:
            raise MediaFileError(f"{self.kind}: packets outside the {self.period_ms} ms")
        if not self.packets[0].key:
            raise MediaFileError(f"{self.kind}: the first packet is no key frame")

    @property
    def clock_hz(self) -> int:
        return CLOCK_HZ[self.kind]

    @property
    def period(self) -> int:
        """The file's length on the RTP clock; whole, since both clocks divide by 1000."""
        return self.period_ms * self.clock_hz // 1000

    def timestamp(self, index: int) -> int:
        """RTP clock of packet `index`, counted through all loops."""
        loops, within = divmod(index, len(self.packets))
        return loops * self.period + self.packets[within].timestamp

    def time_s(self, index: int) -> float:
        return self.timestamp(index) / self.clock_hz

    def packet(self, index: int) -> EncodedPacket:
        return self.packets[index % len(self.packets)]

    @property
    def key_interval_s(self) -> float:
        """The longest wait for a key frame, over the seam too."""
        keys = [packet.timestamp for packet in self.packets if packet.key]
        gaps = zip(keys, [*keys[1:], keys[0] + self.period], strict=True)
        return max(b - a for a, b in gaps) / self.clock_hz


class Playhead:
    """The one clock of a file's tracks: when the film began, moved on after a stall."""

    def __init__(self) -> None:
        self.began_s: float | None = None

    def wait_s(self, due_s: float, now_s: float) -> float:
        """How long until `due_s` of the film, at `now_s`; the first question starts the film."""
        if self.began_s is None:
            self.began_s = now_s - due_s
        wait_s = self.began_s + due_s - now_s
        if wait_s < -LATE_S_MAX:
            self.began_s -= wait_s
            wait_s = 0.0
        return max(wait_s, 0.0)


class LoopTrack(MediaStreamTrack):
    """An aiortc track that hands out a loop's encoded packets when they are due."""

    def __init__(self, loop: MediaLoop, playhead: Playhead) -> None:
        super().__init__()
        self.kind = loop.kind
        self.loop = loop
        self.index = 0
        self._playhead = playhead

    async def recv(self) -> av.Packet[Any]:
        due_s = self.loop.time_s(self.index)
        wait_s = self._playhead.wait_s(due_s, time.monotonic())
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        packet = av.Packet(self.loop.packet(self.index).data)
        packet.pts = packet.dts = self.loop.timestamp(self.index)
        packet.time_base = Fraction(1, self.loop.clock_hz)
        self.index += 1
        return packet


def tracks(loops: Iterable[MediaLoop]) -> list[LoopTrack]:
    """Fresh tracks over `loops`, in step with each other. A track serves one sender, once."""
    playhead = Playhead()
    return [LoopTrack(loop, playhead) for loop in loops]


def load(path: Path) -> list[MediaLoop]:
    """The file's first video and first audio stream. Raises MediaFileError or OSError."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise MediaFileError(f"{path.name} is larger than {FILE_BYTES_MAX} bytes")
    content = io.BytesIO(path.read_bytes())
    try:
        with av.open(content, "r") as container:
            streams: list[AvStream] = [*container.streams.video[:1], *container.streams.audio[:1]]
            return _loops(container, streams)
    except av.FFmpegError as error:
        raise MediaFileError(f"{path.name}: {error}") from error


def _loops(container: av.container.InputContainer, streams: list[AvStream]) -> list[MediaLoop]:
    packets: dict[int, list[tuple[Fraction, Fraction, bytes, bool]]] = {}
    filters = {stream.index: _annex_b(stream) for stream in streams}
    for raw in container.demux(*streams):
        to_annex_b = filters[raw.stream.index]
        for packet in to_annex_b.filter(raw) if to_annex_b else [raw]:
            if packet.size == 0 or packet.pts is None or packet.time_base is None:
                continue
            if packet.dts is not None and packet.dts != packet.pts:
                raise MediaFileError("frames out of order (B-frames) cannot be sent live")
            row = packets.setdefault(raw.stream.index, [])
            lasts = (packet.duration or 0) * packet.time_base
            row.append((packet.pts * packet.time_base, lasts, bytes(packet), packet.is_keyframe))
    if not packets:
        raise MediaFileError("neither video nor audio in it")
    first = min(row[0][0] for row in packets.values())
    loops = []
    for stream in streams:
        found = packets.get(stream.index)
        if found is None:
            continue
        late = found[0][0] - first
        begin = found[0][0] if late < TOGETHER_S else first
        end = found[-1][0] + (found[-1][1] or _spacing(found)) - begin
        loops.append((stream, end, [(at - begin, data, key) for at, _, data, key in found]))
    period_ms = math.ceil(max(end for _, end, _ in loops) * 1000)
    return [_loop(stream, period_ms, rows) for stream, _, rows in loops]


def _loop(stream: AvStream, period_ms: int, rows: list[tuple[Fraction, bytes, bool]]) -> MediaLoop:
    name = stream.codec_context.name
    codec = RTP_NAMES.get({"libvpx": "vp8", "libopus": "opus", "libx264": "h264"}.get(name, name))
    if codec is None:
        raise MediaFileError(f"{name} is not one of {', '.join(RTP_NAMES.values())}")
    clock_hz = CLOCK_HZ[stream.type]
    grid = OPUS_GRID if codec == "opus" else 1
    encoded = (
        EncodedPacket(round(at * clock_hz / grid) * grid, data, key) for at, data, key in rows
    )
    return MediaLoop(stream.type, codec, period_ms, tuple(encoded))


def _spacing(row: list[tuple[Fraction, Fraction, bytes, bool]]) -> Fraction:
    """What one packet of a stream without durations lasts: the average of the others."""
    return (row[-1][0] - row[0][0]) / (len(row) - 1) if len(row) > 1 else Fraction(1, 50)


def _annex_b(stream: AvStream) -> BitStreamFilterContext | None:
    """RTP packetisation reads start codes, with parameter sets before every key frame."""
    if stream.codec_context.name != "h264":
        return None
    return BitStreamFilterContext("h264_mp4toannexb", stream)
