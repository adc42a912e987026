"""A browser whose network lets no UDP through takes part over TCP."""

from __future__ import annotations

import asyncio

from tests.e2e.conftest import House
from tests.e2e.tcp_proxy import TcpProxy
from tests.e2e.visitor import Visitor, decodes, eventually, hears, invitation

# Leads what goes to the server's TCP port for media to another one.
_DETOUR = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  const led = sdp.replace(/ \\S+ FROM typ host tcptype/g, " 127.0.0.1 TO typ host tcptype");
  return set.call(this, { type, sdp: led });
};
"""


async def roads(visitor: Visitor) -> list[str]:
    """Protocol and port of the server's end, for each connection in use."""
    return [f"{way['remote']['protocol']} {way['remote']['port']}" for way in await visitor.ways()]


async def test_without_udp_media_come_over_tcp_and_survive_a_broken_connection(
    house: House,
) -> None:
    port = house.server.media_port
    async with TcpProxy("127.0.0.1", port) as wire:
        host = await house.visitor("host", "王主任")
        context = await house.browsers.context("no_udp")
        detour = int(wire.url.rpartition(":")[2])
        await context.add_init_script(_DETOUR.replace("FROM", str(port)).replace("TO", str(detour)))
        link = await invitation(house.server, house.room, "specialist", "Dr Smith")
        expert = await Visitor.open(context, link, "Dr Smith")
        house.visitors.append(expert)
        await asyncio.gather(host.join(), expert.join())
        host_id, expert_id = await host.identity(), await expert.identity()
        await decodes(expert, host_id)
        await decodes(host, expert_id)
        await hears(expert, host_id)
        assert set(await roads(expert)) == {f"tcp {detour}"}
        assert set(await roads(host)) == {f"udp {port}"}

        connections = await expert.connections()
        wire.cut()
        await decodes(expert, host_id)
        await decodes(host, expert_id)
        await eventually(lambda: roads(expert), lambda found: set(found) == {f"tcp {detour}"})
        assert await expert.connections() == connections  # ICE alone found the way again
