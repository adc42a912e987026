"""Stored objects to another node, by C-STORE as user, in the bytes they came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog

from dicom.archive import Archive, Instance
from dicom.dimse import status
from dicom.dimse.pdu import CONTEXTS_MAX, PduError
from dicom.dimse.sender import Kind, Sender, SendError
from dicom.errors import NotFound
from dicom.nodes import Node

log = structlog.get_logger("dicom.deliver")
AE_TITLE = "DISTAL"
UNREACHED = "not reached: "  # begins what may be tried again


def deliver(
    archive: Archive,
    chosen: Sequence[Instance],
    node: Node,
    called: str,
    originator: str = "",
    message: int = 0,
) -> Iterator[tuple[Instance, str]]:
    """Send each; what was wrong with it, empty where the node took it.

    In as many associations as its kinds need. `originator` and `message` are of a C-MOVE.
    """
    kinds = sorted({_kind(one) for one in chosen})
    for start in range(0, len(kinds), CONTEXTS_MAX):
        some = kinds[start : start + CONTEXTS_MAX]
        wanted = [one for one in chosen if _kind(one) in some]
        sent = 0
        try:
            with Sender((node.host, node.port), called, AE_TITLE, some) as out:
                for one in wanted:
                    trouble = _send(out, one, archive, originator, message)
                    sent += 1
                    yield one, trouble
        except (SendError, PduError, OSError) as error:
            log.warning("not sent", count=len(wanted) - sent, error=type(error).__name__)
            said = str(error) if isinstance(error, SendError | PduError) else "no connection"
            yield from ((one, f"{UNREACHED}{said}") for one in wanted[sent:])


def _send(out: Sender, one: Instance, archive: Archive, originator: str, message: int) -> str:
    try:
        file = archive.open(one)
    except NotFound:
        return "its file is not there"
    with file:
        file.seek(one.data_at)
        code = out.store(_kind(one), one.uid, file, originator, message)
    if code is None:
        return "the node does not take this kind"
    return "" if code == status.SUCCESS or code & 0xF000 == 0xB000 else f"refused: {code:04X}"


def _kind(one: Instance) -> Kind:
    return one.sop_class, one.transfer_syntax
