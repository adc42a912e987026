"""The page for a hospital's network people: which ways get through, and what to open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from loadtests.ports import free_port
from media.addresses import local_addresses
from tests.coturn import Coturn
from tests.e2e.browsers import Browsers, Shape
from tests.e2e.test_screens import LANGUAGES, accessible, fits, photograph
from tests.e2e.visitor import Visitor, eventually
from tests.server_process import DistalServer

IPV6 = any(address.version == 6 for address in local_addresses())
NOBODY = "198.51.100.9"  # TEST-NET-2: packets to it go nowhere


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def coturn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Coturn]:
    with Coturn(tmp_path_factory.mktemp("network")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def distal(coturn: Coturn) -> AsyncIterator[DistalServer]:
    async with DistalServer(coturn.data_dir, *coturn.arguments) as server:
        yield server


async def opened(
    browsers: Browsers, server: DistalServer, shape: Shape = "trusting", language: str = "zh-CN"
) -> Visitor:
    context = await browsers.context(shape, language)
    return await Visitor.open(context, f"{server.url}/network", "")


async def verdict(visitor: Visitor) -> str:
    """What the page says once every way has been tried."""

    async def ask() -> str:
        return str(await visitor.find("verdict").get_attribute("data-at"))

    return await eventually(ask, lambda said: said != "testing")


async def ways(page: Page) -> dict[str, str]:
    found = {}
    for way in await page.get_by_test_id("way").all():
        kind, at = await way.get_attribute("data-kind"), await way.get_attribute("data-at")
        found[str(kind)] = str(at)
    return found


async def prove(visitor: Visitor, token: str) -> str:
    """Show a token, and wait for the second run's verdict."""
    await visitor.find("token-input").fill(token)
    await visitor.press("token-button")
    return await verdict(visitor)


async def test_an_open_network_without_a_link_and_with_one(
    browsers: Browsers, distal: DistalServer
) -> None:
    visitor = await opened(browsers, distal)
    assert await verdict(visitor) == "direct"
    found = await ways(visitor.page)
    assert found["websocket"] == found["udp4"] == "works"
    assert found["udp6"] == ("works" if IPV6 else "absent")
    assert found["tcp"] == "works"
    assert found["turn"] == "needs_link"
    assert await prove(visitor, distal.token("network", "operator")) == "direct"
    found = await ways(visitor.page)
    assert {found[way] for way in ("turn_udp", "turn_tcp", "turn_tls")} == {"works"}
    assert visitor.errors == []


async def test_a_token_that_is_not_good_is_told(browsers: Browsers, distal: DistalServer) -> None:
    visitor = await opened(browsers, distal)
    await verdict(visitor)
    assert await prove(visitor, "a.b.c") == "direct"
    hint = visitor.page.locator("#token-hint.wrong")
    await hint.wait_for()
    assert (await ways(visitor.page))["turn"] == "needs_link"


async def test_where_udp_is_blocked_the_page_names_the_detour_and_what_to_open(
    browsers: Browsers, distal: DistalServer
) -> None:
    visitor = await opened(browsers, distal, shape="no_udp", language="en-GB")
    assert await verdict(visitor) == "detour"
    assert (await ways(visitor.page))["tcp"] == "works"
    assert await prove(visitor, distal.token("network", "operator")) == "detour"
    found = await ways(visitor.page)
    assert found["udp4"] == found["turn_udp"] == "fails"
    assert found["turn_tls"] == "works"
    advice = await visitor.page.locator('[data-kind="udp4"] p').inner_text()
    assert str(distal.media_port) in advice and "UDP" in advice
    for address in local_addresses():
        if address.version == 4 and not address.is_loopback:
            assert str(address) in advice


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_nothing_gets_through_every_opening_stands_there(
    browsers: Browsers, tmp_path: Path, shots: Path, language: str
) -> None:
    closed = free_port()
    arguments = [
        "--media-tcp-port",
        "0",
        "--advertise",
        NOBODY,
        "--turn-url",
        f"turns:127.0.0.1:{closed}?transport=tcp",
    ]
    async with DistalServer(tmp_path, *arguments) as server:
        visitor = await opened(browsers, server, language=language)
        assert await verdict(visitor) == "no_direct"
        assert await prove(visitor, server.token("network", "operator")) == "none"
        found = await ways(visitor.page)
        assert found["websocket"] == "works"
        assert (found["udp4"], found["turn_tls"]) == ("fails", "fails")
        assert found["udp6"] == "absent"
        for kind, wanted in [("udp4", (NOBODY, server.media_port)), ("turn_tls", (closed,))]:
            advice = await visitor.page.locator(f'[data-kind="{kind}"] p').inner_text()
            assert all(str(part) in advice for part in wanted)
        report = await visitor.page.locator("distal-details pre").text_content()
        assert report and NOBODY in report and str(closed) in report and "Chrome" in report
        await accessible(visitor, "network-blocked")
        await fits(visitor, "network-blocked")
        await photograph(visitor, shots, "network-blocked", language)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_in_pictures(
    browsers: Browsers, distal: DistalServer, shots: Path, language: str
) -> None:
    visitor = await opened(browsers, distal, shape="no_udp", language=language)
    await photograph(visitor, shots, "network-testing", language)
    await verdict(visitor)
    await accessible(visitor, "network")
    await fits(visitor, "network")
    await photograph(visitor, shots, "network-no-link", language)
    await prove(visitor, distal.token("network", "operator"))
    await accessible(visitor, "network-detour")
    await photograph(visitor, shots, "network-detour", language)
