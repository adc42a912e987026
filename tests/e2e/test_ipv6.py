"""A consultation over IPv6 alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients import media_loop
from clients.whep import WhepWatcher
from clients.whip import WhipPublisher
from media.addresses import local_addresses
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import House
from tests.e2e.visitor import decodes, eventually, hears
from tests.server_process import DistalServer

ADDRESSES = [str(address) for address in local_addresses() if address.version == 6]
OUTWARD = next((address for address in ADDRESSES if address != "::1"), None)


@pytest.mark.skipif("::1" not in ADDRESSES, reason="this kernel has no IPv6: no ::1")
async def test_people_see_and_hear_each_other_over_ipv6(tmp_path: Path, browsers: Browsers) -> None:
    async with DistalServer(tmp_path, "--host", "::1", "--advertise", "::1") as server:
        house = House(server, browsers, "ipv6")
        host = await house.visitor("host", "王主任")
        expert = await house.visitor("specialist", "Dr Smith", language="en-GB")
        assert host.page.url.startswith("http://[::1]:")
        for visitor in (host, expert):
            await visitor.join()
        for one, other in ((host, expert), (expert, host)):
            await decodes(one, await other.identity())
            await hears(one, await other.identity())
            used = await eventually(one.remote_addresses, lambda found: len(found) >= 2)
            assert set(used) <= {"::1", "[::1]"}
            assert one.errors == []


@pytest.mark.skipif(OUTWARD is None, reason="aiortc needs an IPv6 address beside ::1")
async def test_whip_in_and_whep_out_over_ipv6_alone(
    tmp_path: Path, films: Callable[[str], Path]
) -> None:
    async with DistalServer(tmp_path, "--host", "::1", "--advertise", OUTWARD or "") as server:
        loops = media_loop.load(films("VP8"))
        publisher = WhipPublisher(
            f"{server.url}/whip/ward",
            server.token("ward", "device", "Endoscope"),
            media_loop.tracks(loops),
            {loop.kind: loop.codec for loop in loops},
        )
        watcher = WhepWatcher(f"{server.url}/whep/ward", server.token("ward", "student"))
        async with publisher, watcher:
            assert watcher.session
            offered = [x for x in watcher.session.answer.splitlines() if "candidate:" in x]
            assert offered and all(str(OUTWARD) in line for line in offered)

            async def frames() -> int:
                video = watcher.received.get("video")
                return video.frames if video else 0

            await eventually(frames, lambda now: now > 20)
