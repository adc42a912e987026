"""Requests find their answers; events arrive once and in order, however often the socket drops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from clients.protocol_client import ConnectionLost, ProtocolClient, RequestError, SessionOver
from signaling import protocol as p
from tests.clients.signaling_double import SignalingDouble, until


@pytest.fixture
async def server() -> AsyncIterator[SignalingDouble]:
    async with SignalingDouble() as double:
        yield double


async def take(client: ProtocolClient, count: int) -> list[p.AnyEvent]:
    events: list[p.AnyEvent] = []
    async with asyncio.timeout(10):
        async for event in client.events():
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_answers_go_to_those_who_asked_even_out_of_order(server: SignalingDouble) -> None:
    held: list[p.AnyRequest] = []
    server.answers[p.Chat] = lambda request: held.append(request)  # type: ignore[func-returns-value]
    async with ProtocolClient(server.url, "token") as client:
        slow = asyncio.create_task(client.request(p.Chat(id=0, text="slow"), p.Ok))
        await until(lambda: bool(held))
        await client.request(p.Lock(id=0, locked=True), p.Ok)
        assert not slow.done()
        await server.sockets[0].send_json({"type": "ok", "re": held[0].id})
        await slow
    assert server.hellos[0].token == "token"


async def test_a_refusal_names_code_reason_and_field(server: SignalingDouble) -> None:
    server.answers[p.Remove] = lambda request: p.Error(
        re=request.id, code="forbidden", reason="you do not moderate", field="participant"
    )
    async with ProtocolClient(server.url, "token") as client:
        with pytest.raises(RequestError) as caught:
            await client.request(p.Remove(id=0, participant="x"), p.Ok)
    error = caught.value
    assert (error.code, error.reason, error.field) == (
        "forbidden",
        "you do not moderate",
        "participant",
    )


async def test_a_forged_token_is_refused_at_hello(server: SignalingDouble) -> None:
    server.refuse = p.Error(re=0, code="unauthorized", reason="forged")
    with pytest.raises(RequestError) as caught:
        await ProtocolClient(server.url, "forged").connect()
    assert caught.value.code == "unauthorized"


async def test_events_missed_while_offline_arrive_after_the_resume_once_each(
    server: SignalingDouble,
) -> None:
    async with ProtocolClient(server.url, "token") as client:
        for locked in (True, False):
            await server.emit(p.RoomLocked(locked=locked))
        assert [event.seq for event in await take(client, 2)] == [1, 2]
        await server.cut()
        await until(lambda: not server.sockets)
        await server.emit(p.RoomLocked(locked=True))
        await server.emit(p.RoomLocked(locked=False))
        assert [event.seq for event in await take(client, 2)] == [3, 4]
        resume = server.hellos[-1].resume
        assert resume is not None
        assert (resume.session, resume.seq, resume.media) == ("secret", 2, True)


async def test_a_server_that_repeats_an_event_does_not_make_it_happen_twice(
    server: SignalingDouble,
) -> None:
    async with ProtocolClient(server.url, "token") as client:
        await server.emit(p.RoomLocked(locked=True))
        await server.sockets[0].send_json({"type": "room_locked", "locked": True, "seq": 1})
        await server.emit(p.RoomLocked(locked=False))
        assert [event.seq for event in await take(client, 2)] == [1, 2]


async def test_a_request_in_flight_when_the_socket_drops_says_so(server: SignalingDouble) -> None:
    server.answers[p.Chat] = lambda request: None
    async with ProtocolClient(server.url, "token") as client:
        asking = asyncio.create_task(client.request(p.Chat(id=0, text="?"), p.Ok))
        await until(lambda: bool(server.requests))
        client.drop()
        with pytest.raises(ConnectionLost):
            await asking
        await client.request(p.Lock(id=0, locked=True), p.Ok)  # waits for the new socket
        assert len(server.hellos) == 2


async def test_a_forgotten_session_is_over(server: SignalingDouble) -> None:
    async with ProtocolClient(server.url, "token") as client:
        server.forgotten = True
        await server.cut()
        with pytest.raises(SessionOver, match="session_gone"):
            await take(client, 1)
        with pytest.raises(SessionOver):
            await client.request(p.Lock(id=0, locked=True), p.Ok)


async def test_a_planned_restart_ends_the_session_without_a_resume(
    server: SignalingDouble,
) -> None:
    async with ProtocolClient(server.url, "token") as client:
        await server.emit(p.ServerClosing(reconnect_after_ms=700))
        await server.cut()
        with pytest.raises(SessionOver) as caught:
            await take(client, 2)
    assert isinstance(caught.value.closing, p.ServerClosing)
    assert caught.value.closing.reconnect_after_ms == 700
    assert len(server.hellos) == 1


async def test_a_server_that_stays_away_ends_the_session_in_bounded_time(
    server: SignalingDouble,
) -> None:
    server.resume_s = 1
    async with ProtocolClient(server.url, "token") as client:
        server.away = True
        await server.cut()
        with pytest.raises(SessionOver, match="could not be reached"):
            await take(client, 1)
