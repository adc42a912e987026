"""A picture costs what its size on the screen needs: encodings change with the layout."""

from __future__ import annotations

import asyncio

from tests.e2e.browsers import SHARP_CAMERA
from tests.e2e.conftest import House
from tests.e2e.visitor import Visitor, decodes, eventually

WIDTH = SHARP_CAMERA[0]


async def two(house: House) -> tuple[Visitor, Visitor, str]:
    """Somebody with a sharp camera, and a viewer on a phone, who sees him small beside himself."""
    host = await house.visitor("host", "王主任", shape="sharp")
    viewer = await house.visitor("specialist", "Dr Smith", size=(360, 640))
    await asyncio.gather(host.join(), viewer.join())
    host_id = await host.identity()
    await decodes(viewer, host_id)
    return host, viewer, host_id


async def width(viewer: Visitor, participant: str) -> int:
    return int((await viewer.stream(participant, "camera")).get("width", 0))


async def frames_sent(visitor: Visitor, rid: str) -> int:
    """In a second, of one encoding of the camera."""

    async def count() -> int:
        return sum(
            int(entry.get("framesEncoded", 0))
            for entry in await visitor.stats()
            if (entry["direction"], entry["source"]) == ("out", "camera")
            and entry.get("rid") == rid
        )

    before = await count()
    await asyncio.sleep(1)  # a length of time to count in
    return await count() - before


async def test_a_tile_gets_the_encoding_that_it_has_room_for(house: House) -> None:
    host, viewer, host_id = await two(house)
    await eventually(lambda: width(viewer, host_id), lambda pixels: pixels == WIDTH // 2)
    await viewer.page.set_viewport_size({"width": 1400, "height": 900})
    await eventually(lambda: width(viewer, host_id), lambda pixels: pixels == WIDTH)
    await decodes(viewer, host_id)
    await viewer.page.set_viewport_size({"width": 360, "height": 640})
    await eventually(lambda: width(viewer, host_id), lambda pixels: pixels == WIDTH // 2)
    await decodes(viewer, host_id)
    assert host.errors == []


async def test_encodings_that_nobody_watches_are_not_sent(house: House) -> None:
    host, viewer, _ = await two(house)
    await eventually(lambda: frames_sent(host, "h"), lambda frames: frames == 0)
    assert await frames_sent(host, "l") > 0
    await viewer.page.set_viewport_size({"width": 1400, "height": 900})
    await eventually(lambda: frames_sent(host, "h"), lambda frames: frames > 0)
