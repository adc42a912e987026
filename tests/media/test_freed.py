"""What is closed is freed at once.

A transport's TLS and SRTP hold 130 KB outside Python. In a cycle of references it would wait for
the collector, which comes once in many minutes, and memory would grow with comings and goings.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from media.contract import CodecPolicy
from media.place import MediaPlace
from media.relay import MediaRelay
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings
from media.transport import BaseTransport
from tests.media.test_data import NEWEST, Guest, opened
from tests.media.test_relay import peer_connection, probe_echoes, publish, until, watch

Refs = list[weakref.ref[object]]


@pytest.fixture
def without_the_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
async def place() -> AsyncIterator[MediaPlace]:
    relay = MediaRelay(RelaySettings(groups={"main": ClassGroup(0, SERVICE_CLASSES)}))
    await relay.start()
    yield relay.place()
    await relay.close()


def held(transport: BaseTransport) -> Refs:
    """All of a transport that must go with it."""
    parts = (transport, transport._dtls, transport._sctp, transport._dtls._ssl)
    return [weakref.ref(part) for part in parts if part is not None]


async def media(place: MediaPlace, goodbye: bool) -> Refs:
    pc, transport = await publish(place)
    subscriber = place.open_subscribe()
    receiver = await watch(subscriber, transport)
    await until(lambda: receiver.frames["video"] > 3)
    if goodbye:
        await asyncio.gather(pc.close(), receiver.pc.close())
        await until(lambda: transport.state == subscriber.state == "failed")
    refs = held(transport) + held(subscriber)
    await asyncio.gather(transport.close(), subscriber.close())
    await asyncio.gather(pc.close(), receiver.pc.close())
    return refs


async def data(place: MediaPlace, goodbye: bool) -> Refs:
    a, b = Guest(place, "p-a"), Guest(place, "p-b")
    mine = a.channel("pointer", **NEWEST), a.channel("notes")
    theirs = b.channel("pointer", **NEWEST), b.channel("notes")
    await asyncio.gather(a.connect(), b.connect())
    await opened(*mine, *theirs)
    for channel in (*mine, *theirs):
        channel.send("here")
    await until(lambda: len(a.got) == len(b.got) == 2)
    refs = held(a.transport) + held(b.transport)
    if goodbye:
        await asyncio.gather(a.pc.close(), b.pc.close())
        await until(lambda: a.transport.state == b.transport.state == "failed")
    await asyncio.gather(a.close(), b.close())
    return refs


async def probe(place: MediaPlace, goodbye: bool) -> Refs:
    pc, transport = await probe_echoes(place)
    refs = held(transport)
    if goodbye:
        await pc.close()
        await until(lambda: transport.state == "failed")
    await transport.close()
    await pc.close()
    return refs


async def handshake(place: MediaPlace, goodbye: bool) -> Refs:
    """Left before it was connected."""
    pc = peer_connection()
    pc.addTransceiver("audio", direction="sendonly")
    await pc.setLocalDescription(await pc.createOffer())
    transport = place.open_publish()
    await transport.negotiate(pc.localDescription.sdp, CodecPolicy())
    if goodbye:
        await pc.close()
    await asyncio.sleep(0)  # the handshake has begun
    refs = held(transport)
    await transport.close()
    await pc.close()
    return refs


@pytest.mark.parametrize("goodbye", [True, False], ids=["the peer goes", "the relay closes"])
@pytest.mark.parametrize("visit", [media, data, probe, handshake])
@pytest.mark.usefixtures("without_the_collector")
async def test_a_closed_transport_is_freed_without_the_collector(
    place: MediaPlace, visit, goodbye: bool
) -> None:
    refs = await visit(place, goodbye)
    await until(lambda: not any(ref() for ref in refs), 5)
