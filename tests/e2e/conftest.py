"""Browsers shared by all browser tests, and one server; every test has a room of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from signaling.protocol import Role
from tests.e2e.browsers import Browsers, Shape
from tests.e2e.visitor import Visitor, invitation
from tests.films import films, show
from tests.server_process import DistalServer

__all__ = ["films", "show"]


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Browsers outlive tests, so all of them run on one event loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def all_browsers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        running = Browsers(playwright, tmp_path_factory.mktemp("camera"))
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(all_browsers: Browsers) -> AsyncIterator[Browsers]:
    yield all_browsers
    await all_browsers.close_contexts()


class House:
    """A server, browsers and a room: invites people in."""

    def __init__(self, server: DistalServer, browsers: Browsers, room: str) -> None:
        self.server = server
        self.browsers = browsers
        self.room = room
        self.visitors: list[Visitor] = []

    async def visitor(
        self,
        role: Role,
        name: str,
        *,
        shape: Shape = "local",
        language: str = "zh-CN",
        size: tuple[int, int] = (1280, 800),
        url: str | None = None,
    ) -> Visitor:
        """Somebody who has opened his link."""
        link = await invitation(self.server, self.room, role, name, url)
        context = await self.browsers.context(shape, language, size)
        self.visitors.append(await Visitor.open(context, link, name))
        return self.visitors[-1]


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    shared_distal: DistalServer, browsers: Browsers, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    """A room named after the test. A page that threw an error has failed its test."""
    house = House(shared_distal, browsers, request.node.name.replace("_", "-")[:40])
    yield house
    assert [error for visitor in house.visitors for error in visitor.errors] == []


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, to be looked at after a run."""
    return tmp_path_factory.mktemp("screens", numbered=False)
