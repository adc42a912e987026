"""A call in fake time: a camera of three encodings, and subscribers behind the emulator's links.

Steps of a millisecond; every datagram is real, the feedback too.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
)

from loadtests.impairment.profiles import Profile, links
from loadtests.impairment.timeline import During

from .bandwidth import Receiver
from .simulated import MID_ID, OUT_RTX_SSRC, OUT_SSRC, World, ext_ids, mapped, rtp
from .test_layers import RID_ID, SSRCS, STARTS, vp8

CC_OUT = 9
BPS = (150_000, 600_000, 2_500_000)
START_US = 1_000_000  # of the world; a call's own time begins at 0
FRAME_MS, FEEDBACK_MS, CONSENT_MS, PACKET, LONGEST = 33, 100, 5000, 1100, 1300


@dataclass
class Arrived:
    at_us: int
    seq: int
    timestamp: int
    key: bool
    size: int
    marker: bool


class Camera:
    """Sends each encoding at its rate; a key frame, five frames large, comes when asked for."""

    reports = False  # whether it tells its clock, from which the relay measures round trips
    lossy = 0.0  # of its packets, on their way to the relay

    def __init__(
        self, world: World, track: int = 100, layers: str = "lmh", base: int = 0, remb: bool = False
    ) -> None:
        self.world, self.track, self.layers, self.base = world, track, layers, base
        self.bps = list(BPS)
        self.peer = world.peer(f"10.0.1.{track - 99}")
        ids = ext_ids(mid=MID_ID)
        ids[-2] = RID_ID
        world.core.set_receive(self.peer.endpoint, ids, False, remb, True)
        rids = [(rid if len(layers) > 1 else "", SSRCS["lmh".index(rid)] + base, 0)
                for rid in layers]  # fmt: skip
        assert world.core.add_track(
            track, self.peer.endpoint, True, "VP8", "1", "c", 90000, 96, 255, True, True, True, rids
        )
        self.seqs, self.pictures = [100, 200, 300], [1, 1, 1]
        self.wanted = {"l", "m", "h"}
        self.frame = 0
        self.keys_asked = 0
        self.chance = Random(1)

    def step(self, ms: int) -> None:
        for packet in self.peer.take_rtcp():
            if isinstance(packet, RtcpPsfbPacket) and packet.fmt == 1:
                self.wanted.add("lmh"[SSRCS.index(packet.media_ssrc - self.base)])
                self.keys_asked += 1
            self.told(packet)
        if self.reports and ms % 1000 == 0:
            ntp = (ms // 1000 << 32) + (1 << 40)
            for n in ("lmh".index(rid) for rid in self.layers):
                info = RtcpSenderInfo(ntp, STARTS[n] + self.frame * 3000, 0, 0)
                self.peer.send_rtcp(bytes(RtcpSrPacket(SSRCS[n] + self.base, info)))
        if ms % FRAME_MS:
            return
        self.frame += 1
        for rid in self.layers:
            n = "lmh".index(rid)
            key = rid in self.wanted
            self.wanted.discard(rid)
            size = self.bps[n] / 8 * FRAME_MS / 1000 * (5 if key else 1)
            count = max(1, round(size / PACKET), math.ceil(size / LONGEST))
            self.pictures[n] += 1
            for k in range(count):
                payload = vp8(
                    self.pictures[n], tl0=self.pictures[n], key=key and k == 0, start=k == 0
                )
                payload += bytes(max(0, int(size / count) - len(payload)))
                packet = rtp(
                    self.seqs[n], STARTS[n] + self.frame * 3000, payload,
                    ssrc=SSRCS[n] + self.base, marker=k == count - 1,
                    exts={MID_ID: b"1", RID_ID: rid.encode()},
                )  # fmt: skip
                if self.chance.random() >= self.lossy:
                    self.peer.send_rtp(packet)
                self.seqs[n] += 1

    def told(self, packet: AnyRtcpPacket) -> None:
        """What the relay says, beyond the wish for a key frame."""


class Viewer:
    """A subscriber behind links who tells what comes, asks for what does not, and times it."""

    estimate = "cc"  # the extension that is its estimate's

    def __init__(
        self, world: World, profile: Profile, seconds: float, during: tuple[During, ...] = (),
        *, seed: int = 1, tracks: tuple[int, ...] = (100,), priorities: tuple[int, ...] = (0,),
    ) -> None:  # fmt: skip
        self.world = world
        self.peer = world.peer()
        self.key = (mapped(self.peer.ip), self.peer.port)
        ids = ext_ids(**{self.estimate: CC_OUT})
        world.core.set_send(self.peer.endpoint, ids, True)
        self.subscriptions = []
        for n, track in enumerate(tracks):
            number = 1000 * self.peer.endpoint + n
            assert world.core.add_subscription(
                number, track, self.peer.endpoint, OUT_SSRC + n, OUT_RTX_SSRC + n, 96, 97, 0,
                priorities[n],
            )  # fmt: skip
            self.subscriptions.append(number)
        self.up, self.down = links(profile, seed, seconds, during)
        self.receiver = Receiver()
        self.arrived: dict[int, list[Arrived]] = {OUT_SSRC + n: [] for n in range(len(tracks))}
        self.delays: list[tuple[int, int]] = []  # when, and how long it was under way
        self.sent: dict[int, int] = {}
        self.highest: dict[int, int] = {}
        self.count = 0
        self.line = -1  # transport-wide numbers, unwrapped

    def step(self, ms: int) -> None:
        now_us = self.world.now_us - START_US
        for datagram in self.peer.take():
            self.sent[self.count] = now_us
            self.down.push(now_us * 1000, self.count, datagram)
            self.count += 1
        for at_ns, number, datagram in self.down.poll(now_us * 1000):
            self.delays.append((now_us, at_ns // 1000 - self.sent.pop(number, now_us)))
            if 192 <= datagram[1] <= 223:
                self.hear(self.peer.sessions.receive.unprotect_rtcp(datagram), at_ns // 1000)
            elif datagram[0] >= 128:
                self.take(self.peer.sessions.receive.unprotect(datagram), at_ns // 1000)
        if ms % FEEDBACK_MS == 0:
            self.report(ms)
        for _, _, datagram in self.up.poll(now_us * 1000):
            self.peer.send_rtcp(datagram)
        if ms % CONSENT_MS == 0:
            self.peer.check()

    def report(self, ms: int) -> None:
        if body := self.receiver.tell():
            head = struct.pack("!BBH", 0x80 | 15, 205, (len(body) + 3) // 4)
            self.tell(head + body + bytes(-len(body) % 4))

    def hear(self, rtcp: bytes, at_us: int) -> None:
        """What the relay reports."""

    def tell(self, rtcp: bytes) -> None:
        self.up.push((self.world.now_us - START_US) * 1000, 0, rtcp)

    def take(self, packet: bytes, at_us: int) -> None:
        ssrc = int.from_bytes(packet[8:12])
        end = 16 + 4 * int.from_bytes(packet[14:16])
        at = 16
        while at < end and packet[at]:
            if packet[at] >> 4 == CC_OUT:
                self.stamped(packet, packet[at + 1 : at + 2 + (packet[at] & 15)], at_us)
            at += 2 + (packet[at] & 15)
        if ssrc not in self.arrived:
            return  # RTX
        seq = int.from_bytes(packet[2:4])
        known = self.highest.get(ssrc)
        if known is not None and 0 < (seq - known - 1) & 0xFFFF < 100:
            lost = [(known + 1 + n) & 0xFFFF for n in range((seq - known - 1) & 0xFFFF)]
            self.tell(bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=ssrc, lost=lost)))
        if known is None or (seq - known) & 0xFFFF < 0x8000:
            self.highest[ssrc] = seq
        payload = packet[end:]
        self.arrived[ssrc].append(
            Arrived(at_us, seq, int.from_bytes(packet[4:8]), payload[1] == 0xE0
                    and bool(payload[0] & 0x10) and not payload[6] & 1, len(packet),
                    bool(packet[1] & 0x80))
        )  # fmt: skip

    def stamped(self, _packet: bytes, value: bytes, at_us: int) -> None:
        seq, line = int.from_bytes(value), self.line
        long = seq if line < 0 else line + ((seq - line + 0x8000) % 0x10000 - 0x8000)
        self.line = max(line, long)
        self.receiver.take(long, at_us)

    def queue_ms(self, since_ms: int, until_ms: int) -> float:
        """The longest that a datagram was under way in this span of the call."""
        return (
            max(
                (d for at, d in self.delays if since_ms <= at // 1000 < until_ms),
                default=0,
            )
            / 1000
        )

    def gaps_ms(self, ssrc: int, since_ms: int, until_ms: int) -> float:
        """The longest time without a finished frame in this span."""
        ends = [since_ms, *(a.at_us // 1000 for a in self.arrived[ssrc] if a.marker),
                until_ms]  # fmt: skip
        ends = [e for e in ends if since_ms <= e <= until_ms]
        return max(b - a for a, b in pairwise(ends))


class EstimatingViewer(Viewer):
    """Tells no more than aiortc does: REMB, by its own estimator for each track, and reports."""

    estimate = "ast"

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        count = len(self.arrived)
        self.estimators = [RemoteBitrateEstimator() for _ in range(count)]
        self.streams = [StreamStatistics(90000) for _ in range(count)]
        self.told: list[tuple[float, int]] = []  # when, and what
        self.lost: list[float] = []  # as each report said
        self.last_report: dict[
            int, tuple[int, int]
        ] = {}  # of an SSRC: the middle of its time, and when

    def take(self, packet: bytes, at_us: int) -> None:
        if (n := int.from_bytes(packet[8:12]) - OUT_SSRC) in range(len(self.streams)):
            self.streams[n].add(RtpPacket.parse(packet))
        super().take(packet, at_us)

    def hear(self, rtcp: bytes, at_us: int) -> None:
        for packet in RtcpPacket.parse(rtcp):
            if isinstance(packet, RtcpSrPacket):
                middle = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                self.last_report[packet.ssrc] = middle, at_us

    def stamped(self, packet: bytes, value: bytes, at_us: int) -> None:
        ssrc = int.from_bytes(packet[8:12])
        n = (ssrc - OUT_SSRC) if ssrc < OUT_RTX_SSRC else ssrc - OUT_RTX_SSRC
        size = len(packet) - 16 - 4 * int.from_bytes(packet[14:16])
        remb = self.estimators[n].add(at_us // 1000, int.from_bytes(value), size, ssrc)
        if remb is not None:
            self.told.append((at_us / 1e6, remb[0]))
            self.tell(bytes(RtcpPsfbPacket(15, 9, 0, pack_remb_fci(*remb))))

    def report(self, ms: int) -> None:
        if ms % 1000:
            return
        now_us = self.world.now_us - START_US
        blocks = []
        for n, stream in enumerate(self.streams):
            if stream.max_seq is None:
                continue
            middle, at_us = self.last_report.get(OUT_SSRC + n, (0, now_us))
            since = (now_us - at_us) * 65536 // 1_000_000
            lost = stream.fraction_lost
            self.lost.append(lost / 256)
            blocks.append(RtcpReceiverInfo(OUT_SSRC + n, lost, 0, stream.max_seq, 0, middle, since))
        if blocks:
            self.tell(bytes(RtcpRrPacket(9, blocks)))


class Call:
    def __init__(self) -> None:
        self.world = World()
        self.cameras: list[Camera] = []
        self.viewers: list[Viewer] = []
        self.layers: list[tuple[int, ...]] = []  # of all subscriptions, each 100 ms
        self.shortages: list[tuple[int, ...]] = []
        self.estimates: list[tuple[int, ...]] = []

    def run(self, seconds: float) -> None:
        start = len(self.layers) * 100
        for ms in range(start + 1, start + round(seconds * 1000) + 1):
            self.world.now_us += 1000
            for camera in self.cameras:
                camera.step(ms)
            if ms % 10 == 0:
                self.world.core.timer(self.world.now_us)
            self.world.deliver()
            for viewer in self.viewers:
                viewer.step(ms)
            if ms % 100 == 0:
                rows = sorted(self.world.core.subscriptions())
                endpoints = sorted(self.world.core.endpoints())
                self.layers.append(tuple(row[7] for row in rows))
                self.shortages.append(tuple(row[8] for row in rows))
                known = {v.peer.endpoint for v in self.viewers}
                self.estimates.append(tuple(e[6] for e in endpoints if e[0] in known))

    def table(self) -> str:
        return "\n".join(
            f"{n / 10:5.1f} s  layers {self.layers[n]}  short {self.shortages[n]}"
            f"  estimate {self.estimates[n]}"
            + "".join(f"  queue {v.queue_ms(n * 100, n * 100 + 500):.0f}" for v in self.viewers)
            for n in range(0, len(self.layers), 5)
        )
