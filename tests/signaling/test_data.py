"""Who may have data channels, and how he hears that one was closed."""

import pytest

from signaling.protocol import Grants
from tests.signaling.conftest import Refusal
from tests.signaling.fake_relay import offer


async def publish(peer, sdp):
    return await peer.ask("publish", transport="publish:main", sdp=sdp, media=[])


async def test_the_grant_allows_data_and_the_name_is_the_participant_s(house):
    ann = await house.enter(name="Ann", grants=Grants(data=True))
    assert (await publish(ann, offer("application")))["tracks"] == []
    transport = house.relay.publishing[0]
    assert transport.data == ann.me
    transport.on_data_closed("log", "slow")
    closed = await ann.event("data_closed")
    assert (closed["transport"], closed["label"], closed["reason"]) == (
        "publish:main",
        "log",
        "slow",
    )


async def test_without_the_grant_it_is_refused(house):
    ann = await house.enter(name="Ann", grants=Grants(publish=["audio"], classes=["talk"]))
    with pytest.raises(Refusal) as caught:
        await publish(ann, offer("application"))
    assert (caught.value.code, caught.value.field) == ("forbidden", "sdp")
    assert not house.relay.publishing
