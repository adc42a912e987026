"""Simulcast and temporal layers: whatever is chosen, a subscriber sees one unbroken stream."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket, RtcpSenderInfo, RtcpSrPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from .simulated import MID_ID, OUT_SSRC, Peer, World, ext_ids, rtp, seq_of, unrtx

RID_ID = 7
SSRCS = (101, 102, 103)
STARTS = (5_000, 900_000, 4_000_000_000)  # each encoding's clock begins elsewhere


def vp8(
    picture: int, *, tl0: int = 0, temporal: int = 0, key: bool = False, start: bool = True
) -> bytes:
    """A payload with a full descriptor (RFC 7741 section 4.2)."""
    return (
        bytes([0x80 | (0x10 if start else 0), 0xE0])
        + struct.pack("!H", 0x8000 | picture & 0x7FFF)
        + bytes([tl0 & 0xFF, temporal << 6])
        + bytes([0 if key else 1])
        + b"v" * 40
    )


class Camera:
    """A publisher of three encodings, learned by rid."""

    def __init__(self, world: World, codec: str = "VP8") -> None:
        self.world = world
        self.peer = world.peer()
        ids = ext_ids(mid=MID_ID)
        ids[-2] = RID_ID
        world.core.set_receive(self.peer.endpoint, ids, False, False, True)
        layers = [("l", 0, 0), ("m", 0, 0), ("h", 0, 0)]
        assert world.core.add_track(
            100, self.peer.endpoint, True, codec, "1", "c", 90000, 96, 255, True, True, True, layers
        )
        self.seqs = [60_000, 100, 33_000]
        self.frame = 0
        self.pictures = [7, 32_760, 100]
        self.tl0 = [250, 3, 9]
        self.keys_asked = 0

    def send(
        self, layers: str = "lmh", *, key: bool = False, temporal: int = 0, packets: int = 1
    ) -> None:
        """One frame of each of these layers, taken at the same instant."""
        self.world.now_us += 33_333
        self.frame += 1
        for n, rid in enumerate("lmh"):
            if rid not in layers:
                continue
            timestamp = STARTS[n] + self.frame * 3000
            self.pictures[n] += 1
            self.tl0[n] += temporal == 0
            for k in range(packets):
                payload = vp8(
                    self.pictures[n], tl0=self.tl0[n], temporal=temporal, key=key and k == 0,
                    start=k == 0,
                )  # fmt: skip
                self.peer.send_rtp(
                    rtp(
                        self.seqs[n],
                        timestamp,
                        payload,
                        ssrc=SSRCS[n],
                        marker=k == packets - 1,
                        exts={MID_ID: b"1", RID_ID: rid.encode()},
                    )
                )
                self.seqs[n] += 1
        self.world.core.timer(self.world.now_us)
        self.world.deliver()

    def report(self) -> None:
        """Sender reports that tie the three clocks together."""
        for n in range(3):
            info = RtcpSenderInfo(
                ntp_timestamp=int((100 + self.frame / 30) * 2**32),
                rtp_timestamp=(STARTS[n] + self.frame * 3000) & 0xFFFFFFFF,
                packet_count=1,
                octet_count=1,
            )
            self.peer.send_rtcp(bytes(RtcpSrPacket(ssrc=SSRCS[n], sender_info=info)))

    def asked(self) -> set[int]:
        """SSRCs of which key frames were asked since the last look."""
        return {
            p.media_ssrc
            for p in self.peer.take_rtcp()
            if isinstance(p, RtcpPsfbPacket) and p.fmt == 1
        }


@dataclass
class Seen:
    seq: int
    timestamp: int
    picture: int
    tl0: int
    key: bool
    temporal: int


def seen(subscriber: Peer) -> list[Seen]:
    result = []
    for packet in subscriber.take_rtp():
        end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
        at = 12 + (4 + 4 * int.from_bytes(packet[14:16]) if packet[0] & 0x10 else 0)
        descriptor, rest = VpxPayloadDescriptor.parse(packet[at:end])
        result.append(
            Seen(
                seq_of(packet),
                struct.unpack("!I", packet[4:8])[0],
                descriptor.picture_id or 0,
                descriptor.tl0picidx or 0,
                descriptor.partition_start == 1 and not rest[0] & 1,
                (descriptor.tid or (0, 0))[0],
            )
        )
    return result


def prefer(world: World, subscriber: Peer, layer: int, temporal: int = 7) -> None:
    world.core.prefer(200 + subscriber.endpoint, layer, temporal)


def layer_of(world: World) -> int:
    return world.core.subscriptions()[0][7]


def test_the_largest_layer_is_sent_from_its_key_frame_on() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send()
    assert seen(subscriber) == []
    assert camera.asked() == {SSRCS[2]}
    camera.send(key=True)
    camera.send()
    assert [s.key for s in seen(subscriber)] == [True, False]
    assert layer_of(world) == 2


def test_a_layer_changes_at_its_key_frame_and_numbers_go_on() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send(key=True)
    camera.report()
    camera.send(key=True)
    before = seen(subscriber)
    world.pass_ms(600)
    camera.asked()
    prefer(world, subscriber, 0)
    world.deliver()
    assert camera.asked() == {SSRCS[0]}
    camera.send()
    assert layer_of(world) == 2  # until a decoder can follow
    camera.send(key=True)
    assert layer_of(world) == 0
    camera.send()
    after = seen(subscriber)
    numbers = [s.seq for s in before + after]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    pictures = [s.picture for s in before + after]
    assert pictures == list(range(pictures[0], pictures[0] + len(pictures)))


def test_layers_share_the_clock_of_the_first() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send()
    camera.report()
    camera.send(key=True)
    (high,) = seen(subscriber)
    assert abs(high.timestamp - (STARTS[0] + camera.frame * 3000)) <= 2
    prefer(world, subscriber, 1)
    camera.send(key=True)
    camera.send()
    middle = seen(subscriber)[-1]
    assert abs(middle.timestamp - (STARTS[0] + camera.frame * 3000)) <= 2


def test_when_the_publisher_stops_a_layer_the_next_smaller_one_takes_over() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send(key=True)
    for _ in range(45):
        camera.send("lm")
    assert SSRCS[1] in camera.asked()
    camera.send("lm", key=True)
    assert layer_of(world) == 1
    for _ in range(3):
        camera.send()
    camera.send(key=True)  # it is back
    assert layer_of(world) == 2
    assert len(seen(subscriber)) > 3


def test_temporal_layers_are_left_out_without_a_gap() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send(key=True, packets=3)
    prefer(world, subscriber, 2, temporal=0)
    for n in range(1, 40):
        camera.send(temporal=n % 2, packets=3)
    got = seen(subscriber)
    assert {s.temporal for s in got} == {0}
    numbers = [s.seq for s in got]
    assert numbers == list(range(numbers[0], numbers[0] + 60))
    pictures = list(dict.fromkeys(s.picture for s in got))
    assert pictures == list(range(pictures[0], pictures[0] + 20))


def test_retransmissions_find_their_packet_across_changes() -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send(key=True)
    prefer(world, subscriber, 0, temporal=0)
    camera.send(key=True)
    for n in range(12):
        camera.send(temporal=n % 2)
    sent = {seq_of(p): p for p in subscriber.take_rtp()}
    for number, packet in sent.items():
        subscriber.send_rtcp(
            bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=OUT_SSRC, lost=[number]))
        )
        (again,) = subscriber.take_rtp()
        assert unrtx(again).serialize() == packet
    subscriber.send_rtcp(
        bytes(RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=OUT_SSRC, lost=[max(sent) + 1]))
    )
    assert subscriber.take_rtp() == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=5, max_size=80))
def test_one_unbroken_stream_whatever_is_chosen(steps: list[tuple[int, int]]) -> None:
    world = World()
    camera, subscriber = Camera(world), world.subscriber()
    camera.send(key=True)
    for n, (action, value) in enumerate(steps):
        if action == 0:
            prefer(world, subscriber, value, temporal=7)
        elif action == 1:
            prefer(world, subscriber, 2, temporal=value % 2)
        elif action == 2:
            world.core.pause(200 + subscriber.endpoint, value == 0)
        elif action == 3:
            camera.report()
        camera.send(key=n % 6 == 5, temporal=n % 2 if n % 6 != 5 else 0, packets=1 + value)
    got = seen(subscriber)
    numbers = [s.seq for s in got]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    frames = [got[0]]
    for one in got[1:]:
        last = frames[-1]
        if one.picture == last.picture:
            assert one.timestamp == last.timestamp
            continue
        assert one.picture == (last.picture + 1) & 0x7FFF
        assert 0 < (one.timestamp - last.timestamp) & 0xFFFFFFFF < 2**31
        frames.append(one)
    assert got[0].key
