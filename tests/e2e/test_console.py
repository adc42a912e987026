"""A specialist at the console moves a probe by the robot's own rules, and is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from control.messages import Mode
from loadtests.ports import free_udp_port
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import House
from tests.e2e.site import Site
from tests.e2e.test_screens import accessible
from tests.e2e.visitor import Visitor, eventually
from tests.server_process import DistalServer

ROOM = "console"
TOUCHED_N = 3.0
# As when another tab is chosen, which a browser without a screen never does.
_HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path, browsers: Browsers) -> AsyncIterator[House]:
    """A server with control, and its room."""
    async with DistalServer(tmp_path / "data", "--control-port", str(free_udp_port())) as server:
        house = House(server, browsers, ROOM)
        yield house
        assert [error for visitor in house.visitors for error in visitor.errors] == []


async def stage(visitor: Visitor) -> str:
    return await visitor.find("console").get_attribute("data-stage") or ""


async def take_control(visitor: Visitor, site: Site) -> None:
    """From asking over the digits to control."""
    await visitor.press("ask-button")
    shown = visitor.find("digits")
    await shown.wait_for()

    async def asking() -> str | None:
        return site.asking

    who = await eventually(asking)
    assert who == await visitor.identity()
    assert "".join((await shown.inner_text()).split()) == site.digits[who]
    site.grant()
    await eventually(lambda: stage(visitor), lambda now: now == "held")


async def press_until_touched(visitor: Visitor, site: Site) -> None:
    """Deadman and press. Should a busy machine fall silent, control is asked for again."""
    keyboard = visitor.page.keyboard

    async def touched() -> bool:
        return site.force_n > TOUCHED_N

    async def pressed() -> bool:
        for key in "jd":
            await keyboard.up(key)
        if await stage(visitor) != "held":
            await take_control(visitor, site)
        for key in "dj":
            await keyboard.down(key)
        with contextlib.suppress(AssertionError):
            return await eventually(touched, timeout_s=4)
        return False

    await eventually(pressed)
    await keyboard.up("j")


async def keeps_captures(visitor: Visitor, house: House) -> None:
    """A still and a clip go into the archive, a still that did not arrive after another try."""
    page, status = visitor.page, visitor.find("case-status")
    kept = visitor.find("captures").locator('li[data-at="kept"]')
    await page.route("**/api/film/captures/**", lambda route: route.abort())
    await visitor.press("still-button")
    await eventually(status.inner_text, lambda text: "Not kept" in text)
    assert await kept.count() == 0
    await page.unroute("**/api/film/captures/**")
    await visitor.press("retry-button")
    await visitor.press("clip-button")
    await eventually(kept.count, lambda count: count == 1)
    await eventually(visitor.find("clip-button").inner_text, lambda text: "00:00" not in text)
    await visitor.press("clip-button")
    await eventually(kept.count, lambda count: count == 2)
    token = house.server.token(ROOM, "county_doctor")
    [still, clip] = await objects(house, token)
    assert (still["00280010"]["Value"], still["00280011"]["Value"]) == ([240], [320])
    assert still["00100010"]["Value"][0]["Alphabetic"] == f"UNIDENTIFIED^{ROOM}"
    assert clip["00280008"]["Value"][0] >= 2


async def objects(house: House, token: str) -> list[dict[str, Any]]:
    """The ultrasound objects that a doctor finds."""
    url = f"{house.server.url}/dicomweb/instances?Modality=US&includefield=all"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        found: list[dict[str, Any]] = await answer.json(content_type=None)
    return sorted(found, key=lambda one: int(one["00200013"]["Value"][0]))


async def robot_says(site: Site, *modes: Mode) -> None:
    async def mode() -> Mode:
        return site.modes[-1][1]

    await eventually(mode, lambda now: now in modes)


async def test_a_probe_is_pressed_by_keyboard_stopped_and_let_go_with_the_page(
    house: House, shots: Path
) -> None:
    async with Site(house.server.ws_url, house.server.token(ROOM, "device", "Site")) as site:
        expert = await house.visitor("specialist", "Dr Smith", language="en-GB", size=(1440, 900))
        student = await house.visitor("student", "Tom", size=(390, 844))
        await asyncio.gather(expert.join(), student.join())
        await expert.press("console-button")
        await eventually(lambda: stage(expert), lambda now: now == "watching")
        await accessible(expert, "console, watching")
        await student.press("robot-mark")
        await eventually(student.find("stop-button").is_enabled)
        assert await student.find("ask-button").is_disabled()
        await accessible(student, "console on a phone")
        assert await student.find("still-button").count() == 0
        await keeps_captures(expert, house)

        await take_control(expert, site)
        keyboard = expert.page.keyboard
        await keyboard.down("j")
        await accessible(expert, "console, in control")  # the page hangs for so long, and is silent
        await keyboard.up("j")
        assert Mode.FOLLOWING not in [mode for _, mode in site.modes]  # without the deadman
        await press_until_touched(expert, site)
        await expert.page.screenshot(path=shots / "console-held.png")
        await student.page.screenshot(path=shots / "console-watching.png")

        me = await expert.identity()
        assert me in [holder for holder, _ in site.modes]
        await press_until_touched(expert, site)
        mark = student.find("robot-mark")
        assert await mark.get_attribute("data-holder") in (me, "")
        await student.press("stop-button")
        await robot_says(site, Mode.HOLDING, Mode.LATCHED)
        assert site.robot.stopped == await student.identity()
        await eventually(lambda: stage(expert), lambda now: now == "watching")
        await eventually(expert.find("console-line").inner_text, lambda text: "STOP" in text)
        await keyboard.up("d")

        site.clear()
        await take_control(expert, site)
        await press_until_touched(expert, site)
        await expert.page.evaluate(_HIDE)  # with the deadman held
        await robot_says(site, Mode.FROZEN, Mode.HOLDING, Mode.LATCHED)
        await eventually(lambda: stage(expert), lambda now: now == "watching")
        assert site.modes[-1][0] == ""


async def test_control_is_handed_over_and_a_third_only_watches(house: House, shots: Path) -> None:
    async with Site(house.server.ws_url, house.server.token(ROOM, "device", "Site")) as site:
        first = await house.visitor("specialist", "Dr Smith", shape="bare", language="en-GB")
        second = await house.visitor("specialist", "李主任", shape="bare")
        third = await house.visitor("county_doctor", "王医生", shape="bare", size=(768, 1024))
        await asyncio.gather(first.join(), second.join(), third.join())
        for visitor in (first, second, third):
            await visitor.press("console-button")
            await eventually(lambda one=visitor: stage(one), lambda now: now == "watching")
        await take_control(first, site)
        await press_until_touched(first, site)
        one, other = await first.identity(), await second.identity()

        async def picture(step: str) -> None:
            for visitor, name in ((first, "first"), (second, "second")):
                await visitor.page.screenshot(path=shots / f"hand-over-{step}-{name}.png")

        await second.press("ask-button")
        await second.find("digits").wait_for()
        await first.find("hand-over-button").wait_for()
        line = second.find("console-line")
        await eventually(line.inner_text, lambda text: "Dr Smith 正在控制" in text)
        await picture("asked")
        assert site.modes[-1][0] == one  # asking takes nothing away
        await first.press("hand-over-button")
        await eventually(first.find("hand-over-button").count, lambda count: count == 0)
        assert site.successor == other
        await eventually(line.inner_text, lambda text: "已同意移交给您" in text)
        assert await stage(first) == "held"  # until the operator agrees
        site.grant()
        await eventually(lambda: stage(second), lambda now: now == "held")
        await eventually(lambda: stage(first), lambda now: now == "watching")
        await eventually(first.find("console-line").inner_text, lambda text: "李主任" in text)
        await picture("handed")

        before = len(site.modes)
        for key in "dj":  # she has not let go yet: it moves nothing any more
            await first.page.keyboard.up(key)
            await first.page.keyboard.down(key)
        await press_until_touched(second, site)
        holders = {holder for holder, mode in site.modes[before:] if mode is Mode.FOLLOWING}
        assert holders == {other}
        assert await third.find("ask-button").is_disabled()
        await third.press("stop-button")
        await robot_says(site, Mode.HOLDING, Mode.LATCHED)
        assert site.robot.stopped == await third.identity()
        await eventually(lambda: stage(second), lambda now: now == "watching")
        for visitor, word in ((first, "STOP"), (second, "急停")):
            await eventually(
                visitor.find("console-line").inner_text, lambda text, word=word: word in text
            )
        await picture("stopped")
