"""`python -m loadtests.film_session`: from the presenter's hand to the others' screens.

One page leads eight others through a CT, wheel step by wheel step; no cameras. Every page notes by
the machine's clock when the wheel turned, when the view went out, when it came in, and when its
picture was drawn. All pages share this machine's cores and draw without a GPU, as no consultation
does: what they compute is told apart from the delivery, which is what a page hears that draws
nothing. A page that draws hears late; that counts as its computing. Beside the times stands what
one picture on one page takes of a processor, everything included: where all pages' together are
more than the machine has between two steps, pictures come late whatever the network. The last line
is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from loadtests import verdict
from loadtests.dicom_store import ROOT, image
from loadtests.distal import Distal
from loadtests.process import cpu_s
from loadtests.viewer import CHROMIUM, JOIN_TIMEOUT_S

SLICES = 40
LEGS = ("all", "leader", "delivery", "hearing", "drawing")
GOAL_MS = 100.0
_FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update")

# What a page notes: [time in ms, what, SOP Instance UID].
_NOTE = """
(() => {
  const notes = [];
  const now = () => performance.timeOrigin + performance.now();
  const note = (what, uid) => notes.push([now(), what, uid]);
  addEventListener("wheel", () => note("hand", ""), { capture: true, passive: true });
  const hear = (text, what) => {
    if (typeof text !== "string" || !text.includes(what)) return;
    const uid = JSON.parse(text).view?.panes[0]?.instance;
    if (uid) note(what === "film_update" ? "out" : "in", uid);
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    hear(text, "film_update");
    return send.call(this, text);
  };
  window.WebSocket = new Proxy(WebSocket, {
    construct(target, args) {
      const made = new target(...args);
      made.addEventListener("message", ({ data }) => hear(data, "film_moved"));
      return made;
    },
  });
  const dispatch = EventTarget.prototype.dispatchEvent;
  let fresh = "";
  EventTarget.prototype.dispatchEvent = function (event) {
    if (event.type === "CORNERSTONE_STACK_NEW_IMAGE")
      fresh = /instances\\/([\\d.]+)/.exec(event.detail.imageId)?.[1] ?? "";
    if (event.type === "CORNERSTONE_IMAGE_RENDERED" && fresh) {
      note("drawn", fresh);
      fresh = "";
    }
    return dispatch.call(this, event);
  };
  window.takeNotes = () => notes.splice(0);
})();
"""


# What was asked for before is on the screen.
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def store(server: Distal) -> None:
    """Slices of noise, as large as a CT's."""
    parts = b""
    for number in range(1, SLICES + 1):
        file = BytesIO()
        made = image(1, number)
        made.ImageOrientationPatient, made.FrameOfReferenceUID = [1, 0, 0, 0, 1, 0], f"{ROOT}.9"
        made.save_as(file, enforce_file_format=True)
        parts += b"--part\r\nContent-Type: application/dicom\r\n\r\n" + file.getvalue() + b"\r\n"
    headers = {
        "Authorization": f"Bearer {await server.token('loadtest', 'specialist')}",
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=part',
    }
    address = f"{server.url}/dicomweb/studies"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(address, data=parts + b"--part--\r\n") as answer,
    ):
        answer.raise_for_status()


async def join(browser: Browser, server: Distal, role: str) -> Page:
    """A page in the room."""
    context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(JOIN_TIMEOUT_S * 1000)
    await context.add_init_script(_NOTE)
    page = await context.new_page()
    await page.goto(await server.invite(role, server.url))
    for step in ("join-button", "check-title", "continue-button", "stage"):
        found = page.get_by_test_id(step).first
        await (found.click() if step.endswith("button") else found.wait_for())
    return page


async def scroll(leader: Page, steps: int, pace_s: float) -> None:
    """Up and down the stack, as a hand does."""
    box = await leader.get_by_test_id("film-pane").bounding_box()
    assert box is not None
    await leader.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for step in range(steps):
        down = step // (SLICES - 1) % 2 == 0
        _, _ = await asyncio.gather(
            leader.mouse.wheel(0, 100 if down else -100), asyncio.sleep(pace_s)
        )


async def arrived(leader: Page, followers: list[Page]) -> None:
    """Wait until the last picture is on every screen: none is left out for being late."""
    await leader.evaluate(_PAINTED)
    last = await leader.get_by_test_id("film-pane").get_attribute("data-instance")
    for page in followers:
        await page.locator(f'[data-testid=film-pane][data-instance="{last}"]').wait_for()
        await page.evaluate(_PAINTED)


Notes = list[tuple[float, str, str]]


def last(times: list[tuple[float, str]], uid: str, before: float) -> float | None:
    """When that picture was last noted before a moment."""
    return max((at for at, other in times if other == uid and at <= before), default=None)


def legs(led: Notes, idle: Notes, followed: list[Notes]) -> dict[str, list[float]]:
    """Milliseconds of each leg, for every picture that was drawn or heard of."""
    found: dict[str, list[float]] = {leg: [] for leg in LEGS}
    hands = [(at, "") for at, what, _ in led if what == "hand"]
    sent = [(at, uid) for at, what, uid in led if what == "out"]
    for at, what, uid in idle:
        out = last(sent, uid, at)
        if what == "in" and out is not None:
            found["delivery"].append(at - out)
    for notes in followed:
        came = [(at, uid) for at, what, uid in notes if what == "in"]
        for drawn, what, uid in notes:
            heard = last(came, uid, drawn)
            out = None if heard is None else last(sent, uid, heard)
            hand = None if out is None else last(hands, "", out)
            if what == "drawn" and heard is not None and out is not None and hand is not None:
                found["all"].append(drawn - hand)
                found["leader"].append(out - hand)
                found["hearing"].append(heard - out)
                found["drawing"].append(drawn - heard)
    return found


async def measure(
    folder: Path, viewers: int, steps: int, pace_s: float, webgl: bool
) -> tuple[dict[str, list[float]], float]:
    """One session: the legs, and the seconds of a processor that it took while it was measured."""
    flags = [*_FLAGS, *([] if webgl else ["--disable-software-rasterizer"])]
    server = Distal(folder)
    await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await store(server)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=flags, chromium_sandbox=False
        )
        stack.push_async_callback(browser.close)
        followers = [await join(browser, server, "county_doctor") for _ in range(viewers)]
        idle = await join(browser, server, "county_doctor")
        leader = await join(browser, server, "specialist")
        await leader.get_by_test_id("film-button").click()
        await leader.locator(f'[data-study="{ROOT}"]').click()
        await leader.locator("[data-testid=film-pane][data-ready]").wait_for()
        await leader.get_by_test_id("film-lead").click()
        for page in followers:
            await page.locator("[data-testid=film-pane][data-ready]").wait_for()
        await idle.get_by_test_id("film-close").click()
        pages = [leader, idle, *followers]
        await scroll(leader, 2 * (SLICES - 1), pace_s)  # every picture is there afterwards
        for page in pages:
            await page.evaluate("() => window.takeNotes()")
        before_s = cpu_s(os.getpid())
        await scroll(leader, steps, pace_s)
        await arrived(leader, followers)
        used_s = cpu_s(os.getpid()) - before_s
        notes = [await page.evaluate("() => window.takeNotes()") for page in pages]
        return legs(notes[0], notes[1], notes[2:]), used_s


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.film_session", description=__doc__)
    parser.add_argument("--viewers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=156)
    parser.add_argument("--pace", type=float, default=0.15, help="seconds between wheel steps")
    parser.add_argument("--no-webgl", action="store_true", help="draw without even software's")
    said = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found, used_s = asyncio.run(
            measure(Path(folder), said.viewers, said.steps, said.pace, not said.no_webgl)
        )
    each_ms = used_s * 1000 / said.steps / (said.viewers + 1)
    numbers: dict[str, Any] = {
        "viewers": said.viewers,
        "steps": said.steps,
        "webgl": not said.no_webgl,
        "cpu_ms_each": each_ms,
    }
    print(f"{each_ms:.0f} ms of one of {os.cpu_count()} processors, a picture and page")
    for leg, times in found.items():
        p50, p95, p99 = np.percentile(times, [50, 95, 99]) if times else [np.nan] * 3
        print(f"{leg:9} p50 {p50:6.1f}  p95 {p95:6.1f}  p99 {p99:6.1f} ms  ({len(times)} pictures)")
        numbers[leg] = {"p50": float(p50), "p95": float(p95), "p99": float(p99)}
    bars = [
        verdict.Bar(
            f"{said.viewers} viewers, {name}",
            f"p99 ≤ {GOAL_MS:g} ms",
            f"{numbers[leg]['p99']:.0f} ms",
            numbers[leg]["p99"] <= GOAL_MS,
        )
        for leg, name in (
            ("all", "from the hand to the screens, all pages on this machine"),
            ("delivery", "from page to page, to one that draws nothing"),
        )
    ]
    print(verdict.line("Images looked at together", bars, numbers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
