"""A consultation over a bad network: a real server, and one of two participants behind it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, VideoStreamTrack

from clients import protocol_client
from clients.participant import Participant
from clients.whip import HttpRefusal, WhipPublisher
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import outage
from tests.clients.test_participant import sees, track_of
from tests.server_process import DistalServer

Show = Callable[..., Any]


class Repairs:
    """What one participant asks for again, and sends again, by the aiortc objects that do it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._by: Counter[tuple[int, str]] = Counter()
        asked, resent = RTCRtpReceiver._send_rtcp_nack, RTCRtpSender._retransmit

        async def ask(receiver: RTCRtpReceiver, ssrc: int, lost: list[int]) -> None:
            self._by[id(receiver), "asked"] += len(lost)
            await asked(receiver, ssrc, lost)

        async def resend(sender: RTCRtpSender, sequence: int) -> None:
            self._by[id(sender), "resent"] += 1
            await resent(sender, sequence)

        monkeypatch.setattr(RTCRtpReceiver, "_send_rtcp_nack", ask)
        monkeypatch.setattr(RTCRtpSender, "_retransmit", resend)

    def asked(self, participant: Participant) -> int:
        return self._count(participant.receiving, "asked")

    def resent(self, participant: Participant) -> int:
        return self._count(participant.publishing, "resent")

    def _count(self, connections: dict[str, RTCPeerConnection], what: str) -> int:
        ends = [
            id(end)
            for pc in connections.values()
            for transceiver in pc.getTransceivers()
            for end in (transceiver.sender, transceiver.receiver)
        ]
        return sum(self._by[end, what] for end in ends)


async def test_an_ambulance_and_a_hospital_see_each_other(
    shared_distal: DistalServer, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = shared_distal
    repairs = Repairs(monkeypatch)
    to = ("127.0.0.1", server.media_port)
    with Emulator(to, "4g_moving", seed=1, seconds=100) as network:
        async with SignalingProxy(server.url, {server.media_port: network.address}) as web:
            ambulance = Participant(
                web.ws_url, server.token("road", "county_doctor", "Ambulance"), publish=show()
            )
            hospital = Participant(
                server.ws_url, server.token("road", "specialist", "Hospital"), publish=show()
            )
            async with ambulance, hospital:
                await sees(ambulance, hospital)
                await sees(hospital, ambulance)
                assert network.counts().clients == 2  # one connection to publish, one to receive

                async with asyncio.timeout(60):  # losses in both directions, seen and repaired
                    while not (repairs.asked(ambulance) and repairs.resent(ambulance)):
                        await sees(ambulance, hospital, frames=5)
                await sees(hospital, ambulance)
                lost = network.counts()
                assert lost.up.lost_burst > 0 and lost.down.lost_burst > 0


async def test_after_an_outage_the_picture_is_back_without_a_new_join(
    shared_distal: DistalServer, show: Show
) -> None:
    server = shared_distal
    with Emulator(("127.0.0.1", server.media_port), "fibre", seconds=100) as network:
        async with SignalingProxy(server.url, {server.media_port: network.address}) as web:
            county = Participant(
                web.ws_url, server.token("cut", "county_doctor", "County"), publish=show()
            )
            host = Participant(server.ws_url, server.token("cut", "host", "Host"))
            async with county, host:
                await sees(host, county)
                video = track_of(host, county.id, "video")
                assert video is not None
                network.play([outage(0, math.inf)])
                await host.until(lambda: network.counts().up.dropped_outage > 200)
                network.play([])
                await host.until_receiving(video, 30)
                assert track_of(host, county.id, "video") == video


async def test_what_an_outage_has_ended_is_built_again_when_the_network_is_back(
    shared_distal: DistalServer, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is away, signaling too, until the ICE agent has given up and requests have timed out."""
    monkeypatch.setattr(protocol_client, "REQUEST_TIMEOUT_S", 2.0)
    server = shared_distal
    with Emulator(("127.0.0.1", server.media_port), "fibre", seconds=100) as network:
        async with SignalingProxy(server.url, {server.media_port: network.address}) as web:
            county = Participant(
                web.ws_url, server.token("gone", "county_doctor", "County"), publish=show()
            )
            host = Participant(server.ws_url, server.token("gone", "host", "Host"), publish=show())
            async with county, host:
                await sees(host, county)
                await sees(county, host)
                before = track_of(host, county.id, "video")
                network.play([outage(0, math.inf)])
                web.cut()
                for pc in (*county.publishing.values(), *county.receiving.values()):
                    ice = pc.getTransceivers()[0].receiver.transport.transport
                    await ice._connection.close()  # as it does after 30 s without consent
                await asyncio.sleep(3 * protocol_client.REQUEST_TIMEOUT_S)
                assert county.client is not None and not county.client.online
                web.mend()
                network.play([])
                await host.until(lambda: track_of(host, county.id, "video") not in (None, before))
                await sees(host, county)
                await sees(county, host)
                assert host.view is not None and len(host.view.people) == 2


async def test_a_network_that_flaps_ends_nothing(shared_distal: DistalServer, show: Show) -> None:
    server = shared_distal
    with Emulator(("127.0.0.1", server.media_port), "fibre", seconds=100) as network:
        async with SignalingProxy(server.url, {server.media_port: network.address}) as web:
            county = Participant(
                web.ws_url, server.token("flap", "county_doctor", "County"), publish=show()
            )
            host = Participant(server.ws_url, server.token("flap", "host", "Host"))
            async with county, host:
                await sees(host, county)
                video = track_of(host, county.id, "video")
                assert video is not None
                for seconds in (0.5, 3.0, 0.2, 6.5, 1.0):  # the fourth outlasts a socket
                    network.play([outage(0, math.inf)])
                    web.cut()
                    await asyncio.sleep(seconds)
                    web.mend()
                    network.play([])
                    await asyncio.sleep(0.3)
                await host.until_receiving(video, 30)
                await county.until(lambda: county.client is not None and county.client.online)
                assert track_of(host, county.id, "video") == video


async def test_a_whip_camera_goes_through_it_too(shared_distal: DistalServer) -> None:
    server = shared_distal
    with Emulator(("127.0.0.1", server.media_port), "5g_slice", seconds=100) as network:
        async with SignalingProxy(server.url, {server.media_port: network.address}) as web:
            url = f"{web.url}/whip/camera"
            with pytest.raises(HttpRefusal) as refusal:
                async with WhipPublisher(url, "no token", [VideoStreamTrack()]):
                    pass
            assert refusal.value.status == 401 and refusal.value.problem["title"]
            token = server.token("camera", "device", "Camera")
            async with WhipPublisher(url, token, [VideoStreamTrack()]) as camera:
                assert camera.session is not None
                assert f" {network.address[1]} typ host" in camera.session.answer
                async with asyncio.timeout(20):
                    while network.counts().up.delivered < 100:
                        await asyncio.sleep(0.05)
                assert network.counts().clients == 1


async def test_the_web_client_is_served_as_it_is(shared_distal: DistalServer) -> None:
    server = shared_distal
    async with (
        SignalingProxy(server.url, {}) as web,
        aiohttp.ClientSession() as http,
        http.get(f"{web.url}/healthz") as through,
        http.get(f"{server.url}/healthz") as straight,
    ):
        assert through.status == straight.status == 200
        assert await through.read() == await straight.read()
        assert through.headers["Content-Type"] == straight.headers["Content-Type"]
