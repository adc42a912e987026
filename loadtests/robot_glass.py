"""`python -m loadtests.robot_glass`: how old the ultrasound picture is when a page shows it.

Glass to glass, not a ping: the simulated machine writes the time of capture into its picture, the
site agent encodes it, the relay forwards it on loopback, and a real Chromium reads the mark from
each frame that it presents, in the console and with everything else that the console shows. It
watches; with `--press` its keyboard holds the probe on the body, which takes more than two cores
where Chromium draws without a GPU. A frame is on the glass when the browser expects it there,
or when the mark has been read, whichever is later. The machine's clock and the page's are the same
computer's. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.async_api import Page, async_playwright

from clients.robot.mark import BITS, CELL
from loadtests import verdict
from loadtests.distal import ROOM, Distal
from loadtests.ports import free_udp_port
from loadtests.viewer import CHROMIUM, JOIN_TIMEOUT_S

P95_MAX_MS = 150.0
TOUCHED_N = 3.0
PRESSING_S = 4.0
FLAGS = (
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_MEASURE = (
    """
(() => {
  const ages = [];
  const find = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const found = element.dataset?.testid === "ultrasound-picture"
        ? element.querySelector("distal-video").video
        : element.shadowRoot && find(element.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  // The luminance of the mark's own pixels: drawing the picture would hold the page up.
  const read = async (frame) => {
    const rect = { x: 0, y: 0, width: CELLS * CELL, height: CELL };
    const into = new Uint8Array(frame.allocationSize({ rect }));
    const [{ offset, stride }] = await frame.copyTo(into, { rect });
    const at = (cell) => offset + (CELL / 2) * stride + cell * CELL + CELL / 2;
    const bits = Array.from({ length: CELLS }, (_, cell) => (into[at(cell)] > 127 ? 1 : 0));
    const value = bits.slice(2, -1).reduce((sum, bit) => sum * 2 + bit, 0);
    const odd = bits.slice(2, -1).reduce((sum, bit) => sum ^ bit, 0);
    return bits[0] === 1 && bits[1] === 0 && bits.at(-1) === odd ? value : null;
  };
  const watch = (video) => {
    const shown = async (_now, { expectedDisplayTime }) => {
      video.requestVideoFrameCallback(shown);
      const at = Date.now() + Math.max(0, Math.round(expectedDisplayTime - performance.now()));
      const frame = new VideoFrame(video);
      const mark = await read(frame);
      frame.close();
      if (mark !== null) ages.push((((at - mark) % MODULUS) + MODULUS) % MODULUS);
    };
    video.requestVideoFrameCallback(shown);
  };
  window.watchAges = () => watch(find(document));
  window.ages = () => ages.splice(0);
  window.agesKnown = () => ages.length;
})();
""".replace("CELLS", str(BITS + 3))
    .replace("CELL", str(CELL))
    .replace("MODULUS", str(1 << BITS))
)


async def run(seconds: float, press: bool, picture: Path | None) -> tuple[list[float], float]:
    """The ages, ms, and the machine's idle share."""
    with tempfile.TemporaryDirectory(prefix="distal-glass-") as made:
        folder = Path(made)
        server = Distal(folder, "--control-port", str(free_udp_port()))
        await server.start()
        site = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clients.robot", "--url", server.url, "--token-file", "-"),
            *("--grant", "at_once", "--mark", "--operator-port", "0"),
            *("--data-dir", str(folder / "site")),
            stdin=asyncio.subprocess.PIPE,
        )
        try:
            assert site.stdin is not None
            site.stdin.write((await server.token(ROOM, "device")).encode() + b"\n")
            site.stdin.close()
            link = await server.invite("specialist", server.url)
            return await _look(link, seconds, press, picture)
        finally:
            site.terminate()
            await site.wait()
            await server.stop()


async def _look(
    link: str, seconds: float, press: bool, picture: Path | None
) -> tuple[list[float], float]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS), chromium_sandbox=False
        )
        try:
            context = await browser.new_context(viewport={"width": 1440, "height": 900})
            context.set_default_timeout(JOIN_TIMEOUT_S * 1000)
            await context.add_init_script(_MEASURE)
            page = await context.new_page()
            await page.goto(link)
            for step in ("join-button", "check-title", "continue-button", "stage"):
                found = page.get_by_test_id(step).first
                await (found.click() if step.endswith("button") else found.wait_for())
            await page.get_by_test_id("robot-mark").first.wait_for()
            await page.keyboard.press("u")
            await page.get_by_test_id("ultrasound-picture").locator("video").wait_for()
            if press:
                await _press(page)
            await page.evaluate("() => window.watchAges()")
            await page.wait_for_function("() => window.agesKnown() >= 10")
            psutil.cpu_times_percent()
            began = time.monotonic()
            await page.evaluate("() => window.ages()")
            await asyncio.sleep(seconds)
            ages = await page.evaluate("() => window.ages()")
            idle = psutil.cpu_times_percent().idle / 100
            print(f"{len(ages) / (time.monotonic() - began):.1f} pictures a second", flush=True)
            if picture is not None:
                await page.screenshot(path=picture)
            return [float(age) for age in ages], idle
        finally:
            await browser.close()


def touched(figure: str) -> bool:
    """By the console's figure: "4.2 N", a dash, or nothing yet."""
    number = figure.partition(" ")[0]
    return number not in ("", "–") and float(number) >= TOUCHED_N


async def _press(page: Page) -> None:
    """Take control and press the probe onto the body, by the keyboard; again, should it be lost."""
    held = page.locator("[data-testid=console][data-stage=held]")
    force = page.get_by_test_id("force-figure")
    async with asyncio.timeout(JOIN_TIMEOUT_S):
        while True:
            for key in "jd":
                await page.keyboard.up(key)
            if not await held.count():
                await page.get_by_test_id("ask-button").click()
                await held.wait_for()
            for key in "dj":
                await page.keyboard.down(key)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PRESSING_S):
                    while not touched(await force.inner_text()):  # noqa: ASYNC110
                        await asyncio.sleep(0.2)
                    return await page.keyboard.up("j")


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.robot_glass", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--press", action="store_true", help="take control and press the probe")
    parser.add_argument("--picture", type=Path, help="where to put a screenshot")
    chosen = parser.parse_args(arguments)
    ages, idle = asyncio.run(run(chosen.seconds, chosen.press, chosen.picture))
    p50, p95, p99 = (float(np.percentile(ages, p)) for p in (50, 95, 99))
    table = (
        "| glass to glass, ms | p50 | p95 | p99 | longest | pictures | machine idle |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
        f"| simulator to page, loopback | {p50:.0f} | {p95:.0f} | {p99:.0f} | {max(ages):.0f} "
        f"| {len(ages)} | {idle:.0%} |"
    )
    print(table)
    bar = verdict.Bar(
        "ultrasound, glass to glass, loopback",
        f"p95 ≤ {P95_MAX_MS:g} ms",
        f"p50 {p50:.0f}, p95 {p95:.0f} ms",
        p95 <= P95_MAX_MS,
    )
    numbers = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "idle": idle}
    print(verdict.line("Ultrasound, glass to glass", [bar], numbers, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
