"""What somebody may see and do: decided once for a request, by the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


Gate = Callable[[web.Request], Scope]  # raises what the application answers, such as a Problem
