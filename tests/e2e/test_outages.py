"""Networks that go away and come back, in real pages: within two seconds all is as it was."""

from __future__ import annotations

import pytest

from loadtests.outages import ROOM, Return, measure
from tests.server_process import DistalServer

# Three pages share two cores with whatever else runs; the promise of two seconds is measured by
# `python -m loadtests.outages`.
PATIENCE_S = 6.0


def back(returns: list[Return]) -> list[bool]:
    """Whether pictures and sound came again, both ways."""
    return [
        all(at is not None and at < PATIENCE_S for at in (r.sees, r.hears, r.seen, r.heard))
        for r in returns
    ]


@pytest.mark.timeout(240)
async def test_media_are_back_after_short_and_long_outages(shared_distal: DistalServer) -> None:
    returns = await measure(shared_distal, shared_distal.token(ROOM, "host"), [5, 25], 1)
    assert back(returns) == [True, True], returns
    assert max(one.old_sound for one in returns) < PATIENCE_S, (
        returns
    )  # or 20 s of it are poured out
