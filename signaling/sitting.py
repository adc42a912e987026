"""One consultation: a room from the first who came in to the last who left."""

from __future__ import annotations

import uuid

from signaling.film import Film, Given
from signaling.tokens import Claims


class Sitting:
    """Names the consultation, so that what is captured in it is found together."""

    def __init__(self, room: str, started_at_ms: int, film: Film) -> None:
        self.uid = uuid.uuid4()
        self.room = room
        self.started_at_ms = started_at_ms
        self._film = film
        self._captured = 0

    def next_number(self) -> int:
        """Of a still or clip, from 1."""
        self._captured += 1
        return self._captured

    def give(self, by: Claims, institution: str, study: str) -> None:
        """Everybody here may see that study, on the authority of who made it here."""
        if not by.guest:
            self._film.give(Given(by.role, institution, study))
