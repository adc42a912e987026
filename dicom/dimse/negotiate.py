"""Which of the proposed contexts are taken, and in which transfer syntax: PS3.8 annex D.3."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from dicom.dimse.pdu import (
    ACCEPTED,
    NO_ABSTRACT_SYNTAX,
    NO_TRANSFER_SYNTAX,
    Accepted,
    Context,
)
from dicom.syntax import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, KNOWN

VERIFICATION = "1.2.840.10008.1.1"
PATIENT_FIND, PATIENT_MOVE = "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2"
STUDY_FIND, STUDY_MOVE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"
STANDARD = "1.2.840.10008."
STORAGE = tuple(
    STANDARD + part
    for part in (
        *("5.1.4.1.1.", "5.1.1.27", "5.1.1.29", "5.1.1.30"),
        *("5.1.4.34.", "5.1.4.38.", "5.1.4.39.", "5.1.4.43.", "5.1.4.44.", "5.1.4.45."),
    )
)
PLAIN = (EXPLICIT, IMPLICIT)
NATIVE = (*PLAIN, BIG_ENDIAN, *sorted(DEFLATED))


class Service(Enum):
    """What a context is for."""

    ECHO = auto()
    STORE = auto()
    FIND = auto()
    MOVE = auto()


SERVICES = {
    VERIFICATION: Service.ECHO,
    PATIENT_FIND: Service.FIND,
    STUDY_FIND: Service.FIND,
    PATIENT_MOVE: Service.MOVE,
    STUDY_MOVE: Service.MOVE,
}


def service(abstract_syntax: str) -> Service | None:
    """Private SOP classes are taken for storage: nobody proposes others to an archive."""
    found = SERVICES.get(abstract_syntax)
    if found is not None or not abstract_syntax:
        return found
    private = not abstract_syntax.startswith(STANDARD)
    return Service.STORE if private or abstract_syntax.startswith(STORAGE) else None


def answer(contexts: Sequence[Context]) -> tuple[list[Accepted], list[tuple[int, int, str]]]:
    """The contexts that are taken, and for each that was proposed what is answered."""
    taken: list[Accepted] = []
    results: list[tuple[int, int, str]] = []
    for context in contexts:
        wanted = service(context.abstract_syntax)
        if wanted is None:
            results.append((context.number, NO_ABSTRACT_SYNTAX, IMPLICIT))
            continue
        syntax = choose(context.transfer_syntaxes, KNOWN if wanted is Service.STORE else PLAIN)
        if syntax is None:
            results.append((context.number, NO_TRANSFER_SYNTAX, IMPLICIT))
            continue
        taken.append(Accepted(context.number, context.abstract_syntax, syntax))
        results.append((context.number, ACCEPTED, syntax))
    return taken, results


def choose(proposed: Sequence[str], known: Sequence[str] | frozenset[str]) -> str | None:
    """The sender's first, but among uncompressed ones the one that keeps the most (its VRs).

    A sender who has uncompressed data and names a lossy syntax last must not be made to use it.
    """
    possible = [syntax for syntax in proposed if syntax in known]
    if not possible:
        return None
    if possible[0] in NATIVE:
        return next(syntax for syntax in NATIVE if syntax in possible)
    return possible[0]
