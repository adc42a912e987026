"""Every HTTP error is a problem document."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.problem import Problem, problem_middleware


async def refuse(request):
    raise Problem(401, "say who you are", headers={"WWW-Authenticate": "Bearer"})


async def fail(request):
    raise RuntimeError("secret detail")


async def move(request):
    raise web.HTTPFound("/elsewhere")


@pytest.fixture
async def client():
    app = web.Application(middlewares=[problem_middleware])
    app.router.add_get("/refuse", refuse)
    app.router.add_get("/fail", fail)
    app.router.add_get("/move", move)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/refuse", 401, "Unauthorized"),
        ("GET", "/fail", 500, "Internal Server Error"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("POST", "/refuse", 405, "Method Not Allowed"),
    ],
)
async def test_errors_are_problem_documents(client, method, path, status, title):
    answer = await client.request(method, path)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    body = await answer.json(content_type=None)
    assert (body["status"], body["title"]) == (status, title)
    assert "secret" not in str(body)


async def test_headers_are_kept(client):
    assert (await client.get("/refuse")).headers["WWW-Authenticate"] == "Bearer"
    assert "GET" in (await client.post("/refuse")).headers["Allow"]
    assert (await client.get("/move", allow_redirects=False)).status == 302
