"""Viewers ask by size, publishers send what somebody watches."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.layers import LINGER_S, Demand, layer_for
from tests.signaling.fake_relay import offer
from tests.signaling.test_publish_subscribe import accept, publish

SIMULCAST = offer("audio", "video") + "a=simulcast:send l;m;h\r\n"


def test_qualities_are_spread_over_the_layers():
    assert [layer_for(q, 3) for q in ("low", "medium", "high")] == [0, 1, 2]
    assert [layer_for(q, 2) for q in ("low", "medium", "high")] == [0, 1, 1]
    assert [layer_for(q, 1) for q in ("low", "medium", "high")] == [0, 0, 0]


def test_a_layer_comes_at_once_and_goes_after_a_while():
    demand = Demand(("l", "m", "h"))
    assert demand.update({2}, 10.0) == ["h"]
    assert demand.update({2}, 11.0) is None
    assert demand.update({0}, 12.0) == ["l", "h"]
    assert demand.update({0}, 11.0 + LINGER_S) == ["l"]


@given(st.lists(st.tuples(st.sets(st.integers(0, 2)), st.floats(0, 3)), max_size=40))
def test_what_is_watched_is_always_sent(steps):
    demand = Demand(("l", "m", "h"))
    now, told = 0.0, []
    for wanted, wait in steps:
        now += wait
        told = demand.update(wanted, now) or (told if demand.told else [])
        assert {("l", "m", "h")[n] for n in wanted} <= set(demand.told)


async def test_the_publisher_learns_which_sizes_are_watched(house):
    ann = await house.enter(name="Ann")
    published = await publish(ann, SIMULCAST)
    video = published["tracks"][1]["track"]
    assert (await ann.event("layers_wanted"))["rids"] == ["l"]  # nobody else is here yet
    ben = await house.enter(name="Ben")
    await accept(ben)
    await ann.until(lambda: ann.seen("layers_wanted")[-1]["rids"] == ["l", "h"])
    await ben.ask("subscribe", track=video, on=True, quality="medium")
    await ann.until(lambda: ann.seen("layers_wanted")[-1]["rids"] == ["l", "m", "h"])
    (transport,) = house.relay.subscribing
    assert transport.subscriptions[video].preferred == 1
    await ann.until(lambda: ann.seen("layers_wanted")[-1]["rids"] == ["l", "m"])


async def test_a_quality_outlives_a_reset_and_a_pause(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    published = await publish(ann, SIMULCAST)
    video = published["tracks"][1]["track"]
    await accept(ben)
    await ben.ask("subscribe", track=video, on=True, quality="low")
    await ben.ask("subscribe", track=video, on=False)
    await ben.ask("reset_transport", transport="subscribe:main")
    await accept(ben, revision=2)
    (transport,) = house.relay.subscribing
    assert transport.subscriptions[video].preferred == 0
    assert transport.subscriptions[video].paused


async def test_a_track_without_layers_is_left_alone(house):
    ann = await house.enter(name="Ann")
    ben = await house.enter(name="Ben")
    published = await publish(ann)
    await accept(ben)
    await ben.ask("subscribe", track=published["tracks"][1]["track"], on=True, quality="low")
    assert not ann.seen("layers_wanted")
