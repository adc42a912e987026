"""The simulcast publisher: its encodings decode, and it answers what the relay asks of it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import av
import numpy as np
import pytest

from loadtests import encodings, sdp
from loadtests.peer import Peer
from loadtests.simulcast import SimulcastPublisher

SIZES = (
    encodings.Size("l", 160, 96, 60),
    encodings.Size("m", 320, 192, 150),
    encodings.Size("h", 640, 384, 500),
)
EXTENSIONS = {sdp.MID: 1, sdp.TRANSPORT_SEQUENCE: 3, sdp.RID: 4, sdp.REPAIRED_RID: 5}
AUDIO_SSRC = 77


@pytest.fixture(scope="module")
def recording() -> encodings.Recording:
    return encodings.Recording(tuple(encodings.video(1, SIZES)), tuple(encodings.audio(1)))


def decoded(frames: list[bytes]) -> Iterator[np.ndarray]:
    decoder = cast(av.VideoCodecContext, av.CodecContext.create("vp8", "r"))
    for frame in frames:
        for picture in decoder.decode(av.Packet(frame)):
            yield picture.to_ndarray(format="gray")


def is_key(frame: bytes) -> bool:
    return frame[0] & 1 == 0


def test_each_encoding_is_one_group_of_pictures_that_show_their_numbers(
    recording: encodings.Recording,
) -> None:
    for size, encoding in zip(SIZES, recording.video, strict=True):
        assert [is_key(frame) for frame in encoding.frames] == [True] + [False] * 29
        pictures = list(decoded(list(encoding.frames)))
        assert [picture.shape for picture in pictures] == [(size.height, size.width)] * 30
        assert [encodings.counter(picture) for picture in pictures] == list(range(30))


def test_encodings_have_their_bit_rates() -> None:
    for encoding in encodings.video(2):
        kbps = sum(map(len, encoding.frames)) * 8e-3 / 2
        assert kbps == pytest.approx(encoding.size.kbps, rel=0.2)


def test_the_sound_is_sound(recording: encodings.Recording) -> None:
    assert len(recording.audio) == 50
    decoder = cast(av.AudioCodecContext, av.CodecContext.create("libopus", "r"))
    loud = [
        float(np.abs(frame.to_ndarray()).max())
        for packet in recording.audio
        for frame in decoder.decode(av.Packet(packet))
    ]
    assert max(loud) > 0.1 * (1 if max(loud) <= 1 else 32768)


@dataclass(frozen=True)
class Rtp:
    """One packet, read back."""

    ssrc: int
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    extensions: dict[int, bytes]
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> Rtp:
        _, second, sequence, timestamp, ssrc, profile, words = struct.unpack_from("!BBHIIHH", data)
        assert profile == 0xBEDE
        at, end, extensions = 16, 16 + 4 * words, {}
        while at < end and data[at]:
            size = (data[at] & 15) + 1
            extensions[data[at] >> 4] = data[at + 1 : at + 1 + size]
            at += 1 + size
        return cls(ssrc, second & 127, second >= 128, sequence, timestamp, extensions, data[end:])


@dataclass
class Wire:
    """A peer whose SRTP changes nothing and whose packets stay here."""

    number: int = 0
    sent: list[Rtp] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def engine(self) -> Wire:
        return self

    @property
    def rtp_session(self) -> Wire:
        return self

    def protect(self, data: bytes) -> bytes:
        return data

    def send(self, number: int, data: bytes) -> None:
        self.sent.append(Rtp.parse(data))
        self.arrived.set()

    def of(self, ssrc: int) -> list[Rtp]:
        return [packet for packet in self.sent if packet.ssrc == ssrc]

    async def until(self, ssrc: int, count: int) -> list[Rtp]:
        async with asyncio.timeout(20):
            while len(self.of(ssrc)) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.of(ssrc)


@asynccontextmanager
async def publishing(
    recording: encodings.Recording,
) -> AsyncIterator[tuple[SimulcastPublisher, Wire]]:
    wire = Wire()
    publisher = SimulcastPublisher(cast(Peer, wire), recording, AUDIO_SSRC, EXTENSIONS)
    publisher.start()
    try:
        yield publisher, wire
    finally:
        await publisher.stop()


def frames_of(packets: list[Rtp]) -> list[bytes]:
    """VP8 frames out of complete packets, the last one left out as it may go on."""
    frames: dict[int, bytes] = {}
    for packet in packets:
        frames[packet.timestamp] = frames.get(packet.timestamp, b"") + packet.payload[4:]
    return list(frames.values())[:-1]


async def test_its_streams_decode_and_say_which_they_are(recording: encodings.Recording) -> None:
    async with publishing(recording) as (publisher, wire):
        for layer, size in zip(publisher.layers, SIZES, strict=True):
            packets = await wire.until(layer.stream.ssrc, 12)
            pictures = list(decoded(frames_of(packets)))
            assert [encodings.counter(p) for p in pictures] == list(range(len(pictures)))
            assert {p.extensions[4] for p in packets} == {size.rid.encode()}
            assert {p.extensions[1] for p in packets} == {b"1"}
            numbers = [p.sequence for p in packets]
            assert numbers == [numbers[0] + n for n in range(len(numbers))]
        sound = await wire.until(AUDIO_SSRC, 5)
        assert {p.extensions[1] for p in sound} == {b"0"}
        assert [b.timestamp - a.timestamp for a, b in pairwise(sound)] == [960] * (len(sound) - 1)


async def test_a_picture_loss_gets_a_key_frame_next(recording: encodings.Recording) -> None:
    async with publishing(recording) as (publisher, wire):
        layer = publisher.layers[1]
        before = len(await wire.until(layer.stream.ssrc, 10))
        pli = struct.pack("!BBHII", 0x81, 206, 2, 1, layer.stream.ssrc)
        publisher._feedback("PLI", pli)
        packets = (await wire.until(layer.stream.ssrc, before + 12))[before:]
        frames = frames_of(packets)
        assert is_key(frames[0]) and not is_key(frames[1])
        assert list(decoded(frames))  # nothing from before is needed
        assert len({is_key(f) for f in frames_of(wire.of(publisher.layers[0].stream.ssrc))}) == 2
        stamps = sorted({p.timestamp for p in wire.of(layer.stream.ssrc)})
        assert {b - a for a, b in pairwise(stamps)} == {3000}


async def test_lost_packets_come_again(recording: encodings.Recording) -> None:
    async with publishing(recording) as (publisher, wire):
        layer = publisher.layers[2]
        lost = (await wire.until(layer.stream.ssrc, 8))[3:6]
        nack = struct.pack("!BBHIIHH", 0x81, 205, 3, 1, layer.stream.ssrc, lost[0].sequence, 0b11)
        publisher._feedback("NACK", nack)
        again = await wire.until(layer.rtx.ssrc, 3)
        assert [p.payload for p in again] == [
            struct.pack("!H", p.sequence) + p.payload for p in lost
        ]
        assert {p.payload_type for p in again} == {97}
        assert {p.extensions[5] for p in again} == {b"h"}
        sound = (await wire.until(AUDIO_SSRC, 3))[1]
        nack = struct.pack("!BBHIIHH", 0x81, 205, 3, 1, AUDIO_SSRC, sound.sequence, 0)
        publisher._feedback("NACK", nack)
        assert wire.of(AUDIO_SSRC).count(sound) == 2


async def test_each_stream_reports(recording: encodings.Recording) -> None:
    async with publishing(recording) as (publisher, wire):
        await wire.until(publisher.layers[2].stream.ssrc, 8)
        report = publisher._reports()
        ssrcs = [struct.unpack_from("!I", report, at + 4)[0] for at in range(0, len(report), 28)]
        assert ssrcs == [AUDIO_SSRC, *(layer.stream.ssrc for layer in publisher.layers)]
