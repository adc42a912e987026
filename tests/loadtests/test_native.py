"""The native sinks and publisher, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from loadtests import frames
from loadtests._native import ArrivalLog, Engine, Publisher, Stream
from loadtests.floor import measure as measure_floor

PAYLOAD_TYPE, SOUND_TYPE = 96, 111
SSRC, SOUND_SSRC = 0x1234, 0x5678


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


KINDS = [(PAYLOAD_TYPE, 90_000), (SOUND_TYPE, 48_000)]


def counted(engine: Engine, peer: int, ssrc: int = SSRC) -> Stream:
    """What the engine knows of one stream; nothing yet is an empty one."""
    return next((s for s in engine.streams(peer) if s.ssrc == ssrc), Stream())


def rtp(sequence: int, timestamp: int = 0, marker: bool = False, payload_type: int = 96) -> bytes:
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, second, sequence & 0xFFFF, timestamp, SSRC) + b"payload"


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        yield out


def sink(engine: Engine, sender: socket.socket) -> int:
    peer = engine.open("127.0.0.1")
    engine.count(peer, KINDS)
    sender.connect(("127.0.0.1", engine.port(peer)))
    engine.connect(peer, *sender.getsockname())
    return peer


async def test_gaps_duplicates_and_reordering(engine: Engine, sender: socket.socket) -> None:
    peer = sink(engine, sender)
    for sequence in (65533, 65534, 65534, 0, 65535, 3):
        sender.send(rtp(sequence))
    await until(lambda: counted(engine, peer).highest == 65536 + 3)
    stream = counted(engine, peer)
    assert (stream.received, stream.expected) == (5, 7)
    assert (stream.duplicates, stream.reordered) == (1, 1)


async def test_frames_are_told_by_their_timestamps(engine: Engine, sender: socket.socket) -> None:
    peer = sink(engine, sender)
    sender.send(rtp(1, timestamp=0))
    await until(lambda: counted(engine, peer).received == 1)
    engine.record(True)
    for sequence, timestamp, marker in ((2, 3000, False), (3, 3000, True), (4, 6000, True)):
        sender.send(rtp(sequence, timestamp, marker))
    await until(lambda: counted(engine, peer).received == 4)
    got = frames.read(engine.frames(peer, SSRC))
    assert got["timestamp"].tolist() == [3000, 6000]
    assert got["packets"].tolist() == [2, 1]
    assert (got["last_ns"] >= got["first_ns"]).all()


async def test_what_is_not_rtp_waits_for_python(engine: Engine, sender: socket.socket) -> None:
    peer = sink(engine, sender)
    stun, dtls, rtcp = b"\x00\x01stun", b"\x16dtls", struct.pack("!BBH", 0x80, 201, 1) + bytes(8)
    for data in (stun, rtp(1), dtls, rtcp):
        sender.send(data)
    came: list[bytes] = []

    def all_came() -> bool:
        came.extend(data for number, data in engine.drain() if number == peer)
        return len(came) == 3

    await until(all_came)
    assert came == [stun, dtls, rtcp]
    assert counted(engine, peer).received == 1


async def test_other_payload_types_are_not_counted_as_media(
    engine: Engine, sender: socket.socket
) -> None:
    peer = sink(engine, sender)
    sender.send(rtp(1, payload_type=97))
    sender.send(rtp(1))
    await until(lambda: counted(engine, peer).received == 1)
    assert engine.counts(peer).other_rtp == 1


def sessions() -> tuple[Session, Session]:
    key = os.urandom(28)
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return (
        Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)),
        Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)),
    )


def publisher(engine: Engine, peer: int, session: Session, sound: bool = False) -> Publisher:
    return Publisher(
        socket=engine.socket(peer),
        session=int(ffi.cast("uintptr_t", session._srtp[0])),
        protect=int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))),
        video=(SSRC, PAYLOAD_TYPE, "0"),
        audio=(SOUND_SSRC if sound else 0, SOUND_TYPE, "1"),
        mid_extension=1,
        sequence_extension=3,
        frames_per_second=30,
        frames=[(9000, True), (5000, False), (700, False)],
        sounds=[60, 80, 100],
    )


async def test_a_published_frame_is_encrypted_vp8(engine: Engine, sender: socket.socket) -> None:
    out, back = sessions()
    peer = sink(engine, sender)
    sender.settimeout(5)
    source = publisher(engine, peer, out)
    source.start()
    packets = [back.unprotect(await asyncio.to_thread(sender.recv, 2000)) for _ in range(8)]
    source.stop()
    sequences = [struct.unpack_from("!H", p, 2)[0] for p in packets]
    assert sequences == list(range(sequences[0], sequences[0] + 8))
    assert [bool(p[1] & 0x80) for p in packets] == [False] * 7 + [True]
    assert {p[12:17] for p in packets} == {b"\xbe\xde\x00\x02\x10"}  # mid leads the extensions
    payloads = [p[24:] for p in packets]
    assert payloads[0][0] == 0x90 and payloads[1][0] == 0x80  # only the first starts the partition
    assert payloads[0][4] & 1 == 0 and payloads[0][7:10] == b"\x9d\x01\x2a"  # a key frame
    assert sum(len(p) - 4 for p in payloads) == 9000
    assert max(map(len, payloads)) - min(map(len, payloads)) <= 1  # split evenly, as libwebrtc does


async def test_all_that_is_published_arrives_at_once_or_spread(engine: Engine) -> None:
    out, _ = sessions()
    peer, other = engine.open("127.0.0.1"), engine.open("127.0.0.1")
    engine.connect(peer, "127.0.0.1", engine.port(other))
    engine.connect(other, "127.0.0.1", engine.port(peer))
    engine.count(other, KINDS)
    source = publisher(engine, peer, out)
    for spread_ms in (0, 20):
        source.spread(spread_ms * 1000)
        engine.record(True)
        source.record(True)
        source.start()
        await until(lambda: len(source.frames()) >= 6 * frames.RECORD.itemsize)
        source.stop()
        source.record(False)
        await until(lambda: counted(engine, other).received == source.sent().packets)
        sent, got = frames.read(source.frames()), frames.read(engine.frames(other, SSRC))
        window = frames.compare(sent, [got])
        assert window.lost_packets == 0
        assert (window.first_ms >= 0).all()  # the receive stamp is never before the send stamp
        took_ms = (got["last_ns"] - got["first_ns"])[got["packets"] > 1] / 1e6
        assert np.median(took_ms) > 0.7 * spread_ms  # a busy machine begins a few frames late
    assert source.sent().unstamped == 0


async def test_sound_goes_out_every_20_ms_beside_a_spread_frame(engine: Engine) -> None:
    out, _ = sessions()
    peer, other = engine.open("127.0.0.1"), engine.open("127.0.0.1")
    engine.connect(peer, "127.0.0.1", engine.port(other))
    engine.count(other, KINDS)
    source = publisher(engine, peer, out, sound=True)
    source.spread(20_000)
    engine.record(True)
    source.record(True)
    source.start()
    await until(lambda: len(source.frames(audio=True)) >= 20 * frames.RECORD.itemsize)
    source.stop()
    source.record(False)
    await until(
        lambda: counted(engine, other, SOUND_SSRC).received == source.sent(audio=True).packets
    )
    sent = frames.read(source.frames(audio=True))
    got = frames.read(engine.frames(other, SOUND_SSRC))
    assert set(np.diff(sent["timestamp"].astype(np.int64))) == {960}
    assert np.median(np.diff(sent["first_ns"])) / 1e6 == pytest.approx(20, abs=3)
    assert set(sent["octets"] - sent["octets"].min()) == {0, 20, 40}
    window = frames.compare(sent, [got])
    assert window.lost_packets == 0 and (window.every_ms >= 0).all()
    await until(lambda: counted(engine, other).received == source.sent().packets)  # the picture too


def statuses(report: bytes) -> dict[int, float]:
    """Sequence numbers of one feedback packet, and when they came, in ms; lost ones are not in."""
    first, kind, words, _, media = struct.unpack_from("!BBHII", report)
    assert (first & 0xDF, kind, len(report)) == (0x8F, 205, 4 * (words + 1))
    assert media == SSRC
    base, count, reference = struct.unpack_from("!HHI", report, 12)
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", report, at)
        at += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        else:
            assert chunk >> 14 == 3
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    ticks = (reference >> 8) * 256
    out = {}
    for number, symbol in enumerate(symbols[:count]):
        if symbol:
            (delta,) = struct.unpack_from("!B" if symbol == 1 else "!h", report, at)
            at += symbol
            ticks += delta
            out[(base + number) & 0xFFFF] = ticks / 4
    padding = report[-1] if first & 0x20 else 0
    assert at + padding == len(report)
    return out


def test_feedback_says_what_came_and_when() -> None:
    log = ArrivalLog()
    arrivals = {65530: 1000.0, 65531: 1000.25, 65534: 1100.0, 65535: 1090.0, 0: 1090.5, 20: 1091.0}
    for sequence, ms in arrivals.items():
        log.note(sequence, round(ms * 1e6))
    assert statuses(log.write(1, SSRC)) == arrivals
    assert log.write(1, SSRC) == b""
    log.note(30, 2_000_000_000)
    report = log.write(1, SSRC)
    assert statuses(report) == {30: 2000.0}
    assert struct.unpack_from("!HH", report, 12) == (
        21,
        10,
    )  # nothing between the reports is left out


def test_feedback_of_many_packets_takes_several_reports() -> None:
    log = ArrivalLog()
    for sequence in range(2500):
        log.note(sequence & 0xFFFF, sequence * 1_000_000)
    got: dict[int, float] = {}
    while report := log.write(1, SSRC):
        assert len(report) < 1400
        got |= statuses(report)
    assert got == {sequence: sequence for sequence in range(2500)}


async def test_the_engine_gives_feedback_and_protects_it(
    engine: Engine, sender: socket.socket
) -> None:
    out, back = sessions()
    peer = sink(engine, sender)
    protect = int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect_rtcp")))
    engine.secure(peer, int(ffi.cast("uintptr_t", out._srtp[0])), protect)
    engine.feedback(peer, 3, 20)
    for sequence in (7, 8, 10):
        packet = bytearray(rtp(sequence))
        packet[0] |= 0x10
        extension = struct.pack("!HHBxBH2x", 0xBEDE, 2, 0x10, 0x31, sequence)
        sender.send(bytes(packet[:12]) + extension + bytes(packet[12:]))
    sender.settimeout(5)
    got: dict[int, float] = {}
    while len(got) < 3:
        got |= statuses(back.unprotect_rtcp(await asyncio.to_thread(sender.recv, 2000)))
    assert set(got) == {7, 8, 10}
    await until(lambda: engine.counts(peer).feedback_sent >= 1)
    engine.send_rtcp(peer, struct.pack("!BBHI", 0x80, 201, 1, 1))
    assert back.unprotect_rtcp(await asyncio.to_thread(sender.recv, 2000))[1] == 201


def test_the_floor_is_measured() -> None:
    assert all(us > 0 for us in measure_floor(2, seconds=0.1).values())
