"""How soon media are back after an outage, in real Chromium pages whose networks go away.

    python -m loadtests.outages --seconds 5 25 84 --seed 1

One room: a page for each length, and one that keeps its network and watches them. Everything of a
page goes with its network, the packets and the WebSocket, silently, as on a road into a tunnel.
What counts, from the network's return, is the first frame newly decoded: by the page, of the
watcher, and by the watcher, of the page; and how much sound came of what had been spoken before.
Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from loadtests.distal import Distal
from loadtests.impairment.emulator import Emulator
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import outage

CHROMIUM = "/usr/bin/chromium"
CAMERA, CAMERA_FPS = (320, 240), 15  # several pages share two cores
ROOM = "tunnel"
PROFILE = "5g_best_effort"
STEADY_S = 3.0  # of pictures before the network goes
JOIN_TIMEOUT_S = 60.0
BACK_TIMEOUT_S = 30.0
GOAL_S = 2.0
SOUND_PER_S = 50  # packets, each of 20 ms
COLUMNS = ("sees", "hears", "seen", "heard")

# What a page has of somebody: decoded frames and received packets of sound.
_COUNTS = """async (participant) => {
  const of = (all, source) => all.find(
    (e) => e.direction === "in" && e.participant === participant && e.source === source);
  const all = await window.distal.stats();
  return [of(all, "camera")?.framesDecoded ?? 0, of(all, "microphone")?.packets ?? 0];
}"""

# When these counts first moved, on the wall clock; a connection that was made anew begins at 0.
_MOVED = """async ([participant, timeout_ms]) => {
  const counts = COUNTS;
  let before = await counts(participant);
  const moved = [null, null];
  const deadline = Date.now() + timeout_ms;
  while (moved.includes(null) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const now = await counts(participant);
    now.forEach((n, i) => { if (n > 0 && n !== before[i]) moved[i] ??= Date.now(); });
    before = now;
  }
  return moved;
}""".replace("COUNTS", _COUNTS)


class Server(Protocol):
    """Where the room is."""

    @property
    def url(self) -> str: ...
    @property
    def media_port(self) -> int: ...


@dataclass(frozen=True)
class Return:
    """Seconds from the network's return to the first new frame and packet of sound; None: never."""

    seconds: float  # of the outage
    sees: float | None
    hears: float | None
    seen: float | None
    heard: float | None
    old_sound: float  # seconds of it: a browser may keep what it cannot send

    @property
    def ok(self) -> bool:
        back = all((getattr(self, name) or math.inf) <= GOAL_S for name in COLUMNS)
        return back and self.old_sound <= GOAL_S


@dataclass
class Visitor:
    """A page in the room, and its network."""

    page: Page
    participant: str
    network: Emulator
    web: SignalingProxy

    async def away(self, seconds: float) -> float:
        """Take the network away for a while; the moment of its return, Unix time."""
        self.network.play([outage(0, math.inf)])
        self.web.cut()
        await asyncio.sleep(seconds)
        self.web.mend()
        self.network.play([])
        return time.time()

    async def packets_of_sound(self, participant: str) -> int:
        """Of somebody, until now."""
        return int((await self.page.evaluate(_COUNTS, participant))[1])

    async def moved(self, participant: str, since: float) -> tuple[float | None, float | None]:
        """Seconds until something new of somebody's picture and sound was there."""
        said = await self.page.evaluate(_MOVED, [participant, BACK_TIMEOUT_S * 1000])
        video, audio = (None if at is None else round(at / 1000 - since, 2) for at in said)
        return video, audio

    async def sees(self, participant: str) -> None:
        """Wait until pictures and sound of somebody have come for a while."""
        async with asyncio.timeout(JOIN_TIMEOUT_S):
            steady = 0.0
            while steady < STEADY_S:
                before = await self.page.evaluate(_COUNTS, participant)
                await asyncio.sleep(0.5)
                now = await self.page.evaluate(_COUNTS, participant)
                grew = all(a < b for a, b in zip(before, now, strict=True))
                steady = steady + 0.5 if grew else 0.0


async def lose(visitor: Visitor, watcher: Visitor, seconds: float) -> Return:
    """One outage, and how long it lasted beyond its end."""
    back = await visitor.away(seconds)
    silent = asyncio.create_task(watcher.packets_of_sound(visitor.participant))
    (sees, hears), (seen, heard) = await asyncio.gather(
        visitor.moved(watcher.participant, back), watcher.moved(visitor.participant, back)
    )
    came = await watcher.packets_of_sound(visitor.participant) - await silent
    old_sound = max(0.0, came / SOUND_PER_S - (time.time() - back))
    return Return(seconds, sees, hears, seen, heard, round(old_sound, 2))


@asynccontextmanager
async def room(server: Server, host: str, count: int, seed: int) -> AsyncIterator[list[Visitor]]:
    """So many pages in one room, each behind a network of its own."""
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        camera = folder / "camera.y4m"
        write_camera(camera)
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--disable-gpu",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
                "--allow-loopback-in-peer-connection",
            ],
        )
        stack.push_async_callback(browser.close)
        to = ("127.0.0.1", server.media_port)
        visitors = []
        for number in range(count):
            network = stack.enter_context(Emulator(to, PROFILE, seed=seed + number))
            proxy = SignalingProxy(server.url, {server.media_port: network.address})
            web = await stack.enter_async_context(proxy)
            visitors.append(await enter(browser, network, web, host, number))
        yield visitors


async def enter(
    browser: Browser, network: Emulator, web: SignalingProxy, host: str, number: int
) -> Visitor:
    """Open a link and go in."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{web.url}/api/rooms/{ROOM}/invitations",
            headers={"Authorization": f"Bearer {host}"},
            json={"role": "specialist", "name": f"Visitor {number}"},
        ) as response,
    ):
        response.raise_for_status()
        link = str((await response.json())["url"])
    page = await (await browser.new_context()).new_page()
    await page.goto(link)
    for button in ("join-button", "continue-button"):
        await page.get_by_test_id(button).first.click(timeout=JOIN_TIMEOUT_S * 1000)
    await page.get_by_test_id("stage").wait_for(timeout=JOIN_TIMEOUT_S * 1000)
    own = page.locator("distal-tile[data-self]").first
    return Visitor(page, str(await own.get_attribute("data-participant")), network, web)


def write_camera(path: Path) -> None:
    """A bright bar that wanders, as a YUV4MPEG2 file."""
    width, height = CAMERA
    x = np.mgrid[0:height, 0:width][1]
    chroma = np.full(width * height // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{CAMERA_FPS}:1 Ip C420\n".encode())
        for index in range(2 * CAMERA_FPS):
            bar = np.abs(x - index * width / (2 * CAMERA_FPS)) < 20
            file.write(b"FRAME\n" + np.where(bar, 220, 60).astype(np.uint8).tobytes() + chroma)


async def measure(server: Server, host: str, lengths: Sequence[float], seed: int) -> list[Return]:
    """All lengths at once, each on a page of its own."""
    async with room(server, host, len(lengths) + 1, seed) as (watcher, *visitors):
        for visitor in visitors:
            await asyncio.gather(
                visitor.sees(watcher.participant), watcher.sees(visitor.participant)
            )
        pairs = zip(visitors, lengths, strict=True)
        return list(await asyncio.gather(*(lose(v, watcher, seconds) for v, seconds in pairs)))


async def run(lengths: Sequence[float], seed: int) -> list[Return]:
    """The same with a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = Distal(Path(folder))
        await server.start()
        try:
            return await measure(server, await server.token(ROOM), lengths, seed)
        finally:
            await server.stop()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, nargs="+", default=[5, 25, 84], metavar="S")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    returns = asyncio.run(run(arguments.seconds, arguments.seed))
    heads = "".join(f"{name:>9}" for name in COLUMNS)
    print(f"{'outage':>8}{heads}   (s after its end){'old sound, s':>14}")
    for one in returns:
        figures = (getattr(one, name) for name in COLUMNS)
        shown = ("never" if figure is None else f"{figure:.2f}" for figure in figures)
        row = "".join(f"{text:>9}" for text in shown)
        print(f"{one.seconds:8g}{row}{one.old_sound:32.2f}")
    result = {
        "test": "outages",
        "seed": arguments.seed,
        "goal_s": GOAL_S,
        "ok": all(one.ok for one in returns),
        "outages": [asdict(one) for one in returns],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
