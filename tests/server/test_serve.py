"""The running server from outside: health, pages, errors, metrics, logs."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.server_process import DistalServer

WEB = "<!doctype html><title>Distal</title>"


@pytest.fixture(scope="module")
def web_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built web client of two files."""
    directory = tmp_path_factory.mktemp("dist")
    (directory / "assets").mkdir()
    (directory / "index.html").write_text(WEB)
    (directory / "favicon.svg").write_text("<svg/>")
    (directory / "assets" / "index-4f3a.js").write_text("export {}")
    (directory.parent / "outside.txt").write_text("secret")
    return directory


@pytest.fixture(scope="module")
def server(web_dir: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with DistalServer(
        tmp_path_factory.mktemp("serve") / "data", "--web-dir", str(web_dir)
    ) as running:
        yield running


@pytest.fixture
async def http(server: DistalServer):  # type: ignore[no-untyped-def]
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def test_it_is_alive_and_ready(http: aiohttp.ClientSession) -> None:
    for path, word in (("/healthz", "alive"), ("/readyz", "ready")):
        async with http.get(path) as answer:
            assert answer.status == 200
            assert await answer.json() == {"status": word}


@pytest.mark.parametrize("path", ["/", "/join/ABCDEF", "/room/demo"])
async def test_every_address_of_the_client_is_its_page(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as answer:
        assert answer.status == 200
        assert await answer.text() == WEB
        assert answer.headers["Cache-Control"] == "no-cache"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval'" not in policy.replace("wasm-unsafe-eval", "")
        assert "script-src 'self' 'wasm-unsafe-eval'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_assets_are_kept_for_ever_and_other_files_are_not(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/assets/index-4f3a.js") as answer:
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.content_type in ("text/javascript", "application/javascript")
    async with http.get("/favicon.svg") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/no/such/page", 404),
        ("GET", "/assets/none.js", 404),
        ("GET", "/%2e%2e/outside.txt", 404),
        ("GET", "/..%2foutside.txt", 404),
        ("GET", "/assets/..%2f..%2foutside.txt", 404),
        ("GET", "/a%00b", 404),
        ("DELETE", "/healthz", 405),
        ("POST", "/join/ABC", 405),
    ],
)
async def test_errors_are_problem_documents(
    server: DistalServer, http: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:

    url = URL(server.url + path, encoded=True)
    async with http.request(method, url) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
        assert problem["status"] == status
        assert problem["title"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_without_a_built_client_the_page_says_what_to_do(tmp_path: Path) -> None:
    async with (
        DistalServer(tmp_path / "data", "--web-dir", str(tmp_path)) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        async with http.get("/") as answer:
            assert answer.status == 503
            assert "make web" in (await answer.json(content_type=None))["detail"]
        async with http.get("/readyz") as answer:
            assert answer.status == 200


async def test_metrics_count_and_name_nobody(
    server: DistalServer, http: aiohttp.ClientSession
) -> None:
    async with http.get("/room/secret-ward"):
        pass
    async with http.get("/metrics") as answer:
        assert answer.status == 200
        text = await answer.text()
    assert 'distal_http_requests_total{method="GET",route="/room/{room}",status="200"}' in text
    for name in ("distal_rooms", "distal_participants", "distal_media_transports"):
        assert f"\n{name} 0.0\n" in text
    assert "process_cpu_seconds_total" in text
    assert "secret-ward" not in text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},  # through a proxy that nobody declared
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "evil.example"},  # a name that was made to point at 127.0.0.1
    ],
)
async def test_metrics_are_for_this_machine(
    http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with http.get("/metrics", headers=headers) as answer:
        assert answer.status == 403
        assert answer.content_type == "application/problem+json"
        assert "distal_rooms" not in await answer.text()


async def test_metrics_with_a_token_of_their_own(tmp_path: Path) -> None:
    async with (
        DistalServer(tmp_path / "data", environment={"DISTAL_METRICS_TOKEN": "Prüfung"}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": f"Bearer {server.token('r', 'host')}"}, 401),
            ({"Authorization": "Bearer Prüfung"}, 200),
        ):
            async with http.get("/metrics", headers=headers) as answer:
                assert answer.status == status


async def test_behind_a_proxy_loopback_proves_nothing(tmp_path: Path) -> None:
    async with (
        DistalServer(tmp_path / "data", "--behind-proxy") as server,
        aiohttp.ClientSession(server.url) as http,
        http.get("/metrics") as answer,
    ):
        assert answer.status == 403


async def test_logs_are_json_and_hold_no_address_of_a_page(
    server: DistalServer, http: aiohttp.ClientSession
) -> None:
    async with http.get("/join/A-CODE-THAT-NOBODY-MAY-SEE?token=NOR-THIS") as answer:
        assert answer.status == 200
    lines = [json.loads(line) for line in server.stderr().splitlines()]
    assert any(line.get("route") == "/join/{code}" for line in lines)
    assert "A-CODE" not in server.stderr()
    assert "NOR-THIS" not in server.stderr()
    assert "127.0.0.1" not in server.stderr()
