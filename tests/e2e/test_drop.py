"""A WebSocket that breaks is resumed, and the pictures never notice."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from tests.e2e.conftest import House
from tests.e2e.tcp_proxy import TcpProxy
from tests.e2e.visitor import decodes, eventually


async def test_a_dropped_socket_resumes_without_rebuilding_media(house: House) -> None:
    parts = urlsplit(house.server.url)
    async with TcpProxy(parts.hostname or "", parts.port or 0) as wire:
        host = await house.visitor("host", "王主任")
        expert = await house.visitor("specialist", "Dr Smith", url=wire.url)
        await asyncio.gather(host.join(), expert.join())
        host_id, expert_id = await host.identity(), await expert.identity()
        await decodes(expert, host_id)
        await decodes(host, expert_id)
        connections = await expert.connections()
        before = (await expert.stream(host_id, "camera"))["framesDecoded"]

        wire.refusing = True
        wire.cut()
        await expert.find("link-banner").wait_for()
        await decodes(expert, host_id)  # while the socket is gone
        await decodes(host, expert_id)
        await host.panel("chat")
        await host.find("chat-input").fill("听得到吗？")
        await host.press("chat-send-button")

        wire.refusing = False
        await expert.find("link-banner").wait_for(state="detached")
        await expert.panel("chat")
        await expert.find("chat-line").first.wait_for()  # said while he was away
        await decodes(expert, host_id)
        await decodes(host, expert_id)
        assert await expert.connections() == connections
        after = await eventually(lambda: expert.stream(host_id, "camera"))
        assert after["framesDecoded"] > before
