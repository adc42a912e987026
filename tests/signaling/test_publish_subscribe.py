"""Who publishes is heard by the others: offers, answers, grants."""

import asyncio

import pytest

from signaling.protocol import Grants
from tests.signaling.conftest import Refusal
from tests.signaling.fake_relay import offer

CAMERA = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]


async def publish(peer, sdp=None, media=CAMERA, transport="publish:main"):
    return await peer.ask(
        "publish", transport=transport, sdp=sdp or offer("audio", "video"), media=media
    )


async def accept(peer, **fields):
    """Answer the next subscribe offer."""
    event = await peer.event("subscribe_offer", **fields)
    await peer.ask(
        "subscribe_answer",
        transport=event["transport"],
        revision=event["revision"],
        sdp="v=0 answer",
    )
    return event


async def test_what_one_publishes_the_others_are_offered(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    published = await publish(ann)
    assert [one["mid"] for one in published["tracks"]] == ["0", "1"]
    added = await ben.event("track_added")
    assert added["track"]["participant"] == ann.me
    event = await accept(ben)
    assert {t["track"] for t in event["tracks"]} == {t["track"] for t in published["tracks"]}
    assert house.relay.subscribing[0].answers == ["v=0 answer"]


async def test_a_newcomer_gets_what_is_there_already(house):
    ann = await house.enter(name="Ann")
    published = await publish(ann)
    ben = await house.enter(name="Ben")
    shown = {one["id"]: one for one in ben.joined["state"]["participants"]}
    assert len(shown[ann.me]["tracks"]) == 2
    event = await accept(ben)
    assert {t["track"] for t in event["tracks"]} == {t["track"] for t in published["tracks"]}
    assert {t["participant"] for t in event["tracks"]} == {ann.me}


async def test_nobody_is_offered_his_own(house):
    ann = await house.enter(name="Ann")
    await publish(ann)
    await ann.event("track_added")
    assert not house.relay.subscribing


async def test_changes_wait_for_the_answer_and_go_into_one_offer(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann, offer("audio"), CAMERA[:1])
    first = await ben.event("subscribe_offer")
    await publish(ann)
    await publish(ann, offer("audio", "video", "video"), [*CAMERA, SCREEN])
    assert len(ben.seen("subscribe_offer")) == 1
    await accept(ben, revision=first["revision"])
    second = await accept(ben, revision=first["revision"] + 1)
    assert len(second["tracks"]) == 3
    assert house.relay.subscribing[0].offers == 2


SCREEN = {"mid": "2", "source": "screen", "label": "Film \u202e1"}


async def test_a_shared_screen_comes_and_goes(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await accept(ben)
    await publish(ann, offer("audio", "video", "video"), [*CAMERA, SCREEN])
    added = await ben.until(
        lambda: [e for e in ben.seen("track_added") if e["track"]["source"] == "screen"]
    )
    assert added[0]["track"]["label"] == "Film 1"
    await accept(ben, revision=2)
    sdp = offer("audio", "video", "video").replace("mid:2\r\na=sendonly", "mid:2\r\na=inactive")
    await publish(ann, sdp, CAMERA)
    removed = await ben.event("track_removed")
    assert removed["track"] == added[0]["track"]["id"]
    assert len((await accept(ben, revision=3))["tracks"]) == 2
    assert len(house.relay.subscribing[0].subscriptions) == 2


async def test_an_old_revision_is_a_conflict_and_a_bad_answer_named(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    event = await ben.event("subscribe_offer")
    for revision, sdp, code, field in (
        (event["revision"] - 1, "v=0", "conflict", "revision"),
        (event["revision"], "garbage", "bad_sdp", "sdp"),
    ):
        with pytest.raises(Refusal) as caught:
            await ben.ask(
                "subscribe_answer", transport="subscribe:main", revision=revision, sdp=sdp
            )
        assert (caught.value.code, caught.value.field) == (code, field)
    await accept(ben)


async def test_an_unanswered_offer_is_made_again_but_not_for_ever(make_house):
    house = await make_house(answer_s=0.1)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await ben.until(lambda: len(ben.seen("subscribe_offer")) == 4)
    await asyncio.sleep(0.3)  # three times as long as it would take
    assert house.relay.subscribing[0].offers == 4
    await accept(ben, revision=4)


async def test_pause_stops_a_tracks_packets_and_outlives_a_reset(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    published = await publish(ann)
    await accept(ben)
    video = published["tracks"][1]["track"]
    await ben.ask("subscribe", track=video, on=False)
    first = house.relay.subscribing[0]
    assert [s.paused for s in first.subscriptions.values()] == [False, True]
    await ben.ask("reset_transport", transport="subscribe:main")
    event = await accept(ben, revision=2)
    assert event["revision"] == 2
    (second,) = house.relay.subscribing
    assert second is not first
    assert [s.paused for s in second.subscriptions.values()] == [False, True]
    await ben.ask("subscribe", track=video, on=True)
    assert not any(s.paused for s in second.subscriptions.values())
    with pytest.raises(Refusal) as caught:
        await ann.ask("subscribe", track=video, on=True)
    assert (caught.value.code, caught.value.field) == ("not_found", "track")


async def test_a_restart_offers_the_same_transport_again(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    first = await accept(ben)
    await ben.ask("restart_ice", transport="subscribe:main")
    again = await accept(ben, revision=2)
    assert again["tracks"] == first["tracks"]
    (transport,) = house.relay.subscribing
    assert (transport.restarts, transport.offers) == (1, 2)
    for wrong, code in (("publish:main", "malformed"), ("subscribe:none", "not_found")):
        with pytest.raises(Refusal) as caught:
            await ben.ask("restart_ice", transport=wrong)
        assert (caught.value.code, caught.value.field) == (code, "transport")


async def test_a_restart_that_crosses_an_offer_is_offered_once_more(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await ben.event("subscribe_offer")
    await ben.ask("restart_ice", transport="subscribe:main")
    await accept(ben, revision=2)
    with pytest.raises(Refusal) as caught:
        await ben.ask("subscribe_answer", transport="subscribe:main", revision=1, sdp="v=0")
    assert caught.value.code == "conflict"


async def test_a_receiving_transport_that_never_connects_is_made_anew(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await accept(ben)
    (first,) = house.relay.subscribing
    first.fail()
    await accept(ben, revision=2)
    (second,) = house.relay.subscribing
    assert second is not first
    assert len(second.subscriptions) == 2
    second.on_state("connected")
    second.fail()  # its client has said goodbye, and asks for what it needs
    await publish(ann, offer("audio"), CAMERA[:1])
    await accept(ben, revision=3)
    assert house.relay.subscribing == [second]


async def test_a_lost_publishing_transport_ends_its_tracks(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await accept(ben)
    house.relay.publishing[0].fail()
    await ben.until(lambda: len(ben.seen("track_removed")) == 2)
    assert (await accept(ben, revision=2))["tracks"] == []
    await publish(ann)
    await ann.ask("reset_transport", transport="publish:main")
    await house.until(lambda: not house.relay.publishing)
    await ben.until(lambda: len(ben.seen("track_removed")) == 2)


async def test_a_class_with_a_port_of_its_own_has_its_own_transports(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await accept(ben, transport="subscribe:main")
    probe = [{"mid": "0", "source": "device", "service_class": "diagnostic"}]
    await publish(ann, offer("video"), probe, "publish:diagnostic")
    await accept(ben, transport="subscribe:diagnostic")
    assert {one.group for one in house.relay.subscribing} == {"main", "diagnostic"}
    assert {one.group for one in house.relay.publishing} == {"main", "diagnostic"}
    assert house.relay.publishing[1].classes == {"0": "diagnostic"}


@pytest.mark.parametrize(
    ("role", "fields", "code", "field"),
    [
        ("student", {}, "forbidden", "media[0]"),
        ("student", {"media": []}, "forbidden", "sdp"),
        (
            "patient",
            {"media": [CAMERA[0], CAMERA[1] | {"service_class": "teaching"}]},
            "forbidden",
            "media[1].service_class",
        ),
        (
            "specialist",
            {"media": [CAMERA[0] | {"service_class": "diagnostic"}]},
            "malformed",
            "media[0].service_class",
        ),
        ("specialist", {"media": CAMERA[:1]}, "malformed", "media"),
        ("specialist", {"media": [CAMERA[0], CAMERA[0]]}, "malformed", "media"),
        ("specialist", {"media": [*CAMERA, SCREEN]}, "malformed", "media[2].mid"),
        ("specialist", {"sdp": "garbage", "media": []}, "bad_sdp", "sdp"),
        ("specialist", {"transport": "subscribe:main"}, "malformed", "transport"),
        ("specialist", {"transport": "publish:moon"}, "not_found", "transport"),
        ("specialist", {"transport": "publish:MAIN"}, "malformed", "transport"),
        ("specialist", {"media": [CAMERA[0] | {"service_class": "x"}]}, "malformed", None),
    ],
)
async def test_what_may_not_be_published_is_refused_and_named(house, role, fields, code, field):
    host = await house.enter("host", name="Host")
    peer = await house.enter(role, name="Pat")
    if peer.joined["type"] == "waiting":
        await host.ask("admit", participant=peer.me)
        await peer.event("admitted")
    with pytest.raises(Refusal) as caught:
        await publish(peer, **fields)
    assert caught.value.code == code
    assert caught.value.field == (field or "media[0].service_class")
    assert not house.relay.publishing


async def test_own_grants_in_a_token_count(house):
    grants = Grants(publish=["audio"], classes=["talk"], subscribe=False)
    ann = await house.enter(name="Ann", grants=grants)
    await publish(ann, offer("audio"), CAMERA[:1])
    with pytest.raises(Refusal):
        await publish(ann)
    ben = await house.enter(name="Ben")
    await publish(ben)
    await ann.ask("ping")
    assert not house.relay.subscribing or not ann.seen("subscribe_offer")


async def test_without_joining_nothing_is_published(house):
    ann = await house.enter(name="Ann", join=False)
    with pytest.raises(Refusal) as caught:
        await publish(ann)
    assert caught.value.code == "not_joined"


async def test_who_cannot_decode_a_codec_is_spared_it(house):
    ann = await house.enter(name="Ann")
    await publish(ann)
    old = await house.enter(name="Old", join=False)
    await old.join(capabilities={"video": ["H264"]})
    assert (await ann.event("codecs_changed"))["codecs"]["video"] == ["H264"]
    event = await accept(old)
    assert len(event["tracks"]) == 1, "the sound; the picture is VP8"


async def test_a_full_transport_takes_what_it_can_and_more_later(make_house):
    house = await make_house(answer_s=0.2)
    house.relay.capacity = 2
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    cid = await house.enter(name="Cid")
    await publish(ann)
    await publish(ben, offer("audio"), CAMERA[:1])
    event = await accept(cid)
    while len(event["tracks"]) < 2:
        event = await accept(cid, revision=event["revision"] + 1)
    gone = {t["track"] for t in event["tracks"] if t["participant"] == ann.me}
    await ann.ask("leave")
    await cid.event("participant_left")
    offers = await cid.until(lambda: cid.seen("subscribe_offer")[1:] or cid.seen("subscribe_offer"))
    await cid.until(lambda: any(t["participant"] == ben.me for t in last(cid)["tracks"]))
    assert offers and not gone & {t["track"] for t in last(cid)["tracks"]}


def last(peer):
    return peer.seen("subscribe_offer")[-1]


async def test_leaving_frees_everything(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await publish(ben)
    await accept(ann)
    await accept(ben)
    assert (await ann.ask("leave"))["type"] == "ok"
    assert await ann.end() == 1000
    left = await ben.event("participant_left")
    assert (left["participant"], left["reason"]) == (ann.me, "left")
    assert len(ben.seen("track_removed")) == 0, "the removals came before"
    await house.until(lambda: len(house.relay.open) == 2)
    assert house.signaling.counts() == {
        "rooms": 1,
        "participants": 1,
        "tracks": 2,
        "subscriptions": 0,
    }


async def test_who_is_removed_while_his_offer_is_answered_leaves_nothing_behind(house):
    host = await house.enter("host", name="Host")
    ann = await house.enter(name="Ann")
    house.relay.gate = asyncio.Event()
    asking = asyncio.create_task(publish(ann))
    await house.until(lambda: house.relay.publishing)
    await host.ask("remove", participant=ann.me)
    house.relay.gate.set()
    await house.until(lambda: not house.relay.open)
    assert not host.seen("track_added")
    asking.cancel()


async def test_an_offer_that_a_reload_overtakes_publishes_nothing(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    house.relay.gate = asyncio.Event()
    asking = asyncio.create_task(publish(ann))
    await house.until(lambda: house.relay.publishing)
    again = await house.connect()
    await again.hello(resume={"session": ann.welcome["session"], "seq": 0, "media": False})
    house.relay.gate.set()
    await house.until(lambda: not house.relay.open)
    joined = await again.join()
    assert [p["tracks"] for p in joined["state"]["participants"]] == [[], []]
    assert not ben.seen("track_added")
    asking.cancel()


async def test_the_loudest_is_the_active_speaker(make_house):
    house = await make_house(speaker_every_s=0.05)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    published = await publish(ben)
    house.relay.publishing[1].tracks["0"].level_dbov = -20
    assert (await ann.event("active_speaker"))["participant"] == ben.me
    await ben.ask("update_track", track=published["tracks"][0]["track"], muted=True)
    house.relay.publishing[0].tracks["0"].level_dbov = -30
    await ann.event("active_speaker", participant=ann.me)
    await ann.ask("leave")
    await ben.event("active_speaker", participant=None)


async def test_network_figures_are_told_to_all(make_house):
    house = await make_house(quality_every_s=0.1)
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    await publish(ann)
    await ann.ask("report_quality", rtt_ms=600, width=1280, height=720)
    report = await ben.until(
        lambda: [q for e in ben.seen("quality") for q in e["participants"] if q["width"]]
    )
    assert (report[0]["participant"], report[0]["level"], report[0]["rtt_ms"]) == (
        ann.me,
        "poor",
        600,
    )
