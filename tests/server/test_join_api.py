"""Join codes over HTTP: made by a moderator, spent by POST, refused in words."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from server.join_api import JOINS_BURST
from server.keys import load_or_create
from signaling.tokens import TokenVerifier
from tests.server_process import DistalServer


@pytest.fixture
async def http(shared_distal: DistalServer):  # type: ignore[no-untyped-def]
    async with aiohttp.ClientSession(shared_distal.url) as session:
        yield session


async def invite(server: DistalServer, http: aiohttp.ClientSession, **body: Any) -> str:
    headers = {"Authorization": f"Bearer {server.token('ward', 'host')}"}
    async with http.post("/api/rooms/ward/invitations", json=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        url: str = (await answer.json())["url"]
    assert url.startswith(f"{server.url}/join/")
    return url.rpartition("/")[2]


async def refused(answer: aiohttp.ClientResponse) -> str:
    assert answer.content_type == "application/problem+json"
    problem = await answer.json(content_type=None)
    assert problem["status"] == answer.status
    return f"{problem['title']}: {problem.get('detail', '')}"


async def test_a_code_becomes_a_token(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    code = await invite(shared_distal, http, role="specialist", name="李医生", institution="省医院")
    async with http.post("/api/join", json={"code": code}) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        joined = await answer.json()
    assert (joined["room"], joined["role"], joined["title"]) == ("ward", "specialist", "ward")
    key = load_or_create(shared_distal.data_dir)
    claims = TokenVerifier({key.kid: key.public}).verify(joined["token"])
    assert (claims.room, claims.role, claims.name) == ("ward", "specialist", "李医生")
    assert claims.institution == "省医院"
    assert claims.grants.publish == ["audio", "video"]


async def test_naming_a_hospital_does_not_open_its_studies(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    """A host answers for his own institution; whoever he invites from elsewhere is a guest."""

    async def invited(by: str, institution: str) -> str:
        headers = {"Authorization": f"Bearer {by}"}
        body = {"role": "host", "institution": institution}
        async with http.post("/api/rooms/ward/invitations", json=body, headers=headers) as answer:
            code = (await answer.json())["url"].rpartition("/")[2]
        async with http.post("/api/join", json={"code": code}) as answer:
            token: str = (await answer.json())["token"]
        return token

    async def may_store(token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/dicom"}
        async with http.post("/dicomweb/studies", data=b"", headers=headers) as answer:
            return answer.status != 403

    host = shared_distal.token("ward", "host", institution="county")
    assert await may_store(await invited(host, "county"))
    for elsewhere in ("province", ""):
        guest = await invited(host, elsewhere)
        assert not await may_store(guest)
        assert not await may_store(await invited(guest, elsewhere)), "nor does he by inviting"


async def test_looking_at_a_link_does_not_spend_it(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    code = await invite(shared_distal, http, role="patient")
    for _ in range(3):
        async with http.get(f"/join/{code}"):
            pass
    async with http.post("/api/join", json={"code": code}) as answer:
        assert answer.status == 200
    async with http.post("/api/join", json={"code": code}) as answer:
        assert answer.status == 410
        assert "already used" in await refused(answer)


async def test_two_who_race_for_a_one_time_code(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    code = await invite(shared_distal, http, role="patient")

    async def spend() -> int:
        async with http.post("/api/join", json={"code": code}) as answer:
            return answer.status

    assert sorted(await asyncio.gather(*(spend() for _ in range(8)))) == [200] + [410] * 7


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b'{"code": "never-given-out"}', "application/json", 404, "unknown"),
        (b'{"code": ""}', "application/json", 400, "code"),
        (b'{"code": 5}', "application/json", 400, "code"),
        (b"{}", "application/json", 400, "code"),
        (b'{"code": "x", "role": "host"}', "application/json", 400, "role"),
        (b'["x"]', "application/json", 400, "object"),
        (b'{"code": ', "application/json", 400, "Malformed"),
        (b"\xff\xfe", "application/json", 400, "Malformed"),
        (b'{"code": "' + b"x" * 5000 + b'"}', "application/json", 413, "Too large"),
        (b"code=x", "application/x-www-form-urlencoded", 415, "JSON"),
        (b'{"code": "x"}', "text/plain", 415, "JSON"),
    ],
)
async def test_bad_requests_are_refused_in_words(
    http: aiohttp.ClientSession, body: bytes, content_type: str, status: int, said: str
) -> None:
    headers = {"Content-Type": content_type}
    async with http.post("/api/join", data=body, headers=headers) as answer:
        assert answer.status == status
        assert said in await refused(answer)


async def test_only_a_moderator_of_the_room_invites(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    expired = shared_distal.token("ward", "host")[:-4] + "AAAA"
    for token, status in (
        (shared_distal.token("ward", "specialist"), 403),
        (shared_distal.token("elsewhere", "host"), 403),
        (expired, 401),
        ("rubbish", 401),
        ("", 401),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(
            "/api/rooms/ward/invitations", json={"role": "host"}, headers=headers
        ) as answer:
            assert answer.status == status
            await refused(answer)


async def test_an_invitation_names_its_mistake(
    shared_distal: DistalServer, http: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {shared_distal.token('ward', 'host')}"}
    for body, said in (
        ({"role": "surgeon"}, "role"),
        ({"role": "host", "ttl_s": 1}, "ttl_s"),
        ({"role": "host", "name": ""}, "name"),
    ):
        async with http.post("/api/rooms/ward/invitations", json=body, headers=headers) as answer:
            assert answer.status == 400
            assert said in await refused(answer)


async def test_guessing_is_slowed_down(distal: DistalServer) -> None:
    async with aiohttp.ClientSession(distal.url) as http:
        statuses = []
        for _ in range(JOINS_BURST + 20):
            async with http.post("/api/join", json={"code": "guess"}) as answer:
                statuses.append(answer.status)
                if answer.status == 429:
                    assert int(answer.headers["Retry-After"]) >= 1
                    assert "Too many requests" in await refused(answer)
    assert set(statuses[:JOINS_BURST]) == {404}
    assert 429 in statuses[JOINS_BURST:]


async def test_behind_a_proxy_each_client_has_its_own_allowance(tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with (
        DistalServer(tmp_path / "data", "--behind-proxy") as server,
        aiohttp.ClientSession(server.url) as http,
    ):

        async def guess(address: str) -> int:
            headers = {"X-Forwarded-For": f"198.51.100.1, {address}"}
            async with http.post("/api/join", json={"code": "x"}, headers=headers) as answer:
                return answer.status

        for _ in range(JOINS_BURST + 10):
            last = await guess("203.0.113.5")
        assert last == 429
        assert await guess("203.0.113.6") == 404
