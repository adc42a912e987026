"""A video sender that heeds a bandwidth estimator, and its receiver, behind the emulator's links.

Fake time, in steps of a millisecond; the feedback is real bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from loadtests.impairment.profiles import Profile, links
from loadtests.impairment.settings import LinkSettings
from loadtests.impairment.timeline import During
from media._plane import BandwidthEstimator

MS = 1_000_000
FRAME_MS, FEEDBACK_MS, PACKET = 33, 100, 1100
OTHERS = 1 << 30
SOUND, SOUND_MS = 100, 20
SOUND_BPS = (100 + 28) * 8 * 50
HEADERS = 28  # IPv4 and UDP, which the links count too


def write_feedback(base: int, arrivals: list[int | None], *, runs: bool = False) -> bytes:
    """The body of transport-wide feedback: arrivals in microseconds, None for the lost.

    Status vectors of two bits, or run lengths.
    """
    first = next((at for at in arrivals if at is not None), 0)
    reference = first // 64_000
    clock = reference * 64_000
    symbols, deltas = [], b""
    for at in arrivals:
        if at is None:
            symbols.append(0)
            continue
        delta = round((at - clock) / 250)
        clock += delta * 250
        symbols.append(1 if 0 <= delta < 256 else 2)
        deltas += struct.pack("!B" if symbols[-1] == 1 else "!h", delta)
    chunks: list[int] = []
    if runs:
        start = 0
        for n in range(1, len(symbols) + 1):
            if n == len(symbols) or symbols[n] != symbols[start]:
                chunks.append(symbols[start] << 13 | n - start)
                start = n
    else:
        for n in range(0, len(symbols), 7):
            seven = (symbols[n : n + 7] + [0] * 6)[:7]
            chunks.append(0xC000 | sum(s << 12 - 2 * k for k, s in enumerate(seven)))
    head = struct.pack("!IIHH", 1, 2, base & 0xFFFF, len(symbols))
    head += (reference & 0xFFFFFF).to_bytes(3) + b"\0"
    return head + struct.pack(f"!{len(chunks)}H", *chunks) + deltas


@dataclass
class Receiver:
    """Tells every 100 ms what came since."""

    skew_ppm: int = 0
    offset_us: int = 1_234_567_890  # another clock
    next: int = -1
    came: dict[int, int] = field(default_factory=dict)

    def take(self, seq: int, now_us: int) -> None:
        self.came.setdefault(seq, now_us + now_us * self.skew_ppm // 1_000_000 + self.offset_us)

    def tell(self) -> bytes | None:
        if not self.came:
            return None
        first, last = min(self.came), max(self.came)
        base = min(first, self.next) if self.next >= 0 else first
        body = write_feedback(base, [self.came.get(seq) for seq in range(base, last + 1)])
        self.next = max(last + 1, self.next)
        self.came.clear()
        return body


@dataclass
class Second:
    """What one second was like."""

    bps: int
    sent_bps: float
    came_bps: float
    queue_ms: float  # the longest that a packet waited, beyond the least of all
    lost: float


@dataclass
class Call:
    """A server's video goes down a link to a receiver, whose feedback comes up another."""

    profile: Profile
    wanted_bps: int
    seconds: int
    during: tuple[During, ...] = ()
    seed: int = 1
    sizes: float = 0.3  # how much frames differ
    keyframe_s: float = 8.0
    feedback: Callable[[Random, list[bytes]], list[bytes]] = lambda _, bodies: bodies
    feedback_ms: int = FEEDBACK_MS
    skew_ppm: int = 0  # of the receiver's clock
    others_bps: int = 0  # somebody else's packets in the same queue
    paced: bool = False  # frames leave in ticks of 10 ms, at 1.5 times the rate
    steps: tuple[int, ...] = ()  # rates that can be sent; empty: any
    wanted_at: Callable[[float], int] | None = None

    def run(self) -> list[Second]:
        random = Random(self.seed)
        up, down = links(self.profile, self.seed, self.seconds, self.during)
        estimator, receiver = BandwidthEstimator(), Receiver(self.skew_ppm)
        self.estimator = estimator
        self.probes = 0
        sizes: list[int] = []  # by long sequence number
        sent_at: list[int] = []
        out: list[Second] = []
        delays: list[int] = []
        waiting: list[int] = []  # for the pacer
        sent_bytes = came_bytes = sent_packets = came_packets = 0
        least_base = self.profile.down.delay_ms * 1000

        def send(size: int, now_us: int, probe: int = 0) -> None:
            nonlocal sent_bytes, sent_packets
            seq = estimator.on_sent(size + HEADERS, now_us, probe)
            assert seq == len(sent_at) & 0xFFFF
            down.push(now_us * 1000, len(sent_at), bytes(size))
            sent_at.append(now_us)
            sizes.append(size + HEADERS)
            sent_bytes += size + HEADERS
            sent_packets += 1

        for ms in range(1, self.seconds * 1000 + 1):
            now_us = ms * 1000
            wanted = self.wanted_at(ms / 1000) if self.wanted_at else self.wanted_bps
            if ms % FRAME_MS == 0:
                rate = min(wanted, estimator.bps) if estimator.known else wanted
                rate = max(20_000, rate - SOUND_BPS)
                if self.steps:
                    rate = max([s for s in self.steps if s <= rate], default=min(self.steps))
                octets = rate / 8 * FRAME_MS / 1000 * random.uniform(1 - self.sizes, 1 + self.sizes)
                if self.keyframe_s and ms // FRAME_MS % int(self.keyframe_s * 30) == 5:
                    octets *= 4
                packets = max(1, round(octets / PACKET))
                waiting += [max(60, round(octets / packets) - HEADERS)] * packets
            if waiting and (not self.paced or ms % 10 == 0):
                budget = 1.5 * estimator.bps / 8 / 100 if self.paced else 1e9
                while waiting and budget > 0:
                    budget -= waiting[0]
                    send(waiting.pop(0), now_us)
            if ms % SOUND_MS == 0:
                send(SOUND, now_us)
            if ms % 10 == 0:
                probe, more = estimator.on_timer(now_us, wanted)
                if probe:
                    self.probes += 1
                    count = max(5, -(-more // (PACKET + HEADERS)))
                    for _ in range(count):
                        send(-(-more // count) - HEADERS, now_us, probe)
            if self.others_bps and ms % max(1, 8 * 1_000_000 // self.others_bps) == 0:
                down.push(now_us * 1000, OTHERS, bytes(1000 - HEADERS))
            for at_ns, seq, data in down.poll(now_us * 1000):
                if seq == OTHERS:
                    continue
                receiver.take(seq, at_ns // 1000)
                delays.append(at_ns // 1000 - sent_at[seq])
                came_bytes += len(data) + HEADERS
                came_packets += 1
            if ms % self.feedback_ms == 0 and (body := receiver.tell()):
                up.push(now_us * 1000, 0, body)
            if bodies := [data for _, _, data in up.poll(now_us * 1000)]:
                for body in self.feedback(random, bodies):
                    estimator.on_feedback(body, now_us)
                estimator.on_rtt(round(2000 * self.profile.down.delay_ms) + 20_000)
            if ms % 1000 == 0:
                out.append(
                    Second(
                        estimator.bps,
                        sent_bytes * 8,
                        came_bytes * 8,
                        (max(delays, default=0) - least_base) / 1000,
                        1 - came_packets / max(1, sent_packets),
                    )
                )
                delays.clear()
                sent_bytes = came_bytes = sent_packets = came_packets = 0
        self.sent_at = sent_at
        return out


def link(rate_kbps: float = 0, **more: object) -> Profile:
    """A network with so much room downwards."""
    usual: dict[str, object] = {"delay_ms": 25, "queue_ms": 1000}
    return Profile(
        LinkSettings(delay_ms=25),
        LinkSettings(rate_kbps=rate_kbps, **{**usual, **more}),  # type: ignore[arg-type]
        "",
    )
