"""Somebody walks out of the Wi-Fi: his packets come from elsewhere, and the call goes on."""

from __future__ import annotations

import asyncio

from loadtests.impairment.emulator import Emulator
from loadtests.impairment.signaling_proxy import SignalingProxy
from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, hears


async def connections(visitor: Visitor) -> list[str]:
    return list(
        await visitor.page.evaluate("window.peerConnections.map((pc) => pc.connectionState)")
    )


async def test_a_new_address_in_mid_call_costs_no_new_join(house: House) -> None:
    server = ("127.0.0.1", house.server.media_port)
    with Emulator(server, "fibre", seconds=300) as network:
        async with SignalingProxy(house.server.url, {server[1]: network.address}) as web:
            expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
            county = await house.visitor("county_doctor", "清河县医院", url=web.url)
            await asyncio.gather(expert.join(), county.join())
            ids = await expert.identity(), await county.identity()
            await decodes(expert, ids[1])
            await decodes(county, ids[0])
            before = await connections(county)
            assert "connected" in before
            network.roam()
            await asyncio.gather(decodes(expert, ids[1]), decodes(county, ids[0]))
            await asyncio.gather(hears(expert, ids[1]), hears(county, ids[0]))
            assert await connections(county) == before
            assert (await expert.identity(), await county.identity()) == ids
