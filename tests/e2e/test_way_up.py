"""What a publisher loses on his way up is waited for by those who watch him, by nobody else."""

from __future__ import annotations

import asyncio
import math

from loadtests.impairment.emulator import Emulator
from loadtests.impairment.settings import bursty
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import During
from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually, hears

LOSSES = {"loss": 0.05, **bursty(0.02, 4.0), "delay_ms": 50}

# What each receiver was told to wait, by the stream that its track is in: one for each publisher.
_WAITS = """() => window.peerConnections
  .filter((pc) => pc.connectionState === "connected")
  .flatMap((pc) => pc.getReceivers())
  .filter((receiver) => receiver.transport && receiver.track.readyState === "live" &&
    receiver.getSynchronizationSources().length > 0)
  .map((receiver) => receiver.jitterBufferTarget)"""


async def waits(visitor: Visitor) -> list[float | None]:
    return list(await visitor.page.evaluate(_WAITS))


async def test_those_who_watch_wait_for_repairs_of_a_lossy_way_up(house: House) -> None:
    port = house.server.media_port
    with Emulator(("127.0.0.1", port), "fibre", seconds=300) as network:
        async with SignalingProxy(house.server.url, {port: network.address}) as web:
            host = await house.visitor("host", "王主任")
            expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
            county = await house.visitor("county_doctor", "清河县医院", url=web.url)
            await asyncio.gather(host.join(), expert.join(), county.join())
            host_id, county_id = await host.identity(), await county.identity()
            await decodes(expert, county_id)
            await hears(expert, county_id)
            await decodes(expert, host_id)
            network.play([During(0, math.inf, up=LOSSES, down={"delay_ms": 50})])

            def only_the_county(found: list[float | None]) -> bool:
                """Picture and sound of one of two."""
                long = [one for one in found if one is not None and one >= 100]
                return len(long) == 2 and all(
                    one is None or one < 50 or one in long for one in found
                )

            await eventually(lambda: waits(expert), only_the_county, timeout_s=60)
            await decodes(expert, county_id)
