"""The relay's core behind the emulator's links, in fake time: ten seconds of loss in one."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpPacket, RtcpRtpfbPacket

from loadtests.impairment.profiles import PROFILES, Profile, links
from loadtests.impairment.settings import LinkSettings, bursty
from tests.media.simulated import Peer, World, rtp, rtx, seq_of

FRAME_MS, PACKETS_A_FRAME = 33, 5
LOSSY = LinkSettings(delay_ms=50, **bursty(0.05, 3))


@dataclass
class Camera:
    """A publisher behind an access network, who sends again what the relay asks for."""

    world: World
    peer: Peer
    profile: Profile
    sent: list[bytes] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.start_ns = self.world.now_us * 1000
        self.up, self.down = links(self.profile, 1, 60)

    def run(self, ms: int, *, silent: bool = False) -> None:
        for _ in range(ms):
            self.world.now_us += 1000
            now_ns = self.world.now_us * 1000 - self.start_ns
            if not silent and now_ns // 1_000_000 % FRAME_MS == 0:
                self._frame(now_ns)
            for _, _, datagram in self.up.poll(now_ns):
                self.peer.send(datagram)
            self.world.core.timer(self.world.now_us)
            for datagram in self.peer.take():
                self.down.push(now_ns, 0, datagram)
            for _, _, datagram in self.down.poll(now_ns):
                self._take(datagram, now_ns)

    def _frame(self, now_ns: int) -> None:
        timestamp = now_ns * 9 // 100_000
        for n in range(PACKETS_A_FRAME):
            self.sent.append(rtp(len(self.sent), timestamp, marker=n == PACKETS_A_FRAME - 1))
            self.up.push(now_ns, 0, self.peer.sessions.send.protect(self.sent[-1]))

    def _take(self, datagram: bytes, now_ns: int) -> None:
        if not 192 <= datagram[1] <= 223:
            return
        for packet in RtcpPacket.parse(self.peer.sessions.receive.unprotect_rtcp(datagram)):
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                for lost in packet.lost:
                    again = rtx(self.asked, self.sent[lost])
                    self.up.push(now_ns, 0, self.peer.sessions.send.protect(again))
                    self.asked += 1


def seen(world: World, profile: Profile) -> tuple[Camera, Peer]:
    return Camera(world, world.publisher(), profile), world.subscriber()


def test_the_relay_repairs_a_lossy_uplink() -> None:
    world = World()
    camera, subscriber = seen(world, Profile(LOSSY, LinkSettings(delay_ms=50), ""))
    camera.run(10_000)
    camera.run(500, silent=True)
    got = {seq_of(packet) for packet in subscriber.take_rtp()}
    lost = camera.up.counts.lost_burst
    assert lost > 40 and camera.asked >= lost * 0.8
    assert len(camera.sent) - len(got) < lost / 5  # lost again, or lost at the very end


@pytest.mark.parametrize("name", ["none", "fibre", "5g_slice"])
def test_good_networks_need_no_repair(name: str) -> None:
    world = World()
    camera, subscriber = seen(world, PROFILES[name])
    camera.run(3_000)
    camera.run(200, silent=True)
    assert camera.asked == 0
    assert len(subscriber.take_rtp()) == len(camera.sent)


def test_two_runs_with_one_seed_are_one() -> None:
    def run() -> tuple[int, int, int]:
        world = World()
        camera, subscriber = seen(world, PROFILES["4g_moving"])
        camera.run(5_000)
        return camera.asked, camera.up.counts.lost_burst, len(subscriber.take_rtp())

    assert run() == run()
