"""Who is told of the TURN server, and with what: fresh, short-lived, one's own credentials."""

import base64
import hashlib
import hmac
import re
import time

import pytest

from signaling.turn import TurnSettings
from tests.signaling.conftest import Refusal, token
from tests.signaling.fake_relay import offer

URLS = ("turn:turn.example:3478?transport=udp", "turns:turn.example:443?transport=tcp")
SECRET = b"0123456789abcdef"


def turn(ttl_s=3600):
    return TurnSettings(urls=URLS, secret=SECRET, ttl_s=ttl_s)


def check(username, credential, ttl_s=3600):
    """What a TURN server with the secret makes of it."""
    ends, subject = username.split(":")
    assert 0 <= time.time() + ttl_s - int(ends) < 60
    digest = hmac.new(SECRET, username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(credential) == digest
    return subject


async def test_welcome_brings_credentials_of_one_s_own(make_house):
    house = await make_house(turn=turn())
    ann, bob = await house.enter(join=False), await house.enter(join=False)
    for peer in (ann, bob):
        [server] = peer.welcome["ice_servers"]
        assert server["urls"] == list(URLS)
        assert check(server["username"], server["credential"]) == peer.me


async def test_without_a_turn_server_there_are_none(house):
    peer = await house.enter(join=False)
    assert peer.welcome["ice_servers"] == []
    answer = await post(house)
    assert answer.status == 201 and "Link" not in answer.headers


async def test_who_is_not_known_learns_nothing(make_house):
    house = await make_house(turn=turn())
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.ask("hello", version=1, token="forged")
    assert "turn" not in str(caught.value)
    for headers in ({}, {"Authorization": "Bearer forged"}):
        answer = await house.client.post("/whip/demo", data=offer("audio"), headers=headers)
        assert answer.status == 401 and "Link" not in answer.headers


async def test_credentials_are_renewed_at_half_their_life_and_when_one_resumes(make_house):
    house = await make_house(turn=turn(ttl_s=1))
    peer = await house.enter()
    event = await peer.event("ice_servers_changed")
    [server] = event["ice_servers"]
    check(server["username"], server["credential"], 1)
    session = peer.welcome["session"]
    await peer.drop()
    again = await house.connect()
    await again.hello(resume={"session": session, "seq": peer.seq, "media": True})
    assert again.welcome["resumed"]
    [server] = again.welcome["ice_servers"]
    assert check(server["username"], server["credential"], 1) == peer.me


async def post(house, path="/whip/demo"):
    headers = {"Authorization": f"Bearer {token('device')}", "Content-Type": "application/sdp"}
    return await house.client.post(path, data=offer("audio", "video"), headers=headers)


async def test_whip_answers_with_links(make_house):
    house = await make_house(turn=turn())
    answer = await post(house)
    assert answer.status == 201
    links = answer.headers.getall("Link")
    pattern = (
        r'<(.+)>; rel="ice-server"; username="(.+)"; credential="(.+)"; credential-type="password"'
    )
    found = [re.fullmatch(pattern, link).groups() for link in links]
    assert [url for url, _, _ in found] == list(URLS)
    for _, username, credential in found:
        check(username, credential)
    assert "Link" in (await preflight(house)).headers["Access-Control-Expose-Headers"]


async def preflight(house):
    own = str(house.client.make_url("/")).rstrip("/")
    return await house.client.options("/whip/demo", headers={"Origin": own})


async def test_no_credential_is_logged(make_house, caplog):
    caplog.set_level("DEBUG")
    house = await make_house(turn=turn())
    peer = await house.enter()
    [server] = peer.welcome["ice_servers"]
    await post(house)
    assert server["credential"] not in caplog.text
    assert SECRET.decode() not in caplog.text
