"""A specialist at the console moves a probe by the robot's own rules, and is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

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
