"""A publisher learns what the networks of those who watch can carry."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.limits import Limit
from tests.signaling.test_publish_subscribe import accept, publish


async def test_it_is_told_to_the_publisher_alone_and_taken_back(make_house):
    house = await make_house(shortage_every_s=0.02)
    ann = await house.enter(name="Ann")
    video = (await publish(ann))["tracks"][1]["track"]
    ben = await house.enter(name="Ben")
    await accept(ben)
    media = next(
        track
        for transport in house.relay.publishing
        for track in transport.tracks.values()
        if track.kind == "video"
    )
    for bps in (400_000, 300_000, None):
        media.limit_bps = bps
        event = await ann.event("limit_changed")
        assert (event["track"], event["bps"]) == (video, bps)
        ann.events.remove(event)
    assert not ben.seen("limit_changed")


@given(st.lists(st.none() | st.integers(100_000, 10_000_000), max_size=30))
def test_what_he_knows_is_never_far_from_what_is_so(rates):
    limit = Limit()
    for bps in rates:
        before = limit.told
        assert limit.update(bps) == (limit.told != before)
        assert (limit.told is None) == (bps is None)
        if bps is not None and limit.told is not None:
            assert abs(limit.told - bps) <= 0.1 * limit.told
