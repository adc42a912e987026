"""C-MOVE as provider: PS3.7 9.1.4, PS3.4 C.4.2. Objects go out in the bytes they came in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dicom.archive import Archive, Instance
from dicom.dimse import identifier, status
from dicom.dimse.command import Message
from dicom.dimse.deliver import deliver
from dicom.nodes import Nodes
from dicom.query import Level

if TYPE_CHECKING:
    from dicom.dimse.association import Association

COUNT_MAX = 0xFFFF  # what the answers can say
KEYS = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.INSTANCE: "SOPInstanceUID",
}


def move(association: Association, message: Message, archive: Archive, nodes: Nodes) -> None:
    """Send what was asked for to a node that is listed."""
    syntax = association.context(message).transfer_syntax
    asked = association.identifier(message)
    node = association.node
    destination = nodes.destination(message.destination)
    if destination is None or node is None:
        association.send(message.response(status.MOVE_DESTINATION_UNKNOWN))
        return
    try:
        level, keys = identifier.read(asked, syntax)
        if not keys.get(KEYS[level]):
            raise identifier.IdentifierError(f"{KEYS[level]} is missing")
    except identifier.IdentifierError as error:
        association.send(message.response(status.FIND_MISMATCH, str(error)))
        return
    chosen = list(itertools.islice(_chosen(archive, node.institutions, keys), COUNT_MAX + 1))
    if len(chosen) > COUNT_MAX:
        association.send(message.response(status.MOVE_OUT_OF_RESOURCES, "too many instances"))
        return
    done = failed = 0
    caller, number = association.calling, message.message_id
    for _, trouble in deliver(archive, chosen, destination, message.destination, caller, number):
        done, failed = done + (not trouble), failed + bool(trouble)
        if association.cancelled(message):
            _answer(association, message, status.CANCELLED, len(chosen), done, failed)
            return
        if done + failed < len(chosen):
            _answer(association, message, status.PENDING, len(chosen), done, failed)
    last = status.MOVE_WARNING if failed else status.SUCCESS
    if failed and not done:
        last = status.MOVE_OUT_OF_RESOURCES
    _answer(association, message, last, len(chosen), done, failed)


def _chosen(
    archive: Archive, institutions: frozenset[str], keys: dict[str, str]
) -> Iterator[Instance]:
    match = {keyword: keys[keyword] for keyword in KEYS.values() if keys.get(keyword)}
    for offset in itertools.count(0, 1000):
        rows = archive.find(Level.INSTANCE, institutions, match, 1000, offset)
        yield from (archive.instance(institutions, row["SOPInstanceUID"]) for row in rows)
        if len(rows) < 1000:
            return


def _answer(
    association: Association, message: Message, code: int, whole: int, done: int, failed: int
) -> None:
    said = message.response(code)
    said.completed, said.failed, said.warned = done, failed, 0
    if code in (status.PENDING, status.CANCELLED):
        said.remaining = whole - done - failed
    association.send(said)
