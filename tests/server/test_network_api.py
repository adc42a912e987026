"""What the page /network asks of the server: open to strangers, and of no use to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from server.network_api import BURST, PROBES_MAX, for_stranger
from tests.server_process import DistalServer

TURN = "turn:127.0.0.1:3478?transport=udp"
ANSWER = "".join(
    f"{line}\r\n"
    for line in (
        "v=0",
        "a=candidate:1 1 udp 1 10.0.0.2 10000 typ host",
        "a=candidate:2 1 udp 1 8.8.8.8 10000 typ host",
        "a=candidate:3 1 udp 1 fd00::2 10000 typ host",
        "a=candidate:4 1 udp 1 127.0.0.1 10000 typ host",
        "a=end-of-candidates",
    )
)


@pytest.fixture
async def http(shared_distal: DistalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(shared_distal.url) as session:
        yield session


async def offer() -> tuple[RTCPeerConnection, str]:
    peer = RTCPeerConnection()
    peer.createDataChannel("echo", ordered=False, maxRetransmits=0)
    await peer.setLocalDescription(await peer.createOffer())
    return peer, peer.localDescription.sdp


async def ask(http: aiohttp.ClientSession, sdp: str) -> tuple[int, str]:
    headers = {"Content-Type": "application/sdp"}
    async with http.post("/api/network/probe", data=sdp, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_stranger_s_message_comes_back(http: aiohttp.ClientSession) -> None:
    peer = RTCPeerConnection()
    channel = peer.createDataChannel("echo", ordered=False, maxRetransmits=0)
    echoed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    channel.on("open", lambda: channel.send("hello?"))
    channel.on("message", echoed.set_result)
    await peer.setLocalDescription(await peer.createOffer())
    status, sdp = await ask(http, peer.localDescription.sdp)
    assert status == 201
    await peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    async with asyncio.timeout(10):
        assert await echoed == "hello?"
    await peer.close()


@pytest.mark.parametrize(("body", "status"), [("", 400), ("v=0", 400), ("v=0\r\n" * 8000, 413)])
async def test_what_is_no_offer_is_refused(
    http: aiohttp.ClientSession, body: str, status: int
) -> None:
    assert (await ask(http, body))[0] == status


async def test_only_so_many_are_open_at_once_and_one_address_asks_only_so_often(
    tmp_path: Path,
) -> None:
    peer, sdp = await offer()
    async with (
        DistalServer(tmp_path) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        said = [(await ask(http, sdp))[0] for _ in range(BURST + 2)]
    assert said[:PROBES_MAX] == [201] * PROBES_MAX
    assert said[PROBES_MAX] == 503
    assert said[-1] == 429
    await peer.close()


async def test_turn_credentials_are_for_holders_of_a_token(tmp_path: Path) -> None:
    async with (
        DistalServer(tmp_path, "--turn-url", TURN) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        unasked = await offers(http)
        assert (unasked["turn"], unasked["ice_servers"]) == (True, [])
        headers = {"Authorization": "Bearer forged"}
        async with http.get("/api/network", headers=headers) as answer:
            assert answer.status == 401
            assert "credential" not in await answer.text()
        found = await offers(http, server.token("a", "operator"))
        [given] = found["ice_servers"]
        assert given["urls"] == [TURN] and given["credential"]
        left_s = int(given["username"].partition(":")[0]) - time.time()
        assert 0 < left_s <= 600
        assert given["credential"] not in server.stderr()


async def test_without_a_turn_server_the_answer_says_so(
    http: aiohttp.ClientSession, shared_distal: DistalServer
) -> None:
    nothing = await offers(http)
    assert nothing == {"turn": False, "ice_servers": [], "udp_ports": nothing["udp_ports"]}
    assert shared_distal.media_port in nothing["udp_ports"]
    token = shared_distal.token("a", "operator")
    assert await offers(http, token) == nothing


async def offers(http: aiohttp.ClientSession, token: str | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.get("/api/network", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        found: dict[str, Any] = await answer.json()
        return found


def test_a_stranger_from_afar_learns_no_private_address() -> None:
    shown = for_stranger(ANSWER, "1.1.1.1")
    assert "8.8.8.8" in shown and shown.endswith("a=end-of-candidates\r\n")
    for private in ("10.0.0.2", "fd00::2", "127.0.0.1"):
        assert private not in shown
    assert "10.0.0.2" in for_stranger(ANSWER, "1.1.1.1", advertised=("10.0.0.2",))
    assert for_stranger(ANSWER, "192.168.1.5") == for_stranger(ANSWER, "::1") == ANSWER
    assert "10.0.0.2" not in for_stranger(ANSWER, "unknown")
