"""What each role may do: the one table that tokens, rooms and the documentation read."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

from signaling.protocol import Grants, Role

ROLES: tuple[Role, ...] = get_args(Role)

# Whom somebody has to let in. The others hold a token because they work here; a patient or a
# visiting interpreter must not walk in on the consultation before theirs.
WAITING_ROLES: frozenset[Role] = frozenset({"patient", "interpreter"})

_TABLE: dict[Role, Grants] = {
    "host": Grants(
        publish=["audio", "video"],
        classes=["talk", "diagnostic", "teaching"],
        subscribe=True,
        data=True,
        chat=True,
        moderate=True,
        film=True,
    ),
    "county_doctor": Grants(
        publish=["audio", "video"],
        classes=["talk", "diagnostic", "teaching"],
        subscribe=True,
        data=True,
        chat=True,
        film=True,
    ),
    "specialist": Grants(
        publish=["audio", "video"],
        classes=["talk", "diagnostic", "teaching"],
        subscribe=True,
        data=True,
        chat=True,
        control=True,
        film=True,
    ),
    "student": Grants(subscribe=True, chat=True),
    "patient": Grants(publish=["audio", "video"], classes=["talk"], subscribe=True, chat=True),
    "interpreter": Grants(publish=["audio", "video"], classes=["talk"], subscribe=True, chat=True),
    "device": Grants(
        publish=["audio", "video"],
        classes=["talk", "control", "diagnostic", "teaching", "vitals"],
        subscribe=True,
        data=True,
    ),
    "operator": Grants(
        publish=["audio", "video"],
        classes=["talk", "control", "diagnostic"],
        subscribe=True,
        data=True,
        chat=True,
        control=True,
        film=True,
    ),
}
GRANTS = MappingProxyType(_TABLE)


def grants_of(role: Role) -> Grants:
    """What a token of this role allows unless it says otherwise; a copy, free to be changed."""
    grants = GRANTS[role]
    return Grants(
        publish=list(grants.publish),
        classes=list(grants.classes),
        subscribe=grants.subscribe,
        data=grants.data,
        chat=grants.chat,
        control=grants.control,
        moderate=grants.moderate,
        film=grants.film,
    )


def has_to_wait(role: Role, grants: Grants, locked: bool) -> bool:
    """Whether a newcomer stays in the waiting room until a moderator admits him."""
    return not grants.moderate and (locked or role in WAITING_ROLES)
