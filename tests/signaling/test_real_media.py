"""The real server with real peers: what signaling decides is what media does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import time
from fractions import Fraction

import aiohttp
import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack

from clients import media_loop, peer
from clients.participant import Participant, Publication
from clients.whep import WhepWatcher
from clients.whip import WhipPublisher
from loadtests.ports import free_udp_port
from signaling import protocol as p
from tests.server_process import ROOT, DistalServer

OPEN = aiohttp.ClientTimeout(total=20)


def received(watcher, other, kind):
    """The id of a received track of another participant."""
    tracks = watcher.view.tracks_of(other.id) if watcher.view else ()
    return next((t.id for t in tracks if t.kind == kind and t.id in watcher.received), None)


async def sees(watcher, other, frames=10):
    for kind in ("audio", "video"):
        await watcher.until(lambda kind=kind: received(watcher, other, kind))
        await watcher.until_receiving(received(watcher, other, kind), frames)


class Tone(MediaStreamTrack):
    """A loud tone, as frames, so that its sender tells its level."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self._started = None
        self._at = 0

    async def recv(self):
        self._started = self._started or time.monotonic()
        await asyncio.sleep(max(0.0, self._started + self._at / 48_000 - time.monotonic()))
        phase = (self._at + np.arange(960)) * 2 * np.pi * 440 / 48_000
        samples = (np.sin(phase) * 12_000).astype(np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._at, Fraction(1, 48_000)
        self._at += 960
        return frame


async def tone(_codecs):
    return [Publication(Tone(), source="microphone")]


async def test_figures_and_the_speaker_come_from_the_media(shared_distal, show):
    server = shared_distal
    events = []

    async def keep(event):
        events.append(event)

    film = Participant(server.ws_url, server.token("figures", "host", "Film"), publish=show())
    loud = Participant(server.ws_url, server.token("figures", "specialist", "Loud"), publish=tone)
    watcher = Participant(
        server.ws_url, server.token("figures", "student", "Watcher"), on_event=keep
    )
    async with film, loud, watcher:
        await sees(watcher, film)

        def spoken():
            return [
                e for e in events if isinstance(e, p.ActiveSpeaker) and e.participant == loud.id
            ]

        await watcher.until(spoken)

        def measured():
            figures = {
                q.participant: q
                for e in events
                if isinstance(e, p.QualityReport)
                for q in e.participants
            }
            up, down = figures.get(film.id), figures.get(watcher.id)
            return (
                up
                and down
                and up.bitrate_up_bps > 300_000
                and down.bitrate_down_bps > 300_000
                and up.loss_up is not None
                and down.rtt_ms is not None
                and down.level == "good"
            )

        await watcher.until(measured, 60.0)  # on a busy machine it is not good at once


async def test_a_member_who_decodes_less_changes_what_is_sent(shared_distal, show):
    server = shared_distal
    film = Participant(server.ws_url, server.token("codecs", "host", "Film"), publish=show())
    first = Participant(server.ws_url, server.token("codecs", "student", "First"))
    old = Participant(
        server.ws_url,
        server.token("codecs", "student", "Old"),
        capabilities=p.Capabilities(video=["H264"]),
    )
    async with film, first:
        await sees(first, film)
        assert codec(first, film) == "VP8"
        async with old:
            for watcher in (old, first):
                await watcher.until(lambda watcher=watcher: codec(watcher, film) == "H264")
                await sees(watcher, film)


def codec(watcher, other):
    """What is received of somebody's picture."""
    video = received(watcher, other, "video")
    return next((t.codec for t in watcher.view.tracks_of(other.id) if t.id == video), None)


async def test_a_class_with_a_port_of_its_own_uses_it(tmp_path, show):
    port = free_udp_port()
    config = tmp_path / "distal.toml"
    config.write_text(f"[classes.diagnostic]\nport = {port}\n")
    async with DistalServer(tmp_path / "data", "--config", str(config)) as server:

        async def both(codecs):
            return [*await show()(codecs), *await show("diagnostic")(codecs)]

        probe = Participant(server.ws_url, server.token("us", "county_doctor", "US"), publish=both)
        expert = Participant(server.ws_url, server.token("us", "specialist", "Expert"))
        async with probe, expert:
            await expert.until(lambda: len(expert.received) == 4)
            for track in list(expert.received):
                await expert.until_receiving(track, 10)
            both_ways = {"subscribe:main", "subscribe:diagnostic"}
            await expert.until(lambda: set(expert.receiving) == both_ways)  # one may come anew
            offers = {name: pc.remoteDescription.sdp for name, pc in expert.receiving.items()}
            assert f" {port} typ host" in offers["subscribe:diagnostic"]
            assert f" {server.media_port} typ host" in offers["subscribe:main"]


@pytest.mark.timeout(90)
async def test_a_peer_that_freezes_is_noticed_within_15_s_and_goes_on_when_it_thaws(tmp_path):
    """It says nothing more: no closing socket, no consent, no media. A tunnel looks the same."""
    async with DistalServer(tmp_path / "data") as server:
        watcher = Participant(server.ws_url, server.token("frozen", "host", "Watcher"))
        site = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "clients.site", "--url", server.url, "--token-file", "-",
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            site.stdin.write(server.token("frozen", "county_doctor", "Site").encode())
            site.stdin.write_eof()
            async with watcher:
                await watcher.until(lambda: len(watcher.received) == 2, timeout_s=60)
                for track in list(watcher.received):
                    await watcher.until_receiving(track, 10)
                os.kill(site.pid, signal.SIGSTOP)
                frozen = time.monotonic()
                away = next(one for one in watcher.view.people.values() if one.name == "Site")
                await watcher.until(
                    lambda: watcher.view.people[away.id].state == "reconnecting", timeout_s=20
                )
                assert time.monotonic() - frozen < 15
                counts = await metrics(server)
                assert (counts["distal_participants"], counts["distal_tracks"]) == (2, 2)
                os.kill(site.pid, signal.SIGCONT)
                await watcher.until(lambda: watcher.view.people[away.id].state == "online")
                for track in list(watcher.received):
                    await watcher.until_receiving(track, 10)
        finally:
            site.kill()
            await site.wait()


async def metrics(server):
    async with aiohttp.ClientSession(timeout=OPEN) as http:
        text = await (await http.get(f"{server.url}/metrics")).text()
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {row[0]: float(row[1]) for row in rows if len(row) == 2}


@pytest.mark.timeout(90)
async def test_an_encoder_is_seen_by_the_room_and_by_players_and_let_go(shared_distal, films):
    server = shared_distal
    watcher = Participant(server.ws_url, server.token("whip", "host", "Watcher"))
    loops = media_loop.load(films("VP8"))
    encoder = WhipPublisher(
        f"{server.url}/whip/whip",
        server.token("whip", "device", "Encoder"),
        media_loop.tracks(loops),
        {loop.kind: loop.codec for loop in loops},
    )
    player = WhepWatcher(f"{server.url}/whep/whip", server.token("whip", "student", "Player"))
    async with watcher:
        async with encoder, player:
            await watcher.until(lambda: watcher.view.named("Encoder"))
            who = watcher.view.named("Encoder")
            for kind in ("audio", "video"):
                await watcher.until(lambda kind=kind: received(watcher, who, kind))
                await watcher.until_receiving(received(watcher, who, kind), 10)
                await watcher.until(lambda kind=kind: player.received[kind].frames > 10)
            encoder.session = None  # no DELETE: it is simply not there any more
        vanished = time.monotonic()
        await watcher.until(lambda: watcher.view.named("Encoder") is None)
        assert time.monotonic() - vanished < 15
        assert not watcher.received


# --- garbage -----------------------------------------------------------------------------------


async def test_frames_go_on_while_garbage_comes_from_everywhere(tmp_path, show):
    async with DistalServer(tmp_path / "data") as server:
        film = Participant(server.ws_url, server.token("calm", "host", "Film"), publish=show())
        watcher = Participant(server.ws_url, server.token("calm", "student", "Watcher"))
        async with film, watcher:
            await sees(watcher, film)
            longest = asyncio.create_task(longest_gap(watcher, received(watcher, film, "video")))
            chance = random.Random(1)
            for attack in (sockets, descriptions, posts, datagrams):
                await attack(server, chance)
            longest.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await longest
            await sees(watcher, film)
        assert '"level": "error"' not in server.stderr()
        assert "Traceback" not in server.stderr()


async def longest_gap(watcher, track):
    """Fails when no frame arrives for two seconds."""
    while True:
        await watcher.until_receiving(track, 1, timeout_s=2)


async def sockets(server, chance):
    """Wrong first messages, then from inside: garbage, floods and giants."""
    token = server.token("calm", "specialist", "Mallory")
    async with aiohttp.ClientSession(timeout=OPEN) as http:
        for first in ("", "{", "\x00" * 100, '{"type":"hello","id":1,"version":1,"token":"x.y.z"}'):
            async with http.ws_connect(server.ws_url) as stranger:
                await stranger.send_str(first)
                assert json.loads((await stranger.receive()).data)["type"] == "error"
        for inside in (noise, flood, giant):
            async with http.ws_connect(server.ws_url) as mallory:
                hello = {"type": "hello", "id": 1, "version": 1, "token": token}
                await mallory.send_json(hello)
                await mallory.send_json({"type": "join", "id": 2})
                with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                    await inside(mallory, chance)
                async with asyncio.timeout(10):
                    while (await mallory.receive()).type is aiohttp.WSMsgType.TEXT:
                        pass


async def noise(mallory, chance):
    sample = json.dumps({"type": "publish", "id": 3, "transport": "publish:main", "media": []})
    for _ in range(60):
        cut = chance.randrange(len(sample))
        await mallory.send_str(sample[:cut] + chr(chance.randrange(1, 0xD000)) + sample[cut:])
    await mallory.close()


async def flood(mallory, chance):
    for n in range(3000):
        await mallory.send_json({"type": "ping", "id": n})


async def giant(mallory, chance):
    await mallory.send_str("x" * 1_000_000)


async def descriptions(server, chance):
    """Damaged offers and answers from somebody who may publish."""
    pc = peer.connection()
    pc.addTransceiver("audio", direction="sendonly")
    pc.addTransceiver("video", direction="sendonly")
    sdp = await peer.offer(pc)
    await pc.close()
    media = [
        {"mid": "0", "source": "microphone"},
        {"mid": "1", "source": "camera"},
    ]
    async with (
        aiohttp.ClientSession(timeout=OPEN) as http,
        http.ws_connect(server.ws_url) as mallory,
    ):
        token = server.token("calm", "specialist", "Mallory")
        hello = {"type": "hello", "id": 1, "version": 1, "token": token}
        await mallory.send_json(hello)
        await mallory.send_json({"type": "join", "id": 2})
        for number in range(25):
            damaged = damage(sdp, chance)
            request = {"type": "publish", "id": 100 + number, "transport": "publish:main"}
            await mallory.send_json(request | {"sdp": damaged, "media": media})
            request = {"type": "subscribe_answer", "id": 200 + number, "revision": 1}
            await mallory.send_json(
                request | {"transport": "subscribe:main", "sdp": damage(sdp, chance)}
            )
            answered = set()
            while answered != {100 + number, 200 + number}:
                said = json.loads((await mallory.receive(timeout=10)).data)
                if "re" in said:
                    answered.add(said["re"])
                    assert said.get("code") != "internal", said
                answered.discard(1)
                answered.discard(2)
            await asyncio.sleep(0.25)  # within the allowed rate


def damage(sdp, chance):
    lines = sdp.splitlines()
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[place]
            case 1:
                lines.insert(chance.randrange(len(lines)), lines[place])
            case 2:
                lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]
            case 3:
                lines[place] = lines[place].replace(" ", chance.choice(["", "  ", " -1 ", " 9e9 "]))
    return "\r\n".join(lines) + "\r\n"


async def posts(server, chance):
    token = server.token("calm", "device", "Mallory")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with aiohttp.ClientSession(timeout=OPEN) as http:
        for path in ("/whip/calm", "/whep/calm", "/whip/other", "/whip/calm/none"):
            for body in (
                b"",
                b"v=0",
                b"\xff" * 50,
                b"v=0\r\nm=\r\n",
                b"v=0\r\nm=audio 9 x\r\n" * 99,
            ):
                async with http.post(f"{server.url}{path}", data=body, headers=headers) as answer:
                    assert 400 <= answer.status < 500
                    assert answer.content_type == "application/problem+json"


async def datagrams(server, chance):
    """STUN, DTLS, RTP, RTCP and nothing at all, whole and cut, from a stranger's port."""
    stun = bytes.fromhex("000100002112a442") + chance.randbytes(12)
    seeds = [
        stun,
        stun[:2] + b"\x00\x08" + stun[4:] + bytes.fromhex("0006ffff61626364"),
        bytes.fromhex("16fefd0000000000000000ffff") + chance.randbytes(200),
        bytes.fromhex("17fefd0001000000000001000a") + chance.randbytes(10),
        bytes.fromhex("80600001000000010000abcd") + chance.randbytes(900),
        bytes.fromhex("bfff0001ffffffff"),
        bytes.fromhex("81c90007") + chance.randbytes(28),
        chance.randbytes(1400),
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for number in range(4000):
            seed = bytearray(chance.choice(seeds))
            seed = seed[: chance.randrange(len(seed) + 1)]
            for _ in range(chance.randrange(3)):
                if seed:
                    seed[chance.randrange(len(seed))] = chance.randrange(256)
            wire.sendto(seed, ("127.0.0.1", server.media_port))
            if number % 100 == 0:
                await asyncio.sleep(0.02)
