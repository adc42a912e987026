"""A publisher of three simulcast encodings and sound, as a browser sends them, already encoded.

Frames leave when they are due. A request for a key frame (PLI or FIR, for one SSRC) makes that
encoding begin its loop again with the next frame; sequence numbers, picture ids and timestamps go
on. NACKs are answered: over RTX for video, with the same packet for sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import time
from collections import deque
from dataclasses import dataclass, field

from aiortc import rtp

from loadtests import sdp
from loadtests.encodings import AUDIO_FRAME, AUDIO_RATE, FRAMES_PER_SECOND, Encoding, Recording
from loadtests.peer import Peer

VIDEO_CLOCK = 90_000
NTP_EPOCH = 2_208_988_800
HISTORY = 1024  # packets kept for retransmission, of one stream
PAYLOAD = 1150  # octets of a frame in one packet, at most
LATE_S = 0.02  # a frame that leaves later than this says that the machine was busy
OPUS, VP8, VP8_RTX = 111, 96, 97
AUDIO_MID, VIDEO_MID = b"0", b"1"


@dataclass(frozen=True)
class Sent:
    """One packet, for those who ask for it again."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    protected: bytes


@dataclass
class Stream:
    """One SSRC's numbers, and what was sent under them."""

    ssrc: int
    payload_type: int
    clock_rate: int
    extensions: list[tuple[int, bytes]]
    sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    first_timestamp: int = field(default_factory=lambda: random.getrandbits(32))
    timestamp: int = 0
    due_s: float = 0.0  # wall clock, of `timestamp`
    packets: int = 0
    octets: int = 0
    history: deque[Sent] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def report(self, now_s: float) -> bytes:
        """A sender report; nothing before the first packet."""
        if self.packets == 0:
            return b""
        passed = round((now_s - self.due_s) * self.clock_rate)
        seconds = int(now_s)
        info = rtp.RtcpSenderInfo(
            ntp_timestamp=(seconds + NTP_EPOCH) << 32 | int((now_s - seconds) * (1 << 32)),
            rtp_timestamp=(self.timestamp + passed) & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
        )
        return bytes(rtp.RtcpSrPacket(ssrc=self.ssrc, sender_info=info))


@dataclass
class Layer:
    """One encoding on its way: where its loop is."""

    encoding: Encoding
    stream: Stream
    rtx: Stream
    at: int = 0
    picture: int = field(default_factory=lambda: random.randrange(1 << 15))
    key_frames: int = 0
    requests: int = 0


class SimulcastPublisher:
    """Sends `recording` over a connected peer between `start` and `stop`."""

    def __init__(
        self, peer: Peer, recording: Recording, audio_ssrc: int, extensions: dict[str, int]
    ) -> None:
        def named(*names: tuple[str, bytes]) -> list[tuple[int, bytes]]:
            return [(extensions[uri], value) for uri, value in names if uri in extensions]

        def stream(payload_type: int, rate: int, *names: tuple[str, bytes]) -> Stream:
            return Stream(random.getrandbits(31) | 1, payload_type, rate, named(*names))

        self.peer = peer
        self.late_frames = 0
        self.resent = 0
        self._sequence_extension = extensions.get(sdp.TRANSPORT_SEQUENCE, 0)
        self._transport_sequence = 0
        self._sound = recording.audio
        self.audio = stream(OPUS, AUDIO_RATE, (sdp.MID, AUDIO_MID))
        self.audio.ssrc = audio_ssrc
        self.layers = []
        for encoding in recording.video:
            rid = encoding.size.rid.encode()
            media = stream(VP8, VIDEO_CLOCK, (sdp.MID, VIDEO_MID), (sdp.RID, rid))
            rtx = stream(VP8_RTX, VIDEO_CLOCK, (sdp.MID, VIDEO_MID), (sdp.REPAIRED_RID, rid))
            self.layers.append(Layer(encoding, media, rtx))
        peer.on_feedback = self._feedback
        peer.sender_report = self._reports
        self._began_s = 0.0  # wall clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        began = time.monotonic()
        self._began_s = time.time()
        frames = sounds = 0
        while True:
            frame_s, sound_s = frames / FRAMES_PER_SECOND, sounds * AUDIO_FRAME / AUDIO_RATE
            due_s = began + min(frame_s, sound_s)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self.late_frames += time.monotonic() - due_s > LATE_S
            if sound_s <= frame_s:
                self._send_sound(sounds)
                sounds += 1
            else:
                for layer in self.layers:
                    self._send_frame(layer, frames)
                frames += 1

    def _send_sound(self, number: int) -> None:
        self._due(self.audio, number * AUDIO_FRAME)
        self._send(self.audio, self._sound[number % len(self._sound)], marker=number == 0)

    def _send_frame(self, layer: Layer, number: int) -> None:
        frame = layer.encoding.frames[layer.at]
        layer.key_frames += layer.at == 0
        layer.at = (layer.at + 1) % len(layer.encoding.frames)
        layer.picture = (layer.picture + 1) & 0x7FFF
        self._due(layer.stream, number * VIDEO_CLOCK // FRAMES_PER_SECOND)
        count = -(-len(frame) // PAYLOAD)
        step = -(-len(frame) // count)
        for start in range(0, len(frame), step):
            # RFC 7741: X; S at a partition's start; I with a 15-bit picture id
            descriptor = struct.pack(
                "!BBH", 0x80 | (0x10 if start == 0 else 0), 0x80, 0x8000 | layer.picture
            )
            last = start + step >= len(frame)
            self._send(layer.stream, descriptor + frame[start : start + step], marker=last)

    def _send(self, stream: Stream, payload: bytes, *, marker: bool) -> None:
        protected = self._write(stream, stream.sequence, stream.timestamp, payload, marker=marker)
        sent = Sent(stream.sequence, stream.timestamp, marker, payload, protected)
        stream.history.append(sent)
        stream.sequence = (stream.sequence + 1) & 0xFFFF
        stream.packets += 1
        stream.octets += len(payload)

    def _write(
        self, stream: Stream, sequence: int, timestamp: int, payload: bytes, *, marker: bool
    ) -> bytes:
        extensions = list(stream.extensions)
        if self._sequence_extension:
            self._transport_sequence = (self._transport_sequence + 1) & 0xFFFF
            number = struct.pack("!H", self._transport_sequence)
            extensions.append((self._sequence_extension, number))
        block = b"".join(bytes([id << 4 | len(value) - 1]) + value for id, value in extensions)
        block += bytes(-len(block) % 4)  # RFC 8285: one-byte headers, padded to words
        header = struct.pack(
            "!BBHII", 0x90, marker << 7 | stream.payload_type, sequence, timestamp, stream.ssrc
        )
        packet = header + struct.pack("!HH", 0xBEDE, len(block) // 4) + block + payload
        protected = bytes(self.peer.rtp_session.protect(packet))
        self.peer.engine.send(self.peer.number, protected)
        return protected

    def _feedback(self, name: str, packet: bytes) -> None:
        if name == "PLI":
            (wanted,) = struct.unpack_from("!I", packet, 8)
            self._request(wanted)
        elif name == "FIR":
            for at in range(12, len(packet) - 7, 8):
                self._request(struct.unpack_from("!I", packet, at)[0])
        elif name == "NACK":
            (ssrc,) = struct.unpack_from("!I", packet, 8)
            for at in range(12, len(packet) - 3, 4):
                first, mask = struct.unpack_from("!HH", packet, at)
                for bit in range(17):
                    if bit == 0 or mask >> (bit - 1) & 1:
                        self._resend(ssrc, (first + bit) & 0xFFFF)

    def _request(self, ssrc: int) -> None:
        for layer in self.layers:
            if layer.stream.ssrc == ssrc:
                layer.requests += 1
                layer.at = 0

    def _resend(self, ssrc: int, sequence: int) -> None:
        streams = {layer.stream.ssrc: (layer.stream, layer.rtx) for layer in self.layers}
        streams[self.audio.ssrc] = (self.audio, self.audio)
        if ssrc not in streams:
            return
        media, rtx = streams[ssrc]
        for sent in media.history:
            if sent.sequence != sequence:
                continue
            self.resent += 1
            if rtx is media:  # the same bytes: SRTP must not see one number twice with others
                self.peer.engine.send(self.peer.number, sent.protected)
            else:
                payload = struct.pack("!H", sequence) + sent.payload
                self._write(rtx, rtx.sequence, sent.timestamp, payload, marker=sent.marker)
                rtx.sequence = (rtx.sequence + 1) & 0xFFFF
            return

    def _reports(self) -> bytes:
        now_s = time.time()
        streams = [self.audio, *(layer.stream for layer in self.layers)]
        return b"".join(stream.report(now_s) for stream in streams)

    def _due(self, stream: Stream, ticks: int) -> None:
        stream.timestamp = (stream.first_timestamp + ticks) & 0xFFFFFFFF
        stream.due_s = self._began_s + ticks / stream.clock_rate
