"""Rooms in which everybody sends, small, on both servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests import rooms
from loadtests.distal import Distal
from loadtests.janus import Janus

SMALL = rooms.Settings(rooms=2, people=3, speaking=1, seconds=1.0, settle_s=0.5)


@pytest.mark.parametrize("make", [Distal, Janus])
async def test_everybody_gets_all_that_the_others_send(
    make: Callable[[Path], rooms.RoomServer],
) -> None:
    run = await rooms.run(make, SMALL)
    sent = run.due_packets / (SMALL.people - 1)
    assert sent > 6 * 15  # a picture of each, and a voice in each room
    assert run.lost_packets == 0
    assert 0 < run.packets < run.due_packets
    assert run.cpu_s > 0
    if make is Janus:
        assert run.agreed == 6 and run.feedback > 0
