"""FFmpeg's own WHIP client publishes; browsers and headless clients see and hear it."""

from __future__ import annotations

from pathlib import Path

from clients.whep import WhepWatcher
from tests.e2e import whep_page
from tests.e2e.conftest import House
from tests.e2e.ffmpeg_whip import HEIGHT, FfmpegPublisher
from tests.e2e.visitor import eventually


async def test_ffmpeg_publishes_and_a_browser_watches(house: House, tmp_path: Path) -> None:
    watch_url = f"{house.server.url}/whep/{house.room}"
    token = house.server.token(house.room, "student", "Watcher")
    device = house.server.token(house.room, "device", "FFmpeg")
    page = await (await house.browsers.context("routed")).new_page()
    await page.goto(house.server.url)
    with FfmpegPublisher(f"{house.server.url}/whip/{house.room}", device, tmp_path) as ffmpeg:

        async def answered() -> bool:
            """Before FFmpeg is there, watching is refused as a conflict."""
            assert ffmpeg.error is None
            return (await whep_page.watch(page, watch_url, token))["status"] == 201

        await eventually(answered)
        await eventually(
            lambda: whep_page.counts(page),
            lambda c: c.get("video", 0) > 30 and c.get("audio", 0) > 0 and c["height"] == HEIGHT,
        )
        async with WhepWatcher(watch_url, token) as watcher:

            async def frames() -> int:
                return min((r.frames for r in watcher.received.values()), default=0)

            await eventually(frames, lambda count: count > 20)
