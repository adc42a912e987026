"""What goes wrong around a consultation must not reach it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clients import media_loop, peer
from clients.participant import Participant
from clients.whip import HttpRefusal, HttpSession, WhipPublisher
from tests.clients.lossy_udp import LossyUdp, is_dtls
from tests.clients.site_process import start_site
from tests.clients.test_participant import sees, track_of
from tests.server_process import DistalServer

Show = Callable[..., Any]
Films = Callable[[str], Path]


def states(seer: Participant) -> list[str]:
    """Everybody's, as one of them sees it."""
    return [person.state for person in seer.view.people.values()] if seer.view else []


def garbage(seed: int, count: int) -> list[bytes]:
    """Datagrams of every kind that the port takes, each broken in its own way."""
    chance = random.Random(seed)
    stun = bytes.fromhex("000100002112a442") + chance.randbytes(12)
    dtls = bytes.fromhex("16fefd0000000000000000") + b"\x00\x80" + chance.randbytes(128)
    rtp = bytes.fromhex("8060") + chance.randbytes(200)
    rtcp = bytes.fromhex("81c80006") + chance.randbytes(24)
    whole = [stun, dtls, rtp, rtcp, bytes(1), b"\x90" + bytes(11), b"\xff" * 1400]
    datagrams = []
    for _ in range(count):
        datagram = bytearray(chance.choice([*whole, chance.randbytes(chance.randrange(1, 1400))]))
        for _ in range(chance.randrange(4)):
            datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        datagrams.append(bytes(datagram[: chance.randrange(len(datagram) + 1)]))
    return datagrams


async def test_frames_go_on_arriving_while_garbage_is_sent(
    shared_distal: DistalServer, show: Show
) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("noise", "host", "Host"), publish=show())
    expert = Participant(server.ws_url, server.token("noise", "specialist", "Dr"), publish=show())
    async with host, expert:
        await sees(expert, host)
        track = track_of(expert, host.id, "video")
        assert track is not None
        datagrams = garbage(seed=5, count=5000)
        before = expert.frames(track)
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(("127.0.0.1", server.media_port))
            for index, datagram in enumerate(datagrams):
                wire.send(datagram)
                if index % 50 == 0:
                    await asyncio.sleep(0.02)  # 2500 a second, beside the consultation's own
        took_s = time.monotonic() - began
        await expert.until_receiving(track, 10)
        arrived = expert.frames(track) - before
        assert arrived > took_s * 30 * 0.9  # of 30 a second
        await sees(host, expert)
        assert expert.receiving["subscribe:main"].connectionState == "connected"


async def test_garbage_from_a_participant_s_own_socket_harms_nobody(
    shared_distal: DistalServer, show: Show
) -> None:
    """From the very address of a connected peer, past every check of the source."""
    server = shared_distal
    host = Participant(server.ws_url, server.token("inside", "host", "Host"), publish=show())
    expert = Participant(server.ws_url, server.token("inside", "specialist", "Dr"), publish=show())
    async with host, expert:
        await sees(expert, host)
        for person in (host, expert):
            for pc in (*person.publishing.values(), *person.receiving.values()):
                ice = pc.getTransceivers()[0].receiver.transport.transport
                for datagram in garbage(seed=9, count=500):
                    await ice._send(datagram)
        await sees(expert, host)
        await sees(host, expert)


async def test_spoofed_packets_of_a_known_stream_are_not_forwarded(
    shared_distal: DistalServer, show: Show
) -> None:
    """RTP with the right SSRC from the wrong address, and unprotected."""
    server = shared_distal
    host = Participant(server.ws_url, server.token("spoof", "host", "Host"), publish=show())
    expert = Participant(server.ws_url, server.token("spoof", "specialist", "Dr"))
    async with host, expert:
        await sees(expert, host)
        sdp = host.publishing["publish:main"].localDescription.sdp
        ssrcs = [int(found) for found in re.findall(r"a=ssrc:(\d+) cname", sdp)]
        track = track_of(expert, host.id, "video")
        assert track is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(("127.0.0.1", server.media_port))
            for number in range(2000):
                ssrc = ssrcs[number % len(ssrcs)]
                header = b"\x80\xe0" + number.to_bytes(2) + bytes(4) + ssrc.to_bytes(4)
                wire.send(header + os.urandom(500))
        seen = expert.frames(track)
        began = time.monotonic()
        await expert.until_receiving(track, 30)
        rate = (expert.frames(track) - seen) / (time.monotonic() - began)
        assert rate < 45  # 30 a second, and nothing of what was slipped in


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_a_peer_that_vanishes_is_missed_within_fifteen_seconds(
    shared_distal: DistalServer, site_folder: Path, fate: signal.Signals
) -> None:
    """A killed process's sockets close; a frozen one's stay open and fall silent."""
    server = shared_distal
    room = f"vanish-{fate.name.lower()}"
    process = start_site(server, room, site_folder)
    try:
        async with Participant(server.ws_url, server.token(room, "host", "Host")) as host:
            await host.until(lambda: bool(host.view and host.view.tracks))
            assert host.view is not None
            track = next(track.id for track in host.view.tracks.values() if track.kind == "video")
            await host.until_receiving(track, 10)
            process.send_signal(fate)
            gone = time.monotonic()
            site = next(one for one in host.view.people if one != host.id)
            people = host.view.people
            await host.until(lambda: people[site].state == "reconnecting", 20)
            assert time.monotonic() - gone < 15
    finally:
        process.kill()
        process.wait()


async def test_a_whip_publisher_that_falls_silent_is_missed_within_fifteen_seconds(
    shared_distal: DistalServer, films: Films
) -> None:
    """It has no WebSocket to lose: only its silence tells."""
    server = shared_distal
    loops = media_loop.load(films("VP8"))
    codecs = {loop.kind: loop.codec for loop in loops}
    url, token = f"{server.url}/whip/mute", server.token("mute", "device", "Camera")
    async with Participant(server.ws_url, server.token("mute", "host", "Host")) as host:
        publisher = WhipPublisher(url, token, media_loop.tracks(loops), codecs)
        await publisher.__aenter__()
        try:
            await host.until(lambda: bool(host.received))
            await host.until_receiving(next(iter(host.received)), 10)
            ice = publisher.pc.getTransceivers()[0].receiver.transport.transport
            for protocol in ice._connection._protocols:
                protocol.transport.abort()
            gone = time.monotonic()
            await host.until(lambda: "reconnecting" in states(host), 20)
            assert time.monotonic() - gone < 15
            await host.until(lambda: len(states(host)) == 1, 40)
        finally:
            with contextlib.suppress(HttpRefusal):  # its session is gone
                await publisher.__aexit__()


@pytest.mark.parametrize("lost", [{0}, {1}, {2}, {3}, {1, 2}, {2, 3}, {1, 2, 3}], ids=str)
async def test_lost_handshake_datagrams_cost_less_than_three_seconds(
    shared_distal: DistalServer, films: Films, lost: set[int]
) -> None:
    """A handshake is four datagrams: hello, the server's flight, the client's, the last one.

    A client that loses its own hello twice waits for its own timers, whatever the server does.
    """
    server = shared_distal
    passed = 0
    room = "loss-" + "-".join(map(str, sorted(lost)))

    def drop(datagram: bytes, to_server: bool) -> bool:
        nonlocal passed
        if not is_dtls(datagram):
            return False
        passed += 1
        return passed - 1 in lost

    pc = peer.connection()
    for track in media_loop.tracks(media_loop.load(films("VP8"))):
        peer.prefer_codec(pc.addTransceiver(track, direction="sendonly"), track.loop.codec)
    async with LossyUdp(("127.0.0.1", server.media_port), drop) as wire:
        began = time.monotonic()
        session = await publish_through(server, pc, wire.port, room)
        try:
            while pc.connectionState != "connected":
                assert time.monotonic() - began < 3
                assert pc.connectionState != "failed"
                await asyncio.sleep(0.01)
            assert wire.dropped == len(lost)
            watch = Participant(server.ws_url, server.token(room, "host", "Host"))
            async with watch:
                await watch.until(lambda: bool(watch.received))
                await watch.until_receiving(next(iter(watch.received)), 10)
        finally:
            await pc.close()
            await session.http.close()


async def publish_through(server: DistalServer, pc: Any, port: int, room: str) -> HttpSession:
    """WHIP, with the server's candidates replaced by the wire's end."""
    url = f"{server.url}/whip/{room}"
    session = await HttpSession.post(
        aiohttp.ClientSession(), url, server.token(room, "device", "Cam"), await peer.offer(pc)
    )
    kept = [line for line in session.answer.split("\r\n") if not line.startswith("a=candidate")]
    candidate = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"
    at = [index for index, line in enumerate(kept) if line.startswith("a=setup")]
    for index in reversed(at):
        kept.insert(index + 1, candidate)
    await peer.take_answer(pc, "\r\n".join(kept))
    return session
