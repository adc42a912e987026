"""Rooms on several media threads: each room on one UDP port, all ports in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clients.participant import Participant
from loadtests.ports import free_udp_port
from tests.clients.test_participant import sees
from tests.server_process import DistalServer


@pytest.mark.timeout(120)
async def test_two_rooms_meet_on_two_ports(tmp_path: Path, show: Callable[..., Any]) -> None:
    server = DistalServer(tmp_path / "data", "--media-threads", "2")
    server.media_port = free_udp_port(following=1)
    async with server:
        used = {}
        for room in ("one", "two"):
            host = Participant(server.ws_url, server.token(room, "host", "Host"), publish=show())
            doctor = Participant(
                server.ws_url, server.token(room, "specialist", "Doctor"), publish=show()
            )
            async with host, doctor:
                await sees(host, doctor)
                await sees(doctor, host)
                used[room] = ports(host) | ports(doctor)
                assert len(used[room]) == 1
        assert used["one"] | used["two"] == {server.media_port, server.media_port + 1}
        figures = await metrics(server)
        for thread in ("0", "1"):
            lane = f'distal_media_lane_forwarded_total{{group="main",thread="{thread}"}}'
            assert figures[lane] > 100
        lanes = (value for name, value in figures.items() if "lane_forwarded_total" in name)
        assert sum(lanes) == figures["distal_media_forwarded_total"]


def ports(participant: Participant) -> set[int]:
    """The relay's UDP ports that this participant's transports were told; TCP has one for all."""
    told = [*participant.publishing.values(), *participant.receiving.values()]
    sdp = "".join(pc.remoteDescription.sdp for pc in told)
    return {int(port) for port in re.findall(r"a=candidate:\S+ 1 udp .* (\d+) typ host", sdp)}


async def metrics(server: DistalServer) -> dict[str, float]:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/metrics") as answer:
        rows = (line.split() for line in (await answer.text()).splitlines())
        return {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[0][0] != "#"}
