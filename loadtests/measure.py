"""One server, once: bring it up, join, measure each way of sending, take it down."""

from __future__ import annotations

import asyncio
import secrets
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from aiortc import rtp
from pylibsrtp._binding import ffi, lib

from loadtests import frames, process, sdp, video
from loadtests._native import Publisher, Sent, Stream
from loadtests.peer import FEEDBACK_INTERVAL_MS, PROFILES, Network
from loadtests.server import Server, Session

IDLE_LEAST = 0.05  # of all cores; below it the machine, not the server, is measured
DRAIN_S = 0.5  # after counting, for what is still under way
NTP_EPOCH = 2208988800


@dataclass(frozen=True)
class Settings:
    """What is asked of every server alike."""

    subscribers: int = 60
    seconds: float = 10.0
    spreads_ms: tuple[int, ...] = (0, 20)  # 0: a frame's packets leave at once
    feedback_ms: int = FEEDBACK_INTERVAL_MS  # 0: receiver reports only
    bitrate_bps: int = 2_500_000
    profile: str = "AES-128-GCM"
    coalesce_us: int = 1000
    joins: int = 3  # times that all subscribers join at once in a run
    joins_at_once: int = 100_000  # fewer where joining is not what is measured
    joins_alone: int = 10  # and afterwards one after the other
    settle_s: float = 1.5  # after joining or changing the way of sending, before counting


@dataclass(frozen=True)
class Joining:
    """All subscribers joined at once, while the publisher was silent."""

    wall_s: float
    server_cpu_s: float
    client_cpu_s: float


@dataclass(frozen=True)
class Forwarding:
    """One measurement of a server that forwards."""

    spread_ms: int
    seconds: float
    packets: int  # counted by the subscribers
    cpu_s: float
    machine_idle: float  # share of all cores
    window: frames.Window  # of the video
    audio: frames.Window
    feedback: int  # transport-wide, sent by all subscribers
    duplicates: int
    reordered: int


@dataclass(frozen=True)
class Run:
    """All that one server did in one round."""

    server: str
    version: str
    profile: str
    joinings: list[Joining]
    alone_s: list[float]  # how long a subscriber takes that joins while nobody else does
    rss_kb: float  # per subscriber, at the end of all measurements
    pss_kb: float
    forwarding: list[Forwarding]
    complaints: list[str]  # what makes this run doubtful
    publisher_feedback: Counter[str] = field(default_factory=Counter)
    subscriber_feedback: Counter[str] = field(default_factory=Counter)
    agreed: str = ""  # with subscribers, beside receiver reports


def new_ssrcs() -> dict[sdp.Kind, int]:
    """Of a picture and a voice."""
    first, second = struct.unpack("!II", secrets.token_bytes(8))
    return {"video": first | 1, "audio": second & ~1 or 2}  # video's RTX takes the next


def make_publisher(
    session: Session,
    ssrcs: dict[sdp.Kind, int],
    bitrate_bps: int,
    frames_per_second: int = video.FRAMES_PER_SECOND,
) -> Publisher:
    """A paced publisher on a connected session; it answers PLI and sends sender reports.

    A kind that `ssrcs` leaves out is muted.
    """
    peer, remote = session.peer, session.remote

    def line(kind: sdp.Kind) -> tuple[int, int, str]:
        section = remote.section(kind) if kind in ssrcs else None
        return (ssrcs[kind], section.payload_type, section.mid) if section else (0, 0, "")

    first = remote.sections[0]
    publisher = Publisher(
        socket=peer.engine.socket(peer.number),
        session=int(ffi.cast("uintptr_t", peer.rtp_session._srtp[0])),
        protect=int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))),
        video=line("video"),
        audio=line("audio"),
        mid_extension=first.extensions.get(sdp.MID, 1),
        sequence_extension=first.extensions.get(sdp.TRANSPORT_SEQUENCE, 0),
        frames_per_second=frames_per_second,
        frames=video.plan(bitrate_bps, frames_per_second=frames_per_second),
        sounds=video.sounds(),
    )
    peer.on_key_frame_request = publisher.request_key_frame
    peer.sender_report = lambda: b"".join(
        _sender_report(publisher.sent(kind == "audio"), ssrc) for kind, ssrc in ssrcs.items()
    )
    return publisher


def _sender_report(sent: Sent, ssrc: int) -> bytes:
    if sent.packets == 0:
        return b""
    seconds, ns = divmod(sent.time_ns, 1_000_000_000)
    info = rtp.RtcpSenderInfo(
        ntp_timestamp=(seconds + NTP_EPOCH) << 32 | (ns << 32) // 1_000_000_000,
        rtp_timestamp=sent.timestamp,
        packet_count=sent.packets & 0xFFFFFFFF,
        octet_count=sent.octets & 0xFFFFFFFF,
    )
    return bytes(rtp.RtcpSrPacket(ssrc=ssrc, sender_info=info))


async def run(make: Callable[[Path], Server], settings: Settings) -> Run:
    """Measure one freshly started server."""
    with tempfile.TemporaryDirectory(prefix="distal-bench-") as folder:
        server = make(Path(folder))
        await server.start()
        try:
            profile = PROFILES[settings.profile]
            async with Network(profile, settings.coalesce_us, settings.feedback_ms) as network:
                return await _measure(server, network, settings)
        finally:
            await server.stop()


async def _measure(server: Server, network: Network, settings: Settings) -> Run:
    ssrcs = new_ssrcs()
    publishing = await server.publish(network, ssrcs)
    publisher = make_publisher(publishing, ssrcs, settings.bitrate_bps)
    sessions: list[Session] = []
    try:
        publisher.start()
        await asyncio.sleep(settings.settle_s)
        publisher.stop()
        before_kb = process.memory_kb(server.pid)
        joining, sessions = await _join(server, network, settings)
        publisher.start()
        await asyncio.sleep(settings.settle_s)
        forwarding = [
            await _forward(server, network, publisher, sessions, spread_ms, settings)
            for spread_ms in settings.spreads_ms
        ]
        after_kb = process.memory_kb(server.pid)
    finally:
        publisher.stop()
    feedback: Counter[str] = Counter()
    for session in sessions:
        feedback += session.peer.feedback
    agreed = _agreed(sessions)
    complaints = _complaints(publisher, network, sessions, forwarding)
    joinings = [joining]
    for _ in range(settings.joins - 1):
        await _leave(sessions)
        joining, sessions = await _join(server, network, settings)
        joinings.append(joining)
    await _leave(sessions)
    alone_s = await _join_alone(server, network, settings.joins_alone)
    await _leave([publishing])
    return Run(
        server.name,
        server.version,
        publishing.peer.profile,
        joinings,
        alone_s,
        (after_kb[0] - before_kb[0]) / settings.subscribers,
        (after_kb[1] - before_kb[1]) / settings.subscribers,
        forwarding,
        complaints,
        publishing.peer.feedback,
        feedback,
        agreed,
    )


def _agreed(sessions: list[Session]) -> str:
    agreed = sum(bool(session.remote.transport_sequence) for session in sessions)
    if agreed == len(sessions):
        return "transport-wide feedback"
    return f"transport-wide feedback with {agreed} of {len(sessions)}" if agreed else "reports only"


async def _join_alone(server: Server, network: Network, times: int) -> list[float]:
    took = []
    network.engine.coalesce(0)
    for _ in range(times):
        began = time.perf_counter()
        session = await server.watch(network)
        took.append(time.perf_counter() - began)
        await session.leave()
    return took


async def _leave(sessions: list[Session]) -> None:
    await asyncio.gather(*(session.leave() for session in sessions))
    await asyncio.sleep(DRAIN_S)


async def _join(
    server: Server, network: Network, settings: Settings
) -> tuple[Joining, list[Session]]:
    network.engine.coalesce(0)
    before_cpu, before_client = process.cpu_s(server.pid), time.process_time()
    began = time.perf_counter()
    sessions: list[Session] = []
    while left := min(settings.joins_at_once, settings.subscribers - len(sessions)):
        sessions += await asyncio.gather(*(server.watch(network) for _ in range(left)))
    wall_s = time.perf_counter() - began
    client_cpu_s = time.process_time() - before_client
    server_cpu_s = process.cpu_s(server.pid) - before_cpu
    network.engine.coalesce(settings.coalesce_us)
    return Joining(wall_s, server_cpu_s, client_cpu_s), sessions


async def _forward(
    server: Server,
    network: Network,
    publisher: Publisher,
    sessions: list[Session],
    spread_ms: int,
    settings: Settings,
) -> Forwarding:
    engine = network.engine
    publisher.spread(spread_ms * 1000)
    await asyncio.sleep(settings.settle_s)
    engine.record(True)
    await asyncio.sleep(2 / video.FRAMES_PER_SECOND)
    publisher.record(True)
    psutil.cpu_times_percent()
    before = [s.peer.streams() for s in sessions]
    fed = _feedback_sent(sessions)
    began, before_cpu = time.perf_counter(), process.cpu_s(server.pid)
    await asyncio.sleep(settings.seconds)
    cpu_s, took = process.cpu_s(server.pid) - before_cpu, time.perf_counter() - began
    after = [s.peer.streams() for s in sessions]
    fed = _feedback_sent(sessions) - fed
    idle = psutil.cpu_times_percent().idle / 100
    publisher.record(False)
    await asyncio.sleep(DRAIN_S)
    engine.record(False)

    def window(kind: sdp.Kind) -> frames.Window:
        got = [_frames(session, kind) for session in sessions]
        return frames.compare(frames.read(publisher.frames(kind == "audio")), got)

    def grown(what: str) -> int:
        return _total(after, what) - _total(before, what)

    return Forwarding(
        spread_ms,
        took,
        grown("received"),
        cpu_s,
        idle,
        window("video"),
        window("audio"),
        fed,
        grown("duplicates"),
        grown("reordered"),
    )


def _total(of_peers: list[list[Stream]], what: str) -> int:
    return sum(getattr(stream, what) for streams in of_peers for stream in streams)


def _feedback_sent(sessions: list[Session]) -> int:
    return sum(s.peer.engine.counts(s.peer.number).feedback_sent for s in sessions)


def _frames(session: Session, kind: sdp.Kind) -> frames.Records:
    peer, section = session.peer, session.remote.section(kind)
    for stream in peer.streams():
        if section is not None and stream.payload_type == section.payload_type:
            return frames.read(peer.engine.frames(peer.number, stream.ssrc))
    return frames.read(b"")


def _complaints(
    publisher: Publisher, network: Network, sessions: list[Session], forwarding: list[Forwarding]
) -> list[str]:
    sent, sound = publisher.sent(), publisher.sent(audio=True)
    closed = sum(s.peer.closed_by_server for s in sessions)
    missed = sum(s.peer.consents_missed for s in sessions)
    profiles = {s.peer.profile for s in sessions}
    found = {
        "frames were begun more than 5 ms late": sent.late,
        "frames have no kernel send time": sent.unstamped + sound.unstamped,
        "packets could not be sent": sent.send_errors + sound.send_errors,
        "datagrams overflowed the load generator": network.engine.dropped,
        "subscribers were closed by the server": closed,
        "consent checks went unanswered": missed,
        "measurements left the machine no idle time": sum(
            f.machine_idle < IDLE_LEAST for f in forwarding
        ),
    }
    complaints = [f"{number} {what}" for what, number in found.items() if number]
    if len(profiles) > 1:
        complaints.append(f"subscribers use different SRTP profiles: {sorted(profiles)}")
    return complaints
