"""WHIP publishes into a room and WHEP watches it (RFC 9725), beside the web client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients import media_loop
from clients.whep import WhepWatcher
from clients.whip import HttpRefusal, WhipPublisher
from tests.e2e import whep_page
from tests.e2e.conftest import House
from tests.e2e.visitor import decodes, eventually


def film(path: Path) -> tuple[list[media_loop.LoopTrack], dict[str, str]]:
    loops = media_loop.load(path)
    return media_loop.tracks(loops), {loop.kind: loop.codec for loop in loops}


def publisher(house: House, path: Path, name: str = "Endoscope") -> WhipPublisher:
    tracks, codecs = film(path)
    token = house.server.token(house.room, "device", name)
    return WhipPublisher(f"{house.server.url}/whip/{house.room}", token, tracks, codecs)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_browser_and_aiortc_watch_a_whip_publisher(
    house: House, films: Callable[[str], Path], codec: str
) -> None:
    watch_url = f"{house.server.url}/whep/{house.room}"
    token = house.server.token(house.room, "student", "Watcher")
    async with publisher(house, films(codec)), WhepWatcher(watch_url, token) as watcher:
        context = await house.browsers.context("routed")
        page = await context.new_page()
        await page.goto(house.server.url)
        answer = await whep_page.watch(page, watch_url, token)
        assert answer["status"] == 201, answer
        await eventually(
            lambda: whep_page.counts(page),
            lambda c: c.get("video", 0) > 30 and c.get("audio", 0) > 0 and c["height"] == 720,
        )
        for kind in ("video", "audio"):
            seen = watcher.received[kind].frames

            async def frames(kind: str = kind) -> int:
                return watcher.received[kind].frames

            await eventually(frames, lambda now, seen=seen: now > seen + 20)
        assert await whep_page.end(page, answer["resource"], token) in (200, 204)


async def test_redundant_sound_reaches_a_browser_whole_and_aiortc_without_the_copies(
    house: House,
) -> None:
    urls = [f"{house.server.url}/{way}/{house.room}" for way in ("whip", "whep")]
    context = await house.browsers.context("routed")
    speaker, listener = await context.new_page(), await context.new_page()
    for page in (speaker, listener):
        await page.goto(house.server.url)
    token = house.server.token(house.room, "device", "Microphone")
    spoken = await whep_page.speak(speaker, urls[0], token)
    assert spoken["status"] == 201, spoken
    token = house.server.token(house.room, "student", "Watcher")
    agreed = await whep_page.listen(listener, urls[1], token)
    assert agreed["status"] == 201, agreed
    async with WhepWatcher(urls[1], token) as watcher:
        await eventually(
            lambda: whep_page.heard(listener),
            lambda frames: frames.get(agreed["red"], 0) > 50,
        )

        async def frames() -> int:
            return watcher.received["audio"].frames

        await eventually(frames, lambda count: count > 50)


async def test_the_web_client_shows_a_whip_publisher_and_lets_it_go(
    house: House, films: Callable[[str], Path]
) -> None:
    expert = await house.visitor("specialist", "Dr Smith")
    await expert.join()
    tile = expert.page.locator("distal-tile").filter(has_text="Endoscope")
    async with publisher(house, films("VP8")):
        await tile.wait_for()
        device = await tile.get_attribute("data-participant")
        source = await tile.get_attribute("data-source")
        assert device is not None
        assert source is not None
        await decodes(expert, device, source)
        await hears_any(house, device)
    await tile.wait_for(state="detached")


async def hears_any(house: House, participant: str) -> None:
    """A device's sound, whatever source it goes under."""
    visitor = house.visitors[0]

    async def energies() -> list[float]:
        return [
            entry.get("totalAudioEnergy", 0.0)
            for entry in await visitor.stats()
            if entry["participant"] == participant and entry["kind"] == "audio"
        ]

    await eventually(energies, lambda found: any(energy > 0 for energy in found))


async def test_whep_shows_the_participant_that_was_asked_for(house: House) -> None:
    host = await house.visitor("host", "王主任")
    await host.join()
    url = f"{house.server.url}/whep/{house.room}?participant=王主任"
    token = house.server.token(house.room, "student", "Watcher")
    async with WhepWatcher(url, token) as watcher:

        async def frames() -> int:
            return min((r.frames for r in watcher.received.values()), default=0)

        await eventually(frames, lambda count: count > 20)
    with pytest.raises(HttpRefusal) as caught:
        async with WhepWatcher(url.replace("王主任", "nobody"), token):
            pass
    assert caught.value.status in (404, 409)
    assert caught.value.problem["title"]


@pytest.mark.parametrize(
    ("role", "status"), [("student", 403), ("forged", 401)], ids=["student", "forged"]
)
async def test_who_may_not_publish_is_told_so(
    house: House, films: Callable[[str], Path], role: str, status: int
) -> None:
    tracks, codecs = film(films("VP8"))
    token = "no.such.token" if role == "forged" else house.server.token(house.room, role, "S")
    url = f"{house.server.url}/whip/{house.room}"
    with pytest.raises(HttpRefusal) as caught:
        async with WhipPublisher(url, token, tracks, codecs):
            pass
    assert caught.value.status == status
    assert caught.value.problem["status"] == status
