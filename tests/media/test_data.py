"""Data channels through the relay, with real aiortc peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from media import data, transport
from media.contract import CodecPolicy, DataClosing
from media.place import MediaPlace
from media.publish import PublishTransport
from media.relay import MediaRelay
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings
from tests.media.test_relay import until

NEWEST = {"ordered": False, "maxRetransmits": 0}


class Guest:
    """Somebody with data channels and no media."""

    def __init__(self, place: MediaPlace, name: str) -> None:
        self.name = name
        self.transport: PublishTransport = place.open_publish()
        self.transport.on_data_closed = lambda label, reason: self.closed.append((label, reason))
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.got: list[str | bytes] = []
        self.closed: list[tuple[str, DataClosing]] = []

    def channel(self, label: str, **options: object) -> RTCDataChannel:
        channel = self.pc.createDataChannel(label, **options)
        channel.on("message", self.got.append)
        return channel

    async def connect(self) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await self.transport.negotiate(
            self.pc.localDescription.sdp, CodecPolicy(), data=self.name
        )
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await until(lambda: self.transport.state == "connected")

    async def close(self) -> None:
        await self.transport.close()
        await self.pc.close()


class Party:
    """One room's guests."""

    def __init__(self, relay: MediaRelay) -> None:
        self.relay = relay
        self.place = relay.place()
        self.guests: list[Guest] = []

    def guest(self, name: str, place: MediaPlace | None = None) -> Guest:
        self.guests.append(Guest(place or self.place, name))
        return self.guests[-1]

    def count(self, name: str) -> int:
        return self.relay.counters()[f"data_{name}"]


@pytest.fixture
async def party() -> AsyncIterator[Party]:
    relay = MediaRelay(RelaySettings(groups={"main": ClassGroup(0, SERVICE_CLASSES)}))
    await relay.start()
    party = Party(relay)
    yield party
    for guest in party.guests:
        await guest.close()
    await relay.close()


async def opened(*channels: RTCDataChannel) -> None:
    await until(lambda: all(channel.readyState == "open" for channel in channels))


async def test_a_message_reaches_those_with_the_label_and_names_its_sender(party: Party) -> None:
    a, b, c, away = (party.guest(name) for name in ("p-a", "p-b", "p-c", "p-d"))
    away.transport, elsewhere = party.relay.place().open_publish(), away.transport
    await elsewhere.close()
    mine = a.channel("pointer", **NEWEST), a.channel("notes")
    theirs = [b.channel("pointer", **NEWEST), b.channel("notes"), c.channel("notes")]
    theirs += [away.channel("pointer", **NEWEST), away.channel("notes")]
    await asyncio.gather(*(guest.connect() for guest in party.guests))
    await opened(*mine, *theirs)
    mine[0].send("here")
    mine[0].send(b"\x00\xff\n")
    mine[1].send("写")
    await until(lambda: len(b.got) == 3 and len(c.got) == 1)
    assert b.got[:2] == ["p-a\nhere", b"p-a\n\x00\xff\n"]
    assert b.got[2] == c.got[0] == "p-a\n写"
    theirs[1].send("back")
    await until(lambda: a.got == ["p-b\nback"] and len(c.got) == 2)
    assert not away.got
    assert (party.count("received"), party.count("sent")) == (4, 6)


async def test_channels_may_come_with_a_later_offer(party: Party) -> None:
    a, b = party.guest("p-a"), party.guest("p-b")
    a.pc.addTransceiver("audio", direction="sendonly")
    theirs = b.channel("pointer", **NEWEST)
    await asyncio.gather(a.connect(), b.connect())
    mine = a.channel("pointer", **NEWEST)
    await a.connect()
    await opened(mine, theirs)
    mine.send("late")
    await until(lambda: b.got == ["p-a\nlate"])


async def test_without_leave_there_are_no_data(party: Party) -> None:
    a = party.guest("p-a")
    a.channel("pointer", **NEWEST)
    a.pc.addTransceiver("audio", direction="sendonly")
    await a.pc.setLocalDescription(await a.pc.createOffer())
    answer = await a.transport.negotiate(a.pc.localDescription.sdp, CodecPolicy())
    assert "m=application 0 " in answer and "m=audio 9 " in answer


@pytest.mark.parametrize(
    ("label", "options", "reason"),
    [
        ("", {}, "label"),
        ("a b", {}, "label"),
        ("x" * 33, {}, "label"),
        ("pointer", {}, "label"),  # open already
        ("x", {"maxRetransmits": 3, "ordered": False}, "kind"),
        ("x", {"maxRetransmits": 0}, "kind"),
        ("x", {"maxPacketLifeTime": 100, "ordered": False}, "kind"),
        ("x", {"ordered": False}, "kind"),
    ],
)
async def test_a_channel_that_is_none_is_closed_with_a_reason(
    party: Party, label: str, options: dict[str, object], reason: DataClosing
) -> None:
    a = party.guest("p-a")
    good, bad = a.channel("pointer", **NEWEST), a.channel(label, **options)
    await a.connect()
    await until(lambda: bad.readyState == "closed")
    assert [why for _, why in a.closed] == [reason]
    assert good.readyState == "open"


async def test_labels_messages_and_rates_are_bounded(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "CHANNELS_MAX", 3)
    monkeypatch.setattr(data, "MESSAGES_PER_S", 0.001)
    monkeypatch.setattr(data, "MESSAGES_BURST", 100.0)
    a, b = party.guest("p-a"), party.guest("p-b")
    newest, log, long = a.channel("newest", **NEWEST), a.channel("log"), a.channel("long")
    one_more = a.channel("more")
    theirs = b.channel("newest", **NEWEST)
    await asyncio.gather(a.connect(), b.connect())
    await until(lambda: one_more.readyState == "closed")
    assert a.closed.pop() == ("more", "channels")
    await opened(newest, log, theirs)
    a.pc.sctp._remote_max_message_size = 0  # it would not send what it was told not to
    long.send(bytes(data.RELIABLE_MAX + 1))
    await until(lambda: long.readyState == "closed")
    assert a.closed.pop() == ("long", "size")
    left = int(data.MESSAGES_BURST - 3 * data.OPEN_COST)
    for _ in range(left + 20):
        newest.send(b"x")
    await until(lambda: party.count("throttled") >= 20)
    assert party.count("received") == left
    log.send("one too many")
    await until(lambda: log.readyState == "closed")
    assert a.closed == [("log", "flood")]
    assert newest.readyState == "open" and a.transport.state == "connected"


async def test_a_flood_of_datagrams_is_not_even_decrypted(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "DATAGRAMS_PER_S", 30.0)
    a, b = party.guest("p-a"), party.guest("p-b")
    mine, theirs = a.channel("x", **NEWEST), b.channel("x", **NEWEST)
    await asyncio.gather(a.connect(), b.connect())
    await opened(mine, theirs)
    for _ in range(500):
        mine.send(b"x")
    await until(lambda: mine.bufferedAmount == 0)
    assert party.count("received") < 100
    assert a.transport.state == "connected"


async def test_a_receiver_who_stops_reading_costs_bounded_memory_and_delays_nobody(
    party: Party,
) -> None:
    a, b, deaf = party.guest("p-a"), party.guest("p-b"), party.guest("p-deaf")
    mine = a.channel("x", **NEWEST), a.channel("log")
    theirs = b.channel("x", **NEWEST), b.channel("log")
    nobodys = deaf.channel("x", **NEWEST), deaf.channel("log")
    await asyncio.gather(a.connect(), b.connect(), deaf.connect())
    await opened(*mine, *theirs, *nobodys)
    ice = deaf.pc.sctp.transport.transport
    ice._connection.close_calls = None  # keeps ICE alive; only what SCTP sends is lost
    sctp = deaf.pc.sctp

    async def silence(chunk: object) -> None:
        return None

    sctp._send_chunk = silence
    for number in range(40):
        mine[0].send(f"{number}")
        mine[1].send(bytes(data.RELIABLE_MAX))
        await until(lambda number=number: len(b.got) == 2 * number + 2)
        await asyncio.sleep(0.12)  # within the rate that a sender is allowed
        if deaf.closed:
            break
    assert deaf.closed == [("log", "slow")]
    assert party.count("stale") > 0
    assert nobodys[0].readyState == "open" or deaf.transport.state == "connected"
