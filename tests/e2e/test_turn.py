"""A consultation through a TURN server alone: by UDP, by TCP, by TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.coturn import Coturn
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually
from tests.server_process import DistalServer

INSIST = "localStorage.setItem('distal.relayOnly', 'yes')"


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_people_see_each_other_by_the_turn_server_alone(
    tmp_path: Path, browsers: Browsers, way: str
) -> None:
    with Coturn(tmp_path) as coturn:
        arguments = ["--turn-url", coturn.urls[way]]
        async with DistalServer(tmp_path, *arguments) as server:
            house = House(server, browsers, f"turn-{way}")
            visitors = [
                await relayed(house, "host", "王主任"),
                await relayed(house, "specialist", "Dr Smith"),
            ]
            for visitor in visitors:
                await visitor.join()
            ids = [await visitor.identity() for visitor in visitors]
            await decodes(visitors[0], ids[1])
            await decodes(visitors[1], ids[0])
            for visitor in visitors:
                assert await ways(visitor) == {("relay", way)}
                assert visitor.errors == []
            log = server.stderr() + server.stdout()
            assert "credential" not in log


async def relayed(house: House, role: Any, name: str) -> Visitor:
    """A visitor whose browser was told to take the TURN server always."""
    visitor = await house.visitor(role, name, shape="trusting")
    await visitor.page.evaluate(INSIST)
    await visitor.page.reload()
    return visitor


async def ways(visitor: Visitor) -> set[tuple[str, str]]:
    """Kind and protocol of its own end, for the connections that send and receive."""
    found = await eventually(visitor.ways, lambda found: len(found) >= 2)
    return {(way["local"]["candidateType"], way["local"].get("relayProtocol")) for way in found}
