"""A real Chromium in a room, by the web client, and what it sees and hears moment by moment.

The page itself notes every frame that it shows and asks its statistics at a steady pace; times are
seconds of the machine's wall clock. Chromium and Playwright come with the tests' tools.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import msgspec
from playwright.async_api import Browser, Page, Playwright, async_playwright

CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)
JOIN_TIMEOUT_S = 60.0
SAMPLE_MS = 200

_MEASURE = """
(() => {
  const seen = { frames: [], samples: [] };
  const connections = [];
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args) {
      const made = new target(...args);
      connections.push(made);
      return made;
    },
  });
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const watched = new WeakSet();
  const videos = function* (root) {
    for (const element of root.querySelectorAll("*")) {
      if (element instanceof HTMLVideoElement) yield element;
      if (element.shadowRoot) yield* videos(element.shadowRoot);
    }
  };
  const watch = (video) => {
    watched.add(video);
    const frame = (_, about) => {
      seen.frames.push([now(), about.width, about.rtpTimestamp ?? 0]);
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  };
  setInterval(async () => {
    for (const video of videos(document)) if (!watched.has(video)) watch(video);
    for (const pc of connections.filter((pc) => pc.connectionState === "connected")) {
      const found = [...(await pc.getStats()).values()];
      for (const entry of found.filter((entry) => entry.type === "inbound-rtp"))
        seen.samples.push({ ...entry, at_s: now() });
    }
  }, SAMPLE_MS);
  window.take = () => JSON.stringify({ ...seen });
})();
""".replace("SAMPLE_MS", str(SAMPLE_MS))


class Sample(msgspec.Struct, rename="camel", frozen=True):
    """What Chromium counts for one received stream (webrtc-stats); counts only ever grow."""

    kind: str
    at_s: float = msgspec.field(name="at_s")
    packets_received: int = 0
    packets_lost: int = 0
    packets_discarded: int = 0
    bytes_received: int = 0
    jitter_buffer_delay: float = 0.0
    jitter_buffer_emitted_count: int = 0
    retransmitted_packets_received: int = 0
    nack_count: int = 0
    pli_count: int = 0
    frames_received: int = 0
    frames_decoded: int = 0
    frames_dropped: int = 0
    key_frames_decoded: int = 0
    frame_width: int = 0
    freeze_count: int = 0
    total_freezes_duration: float = 0.0
    total_decode_time: float = 0.0
    total_samples_received: int = 0
    concealed_samples: int = 0
    silent_concealed_samples: int = 0
    concealment_events: int = 0
    fec_packets_received: int = 0


class Seen(msgspec.Struct, frozen=True):
    """Every shown frame (time, width, RTP timestamp), and the samples of all streams."""

    frames: list[tuple[float, int, int]]
    samples: list[Sample]

    def of(self, kind: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.kind == kind]


@dataclass
class Viewer:
    """`async with Viewer(link) as viewer: …; seen = await viewer.seen()`."""

    link: str
    size: tuple[int, int] = (1280, 800)
    flags: Sequence[str] = ()

    async def __aenter__(self) -> Viewer:
        self._playwright: Playwright = await async_playwright().start()
        try:
            self._browser: Browser = await self._playwright.chromium.launch(
                executable_path=CHROMIUM,
                headless=True,
                args=[*_FLAGS, *self.flags],
                chromium_sandbox=False,
            )
            self._page = await self._join()
        except BaseException:
            await self._playwright.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._browser.close()
        await self._playwright.stop()

    async def seen(self) -> Seen:
        """All that was noted since the page was opened."""
        return msgspec.json.decode(await self._page.evaluate("() => window.take()"), type=Seen)

    async def shows(self, width: int, seconds: float) -> None:
        """Wait until it has shown pictures of at least this width for so long without a pause."""
        async with asyncio.timeout(JOIN_TIMEOUT_S + seconds):
            while not _steady((await self.seen()).frames, width, seconds, time.time()):  # noqa: ASYNC110
                await asyncio.sleep(0.5)

    async def screenshot(self, path: str) -> None:
        await self._page.screenshot(path=path)

    async def _join(self) -> Page:
        context = await self._browser.new_context(
            locale="en-US", viewport={"width": self.size[0], "height": self.size[1]}
        )
        context.set_default_timeout(JOIN_TIMEOUT_S * 1000)
        await context.add_init_script(_MEASURE)
        page = await context.new_page()
        await page.goto(self.link)
        for step in ("join-button", "check-title", "continue-button", "stage"):
            found = page.get_by_test_id(step).first
            await (found.click() if step.endswith("button") else found.wait_for())
        tile = page.locator("distal-tile:not([data-self])").first
        await tile.hover()
        await tile.get_by_test_id("pin-button").click()  # the picture gets most of the screen
        return page


def _steady(frames: list[tuple[float, int, int]], width: int, seconds: float, now_s: float) -> bool:
    recent = [frame for frame in frames if frame[0] > now_s - seconds]
    return len(recent) > 10 * seconds and all(frame[1] >= width for frame in recent)
