"""A dropped socket resumes, a reloaded page keeps its place, who vanishes is noticed and freed."""

import asyncio

import pytest

from tests.signaling.conftest import Refusal, token
from tests.signaling.fake_relay import offer
from tests.signaling.test_publish_subscribe import accept, publish


async def resume(house, old, media=True, seq=None, **fields):
    peer = await house.connect()
    said = {"session": old.welcome["session"], "seq": old.seq if seq is None else seq}
    await peer.hello(resume=said | {"media": media}, **fields)
    return peer


async def test_missed_events_follow_and_media_is_left_alone(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await publish(ben)
    await accept(ben)
    transports = list(house.relay.open)
    seq = ben.seq
    await ben.drop()
    await ann.event("participant_updated", participant=ben.me, state="reconnecting")
    await ann.ask("chat", text="one")
    await ann.ask("chat", text="two")
    again = await resume(house, ben)
    assert again.welcome["resumed"] and not again.welcome["joined"]
    assert again.me == ben.me
    await ann.event("participant_updated", participant=ben.me, state="online")
    await again.until(lambda: len(again.seen("chat_added")) == 2)
    assert [e["seq"] for e in again.events] == list(range(seq + 1, again.seq + 1))
    assert [e["line"]["text"] for e in again.seen("chat_added")] == ["one", "two"]
    assert house.relay.open == transports


async def test_a_socket_that_dies_before_it_told_what_was_missed_leaves_it_to_the_next(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    seq = ben.seq
    await ben.drop()
    await ann.ask("chat", text="one")
    cut = await resume(house, ben, seq=seq)
    session = house.signaling.by_participant[ben.me]
    outbox_s = house.signaling.settings.outbox_s
    house.signaling._look_after(session, session.attached_at + outbox_s - 1e-6)
    await cut.drop()
    again = await resume(house, ben, seq=seq)
    assert again.welcome["resumed"]
    assert (await again.event("chat_added"))["line"]["text"] == "one"


async def test_an_answer_lost_with_its_socket_is_asked_for_again(make_house):
    house = await make_house(answer_s=60)  # not the offer's own timer
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    first = await ben.event("subscribe_offer")
    await ben.drop()
    again = await resume(house, ben)
    second = await accept(again)
    assert second["revision"] > first["revision"]


async def test_an_expired_token_does_not_end_what_it_began(house):
    ann = await house.enter(name="Ann")
    await ann.drop()
    again = await resume(house, ann, token=token(expires=1))
    assert again.welcome["resumed"]


async def test_another_persons_token_resumes_nothing(house):
    ann = await house.enter(name="Ann", subject="ann")
    await ann.drop()
    with pytest.raises(Refusal) as caught:
        await resume(house, ann, token=token(subject="eve"))
    assert caught.value.code == "session_gone"


async def test_a_session_that_is_gone_can_be_opened_anew_in_the_same_socket(house):
    peer = await house.connect()
    with pytest.raises(Refusal) as caught:
        await peer.hello(token(), resume={"session": "none", "seq": 0, "media": True})
    assert (caught.value.code, caught.value.field) == ("session_gone", "resume.session")
    assert (await peer.hello(token()))["type"] == "welcome"


async def test_the_newer_socket_wins(house):
    ann = await house.enter(name="Ann")
    again = await resume(house, ann)
    assert await ann.end() == 4000
    assert ann.removed_unnumbered == [{"type": "removed", "seq": 0, "reason": "replaced"}]
    assert (await again.ask("ping"))["type"] == "ok"
    assert house.signaling.by_participant[ann.me].stage.room.members[ann.me].state == "online"


async def test_too_much_missed_keeps_the_place_but_not_the_media(make_house):
    house = await make_house(outbox_events=5)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ben)
    seq = ben.seq
    await ben.drop()
    for n in range(10):
        await ann.ask("chat", text=str(n))
    again = await resume(house, ben, seq=seq)
    assert not again.welcome["resumed"] and again.welcome["joined"]
    assert not house.relay.publishing
    joined = await again.join()
    assert len(joined["state"]["chat"]) == 10
    await ann.ask("chat", text="after")
    assert (await again.event("chat_added"))["seq"] == again.events[0]["seq"]


async def test_a_reloaded_page_keeps_its_place(house):
    host = await house.enter("host", name="Host")
    patient = await house.enter("patient", name="Pat")
    assert patient.joined["type"] == "waiting"
    await host.ask("admit", participant=patient.me)
    await patient.event("admitted")
    await publish(patient)
    await host.event("track_added")
    await host.ask("lock", locked=True)
    await patient.drop()
    again = await resume(house, patient, media=False)
    assert again.welcome["joined"] and again.me == patient.me
    assert not house.relay.publishing, "the page's peer connections are gone"
    assert len(await seen_tracks(host, "track_removed")) == 2
    joined = await again.join()
    assert joined["type"] == "joined", "no second wait, locked or not"
    await publish(again)
    assert (await host.event("track_added"))["track"]["participant"] == patient.me
    assert not host.seen("participant_left")


async def seen_tracks(peer, type):
    await peer.until(lambda: len(peer.seen(type)) >= 2)
    return peer.seen(type)


async def test_between_reload_and_join_nothing_is_done_or_heard_there(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await ann.drop()
    again = await resume(house, ann, media=False)
    await ben.ask("chat", text="before")
    with pytest.raises(Refusal) as caught:
        await again.ask("chat", text="x")
    assert caught.value.code == "not_joined"
    assert not again.events, "it is all in the state that comes with joining"
    assert [line["text"] for line in (await again.join())["state"]["chat"]] == ["before"]
    await ben.ask("chat", text="after")
    assert (await again.event("chat_added"))["seq"] == 1


async def test_who_reloads_and_does_not_join_has_left(make_house):
    house = await make_house(left_after_s=0.3)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await ben.drop()
    again = await resume(house, ben, media=False)
    await ann.event("participant_left", participant=ben.me)
    joined = await again.join()
    assert joined["type"] == "joined" and again.me == ben.me


async def test_who_vanishes_is_freed_and_may_still_come_back(make_house):
    house = await make_house(lost_after_s=0.3)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ben)
    await publish(ann)
    await accept(ben)
    for transport in house.relay.open:
        transport.silent = True
    ben.cut()
    left = await ann.event("participant_left", participant=ben.me)
    assert left["reason"] == "lost"
    assert len(house.relay.publishing) == 1, "Ann's, whose socket is alive"
    again = await resume(house, ben)
    assert not again.welcome["resumed"] and again.welcome["joined"]
    await again.join()
    assert (await ann.event("participant_joined"))["participant"]["id"] == ben.me


async def test_a_page_that_is_closed_is_not_waited_for_as_long_as_a_network(make_house):
    house = await make_house(left_after_s=0.2, lost_after_s=60)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    cas = await house.enter(name="Cas")
    ben.cut()
    await ann.event("participant_updated", participant=ben.me, state="reconnecting")
    await cas.drop()
    await ann.event("participant_left", participant=cas.me)
    assert [left["participant"] for left in ann.seen("participant_left")] == [cas.me]


async def test_media_that_flows_keeps_a_place_without_a_socket(make_house):
    house = await make_house(left_after_s=0.2, resume_s=1.0)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ben)
    await ben.drop()
    await asyncio.sleep(0.6)
    assert not ann.seen("participant_left")
    await ann.event("participant_left", participant=ben.me)  # resume_s is over
    assert house.signaling.by_participant.keys() == {ann.me}
    with pytest.raises(Refusal) as caught:
        await resume(house, ben)
    assert caught.value.code == "session_gone"


async def test_a_peer_that_stops_answering_pings_is_noticed(make_house):
    house = await make_house(heartbeat_s=0.3, lost_after_s=0.3)
    ann = await house.enter(name="Ann")
    peer = await house.connect(autoping=False)
    await peer.hello(token(name="Mute"))
    await peer.join()
    peer._task.cancel()  # it reads no more, so it answers no ping
    await ann.event("participant_updated", participant=peer.me, state="reconnecting")
    await ann.event("participant_left", participant=peer.me, reason="lost")


async def test_who_waits_and_vanishes_waits_no_more(make_house):
    house = await make_house(left_after_s=0.2)
    host = await house.enter("host", name="Host")
    patient = await house.enter("patient", name="Pat")
    await host.event("waiting_changed")
    await patient.drop()
    await host.until(lambda: host.seen("waiting_changed")[-1]["waiting"] == [])


async def test_a_reader_that_stands_still_blocks_nobody(make_house):
    house = await make_house(queue_messages=50, requests_burst=10_000, requests_per_s=10_000)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    ben._task.cancel()
    ben.socket._response.connection.transport.pause_reading()
    text = "x" * 4000
    async with asyncio.timeout(20):
        while not ann.seen("participant_updated"):
            await ann.ask("chat", text=text)
    assert house.signaling.by_participant[ben.me].wire is None


async def test_a_network_check_ends_by_itself(make_house):
    house = await make_house(probe_s=0.2)
    peer = await house.connect()
    await peer.hello(token())
    answer = await peer.ask("check_network", sdp=offer("application"))
    assert answer["type"] == "network_check"
    await house.until(lambda: not house.relay.open)
    with pytest.raises(Refusal) as caught:
        await peer.ask("check_network", sdp="garbage")
    assert (caught.value.code, caught.value.field) == ("bad_sdp", "sdp")


async def test_a_planned_stop_tells_everybody_and_frees_all(house):
    ann = await house.enter(name="Ann")
    stranger = await house.connect()
    await publish(ann)
    await house.signaling.close(1500)
    closing = await ann.until(lambda: ann.seen("server_closing")) if not ann.closed else None
    assert closing is None or closing[0]["reconnect_after_ms"] == 1500
    assert ann.seen("server_closing")
    assert await ann.end() == 1001
    assert await stranger.end() == 1001
    assert not house.relay.open


async def test_revocation_closes_a_running_call(house):
    ann = await house.enter(name="Ann", subject="ann")
    await publish(ann)
    house.signaling.revoke("ann")
    assert await ann.end() == 1000
    assert ann.seen("removed")[0]["reason"] == "revoked"
    await house.until(lambda: not house.relay.open)
