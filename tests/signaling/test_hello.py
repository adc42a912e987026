"""The door: hello, origin, bounds before it, floods after it."""

import asyncio
import json
import time

import aiohttp
import pytest

from tests.signaling.conftest import Refusal, token


async def test_welcome_says_who_one_is(house):
    peer = await house.connect()
    welcome = await peer.hello(token("host", name="Ann", institution="清河县医院"))
    assert (welcome["role"], welcome["name"], welcome["room"]) == ("host", "Ann", "demo")
    assert welcome["institution"] == "清河县医院"
    assert welcome["grants"]["moderate"] and not welcome["resumed"] and not welcome["joined"]
    assert {"name": "diagnostic", "classes": ["diagnostic"]} in welcome["transports"]


async def test_the_token_may_come_in_the_header(house):
    peer = await house.connect(headers={"Authorization": f"Bearer {token()}"})
    assert (await peer.hello())["role"] == "specialist"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"version": 1}, "unauthorized", "token"),
        ({"version": 1, "token": "forged"}, "unauthorized", "token"),
        ({"version": 1, "token": token(expires=int(time.time()) - 5)}, "unauthorized", "token"),
        ({"version": 2, "token": token()}, "unsupported_version", "version"),
        ({"version": "1"}, "malformed", "version"),
    ],
)
async def test_a_bad_hello_is_told_why_and_closed(house, fields, code, field):
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.ask("hello", **fields)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert await peer.end() == 1008
    assert not house.signaling.sessions


async def test_nothing_comes_before_hello(house):
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.ask("chat", text="let me in")
    assert caught.value.code == "unauthorized"
    assert await peer.end() == 1008


async def test_a_silent_stranger_is_closed(make_house):
    house = await make_house(hello_s=0.2)
    peer = await house.connect()
    assert await peer.end() == 1008
    assert peer.answers[-1]["code"] == "unauthorized"


async def test_a_stranger_may_not_send_much(house):
    peer = await house.connect()
    await peer.socket.send_str(json.dumps({"type": "hello", "id": 1, "token": "x" * 20_000}))
    assert await peer.end() == 1009
    assert peer.answers[-1]["code"] == "too_large"


async def test_too_many_strangers_are_sent_away(make_house):
    house = await make_house(strangers=2)
    await house.connect()
    await house.connect()
    await house.until(house.signaling.strangers.locked)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await house.connect()
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://{host}", 101),
        ("https://friend.example", 101),
        ("https://evil.example", 403),
        ("http://localhost:1", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_only_our_pages_may_connect(make_house, origin, status):
    house = await make_house(allow_origins=("https://friend.example",))
    host = f"{house.client.host}:{house.client.port}"
    headers = {"Origin": origin.format(host=host)} if origin else {}
    try:
        peer = await house.connect(headers=headers)
        assert (await peer.hello(token()))["type"] == "welcome"
        found = 101
    except aiohttp.WSServerHandshakeError as error:
        found = error.status
    assert found == status


async def test_a_plain_request_is_told_what_is_needed(house):
    answer = await house.client.get("/ws")
    assert answer.status == 426
    assert answer.content_type == "application/problem+json"


async def test_a_large_message_ends_its_socket_alone(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await ann.socket.send_str("x" * 300_000)
    assert await ann.end() == 1009
    assert (await ben.ask("ping"))["type"] == "ok"


async def test_binary_is_not_spoken_here(house):
    ann = await house.enter(name="Ann")
    await ann.socket.send_bytes(b"\x00")
    assert await ann.end() == 1008


async def test_garbage_is_answered_and_harms_nobody(house):
    ann = await house.enter(name="Ann")
    for garbage in ("", "{", "[]", '{"type":"dance","id":5}', '{"type":"chat","id":6,"text":7}'):
        await ann.socket.send_str(garbage)
    await ann.until(lambda: ann.answers.get(6))
    assert ann.answers[5]["field"] == "type"
    assert (ann.answers[6]["code"], ann.answers[6]["field"]) == ("malformed", "text")
    assert ann.answers[-1]["code"] == "malformed"
    assert (await ann.ask("ping"))["type"] == "ok"


async def test_a_flood_is_cut_off_and_harms_nobody(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")

    async def flood():
        for n in range(2000):
            try:
                await ann.socket.send_json({"type": "ping", "id": 1000 + n})
            except (ConnectionError, aiohttp.ClientError):
                return

    task = asyncio.create_task(flood())
    while not ann.closed:
        assert (await ben.ask("ping"))["type"] == "ok"
        await asyncio.sleep(0.05)
    assert await ann.end() == 1008
    assert any(a.get("code") == "too_many_requests" for a in ann.answers.values())
    await task


async def test_a_large_message_costs_more(make_house):
    house = await make_house(requests_per_s=0.001, requests_burst=30)
    ann = await house.enter(name="Ann")
    with pytest.raises(Refusal):
        await ann.ask("chat", text="x" * 200_000)
    with pytest.raises(Refusal) as caught:
        await ann.ask("chat", text="x" * 200_000)
    assert caught.value.code == "malformed"
    with pytest.raises(Refusal) as caught:
        await ann.ask("chat", text="x" * 200_000)
    assert caught.value.code == "too_many_requests"


async def test_one_token_opens_only_so_many_sessions(make_house):
    house = await make_house(subject_sessions=2)
    for _ in range(2):
        await house.enter(name="Ann", subject="ann")
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.hello(token(subject="ann"))
    assert caught.value.code == "room_full"
