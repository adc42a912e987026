"""The whole relay on real sockets with real aiortc peers."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator, Callable

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from OpenSSL import SSL

from media.contract import CodecPolicy, SdpError
from media.place import MediaPlace
from media.probe import ProbeTransport
from media.publish import PublishTransport
from media.relay import MediaRelay
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings
from media.subscribe import SubscribeTransport
from media.transport import BaseTransport


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


class Receiver:
    """An aiortc client of a subscribe transport that counts decoded frames."""

    def __init__(self, transport: SubscribeTransport) -> None:
        self.transport = transport
        self.pc = peer_connection()
        self.frames: dict[str, int] = {"audio": 0, "video": 0}
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", lambda t: self._tasks.append(asyncio.create_task(self._count(t))))

    async def _count(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                await track.recv()
            except Exception:
                return
            self.frames[track.kind] += 1

    async def answer(self) -> None:
        offer = await self.transport.offer()
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        await self.transport.answer(self.pc.localDescription.sdp)


async def watch(transport: SubscribeTransport, publisher: PublishTransport) -> Receiver:
    """Somebody who gets all that this publisher sends."""
    for track in publisher.tracks.values():
        transport.add(track)
    receiver = Receiver(transport)
    await receiver.answer()
    return receiver


@pytest.fixture
async def relay() -> AsyncIterator[MediaRelay]:
    relay = MediaRelay(
        RelaySettings(
            groups={
                "main": ClassGroup(0, tuple(c for c in SERVICE_CLASSES if c != "diagnostic")),
                "diagnostic": ClassGroup(0, ("diagnostic",)),
            },
            dscp={"talk": 34, "diagnostic": 40},
        )
    )
    await relay.start()
    yield relay
    await relay.close()


async def publish(
    place: MediaPlace, group: str = "main"
) -> tuple[RTCPeerConnection, PublishTransport]:
    pc = peer_connection()
    pc.addTrack(AudioStreamTrack())
    pc.addTrack(VideoStreamTrack())
    await pc.setLocalDescription(await pc.createOffer())
    transport = place.open_publish(group)
    answer = await transport.negotiate(pc.localDescription.sdp, CodecPolicy())
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return pc, transport


@pytest.mark.parametrize("group", ["main", "diagnostic"])
async def test_sound_and_picture_are_decoded_at_the_other_end(
    relay: MediaRelay, group: str
) -> None:
    pc, transport = await publish(relay.place(), group)
    subscriber = relay.place().open_subscribe(group)
    receiver = await watch(subscriber, transport)
    await until(lambda: min(receiver.frames.values()) > 20)
    stats = transport.stats()
    assert stats.packets_in > 0
    assert subscriber.stats().packets_out > 0
    await pc.close()
    await until(lambda: transport.state == "failed")  # it said goodbye
    await receiver.pc.close()


async def test_tracks_come_and_go_on_one_transport(relay: MediaRelay) -> None:
    first_pc, first = await publish(relay.place())
    subscriber = relay.place().open_subscribe()
    receiver = Receiver(subscriber)
    for track in first.tracks.values():
        subscriber.add(track)
    await receiver.answer()
    await until(lambda: receiver.frames["video"] > 5)

    second_pc, second = await publish(relay.place())
    for track in second.tracks.values():
        subscriber.add(track)
    await receiver.answer()
    await first.close()
    assert set(subscriber.subscriptions) == {t.id for t in second.tracks.values()}
    await receiver.answer()
    before = receiver.frames["video"]
    await until(lambda: receiver.frames["video"] > before + 5)

    third_pc, third = await publish(relay.place())  # takes the sections that the first one left
    for track in third.tracks.values():
        subscriber.add(track)
    offer = await subscriber.offer()
    assert offer.count("m=video") == 2
    for pc in (first_pc, second_pc, third_pc, receiver.pc):
        await pc.close()


async def test_a_paused_subscription_sends_nothing(relay: MediaRelay) -> None:
    pc, transport = await publish(relay.place())
    subscriber = relay.place().open_subscribe()
    subscriptions = [subscriber.add(t) for t in transport.tracks.values()]
    receiver = Receiver(subscriber)
    await receiver.answer()
    await until(lambda: receiver.frames["video"] > 5)
    for s in subscriptions:
        s.pause(True)
    await asyncio.sleep(0.3)  # statistics are 200 ms old at most
    sent = subscriber.stats().packets_out
    heard = transport.stats().packets_in
    await until(lambda: transport.stats().packets_in > heard + 60)
    assert subscriber.stats().packets_out == sent
    await pc.close()
    await receiver.pc.close()


async def test_the_probe_echoes(relay: MediaRelay) -> None:
    pc, probe = await probe_echoes(relay.place())
    await probe.close()
    await pc.close()


async def probe_echoes(place: MediaPlace) -> tuple[RTCPeerConnection, ProbeTransport]:
    """A network check whose echo has come back once."""
    pc = peer_connection()
    channel: RTCDataChannel = pc.createDataChannel("probe", ordered=False, maxRetransmits=0)
    echoes: list[str] = []
    channel.on("message", echoes.append)
    channel.on("open", lambda: channel.send("ping"))
    await pc.setLocalDescription(await pc.createOffer())
    probe, answer = await place.open_probe(pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await until(lambda: echoes == ["ping"])
    return pc, probe


async def test_malformed_sctp_ends_at_most_its_own_association(relay: MediaRelay) -> None:
    good_pc, good = await probe_echoes(relay.place())
    bad_pc, bad = await probe_echoes(relay.place())
    dtls = bad_pc.sctp.transport
    chunks = [b"", b"\x00" * 12, b"\x13\x88" * 20, bytes(range(256)) * 4]
    header = struct.pack("!HHII", 5000, 5000, 0, 0)
    for chunk in [*chunks, header, header + b"\x01\x00\x00\x04", header + b"\xff" * 40]:
        try:
            await dtls._send_data(chunk)
        except (ConnectionError, SSL.Error):
            break  # the relay has ended it
    pc, transport = await publish(relay.place())
    await until(lambda: transport.stats().packets_in > 10)
    third_pc, third = await probe_echoes(relay.place())
    assert good.state == "connected"
    for one in (good, bad, third, transport):
        await one.close()
    for one_pc in (good_pc, bad_pc, third_pc, pc):
        await one_pc.close()
    assert relay.counters()["transports"] == 0


async def test_closing_frees_everything(relay: MediaRelay) -> None:
    pc, transport = await publish(relay.place())
    await until(lambda: transport.state == "connected")
    subscriber = relay.place().open_subscribe()
    receiver = await watch(subscriber, transport)
    await until(lambda: subscriber.state == "connected")
    await transport.close()
    await subscriber.close()
    await transport.close()
    assert subscriber.subscriptions == {}
    lane = transport._lane
    plane = lane.plane
    assert (plane.endpoints(), plane.tracks(), plane.subscriptions()) == ([], [], [])
    assert relay.counters()["transports"] == 0
    await pc.close()
    await receiver.pc.close()


@pytest.mark.parametrize("dropped", [0, 1, 2, 3])
async def test_a_lost_handshake_datagram_costs_less_than_three_seconds(
    relay: MediaRelay, dropped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th DTLS datagram of each direction is lost."""
    counts = {"in": 0, "out": 0}
    deliver, send = BaseTransport.deliver, BaseTransport._send

    def lossy_deliver(self: BaseTransport, datagram: bytes) -> None:
        counts["in"] += 1
        if counts["in"] - 1 != dropped:
            deliver(self, datagram)

    def lossy_send(self: BaseTransport, datagram: bytes) -> None:
        counts["out"] += 1
        if counts["out"] - 1 != dropped:
            send(self, datagram)

    monkeypatch.setattr(BaseTransport, "deliver", lossy_deliver)
    monkeypatch.setattr(BaseTransport, "_send", lossy_send)
    pc, transport = await publish(relay.place())
    await until(lambda: transport.state == "connected", 3)
    await until(lambda: transport.stats().packets_in > 10, 3)
    await pc.close()


async def test_a_peer_that_waits_for_dtls_is_spoken_to(relay: MediaRelay) -> None:
    """FFmpeg's WHIP client offers setup:passive and nothing else."""
    pc = peer_connection()
    pc.addTrack(VideoStreamTrack())
    await pc.setLocalDescription(await pc.createOffer())
    transport = relay.place().open_publish()
    offer = pc.localDescription.sdp.replace("a=setup:actpass", "a=setup:passive")
    answer = await transport.negotiate(offer, CodecPolicy())
    assert "a=setup:active" in answer
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await until(lambda: transport.stats().packets_in > 10)
    await pc.close()


async def test_a_false_certificate_is_refused(relay: MediaRelay) -> None:
    pc = peer_connection()
    pc.addTrack(AudioStreamTrack())
    await pc.setLocalDescription(await pc.createOffer())
    sdp = pc.localDescription.sdp
    digest = sdp.split("a=fingerprint:sha-256 ")[1][:95]
    forged = ":".join(["AB"] * 32)
    lines = [x for x in sdp.split("\r\n") if "sha-384" not in x and "sha-512" not in x]
    transport = relay.place().open_publish()
    answer = await transport.negotiate("\r\n".join(lines).replace(digest, forged), CodecPolicy())
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await until(lambda: transport.state == "failed")
    assert transport.stats().packets_in == 0
    await pc.close()


async def test_an_offer_that_cannot_be_served_says_why_and_changes_nothing(
    relay: MediaRelay,
) -> None:
    transport = relay.place().open_publish()
    with pytest.raises(SdpError, match="fingerprint"):
        await transport.negotiate("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", CodecPolicy())
    pc = peer_connection()
    pc.addTrack(VideoStreamTrack())
    await pc.setLocalDescription(await pc.createOffer())
    with pytest.raises(SdpError, match="takes opus, AV1"):
        await transport.negotiate(pc.localDescription.sdp, CodecPolicy(video=("AV1",)))
    assert transport.tracks == {}
    await transport.negotiate(pc.localDescription.sdp, CodecPolicy())
    assert [t.codec for t in transport.tracks.values()] == ["VP8"]
    await pc.close()


async def test_a_port_in_use_is_named() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::", 0))
        port = taken.getsockname()[1]
        relay = MediaRelay(RelaySettings(groups={"main": ClassGroup(port, SERVICE_CLASSES)}))
        with pytest.raises(OSError, match=str(port)) as failure:
            await relay.start()
        assert failure.value.errno == errno.EADDRINUSE
