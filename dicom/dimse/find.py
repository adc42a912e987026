"""C-FIND as provider: PS3.7 9.1.2, PS3.4 C.4.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicom.archive import Archive
from dicom.dimse import identifier, status
from dicom.dimse.command import Message
from dicom.query import RESULTS_MAX

if TYPE_CHECKING:
    from dicom.dimse.association import Association

FOUND_MAX = 20 * RESULTS_MAX  # of one request; who gets these asks for less


def find(association: Association, message: Message, archive: Archive) -> None:
    """Answer one query, page by page, until done, cancelled or too much."""
    syntax = association.context(message).transfer_syntax
    node = association.node
    asked = association.identifier(message)
    try:
        level, keys = identifier.read(asked, syntax)
    except identifier.IdentifierError as error:
        association.send(message.response(status.FIND_MISMATCH, str(error)))
        return
    institutions = node.institutions if node else frozenset[str]()
    for offset in range(0, FOUND_MAX, RESULTS_MAX):
        rows = archive.find(level, institutions, keys, offset=offset)
        for row in rows:
            if association.cancelled(message):
                association.send(message.response(status.CANCELLED))
                return
            match = identifier.write(keys, level, row, syntax)
            association.send(message.response(status.PENDING, has_data_set=True), match)
        if len(rows) < RESULTS_MAX:
            association.send(message.response(status.SUCCESS))
            return
    association.send(message.response(status.OUT_OF_RESOURCES, f"more than {FOUND_MAX} matches"))
