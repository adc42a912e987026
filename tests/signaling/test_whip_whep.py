"""WHIP and WHEP as RFC 9725 and draft-ietf-wish-whep have them."""

import asyncio
import time

import pytest

from tests.signaling.conftest import Refusal, token
from tests.signaling.fake_relay import offer
from tests.signaling.test_publish_subscribe import publish

TRICKLE = "application/trickle-ice-sdpfrag"
WATCH = offer("audio", "video", direction="recvonly")


def headers(role="device", kind="application/sdp", **more):
    return {"Authorization": f"Bearer {token(role, **more)}", "Content-Type": kind}


async def post(house, path="/whip/demo", body=None, **more):
    more.setdefault("headers", headers())
    return await house.client.post(
        path, data=offer("audio", "video") if body is None else body, **more
    )


async def problem(answer, status):
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    said = await answer.json(content_type=None)
    assert said["status"] == status
    return said.get("detail", "")


async def test_an_encoder_is_a_participant(house):
    ann = await house.enter(name="Ann")
    own = headers(name="OBS", institution="清河县医院")
    answer = await post(house, headers=own)
    assert answer.status == 201
    assert answer.content_type == "application/sdp"
    assert (await answer.text()).startswith("v=0")
    assert answer.headers["ETag"].startswith('"')
    joined = (await ann.event("participant_joined"))["participant"]
    assert (joined["name"], joined["role"]) == ("OBS", "device")
    tracks = [
        await ann.event(
            "track_added",
        )
        for _ in range(1)
    ]
    assert tracks[0]["track"]["source"] == "microphone"
    await ann.event("subscribe_offer")
    location = answer.headers["Location"]
    assert location.startswith("/whip/demo/")
    ended = await house.client.delete(location, headers=own)
    assert ended.status == 200
    await ann.event("participant_left", participant=joined["id"])
    await house.until(lambda: not house.relay.publishing)
    await problem(await house.client.delete(location, headers=own), 404)


async def test_a_service_class_may_be_chosen(house):
    ann = await house.enter(name="Ann")
    assert (await post(house, "/whip/demo?class=diagnostic", offer("video"))).status == 201
    track = (await ann.event("track_added"))["track"]
    assert (track["service_class"], track["source"]) == ("diagnostic", "device")
    assert "class" in await problem(await post(house, "/whip/demo?class=x"), 400)
    await problem(await post(house, "/whip/demo?class=control"), 403)


@pytest.mark.parametrize("what", ["whip", "whep"])
async def test_who_may_not_is_told_by_status(house, what):
    path = f"/{what}/demo"
    plain = {"Content-Type": "application/sdp"}
    answer = await post(house, path, headers=plain)
    await problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    answer = await post(house, path, headers=plain | {"Authorization": "Bearer x.y.z"})
    await problem(answer, 401)
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    old = headers(expires=int(time.time()) - 1)
    assert "expired" in await problem(await post(house, path, headers=old), 401)
    assert "room" in await problem(await post(house, path, headers=headers(room="x")), 403)
    answer = await post(house, path, headers=headers(kind="application/json"))
    await problem(answer, 415)
    assert answer.headers["Accept-Post"] == "application/sdp"
    await problem(await post(house, path, "hello"), 400)
    await problem(await post(house, path, b"\xff\xfe"), 400)
    await problem(await post(house, path, "v=0" + "x" * 300_000), 413)
    await problem(await house.client.get(path), 405)
    await problem(await house.client.put(path), 405)
    await problem(await post(house, path, headers=headers("patient")), 403)
    assert not house.relay.open


async def test_an_offer_that_cannot_be_served_leaves_nobody_behind(house):
    ann = await house.enter(name="Ann")
    for bad in ("v=0 garbage", offer(), offer("audio", direction="recvonly")):
        await problem(await post(house, body=bad), 400)
    await problem(await post(house, headers=headers("student")), 403)
    assert house.signaling.counts()["participants"] == 1
    assert not house.relay.open
    assert len(ann.seen("participant_joined")) == len(ann.seen("participant_left"))


async def test_trickle_is_taken_and_restarts_are_refused(house):
    own = headers()
    answer = await post(house, headers=own)
    location, etag = answer.headers["Location"], answer.headers["ETag"]
    fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n"

    async def patch(body=fragment, **more):
        kind = {"Content-Type": TRICKLE}
        return await house.client.patch(location, data=body, headers=own | kind | more)

    assert (await patch(**{"If-Match": etag})).status == 204
    assert (await patch()).status == 204
    await problem(await patch(**{"If-Match": '"other"'}), 412)
    await problem(await patch(**{"If-Match": "*"}), 422)
    await problem(await patch(**{"Content-Type": "text/plain"}), 415)
    await problem(await patch(body="what"), 400)


async def test_sessions_belong_to_their_token(house):
    own = headers(subject="one")
    location = (await post(house, headers=own)).headers["Location"]
    await problem(await house.client.delete(location), 401)
    await problem(await house.client.delete(location, headers=headers(subject="two")), 403)
    await problem(await house.client.delete(location.replace("/demo/", "/x/"), headers=own), 403)
    other = headers("host", subject="host")
    assert (await house.client.delete(location, headers=other)).status == 200


async def test_a_session_may_be_ended_with_the_token_that_has_expired_meanwhile(house):
    own = headers(expires=int(time.time()) + 1)
    location = (await post(house, headers=own)).headers["Location"]
    await asyncio.sleep(1.2)
    await problem(await post(house, headers=own), 401)
    assert (await house.client.delete(location, headers=own)).status == 200


async def test_options_tell_what_is_taken(house):
    answer = await house.client.options("/whip/demo")
    assert answer.status == 204
    assert answer.headers["Accept-Post"] == "application/sdp"
    origin = {"Origin": f"http://{house.client.host}:{house.client.port}"}
    answer = await house.client.options("/whip/demo", headers=origin)
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    await problem(await house.client.options("/whip/demo", headers={"Origin": "http://evil"}), 403)
    await problem(await post(house, headers=headers() | {"Origin": "http://evil"}), 403)


async def test_one_token_opens_many_sessions(house):
    own = headers()
    answers = await asyncio.gather(*(post(house, headers=own) for _ in range(50)))
    assert {a.status for a in answers} == {201}
    assert len({a.headers["Location"] for a in answers}) == 50
    assert house.signaling.counts()["participants"] == 50


async def test_a_full_room_says_come_back(make_house):
    house = await make_house(room_whip=1, room_whep=1)
    assert (await post(house)).status == 201
    answer = await post(house)
    await problem(answer, 503)
    assert answer.headers["Retry-After"]
    assert (await post(house, "/whep/demo", WATCH)).status == 201
    await problem(await post(house, "/whep/demo", WATCH), 503)


async def test_silent_sessions_are_let_go(make_house):
    house = await make_house(http_lost_after_s=0.3)
    ann = await house.enter(name="Ann")
    await post(house)
    await post(house, "/whep/demo", WATCH)
    (encoder,) = house.relay.publishing
    player = house.relay.subscribing[-1]
    player.silent = True
    await house.until(lambda: player.state == "closed")
    assert encoder.state != "closed"
    encoder.silent = True
    await ann.event("participant_left")
    assert encoder.state == "closed"


async def test_a_silent_encoder_is_seen_reconnecting_until_it_is_heard_again(make_house):
    house = await make_house(http_silent_after_s=0.2, http_lost_after_s=30.0)
    ann = await house.enter(name="Ann")
    await post(house)
    (encoder,) = house.relay.publishing
    encoder.silent = True
    assert (await ann.event("participant_updated", state="reconnecting"))["participant"]
    encoder.silent = False
    await ann.event("participant_updated", state="online")
    assert not ann.seen("participant_left")


async def test_who_says_goodbye_on_the_transport_is_let_go_at_once(house):
    await post(house)
    await post(house, "/whep/demo", WATCH)
    player = house.relay.subscribing[-1]
    player.fail()
    await house.until(lambda: player.state == "closed")
    assert house.signaling.counts()["participants"] == 1
    house.relay.publishing[0].fail()
    await house.until(lambda: not house.signaling.counts()["participants"])
    assert not house.relay.open


async def test_a_moderator_removes_an_encoder(house):
    host = await house.enter("host", name="Host")
    own = headers(subject="enc")
    await post(house, headers=own)
    id = (await host.event("participant_joined"))["participant"]["id"]
    await host.ask("remove", participant=id)
    await host.event("participant_left", participant=id, reason="removed")
    await house.until(lambda: not house.relay.publishing)
    assert "admitted" in await problem(await post(house, headers=own), 403)
    with pytest.raises(Refusal):
        await host.ask("remove", participant=id)


async def test_a_locked_room_takes_no_encoder_and_no_player(house):
    host = await house.enter("host", name="Host")
    await post(house)
    await host.ask("lock", locked=True)
    await problem(await post(house), 403)
    await problem(await post(house, "/whep/demo", WATCH), 403)


# --- WHEP ------------------------------------------------------------------------------------


async def watch(house, query="", body=WATCH):
    return await post(house, f"/whep/demo{query}", body, headers=headers("student"))


def names(house, player):
    """Whose tracks a player gets."""
    tracks = house.signaling.stages["demo"].tracks
    people = house.signaling.stages["demo"].room.members
    return {people[tracks[id].info.participant].name for id in player.subscriptions}


async def test_nobody_publishes_yet(house):
    answer = await watch(house)
    assert "nobody publishes" in await problem(answer, 409)
    assert answer.headers["Retry-After"]
    await problem(await watch(house, "?participant=OBS"), 404)
    assert not house.relay.open


async def test_the_only_publisher_else_the_speaker_else_the_chosen_one(make_house):
    house = await make_house(speaker_every_s=0.05)
    await post(house, headers=headers(name="One"))
    answer = await watch(house)
    assert answer.status == 201
    assert answer.headers["Location"].startswith("/whep/demo/")
    await post(house, headers=headers(name="Two"))
    house.relay.publishing[1].tracks["0"].level_dbov = -20
    stage = house.signaling.stages["demo"]
    await house.until(lambda: stage.room.active_speaker)
    await watch(house)
    await watch(house, "?participant=One")
    await watch(house, f"?participant={stage.room.active_speaker}")
    assert [names(house, p) for p in house.relay.subscribing] == [
        {"One"},
        {"Two"},
        {"One"},
        {"Two"},
    ]
    await problem(await watch(house, "?participant=Three"), 404)
    assert stage.viewers == 4


async def test_a_player_gets_what_its_offer_has_room_for(house):
    await post(house)
    assert (await watch(house, body=offer("video", direction="recvonly"))).status == 201
    (player,) = house.relay.subscribing
    assert [s.track.kind for s in player.subscriptions.values()] == ["video"]
    await problem(await watch(house, body=offer("audio", direction="inactive")), 400)
    await problem(await watch(house, body=WATCH + "garbage"), 400)
    house.relay.capacity = 0
    await problem(await watch(house), 503)
    assert house.relay.subscribing == [player]
    assert house.signaling.stages["demo"].viewers == 1


async def test_nobody_is_watched_unseen(make_house):
    house = await make_house(speaker_every_s=0.02)
    ann = await house.enter(name="Ann")
    await post(house)
    own = headers("student", subject="player")
    answer = await post(house, "/whep/demo", WATCH, headers=own)
    assert (await ann.event("players_changed"))["players"] == 1
    ben = await house.enter(name="Ben")
    assert ben.joined["state"]["players"] == 1
    location = answer.headers["Location"]
    assert (await house.client.delete(location, headers=own)).status == 200
    await ann.event("players_changed", players=0)


async def test_a_player_is_let_go_with_its_publisher(house):
    own = headers()
    location = (await post(house, headers=own)).headers["Location"]
    await watch(house)
    (player,) = house.relay.subscribing
    await house.client.delete(location, headers=own)
    await house.until(lambda: player.state == "closed")


async def test_subscribing_needs_its_grant(house):
    from signaling.protocol import Grants

    await post(house)
    own = headers(grants=Grants(publish=["audio"], classes=["talk"]))
    await problem(await post(house, "/whep/demo", WATCH, headers=own), 403)


async def test_all_media_of_a_room_have_its_place(make_house):
    house = await make_house(room_empty_s=0.1)
    checking = await house.enter(join=False)
    await checking.ask("check_network", sdp=offer("application"))
    (probe,) = house.relay.open
    ann = await house.enter("host", name="Ann")
    await publish(ann)
    probe_image = [{"mid": "0", "source": "device", "service_class": "diagnostic"}]
    await publish(ann, offer("video"), probe_image, "publish:diagnostic")
    ben = await house.enter(name="Ben")
    await house.until(lambda: len(house.relay.subscribing) == 2)
    await post(house, headers=headers())
    await post(house, "/whep/demo", WATCH, headers=headers())
    await house.until(lambda: len(house.relay.subscribing) == 4)  # the player's, Ann's, Ben's two
    assert {one.place for one in house.relay.open} == {probe.place}
    await ben.drop()
    resumed = await house.connect()
    answer = await resumed.hello(
        resume={"session": ben.welcome["session"], "seq": 0, "media": False}
    )
    assert answer["type"] == "welcome"
    await house.until(lambda: len(house.relay.subscribing) == 2)
    await resumed.join(capabilities={})
    await house.until(lambda: len(house.relay.subscribing) == 4)
    assert {one.place for one in house.relay.open} == {probe.place}
    await house.enter(room="other")
    assert len(house.relay.places) == 2


async def test_players_keep_their_room(make_house):
    house = await make_house(room_empty_s=0.1)
    own = headers()
    await post(house, headers=own)
    answer = await post(house, "/whep/demo", WATCH, headers=own)
    stage = house.signaling.stages["demo"]
    assert stage.viewers == 1
    await house.client.delete(answer.headers["Location"], headers=own)
    assert stage.viewers == 0
