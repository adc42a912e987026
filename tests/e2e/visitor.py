"""One person at a browser, and how the tests ask what he sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from playwright.async_api import BrowserContext, Locator, Page

from signaling.protocol import Role
from tests.server_process import DistalServer

T = TypeVar("T")
PATIENCE_S = 25.0  # three pages encode and decode on two cores

# Keeps the peer connections that a page ever makes: a resume must not make new ones.
_COUNT_CONNECTIONS = """
window.peerConnections = [];
window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
  construct(target, args) {
    const made = new target(...args);
    window.peerConnections.push(made);
    return made;
  },
});
"""

# The candidate pairs that the connections in use have chosen.
_WAYS = """async () => {
  const found = [];
  for (const pc of window.peerConnections.filter((pc) => pc.connectionState === "connected")) {
    const report = await pc.getStats();
    for (const entry of report.values()) {
      if (entry.type !== "transport") continue;
      const { localCandidateId, remoteCandidateId } = report.get(entry.selectedCandidatePairId);
      found.push({ local: report.get(localCandidateId), remote: report.get(remoteCandidateId) });
    }
  }
  return found;
}"""


async def eventually(
    ask: Callable[[], Awaitable[T]],
    good: Callable[[T], bool] = bool,
    timeout_s: float = PATIENCE_S,
) -> T:
    """Ask until the answer is good. The page's policy forbids Playwright's own waiting function."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = await ask()
        if good(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {timeout_s} s; last answer: {answer!r}")
        await asyncio.sleep(0.1)


async def invitation(
    server: DistalServer, room: str, role: Role, name: str | None = None, url: str | None = None
) -> str:
    """A join link, as a host makes it."""
    host = server.token(room, "host", "Inviter")
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{url or server.url}/api/rooms/{room}/invitations",
            headers={"Authorization": f"Bearer {host}"},
            json={"role": role, "name": name},
        ) as response,
    ):
        response.raise_for_status()
        return str((await response.json())["url"])


@dataclass
class Visitor:
    """A page of the web client in a browser context of its own."""

    page: Page
    link: str
    name: str
    errors: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, context: BrowserContext, link: str, name: str) -> Visitor:
        await context.add_init_script(_COUNT_CONNECTIONS)
        page = await context.new_page()
        visitor = cls(page, link, name)
        page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        await page.goto(link)
        return visitor

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    async def press(self, test_id: str) -> None:
        await self.find(test_id).first.click()

    async def check_devices(self) -> None:
        """From the link to the device check."""
        await self.press("join-button")
        await self.find("check-title").wait_for()

    async def go_in(self) -> None:
        """From the link through the device check, as far as the server lets him."""
        await self.check_devices()
        name = self.find("name-input")
        if await name.count():
            await name.fill(self.name)
        await self.press("continue-button")

    async def join(self) -> None:
        """From the link into the room."""
        await self.go_in()
        await self.in_room()

    async def in_room(self) -> None:
        await self.find("stage").wait_for()

    async def stats(self) -> list[dict[str, Any]]:
        """What the browser counts for every stream."""
        answer = await self.page.evaluate("() => window.distal.stats()")
        return list(answer)

    async def stream(self, participant: str, source: str) -> dict[str, Any]:
        """The counts of one received stream; empty while there is none."""
        for entry in await self.stats():
            if (entry["direction"], entry["participant"], entry["source"]) == (
                "in",
                participant,
                source,
            ):
                return entry
        return {}

    async def identity(self) -> str:
        """One's own participant id."""
        tile = self.page.locator("distal-tile[data-self]").first
        return str(await tile.get_attribute("data-participant"))

    def tile(self, participant: str, source: str = "camera") -> Locator:
        """Somebody's place on the stage."""
        return self.page.locator(
            f'distal-tile[data-participant="{participant}"][data-source="{source}"]'
        )

    async def connections(self) -> int:
        """How many peer connections this page has made since it was loaded."""
        return int(await self.page.evaluate("() => window.peerConnections.length"))

    async def ways(self) -> list[dict[str, dict[str, Any]]]:
        """The `local` and `remote` candidate of each connection in use, as getStats has them."""
        return list(await self.page.evaluate(_WAYS))

    async def remote_addresses(self) -> list[str]:
        """Where the packets of the connections in use go."""
        return [way["remote"]["address"] for way in await self.ways()]

    async def panel(self, name: str) -> None:
        """Have the people or the chat at the side."""
        tab = self.find(f"{name}-tab")
        if await self.find("panel").count() == 0:
            await self.press(f"{name}-button")
        if await tab.count():
            await tab.click()
        await self.find("panel").wait_for()


async def decodes(visitor: Visitor, participant: str, source: str = "camera") -> None:
    """New frames of that picture keep coming out of the decoder."""
    first = await eventually(
        lambda: visitor.stream(participant, source), lambda s: s.get("framesDecoded", 0) > 0
    )
    await eventually(
        lambda: visitor.stream(participant, source),
        lambda s: s.get("framesDecoded", 0) >= first["framesDecoded"] + 10,
    )


async def hears(visitor: Visitor, participant: str) -> None:
    """New sound of that person keeps coming out of the decoder."""
    first = await eventually(
        lambda: visitor.stream(participant, "microphone"),
        lambda s: s.get("totalAudioEnergy", 0) > 0,
    )
    await eventually(
        lambda: visitor.stream(participant, "microphone"),
        lambda s: s.get("totalAudioEnergy", 0) > first["totalAudioEnergy"],
    )
