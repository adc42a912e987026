"""Every screen in both languages: no serious accessibility violation, nothing cut off, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes

AXE = Path(__file__).parents[2] / "clients/web/node_modules/axe-core/axe.min.js"
LANGUAGES = ("zh-CN", "en-GB")
WIDTHS = {360: 740, 768: 1024, 1440: 900}
SERIOUS = ("serious", "critical")


async def violations(visitor: Visitor) -> list[str]:
    """What axe finds serious on the page as it is now, shadow roots included."""
    page = visitor.page
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(
        """async () => (await axe.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
        })).violations"""
    )
    return [
        f"{entry['id']}: {entry['help']}: {json.dumps([node['target'] for node in entry['nodes']])}"
        for entry in found
        if entry["impact"] in SERIOUS
    ]


async def accessible(visitor: Visitor, screen: str) -> None:
    assert await violations(visitor) == [], screen


async def resize(visitor: Visitor, width: int, height: int) -> None:
    """Change the window, and let the page draw itself anew."""
    await visitor.page.set_viewport_size({"width": width, "height": height})
    await visitor.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


async def fits(visitor: Visitor, screen: str) -> None:
    """Nothing needs sideways scrolling, at any width."""
    for width, height in WIDTHS.items():
        await resize(visitor, width, height)
        over = await visitor.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{screen} at {width}"
        if screen == "room":
            leave = await visitor.find("leave-button").bounding_box()
            assert leave is not None
            below = height - leave["y"] - leave["height"]
            assert 0 <= below < 40, f"call controls {below} px above the edge at {width}"


async def photograph(visitor: Visitor, shots: Path, screen: str, language: str) -> None:
    """One picture a width; they are for people to look at."""
    for width, height in WIDTHS.items():
        await resize(visitor, width, height)
        await visitor.page.screenshot(path=shots / f"{screen}-{language}-{width}.png")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_screen_on_the_way(house: House, shots: Path, language: str) -> None:
    host = await house.visitor("host", "王主任", language=language)
    words: dict[str, str] = {}

    async def look(visitor: Visitor, screen: str) -> None:
        await accessible(visitor, screen)
        await fits(visitor, screen)
        await photograph(visitor, shots, screen, language)
        words[screen] = await visitor.page.locator("h1").first.inner_text()
        declared = await visitor.page.evaluate("() => document.documentElement.lang")
        assert declared == language.replace("-GB", "")

    await host.find("join-button").wait_for()
    await look(host, "door")
    await host.check_devices()
    await host.page.locator("distal-video").first.wait_for()
    await look(host, "check")
    await host.press("continue-button")
    await host.in_room()
    patient = await house.visitor("patient", "张三", language=language, size=(360, 740))
    await patient.go_in()
    await patient.find("waiting-title").wait_for()
    await look(patient, "waiting")
    await host.press("notice-admit-button")
    await patient.in_room()
    await decodes(host, await patient.identity())
    await look(host, "room")
    for panel in ("people", "chat"):
        await host.page.set_viewport_size({"width": 1440, "height": 900})
        await host.panel(panel)
        await accessible(host, panel)
        await photograph(host, shots, panel, language)
    await patient.press("leave-button")
    await patient.find("left-title").wait_for()
    await look(patient, "left")
    del words["room"]  # its heading is the room's own title
    chinese = {screen for screen, text in words.items() if any("一" <= c <= "鿿" for c in text)}
    assert chinese == (set(words) if language == "zh-CN" else set())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_link_that_opens_nothing(house: House, shots: Path, language: str) -> None:
    context = await house.browsers.context(language=language)
    lost = await Visitor.open(context, f"{house.server.url}/join/no-such-code", "Lost")
    await lost.press("join-button")
    await lost.find("problem-title").wait_for()
    await accessible(lost, "problem")
    await fits(lost, "problem")
    await photograph(lost, shots, "problem", language)


async def test_the_language_changes_in_the_room_and_stays(house: House) -> None:
    host = await house.visitor("host", "王主任", language="zh-CN")
    await host.join()
    label = host.find("leave-button")
    chinese = await label.inner_text()
    await host.press("language-button")
    english = await label.inner_text()
    assert (chinese.strip(), english.strip()) == ("离开", "Leave")
    await host.page.reload()
    await host.in_room()
    assert (await label.inner_text()).strip() == "Leave"
