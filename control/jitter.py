"""Commands played out evenly: a few milliseconds late, and as far apart as they were sent.

How late each came, against the promptest of the last ones, tells the network's jitter; all are held
back to the 95th percentile of it, but never longer than 30 ms. The sender's clock serves for the
distances between commands only: where it leaps, commands are played at once or those 30 ms late.
"""

from __future__ import annotations

from collections import deque

from control.messages import Command

HELD_MAX = 3
LATEST_US = 30_000
WINDOW = 64  # commands, 0.6 s


class JitterBuffer:
    """One lease's. Sequences are in order already: the lease takes no old ones."""

    def __init__(self) -> None:
        self._transits: deque[int] = deque(maxlen=WINDOW)
        self._held: deque[tuple[int, Command]] = deque(maxlen=HELD_MAX)

    def put(self, command: Command, now_us: int) -> None:
        """It has come."""
        self._transits.append(now_us - command.sent_us)
        ranked = sorted(self._transits)
        late_us = ranked[(len(ranked) * 95) // 100]  # the last one of few
        due_us = min(max(command.sent_us + late_us, now_us), now_us + LATEST_US)
        self._held.append((due_us, command))

    def take(self, now_us: int) -> Command | None:
        """The newest that is due; what was before it is not needed any more."""
        due = None
        while self._held and self._held[0][0] <= now_us:
            due = self._held.popleft()[1]
        return due
