"""Headless participants in a room of the real server: media flows, whatever networks do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.participant import Dismissed, Participant
from clients.protocol_client import RequestError
from loadtests.ports import free_port
from signaling import protocol as p
from tests.server_process import DistalServer

Show = Callable[..., Any]


def track_of(watcher: Participant, other: str | None, kind: str) -> str | None:
    """The received track of that kind that somebody publishes, once it is known."""
    if watcher.view is None or other is None:
        return None
    for track in watcher.view.tracks_of(other):
        if track.kind == kind and track.id in watcher.received:
            return track.id
    return None


async def sees(watcher: Participant, other: Participant, frames: int = 20) -> None:
    """Video and sound of `other` go on arriving at `watcher`."""
    await watcher.until(lambda: track_of(watcher, other.id, "audio") is not None)
    await watcher.until(lambda: track_of(watcher, other.id, "video") is not None)
    for kind in ("video", "audio"):
        track = track_of(watcher, other.id, kind)
        assert track is not None
        await watcher.until_receiving(track, frames)


async def test_two_doctors_receive_each_other(shared_distal: DistalServer, show: Show) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("two", "host", "Host"), publish=show())
    doctor = Participant(
        server.ws_url, server.token("two", "specialist", "Doctor"), publish=show(), receive="decode"
    )
    async with host, doctor:
        await sees(host, doctor)
        await sees(doctor, host)
        video = track_of(doctor, host.id, "video")
        assert video is not None
        assert (doctor.received[video].width, doctor.received[video].height) == (1280, 720)
        assert host.view is not None
        assert host.view.named("Doctor") is not None
        await doctor.say("hello")
        await host.until(lambda: bool(host.view and host.view.chat))
        assert host.view.chat[-1].text == "hello"
        await doctor.close()
        await host.until(lambda: host.view is not None and len(host.view.people) == 1)
        assert not host.received


async def test_a_late_comer_gets_a_picture_within_the_key_interval(
    shared_distal: DistalServer, show: Show
) -> None:
    server = shared_distal
    first = Participant(server.ws_url, server.token("late", "host", "First"), publish=show())
    async with first:
        for number in range(2):
            name = f"Late {number}"
            token = server.token("late", "specialist", name)
            async with Participant(server.ws_url, token, receive="decode") as late:
                await late.until(lambda late=late: track_of(late, first.id, "video") is not None)
                video = track_of(late, first.id, "video")
                assert video is not None
                await late.until_receiving(video, 1, timeout_s=5)


async def test_a_dropped_socket_resumes_and_the_media_never_stops(
    shared_distal: DistalServer, show: Show
) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("drop", "host", "Host"), publish=show())
    doctor = Participant(server.ws_url, server.token("drop", "specialist", "Dr"), publish=show())
    async with host, doctor:
        await sees(host, doctor)
        await sees(doctor, host)
        before = (doctor.id, dict(doctor.publishing), dict(doctor.receiving))
        client = doctor.client
        assert client is not None
        client.drop()
        await doctor.until(lambda: client.welcome is not None and client.welcome.resumed)
        await sees(doctor, host)
        await sees(host, doctor)
        assert (doctor.id, dict(doctor.publishing), dict(doctor.receiving)) == before
        await host.say("still there?")
        await doctor.until(lambda: bool(doctor.view and doctor.view.chat))


async def test_a_socket_dropped_while_others_come_misses_none_of_them(
    shared_distal: DistalServer, show: Show
) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("miss", "host", "Host"))
    async with host:
        client = host.client
        assert client is not None
        client.drop()
        doctor = Participant(
            server.ws_url, server.token("miss", "specialist", "Dr"), publish=show()
        )
        async with doctor:
            await sees(host, doctor)


async def test_a_removed_participant_stays_out(shared_distal: DistalServer) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("out", "host", "Host"))
    guest = Participant(server.ws_url, server.token("out", "specialist", "Guest"))
    async with host, guest:
        assert guest.id is not None
        await host.request(p.Remove(id=0, participant=guest.id), p.Ok)
        with pytest.raises(Dismissed):
            await guest.until(lambda: guest.state == "connecting")
        await host.until(lambda: host.view is not None and len(host.view.people) == 1)


async def test_a_patient_waits_until_admitted(shared_distal: DistalServer, show: Show) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("wait", "host", "Host"))
    patient = Participant(server.ws_url, server.token("wait", "patient", "Patient"), publish=show())
    async with host, patient:
        assert patient.state == "waiting"
        await host.until(lambda: bool(host.view and host.view.waiting))
        assert patient.id is not None
        await host.request(p.Admit(id=0, participant=patient.id), p.Ok)
        await patient.until(lambda: patient.state == "joined")
        await sees(host, patient)


async def test_a_student_may_watch_and_not_publish(shared_distal: DistalServer, show: Show) -> None:
    server = shared_distal
    host = Participant(server.ws_url, server.token("class", "host", "Host"), publish=show())
    student = Participant(server.ws_url, server.token("class", "student", "Student"))
    async with host, student:
        await sees(student, host)
    pushy = Participant(server.ws_url, server.token("class", "student", "Pushy"), publish=show())
    with pytest.raises(RequestError) as caught:
        async with pushy:
            await pushy.until(lambda: False, timeout_s=5)
    assert caught.value.code == "forbidden"


async def test_a_forged_token_is_refused_for_good(shared_distal: DistalServer) -> None:
    with pytest.raises(RequestError) as caught:
        await Participant(shared_distal.ws_url, "forged.token.here").run()
    assert caught.value.code == "unauthorized"


async def test_a_restarted_server_finds_everybody_back_with_their_media(
    tmp_path: Path, show: Show
) -> None:
    port = str(free_port())
    server = DistalServer(tmp_path / "data", "--port", port)
    async with server:
        host = Participant(server.ws_url, server.token("again", "host", "Host"), publish=show())
        doctor = Participant(
            server.ws_url, server.token("again", "specialist", "Dr"), publish=show()
        )
        async with host, doctor:
            await sees(doctor, host)
            old_session = doctor.client
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            for person in (host, doctor):
                await person.until(lambda person=person: person.state == "joined")
            assert doctor.client is not old_session
            await sees(doctor, host)
            await sees(host, doctor)
