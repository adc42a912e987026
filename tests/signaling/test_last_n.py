"""Of more cameras than anybody can watch, those of the last speakers are sent."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.last_n import LastN
from tests.signaling.fake_relay import offer
from tests.signaling.test_publish_subscribe import accept, publish

NAMES = "abcdefgh"


def test_the_last_speakers_come_first_and_newcomers_last():
    last_n = LastN(2)
    assert last_n.update("abcd", set("abcd"), None)
    assert last_n.shown("x") == set("ab")
    assert last_n.shown("a") == set("bc")
    assert last_n.update("abcd", set("abcd"), "d")
    assert last_n.shown("x") == set("da")
    assert last_n.shown("d") == set("ab")
    assert not last_n.update("abcd", set("abcd"), "d")


def test_a_camera_that_is_off_takes_nobody_s_place():
    last_n = LastN(2)
    last_n.update("abcd", set("acd"), "b")
    assert last_n.shown("x") == set("ac")
    last_n.update("abcd", set("abcd"), "b")
    assert last_n.shown("x") == set("ba")


@given(
    st.integers(1, 5),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.lists(st.one_of(st.none(), st.sampled_from(NAMES)), max_size=30),
    st.sets(st.sampled_from(NAMES)),
)
def test_a_speaker_brings_one_camera_at_most_and_takes_one_away(count, members, spoke, cameras):
    last_n = LastN(count)
    last_n.update(members, cameras, None)
    viewers = [*members, "player"]
    heard = list(members)  # the reference: who spoke last, by hand
    for speaker in spoke:
        before = {viewer: last_n.shown(viewer) for viewer in viewers}
        changed = last_n.update(members, cameras, speaker)
        if speaker in members:
            heard = [speaker, *(who for who in heard if who != speaker)]
        for viewer in viewers:
            now = last_n.shown(viewer)
            others = [who for who in heard if who in cameras and who != viewer]
            assert now == set(others[:count])
            assert len(now - before[viewer]) <= 1 and len(before[viewer] - now) <= 1
            assert changed or now == before[viewer]


async def test_a_large_room_sends_the_last_speakers_cameras(make_house):
    house = await make_house(last_n=2, speaker_every_s=0.02)
    cameras = {}
    for name in ("Ann", "Ben", "Cyd", "Dan"):
        peer = await house.enter(name=name)
        tracks = (await publish(peer))["tracks"]
        cameras[name] = tracks[1]["track"]
    viewer = await house.enter(name="Eve")
    await accept(viewer)
    transport = house.relay.subscribing[-1]
    await house.until(lambda: len(transport.subscriptions) == 8)

    def shown():
        return {n for n, t in cameras.items() if not transport.subscriptions[t].paused}

    assert shown() == {"Ann", "Ben"}
    assert not any(s.paused for s in transport.subscriptions.values() if s.track.kind == "audio")
    loud = house.relay.publishing[3].tracks["0"]  # Dan's microphone
    loud.level_dbov = -20
    await house.until(lambda: shown() == {"Dan", "Ann"})

    # What the page says goes before that: Cyd is on its screen, Dan is not.
    await viewer.ask("subscribe", track=cameras["Cyd"], on=True, pinned=True)
    await viewer.ask("subscribe", track=cameras["Dan"], on=False)
    assert shown() == {"Ann", "Cyd"}
    assert transport.subscriptions[cameras["Cyd"]].pinned


async def test_a_screen_is_not_counted(make_house):
    house = await make_house(last_n=1)
    for name in ("Ann", "Ben"):
        peer = await house.enter(name=name)
        media = [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "screen"}]
        sdp = offer("video", "video")
        await peer.ask("publish", transport="publish:main", sdp=sdp, media=media)
    await house.enter(name="Eve")
    transport = house.relay.subscribing[-1]
    await house.until(lambda: len(transport.subscriptions) == 4)
    paused = [s.paused for s in transport.subscriptions.values()]
    assert paused == [False, False, True, False]
