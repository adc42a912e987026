"""Who publishes is heard by the others: offers, answers, grants."""

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
