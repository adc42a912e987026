"""Everybody learns which pictures his network is too slow for, and when that is over."""

from tests.signaling.fake_relay import NO_FIGURES
from tests.signaling.test_publish_subscribe import accept, publish

STILL, REDUCED = NO_FIGURES._replace(shortage="still"), NO_FIGURES._replace(shortage="reduced")


async def watching(make_house):
    """Ben watches Ann; his transport, and her camera."""
    house = await make_house(shortage_every_s=0.02, quality_every_s=0.05)
    ann = await house.enter(name="Ann")
    video = (await publish(ann))["tracks"][1]["track"]
    ben = await house.enter(name="Ben")
    await accept(ben)
    (transport,) = house.relay.subscribing
    return ann, ben, transport, video


async def test_it_is_told_when_it_changes_and_only_to_him(make_house):
    ann, ben, transport, video = await watching(make_house)
    for figures in (REDUCED, STILL, NO_FIGURES):
        transport.subscriptions[video].figures = figures
        event = await ben.event("shortage_changed")
        assert (event["track"], event["shortage"]) == (video, figures.shortage)
        ben.events.remove(event)
    assert not ann.seen("shortage_changed")


async def test_what_he_does_not_want_he_is_not_short_of(make_house):
    _, ben, transport, video = await watching(make_house)
    transport.subscriptions[video].figures = STILL
    await ben.event("shortage_changed", shortage="still")
    await ben.ask("subscribe", track=video, on=False)
    await ben.event("shortage_changed", shortage="none")
    await ben.ask("subscribe", track=video, on=True)
    await ben.event("shortage_changed", shortage="still")


async def test_a_new_transport_begins_without_a_shortage(make_house):
    _, ben, transport, video = await watching(make_house)
    transport.subscriptions[video].figures = STILL
    await ben.event("shortage_changed", shortage="still")
    await ben.ask("reset_transport", transport="subscribe:main")
    await ben.event("shortage_changed", shortage="none")


async def test_his_figures_tell_everybody_what_his_network_carries(make_house):
    ann, ben, transport, video = await watching(make_house)
    transport.figures = transport.figures._replace(estimate_bps=300_000)
    transport.subscriptions[video].figures = STILL

    def told():
        reports = ann.seen("quality")
        figures = (
            {one["participant"]: one for one in reports[-1]["participants"]} if reports else {}
        )
        return figures.get(ben.me, {}).get("estimate_down_bps") and figures

    figures = await ann.until(told)
    assert figures[ben.me]["estimate_down_bps"] == 300_000
    assert figures[ben.me]["level"] == "poor"
    assert figures[ann.me]["estimate_down_bps"] is None


async def test_a_pin_outlives_a_reset(make_house):
    _, ben, transport, video = await watching(make_house)
    await ben.ask("subscribe", track=video, on=True, pinned=True)
    assert transport.subscriptions[video].pinned
    await ben.ask("reset_transport", transport="subscribe:main")
    event = await ben.event("subscribe_offer", revision=2)
    assert [one["track"] for one in event["tracks"]][1] == video
    (afresh,) = [t for t in ben_transports(transport) if t is not transport]
    assert afresh.subscriptions[video].pinned
    await ben.ask("subscribe", track=video, on=True, quality="low")  # a word on something else
    assert afresh.subscriptions[video].pinned
    await ben.ask("subscribe", track=video, on=True, pinned=False)
    assert not afresh.subscriptions[video].pinned


def ben_transports(transport):
    return transport.relay.subscribing
