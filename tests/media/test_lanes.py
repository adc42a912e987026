"""Several plane threads: rooms are spread over them, and each room stays on one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from loadtests.ports import free_udp_port
from media.contract import CapacityError, PortError
from media.place import ROOM_STREAMS, MediaPlace
from media.relay import MediaRelay
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings
from tests.media.test_relay import publish, until, watch

MAIN = tuple(name for name in SERVICE_CLASSES if name != "diagnostic")


def settings(main: int = 0, diagnostic: int = 0, *, fewer: bool = False) -> RelaySettings:
    groups = {
        "main": ClassGroup(main, MAIN),
        "diagnostic": ClassGroup(diagnostic, ("diagnostic",)),
    }
    return RelaySettings(groups=groups, threads=2, fewer_threads=fewer)


@pytest.fixture
async def relay() -> AsyncIterator[MediaRelay]:
    relay = MediaRelay(settings())
    await relay.start()
    yield relay
    await relay.close()


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program has this UDP port."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::", port))
        yield


def ports_of(place: MediaPlace) -> set[int]:
    return {lane.port for lane in place._row.lanes.values()}


async def test_each_thread_of_each_group_has_a_port(relay: MediaRelay) -> None:
    assert {name: len(ports) for name, ports in relay.ports.items()} == {"main": 2, "diagnostic": 2}
    assert len({port for ports in relay.ports.values() for port in ports}) == 4


async def test_ports_follow_the_group_s_own() -> None:
    first = free_udp_port(following=3)
    relay = MediaRelay(settings(first, first + 2))
    await relay.start()
    assert relay.ports == {"main": (first, first + 1), "diagnostic": (first + 2, first + 3)}
    await relay.close()


async def test_two_rooms_have_picture_on_two_ports(relay: MediaRelay) -> None:
    used = set()
    for _ in range(2):
        place = relay.place()
        pc, publisher = await publish(place)
        subscriber = place.open_subscribe()
        receiver = await watch(subscriber, publisher)
        await until(lambda receiver=receiver: min(receiver.frames.values()) > 5)
        used |= ports_of(place) & set(relay.ports["main"])
        for sdp in (pc.remoteDescription.sdp, receiver.pc.remoteDescription.sdp):
            candidates = [line for line in sdp.splitlines() if line.startswith("a=candidate")]
            assert candidates
            (port,) = {int(line.split()[5]) for line in candidates}
            assert port in ports_of(place)
        await pc.close()
        await receiver.pc.close()
    assert used == set(relay.ports["main"])
    received = {
        key: lane["forwarded"] for key, lane in relay.counters_by_lane().items() if key[0] == "main"
    }
    assert min(received.values()) > 10
    assert relay.counters()["forwarded"] >= sum(received.values())


async def test_rooms_that_come_at_once_are_spread_before_anybody_is_in_them(
    relay: MediaRelay,
) -> None:
    places = [relay.place() for _ in range(92)]
    assert sorted(row.rooms for row in relay._rows) == [46, 46]
    for place in places:
        place.leave()
        place.leave()  # counts once
    assert [row.rooms for row in relay._rows] == [0, 0]


async def test_a_new_room_avoids_the_thread_that_has_more_to_forward(relay: MediaRelay) -> None:
    lecture = relay.place()
    pc, publisher = await publish(lecture)
    listeners = []
    for _ in range(ROOM_STREAMS):  # two streams each
        subscriber = lecture.open_subscribe()
        receiver = await watch(subscriber, publisher)
        listeners.append((subscriber, receiver))
    busy = ports_of(lecture)
    others = [relay.place() for _ in range(3)]  # 36 against 12 and 24
    assert not any(ports_of(place) & busy for place in others)
    for subscriber, receiver in listeners:
        await subscriber.close()
        await receiver.pc.close()
    assert ports_of(relay.place()) == busy
    await pc.close()


async def test_ids_are_the_process_s(relay: MediaRelay) -> None:
    ids = []
    for _ in range(2):
        pc, publisher = await publish(relay.place())
        ids += [track.id for track in publisher.tracks.values()]
        await pc.close()
    assert len(set(ids)) == 4


async def test_a_track_of_another_room_s_thread_is_refused(relay: MediaRelay) -> None:
    pc, publisher = await publish(relay.place())
    subscriber = relay.place().open_subscribe()
    with pytest.raises(CapacityError):
        subscriber.add(next(iter(publisher.tracks.values())))
    await pc.close()


@pytest.mark.parametrize("which", [1, 3])
async def test_a_further_port_that_is_taken_is_an_error_or_a_thread_less(which: int) -> None:
    first = free_udp_port(following=3)
    with taken(first + which):
        relay = MediaRelay(settings(first, first + 2))
        with pytest.raises(PortError, match=str(first + which)):
            await relay.start()
        relay = MediaRelay(settings(first, first + 2, fewer=True))
        await relay.start()
        assert relay.ports == {"main": (first,), "diagnostic": (first + 2,)}
        await relay.close()
    with taken(first), taken(first + 1), taken(first + 2), taken(first + 3):
        pass  # nothing is left open


async def test_the_first_port_is_never_done_without() -> None:
    first = free_udp_port(following=3)
    with taken(first + 2):
        relay = MediaRelay(settings(first, first + 2, fewer=True))
        with pytest.raises(PortError, match=str(first + 2)):
            await relay.start()
