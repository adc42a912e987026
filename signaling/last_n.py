"""Last-N: whose cameras are sent in a room with more people than screen.

Invariant: a viewer gets the cameras of the N others who spoke last; those who never spoke come
after them, in the order in which they came. So a change of speaker brings him at most one camera,
and takes at most one away.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice


class LastN:
    """`update` takes the room as it is now, `shown` answers for one viewer."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._order: list[str] = []  # all who are here, the last speaker first
        self._front: tuple[str, ...] = ()

    def update(self, members: Sequence[str], cameras: Collection[str], speaker: str | None) -> bool:
        """Who is here, in the order of coming, whose camera is on, and who speaks.

        True when anybody's cameras may be others now.
        """
        here, known = set(members), set(self._order)
        self._order = [who for who in self._order if who in here]
        self._order += [who for who in members if who not in known]
        if speaker in here:
            self._order.remove(speaker)
            self._order.insert(0, speaker)
        # One more than anybody gets: nobody gets his own.
        front = tuple(islice((who for who in self._order if who in cameras), self.count + 1))
        changed, self._front = front != self._front, front
        return changed

    def shown(self, viewer: str) -> frozenset[str]:
        """Those whose cameras this viewer gets."""
        return frozenset([who for who in self._front if who != viewer][: self.count])
