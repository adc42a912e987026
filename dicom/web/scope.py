"""What somebody may see and do: decided once for a request, by the application."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import web


@dataclass(frozen=True)
class Scope:
    """All studies of `institutions`; of others, those that are `shared` (institution, study)."""

    institutions: frozenset[str] = frozenset()
    shared: frozenset[tuple[str, str]] = frozenset()
    stores_into: str = ""  # institution; empty: may not store
    subject: str = ""  # who stores, for the operator
    name: str = ""  # of the person, as others read it

    def of(self, study: str | None) -> frozenset[str]:
        """Whose data may be seen, when it is about that study or about no certain one."""
        return self.institutions | {owner for owner, uid in self.shared if uid == study}

    def only(self, institution: str) -> Scope:
        """The part of it that is this institution's."""
        return replace(
            self,
            institutions=self.institutions & {institution},
            shared=frozenset(one for one in self.shared if one[0] == institution),
        )

    @property
    def several(self) -> bool:
        """Whether one study may be here twice, from two institutions."""
        return len(self.institutions | {owner for owner, _ in self.shared}) > 1


Gate = Callable[[web.Request], Scope]  # raises what the application answers, such as a Problem


@dataclass(frozen=True)
class Seat:
    """Somebody who may capture, in the consultation in which he sits."""

    scope: Scope
    consultation: uuid.UUID
    room: str
    began: datetime
    next_number: Callable[[], int]
    give: Callable[[str, str], None]  # institution, study: to everybody in the room


Seats = Callable[[web.Request], Seat]  # raises as a Gate does
