"""Waiting room, lock, removal, muting, chat and hands over the WebSocket."""

import pytest

from tests.signaling.conftest import Refusal
from tests.signaling.test_publish_subscribe import accept, publish


async def test_patients_are_admitted_one_by_one(house):
    host = await house.enter("host", name="Host")
    first = await house.enter("patient", name="First")
    second = await house.enter("patient", name="Second")
    await host.until(lambda: host.seen("waiting_changed")[1:])
    assert [w["name"] for w in host.seen("waiting_changed")[-1]["waiting"]] == ["First", "Second"]
    await publish(host)
    with pytest.raises(Refusal) as caught:
        await first.ask("chat", text="hello?")
    assert caught.value.code == "not_joined"
    await host.ask("admit", participant=first.me)
    admitted = await first.event("admitted")
    assert {p["id"] for p in admitted["state"]["participants"]} == {host.me, first.me}
    await accept(first)
    assert not second.seen("admitted") and not second.seen("participant_joined")
    assert [w["name"] for w in host.seen("waiting_changed")[-1]["waiting"]] == ["Second"]


async def test_who_is_denied_is_told_and_closed(house):
    host = await house.enter("host", name="Host")
    patient = await house.enter("patient", name="Pat")
    await host.ask("deny", participant=patient.me)
    assert await patient.end() == 1000
    assert patient.seen("removed")[0]["reason"] == "denied"
    assert host.seen("waiting_changed")[-1]["waiting"] == []


async def test_a_locked_room_lets_nobody_in_but_moderators(house):
    host = await house.enter("host", name="Host")
    await host.ask("lock", locked=True)
    await host.event("room_locked", locked=True)
    doctor = await house.enter(name="Doc")
    assert doctor.joined["type"] == "waiting"
    second = await house.enter("host", name="Second")
    assert second.joined["type"] == "joined"
    assert [w["name"] for w in second.joined["state"]["waiting"]] == ["Doc"]
    await host.ask("lock", locked=False)
    assert (await house.enter(name="Later")).joined["type"] == "joined"


async def test_removal_ends_the_session_and_its_media(house):
    host = await house.enter("host", name="Host")
    doctor = await house.enter(name="Doc", subject="doc")
    await publish(doctor)
    await host.ask("remove", participant=doctor.me)
    assert await doctor.end() == 1000
    assert doctor.seen("removed")[0]["reason"] == "removed"
    left = await host.event("participant_left")
    assert (left["participant"], left["reason"]) == (doctor.me, "removed")
    await house.until(lambda: not house.relay.publishing)
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.hello(resume={"session": doctor.welcome["session"], "seq": 0, "media": False})
    assert caught.value.code == "session_gone"
    back = await house.enter(name="Doc", subject="doc")
    assert back.joined["type"] == "waiting"


@pytest.mark.parametrize("what", ["remove", "admit", "deny", "ask_mute", "lock"])
async def test_only_moderators_moderate(house, what):
    host = await house.enter("host", name="Host")
    doctor = await house.enter(name="Doc")
    fields = {"locked": True} if what == "lock" else {"participant": host.me}
    with pytest.raises(Refusal) as caught:
        await doctor.ask(what, **fields)
    assert caught.value.code == "forbidden"
    if what != "lock":
        with pytest.raises(Refusal) as caught:
            await host.ask(what, participant="nobody")
        assert (caught.value.code, caught.value.field) == ("not_found", "participant")


async def test_a_request_to_mute_is_only_a_request(house):
    host = await house.enter("host", name="Host")
    doctor = await house.enter(name="Doc")
    published = await publish(doctor)
    track = published["tracks"][0]["track"]
    await host.ask("ask_mute", participant=doctor.me)
    assert (await doctor.event("mute_asked"))["by"] == "Host"
    assert not host.seen("track_updated")
    await doctor.ask("update_track", track=track, muted=True)
    assert (await host.event("track_updated"))["track"]["muted"]
    with pytest.raises(Refusal) as caught:
        await host.ask("update_track", track=track, muted=False)
    assert (caught.value.code, caught.value.field) == ("not_found", "track")


async def test_chat_reaches_all_and_newcomers(make_house):
    house = await make_house(chat_lines=3)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    for text in ("1", "2", "3", " 李医生\u202e, hello "):
        await ann.ask("chat", text=text)
    lines = [
        e["line"]
        for e in await ben.until(lambda: ben.seen("chat_added")[3:] and ben.events)
        if e["type"] == "chat_added"
    ]
    assert (lines[3]["text"], lines[3]["name"]) == ("李医生, hello", "Ann")
    cid = await house.enter(name="Cid")
    assert [line["text"] for line in cid.joined["state"]["chat"]] == ["2", "3", "李医生, hello"]
    with pytest.raises(Refusal) as caught:
        await ann.ask("chat", text=" \u202e ")
    assert (caught.value.code, caught.value.field) == ("malformed", "text")
    device = await house.enter("device", name="Probe")
    with pytest.raises(Refusal) as caught:
        await device.ask("chat", text="beep")
    assert caught.value.code == "forbidden"


async def test_hands_are_seen(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter("student", name="Ben")
    await ben.ask("raise_hand", up=True)
    raised = await ann.event("participant_updated")
    assert raised["hand_raised_at_ms"] > 1_600_000_000_000
    await ben.ask("raise_hand", up=False)
    await ann.event("participant_updated", hand_raised_at_ms=None)


async def test_names_come_from_the_token_first(house):
    ann = await house.enter(name="Ann", join=False)
    joined = await ann.join(name="Professor")
    assert joined["state"]["participants"][0]["name"] == "Ann"


async def test_a_token_without_a_name_needs_one(house):
    from tests.signaling.conftest import token

    peer = await house.connect()
    await peer.hello(token())
    for name in (None, " \u202e "):
        with pytest.raises(Refusal) as caught:
            await peer.join(name=name)
        assert (caught.value.code, caught.value.field) == ("malformed", "name")
    joined = await peer.join(name=" 张\n医生 ")
    assert joined["state"]["participants"][0]["name"] == "张 医生"
    with pytest.raises(Refusal) as caught:
        await peer.join(name="x")
    assert caught.value.code == "conflict"


async def test_rooms_are_apart_and_bounded(make_house):
    house = await make_house(rooms=2, room_people=2, room_empty_s=0.1)
    ann = await house.enter(name="Ann", room="one")
    await house.enter(name="Ben", room="two")
    with pytest.raises(Refusal) as caught:
        await house.enter(name="Cid", room="three")
    assert caught.value.code == "room_full"
    await house.enter(name="Dan", room="one")
    with pytest.raises(Refusal) as caught:
        await house.enter(name="Eve", room="one")
    assert caught.value.code == "room_full"
    assert len([e for e in ann.events if e["type"] == "participant_joined"]) == 1
    for peer in house.peers:
        if not peer.closed:
            await peer.ask("leave")
    await house.until(lambda: not house.signaling.stages)
    assert not house.relay.places


async def test_titles_come_from_the_configuration(make_house):
    house = await make_house(titles={"demo": "示范会诊"})
    ann = await house.enter(name="Ann")
    assert ann.welcome["title"] == ann.joined["state"]["title"] == "示范会诊"
