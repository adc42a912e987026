"""Headless participants of a real server send each other data, also behind a narrow network."""

from __future__ import annotations

import pytest

from clients.data import DataChannels, sender_and_message
from clients.participant import Participant
from clients.protocol_client import RequestError
from tests.server_process import DistalServer


async def test_what_one_sends_the_others_get_with_his_name(shared_distal: DistalServer) -> None:
    server = shared_distal
    got: list[tuple[str, str, str | bytes]] = []
    kinds = {"pointer": "newest", "notes": "reliable"}
    there = DataChannels(kinds, lambda *message: got.append(message))
    here = DataChannels(kinds)
    host = Participant(server.ws_url, server.token("data", "host", "Host"), data=here)
    doctor = Participant(server.ws_url, server.token("data", "specialist", "Dr"), data=there)
    async with host, doctor:
        await host.until(lambda: here.open and there.open)
        assert here.send("pointer", b"\x01\n\x02") and here.send("notes", "一")
        await host.until(lambda: len(got) == 2)
        assert sorted(got, key=lambda one: one[0]) == [
            ("notes", host.id, "一"),
            ("pointer", host.id, b"\x01\n\x02"),
        ]


async def test_whom_the_token_allows_no_data_is_told(shared_distal: DistalServer) -> None:
    server = shared_distal
    channels = DataChannels({"pointer": "newest"})
    token = server.token("data-no", "student", "Student")
    with pytest.raises(RequestError) as refused:
        async with Participant(server.ws_url, token, data=channels) as student:
            await student.until(lambda: channels.open)
    assert refused.value.code == "forbidden"


def test_a_message_is_taken_apart() -> None:
    assert sender_and_message("p-a\nb\nc") == ("p-a", "b\nc")
    assert sender_and_message(b"p-a\n\xff") == ("p-a", b"\xff")
