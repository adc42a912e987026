"""`distal demo`: one link per role, and a simulated county hospital that is there and stays."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from server.lan import certificate, local_addresses
from tests.server_process import DistalServer

DRAWING_S = 90  # the film is drawn once, on a busy machine


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistalServer]:
    with DistalServer(tmp_path_factory.mktemp("demo") / "data", command="demo") as server:
        yield server


def links(server: DistalServer) -> dict[str, str]:
    """Codes by the English name of their role."""
    found = re.findall(r"· ([a-z ]+?)(?: \(.*?\))? +\S+/join/(\S+)", server.stdout())
    return dict(found)


def site_of(server: DistalServer) -> psutil.Process | None:
    assert server.process is not None
    for child in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one too
            if "clients.site" in child.cmdline():
                return child
    return None


async def running_site(server: DistalServer, other_than: int = 0) -> psutil.Process:
    async with asyncio.timeout(30):
        while (site := site_of(server)) is None or site.pid == other_than:
            await asyncio.sleep(0.05)
    return site


async def redeem(http: aiohttp.ClientSession, code: str) -> tuple[int, dict[str, Any]]:
    async with http.post("/api/join", json={"code": code}) as answer:
        return answer.status, await answer.json(content_type=None)


async def wait_for_site(http: aiohttp.ClientSession, token: str) -> dict[str, Any]:
    """Join, and wait until the county hospital publishes sound and picture."""
    async with http.ws_connect("/ws", headers={"Authorization": f"Bearer {token}"}) as ws:
        await ws.send_json({"type": "hello", "id": 1, "version": 1})
        await ws.send_json({"type": "join", "id": 2, "name": "Li"})
        site: dict[str, Any] = {}
        kinds: set[str] = set()
        while kinds != {"audio", "video"}:
            message = await ws.receive_json(timeout=DRAWING_S)
            present = message.get("state", {}).get("participants", [])
            present += [message["participant"]] if message["type"] == "participant_joined" else []
            for person in present:
                if person["role"] == "county_doctor":
                    site = person
                    kinds |= {track["kind"] for track in person["tracks"]}
            if message["type"] == "track_added":
                kinds.add(message["track"]["kind"])
        return site


async def test_every_role_has_a_link_that_opens_the_room(demo: DistalServer) -> None:
    codes = links(demo)
    assert set(codes) == {
        *("host", "specialist", "county doctor", "interpreter", "student", "patient")
    }
    async with aiohttp.ClientSession(demo.url) as http:
        for name, code in codes.items():
            status, joined = await redeem(http, code)
            assert (status, joined["room"]) == (200, "demo")
            assert joined["role"] == name.replace(" ", "_")
            assert "示范会诊" in joined["title"]
            status, _ = await redeem(http, code)
            assert status == (410 if name == "patient" else 200)


async def test_the_county_hospital_is_present_and_comes_back(demo: DistalServer) -> None:
    host = demo.token("demo", "host")
    async with aiohttp.ClientSession(demo.url) as http:
        site = await wait_for_site(http, host)
        assert "清河县医院" in site["name"]
        first = await running_site(demo)
        first.kill()
        await running_site(demo, other_than=first.pid)
        assert "清河县医院" in (await wait_for_site(http, host))["name"]


async def test_the_site_s_token_is_in_no_process_list(demo: DistalServer) -> None:
    site = await running_site(demo)
    assert not any(part.startswith("eyJ") for part in site.cmdline())


async def test_the_site_ends_with_the_server(tmp_path: Path) -> None:
    async with DistalServer(tmp_path / "data", command="demo") as server:
        site = await running_site(server)
    assert not site.is_running()
    assert "Traceback" not in server.stderr()


async def test_the_local_network_gets_tls(tmp_path: Path) -> None:
    async with DistalServer(tmp_path / "data", "--lan", command="demo") as server:
        trust = ssl.create_default_context(cafile=str(tmp_path / "data" / "lan-cert.pem"))
        addresses = [str(address) for address in local_addresses() if address.version == 4]
        port = server.url.rpartition(":")[2]
        async with aiohttp.ClientSession() as http:
            for address in ["127.0.0.1", *addresses]:
                async with http.get(f"https://{address}:{port}/readyz", ssl=trust) as answer:
                    assert answer.status == 200
            async with http.post(
                f"https://127.0.0.1:{port}/api/join",
                json={"code": links(server)["host"]},
                ssl=trust,
            ) as answer:
                assert answer.status == 200
        if addresses:
            assert f"https://{addresses[0]}:{port}/join/" in server.stdout()


def test_the_certificate_is_kept_while_it_is_good(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    first = cert.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert certificate(tmp_path)[0].read_bytes() == first
    cert.write_text("broken")
    certificate(tmp_path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)


async def test_the_demonstrations_studies_are_there(demo: DistalServer) -> None:
    headers = {"Authorization": f"Bearer {demo.token('demo', 'specialist')}"}
    found: list[Any] = []
    async with aiohttp.ClientSession(demo.url, headers=headers) as http, asyncio.timeout(60):
        while len(found) < 8:
            async with http.get("/dicomweb/studies") as answer:
                found = await answer.json(content_type=None)
            await asyncio.sleep(0.1)
        study = found[0]["0020000D"]["Value"][0]
        async with http.get(f"/dicomweb/studies/{study}/thumbnail") as answer:
            assert answer.status == 200
