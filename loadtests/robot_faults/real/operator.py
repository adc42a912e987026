"""The operator beside the robot, at her page: she compares digits, grants, takes back, stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import aiohttp


class Operator:
    """`async with Operator(url) as operator`; `seen` is what her page shows."""

    def __init__(self, url: str) -> None:
        self.seen: dict[str, Any] = {}
        self.refused = ""
        self._url = url
        self._news = asyncio.Event()

    async def __aenter__(self) -> Operator:
        self._http = aiohttp.ClientSession()
        origin = "/".join(self._url.split("/")[:3])
        self._link = await self._http.ws_connect(self._url + "link", origin=origin)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._http.close()

    @property
    def open(self) -> bool:
        return not self._reading.done()

    async def until(self, true: Callable[[dict[str, Any]], Any], timeout_s: float) -> None:
        """Raises TimeoutError, also when the page is gone."""
        async with asyncio.timeout(timeout_s):
            while not self.seen or not true(self.seen):
                if not self.open:
                    raise TimeoutError("the operator's page is gone")
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.2)

    def asks(self, id: str, digits: str) -> bool:
        """Whether this one asks, under these digits."""
        asking = self.seen.get("asking", [])
        return any((one["id"], one["digits"]) == (id, digits) for one in asking)

    async def grant(self, id: str, digits: str) -> None:
        await self._say(do="grant", id=id, digits=digits)

    async def take_back(self) -> None:
        await self._say(do="take_back")

    async def stop(self) -> None:
        await self._say(do="stop")

    async def clear(self) -> None:
        """If it is stopped."""
        state = self.seen.get("state")
        if state and state["stopped"]:
            await self._say(do="clear", stopped=state["stopped"])
            await self.until(lambda seen: seen["state"] and not seen["state"]["stopped"], 5)

    async def _say(self, **command: str) -> None:
        await self._link.send_json(command)

    async def _read(self) -> None:
        async for message in self._link:
            self.seen |= message.json()
            self.refused = self.seen.pop("refused", self.refused)
            self._news.set()
        self._news.set()
