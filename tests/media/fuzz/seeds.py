"""Writes the corpora: `python -m tests.media.fuzz.seeds`. What other implementations send, as each
target takes it (the top of its file says how), so that mutations start from what is well formed.
"""

from __future__ import annotations

import fractions
import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import av
from aioice import stun
from aiortc import rtp
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from media.codecs import EXTENSIONS

CORPUS = Path(__file__).parent / "corpus"
IDS = bytes(range(1, len(EXTENSIONS) + 1))


def frames(count: int) -> Iterator[av.VideoFrame]:
    for n in range(count):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((i * n) & 0xFF for i in range(plane.buffer_size)))
        frame.pts, frame.time_base = n * 3000, fractions.Fraction(1, 90000)
        yield frame


def of_payload() -> Iterator[bytes]:
    head = struct.pack("!HB", 100, 7)
    vp8 = Vp8Encoder()
    vp8.picture_id = 100  # it would draw one
    for codec, encoder in ((1, vp8), (2, H264Encoder())):
        for frame in frames(3):
            for payload in encoder.encode(frame)[0]:
                yield bytes([codec]) + head + payload[:300]
    for descriptor in (
        "90e08123 05a000",
        "80e0812405a0 01",
        "90c07f0500",
        "9020c000",
        "10",
        "90b081ffe1",
    ):
        yield bytes([1]) + head + bytes.fromhex(descriptor) + b"picture"
    stap = b"\x18" + b"".join(
        struct.pack("!H", len(n)) + n for n in (b"\x67sps", b"\x68pps", b"\x65idr")
    )
    for unit in (stap, b"\x67sps", b"\x7c\x85idr", b"\x41slice"):
        yield bytes([2]) + head + unit


def red(*blocks: bytes, pt: int = 111) -> bytes:
    """RED (RFC 2198): older blocks 20 ms apart at 48 kHz, the newest last."""
    older, newest = blocks[:-1], blocks[-1]
    heads = b"".join(
        bytes([0x80 | pt]) + ((len(older) - n) * 960 << 10 | len(block)).to_bytes(3, "big")
        for n, block in enumerate(older)
    )
    return heads + bytes([pt]) + b"".join(older) + newest


def of_red() -> Iterator[bytes]:
    for blocks in ((b"newest",), (b"older", b"newest"), (b"", b"older", b"newest"), (b"a", b"")):
        for pt in (111, 63):
            yield bytes([111, 109]) + red(*blocks, pt=pt)


def of_rtp() -> Iterator[bytes]:
    parameters = RTCRtpParameters()
    for n, uri in enumerate(EXTENSIONS):
        parameters.headerExtensions.append(RTCRtpHeaderExtensionParameters(id=n + 1, uri=uri))
    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(parameters)
    for flags in range(4):
        for n in range(3):
            packet = rtp.RtpPacket(96, n % 2, 65535 + n & 0xFFFF, 3000 * n, 1111, b"x" * 40 * n)
            packet.extensions.mid = "1"
            if n:
                packet.extensions.audio_level = (True, 30)
                packet.extensions.transport_sequence_number = n
                packet.extensions.rtp_stream_id = "h"
            packet.csrc = [7] * n
            padded = bytearray(packet.serialize(extensions) + bytes(3) + b"\4")
            padded[0] |= 0x20
            yield bytes([flags]) + IDS + IDS[::-1] + padded
    long = (
        struct.pack("!BBHII", 0x90, 96, 1, 2, 3)
        + b"\x10\x00\x00\x07\x08\x15"
        + bytes(21)
        + b"\x0a\0\0\0\0"
    )
    yield bytes([3]) + IDS + IDS + long + b"dependencies"
    yield bytes([1]) + bytes([1] * 30) + long
    yield bytes([0]) + IDS + IDS + rtp.RtpPacket(111, 0, 1, 960, 5, b"opus").serialize()


def of_rtcp() -> Iterator[bytes]:
    block = rtp.RtcpReceiverInfo(1111, 12, 34, 70000, 90, 0x12345678, 6553)
    report = rtp.RtcpRrPacket(1, [block])
    names = rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(1, [(1, b"{cname}")])])
    sender = rtp.RtcpSrPacket(1, rtp.RtcpSenderInfo(0xE000000012345678, 90000, 10, 12000), [block])
    nack = rtp.RtcpRtpfbPacket(rtp.RTCP_RTPFB_NACK, 1, 1111, [3, 4, 19, 65530])
    pli = rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_PLI, 1, 1111)
    fir = rtp.RtcpPsfbPacket(4, 1, 0, struct.pack("!IB3x", 1111, 1))
    remb = rtp.RtcpPsfbPacket(15, 1, 0, rtp.pack_remb_fci(2_500_000, [1111, 2222]))
    padded = bytearray(bytes(pli) + b"\0\0\0\4")
    padded[0] |= 0x20
    padded[3] += 1
    goodbye, full = rtp.RtcpByePacket([1, 2]), rtp.RtcpRrPacket(1, [block] * 31)
    for compound in (
        [report], [report, names], [sender, names], [report, names, nack], [nack], [pli], [fir],
        [remb], [sender, names, remb, pli], [goodbye], [full],
    ):  # fmt: skip
        yield b"".join(bytes(p) for p in compound)
    yield bytes(padded)


def feedback(base: int, symbols: list[int], deltas: list[int], *, vector: bool) -> bytes:
    """The body of a transport-wide feedback, after the common header."""
    body = struct.pack("!IIHH", 1, 1111, base, len(symbols)) + b"\0\0\x10\0"
    if vector:
        for at in range(0, len(symbols), 7):
            part = (symbols[at : at + 7] + [0] * 7)[:7]
            body += struct.pack("!H", 0xC000 | sum(s << (12 - 2 * n) for n, s in enumerate(part)))
    else:
        for s in symbols:
            body += struct.pack("!H", s << 13 | 1)
    for s, d in zip((s for s in symbols if s), deltas, strict=False):
        body += struct.pack("!B" if s == 1 else "!h", d)
    return body


def bodies() -> Iterator[bytes]:
    yield feedback(65530, [1, 0, 1, 2, 0, 1, 1, 1], [10, 20, -300, 4, 5, 6], vector=True)
    yield feedback(1, [1, 0, 2, 0], [255, 32767], vector=False)
    yield (
        struct.pack("!IIHH", 1, 2, 5, 60)
        + b"\0\0\x20\1"
        + struct.pack("!H", 1 << 13 | 60)
        + bytes(60)
    )
    yield struct.pack("!IIHH", 1, 2, 5, 14) + b"\0\0\x20\1" + struct.pack("!H", 0x9555) + bytes(6)
    yield struct.pack("!IIHH", 1, 2, 5, 8000) + b"\0\0\x20\1" + struct.pack("!H", 8000)


def of_transport_feedback() -> Iterator[bytes]:
    for body in bodies():
        yield b"\0" + body
    draw = random.Random(1)
    for flags in (1, 3):
        for count in (5, 60, 500):
            yield bytes([flags]) + struct.pack("!HI", 65500, count) + draw.randbytes(2 * count)


def of_bandwidth() -> Iterator[bytes]:
    for number, body in enumerate(bodies()):
        yield bytes([0, 20, 0, 31, 3, len(body)]) + body + bytes([4, 10, 0, number])
    for delta, missing in ((2, 1), (200, 1), (2, 0)):  # a good way, a queue that grows, losses
        call = b"".join(
            bytes([0, 10, 2, 10, delta, missing or round % 5])
            + bytes([4 + 16 * 8 % 256, 40, 0, 200])
            for round in range(80)
        )
        yield call
    yield bytes([6, 200, 5, 60, 5, 0, 7, 0, 1, 0, 0, 4, 255, 255, 9])


def of_stun() -> Iterator[bytes]:
    for nominate in (False, True):
        for signed in (False, True):
            request = stun.Message(
                stun.Method.BINDING, stun.Class.REQUEST, transaction_id=bytes(12)
            )
            request.attributes["USERNAME"] = "ufrag1:peer"
            request.attributes["PRIORITY"] = 1862270975
            request.attributes["ICE-CONTROLLING"] = 0x1234567812345678
            if nominate:
                request.attributes["USE-CANDIDATE"] = None
            if signed:
                request.add_message_integrity(b"password")
                request.add_fingerprint()
            for flags in (0, 1):
                yield bytes([flags]) + struct.pack("!H", 5000) + bytes(request)
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=bytes(12))
    answer.attributes["XOR-MAPPED-ADDRESS"] = ("10.0.0.1", 5000)
    answer.add_message_integrity(b"password")
    yield bytes(3) + bytes(answer)


def of_framing() -> Iterator[bytes]:
    packets = [b"\0\1\0\0" + bytes(16), bytes(1200), b"x", b"", bytes(1500)]
    stream = b"".join(struct.pack("!H", len(p)) + p for p in packets)
    for cuts in (0, 1, 13):
        yield bytes([0, cuts]) + stream[:1900]
    yield bytes([0, 3]) + stream[:60] + b"\xff\xff"
    draw = random.Random(2)
    for size in (20, 200, 1500):
        yield b"\1" + draw.randbytes(size)
    yield b"\1" + bytes([7, 5, 200]) * 60 + bytes([0, 255, 255]) * 3 + bytes([7, 5, 200]) * 60


class Script:
    """Operations for the core: each a byte, its argument, and what it takes beyond (core.cpp)."""

    def __init__(self, flags: int) -> None:
        self.bytes = bytes([flags])

    def __call__(self, operation: int, argument: int = 0, *more: int) -> Script:
        self.bytes += bytes(b & 0xFF for b in (operation, argument, *more))
        return self

    def call(self, frames: int, delta: int = 4, size: int = 200) -> Script:
        """Pictures and sound with the reports of who receives them."""
        for n in range(frames):
            shape = 6 | (0x40 if n % 30 == 0 else 0)
            self(2, n % 4 << 2, shape, size)(5, 0x10)(0, 3)
            if n % 3 == 2:
                self(6, 0, 60, delta)
            if n % 10 == 9:
                self(11, n)(10, n, n % 20, n)(8, n, 3, 0, 5)
        return self


def of_core() -> Iterator[bytes]:
    for flags in range(32):
        script = Script(flags).call(40)
        yield script.bytes
    for flags in (1, 3, 7, 0, 2, 10):
        yield Script(flags).call(50, delta=250).call(20, delta=1).bytes  # a queue grows, and goes
        commands = Script(flags).call(4)
        for n in range(12):
            commands(16, 0x80 | n)(17, n << 4, n)(18, n << 5)(9, n)(9, 0x80 | n).call(2)
            commands(16, n)(19, 0x80 | n, n).call(2)(22, n)(15, 0xC0 | n, n)(15, 0x80 | n, 0)
        yield commands(20, 0x80).call(3)(21, 0x80)(21, 0x82)(20, 0x81).call(10).bytes
    for flags in (0, 2, 16):  # what a pause left out is repaired after it
        late = Script(flags).call(4)
        for n in range(6):
            late(16, 0x80 | n)
        for lost in (2, 3, 4):
            late(2, 0x80, 5, lost)
        for n in range(6):
            late(16, n)
        for _ in range(3):
            late(2, 0, 0x48, 60)
        for n in range(64):
            late(13, n, 4, 0x90, 0, 0, 0)
        yield late.call(6).bytes
    losses = Script(2).call(3)
    for n in range(20):
        losses(2, 0x80, 9, 5)(13, n, 4, 1, 2, 3, 4)(14, 0x20 | n, *[n, 5, 7] * (n % 4))(0, 2)
    yield losses(5, 0x80, 40, 0).call(5).bytes
    yield (
        Script(0)(12, 0, 20, 22, 254, 253, *[0] * 17)(23, 40)(12, 1, 20, 128, 200, *[0] * 18)(
            1, 255
        )(0, 5)(24, 1)(15, 0x81, 1)(1, 0xB0)
        .call(10)
        .bytes
    )
    told = Script(16).call(40)  # an estimate that falls, and the padding that finds room again
    for mantissa in (200, 100, 50, 25):
        for n in range(6):
            told(10, 0x80 | (n % 2) << 5 | n, mantissa, 7)
        told.call(4)(0, 15)
    for n in range(6):
        told(10, n, 0, 0)
    for n in range(30):
        told.call(1)(0, 12)
        if n % 5 == 0:
            told(10, n % 6, 0, n)
    yield told.bytes


def main() -> None:
    """Write every corpus anew."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    for name, make in globals().copy().items():
        if not name.startswith("of_"):
            continue
        folder = CORPUS / name[3:]
        folder.mkdir(parents=True)
        for number, seed in enumerate(make()):
            (folder / f"{number:02}").write_bytes(seed[:2048])


if __name__ == "__main__":
    main()
