"""C-MOVE as provider: PS3.7 9.1.4, PS3.4 C.4.2. Objects go out in the bytes they came in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import structlog

from dicom.archive import Archive, Instance
from dicom.dimse import identifier, status
from dicom.dimse.command import Message
from dicom.dimse.pdu import CONTEXTS_MAX, PduError
from dicom.dimse.sender import Kind, Sender, SendError
from dicom.errors import NotFound
from dicom.nodes import Node, Nodes
from dicom.query import Level

if TYPE_CHECKING:
    from dicom.dimse.association import Association

log = structlog.get_logger("dicom.move")
COUNT_MAX = 0xFFFF  # what the answers can say
AE_TITLE = "DISTAL"
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
    chosen = list(itertools.islice(_chosen(archive, {node.institution}, keys), COUNT_MAX + 1))
    if len(chosen) > COUNT_MAX:
        association.send(message.response(status.MOVE_OUT_OF_RESOURCES, "too many instances"))
        return
    done = failed = 0
    for sent in _sent(association, message, destination, chosen, archive):
        done, failed = done + sent, failed + (not sent)
        if association.cancelled(message):
            _answer(association, message, status.CANCELLED, len(chosen), done, failed)
            return
        if done + failed < len(chosen):
            _answer(association, message, status.PENDING, len(chosen), done, failed)
    last = status.MOVE_WARNING if failed else status.SUCCESS
    if failed and not done:
        last = status.MOVE_OUT_OF_RESOURCES
    _answer(association, message, last, len(chosen), done, failed)


def _chosen(archive: Archive, institutions: set[str], keys: dict[str, str]) -> Iterator[Instance]:
    match = {keyword: keys[keyword] for keyword in KEYS.values() if keys.get(keyword)}
    for offset in itertools.count(0, 1000):
        rows = archive.find(Level.INSTANCE, institutions, match, 1000, offset)
        yield from (archive.instance(institutions, row["SOPInstanceUID"]) for row in rows)
        if len(rows) < 1000:
            return


def _sent(
    association: Association,
    message: Message,
    destination: Node,
    chosen: Sequence[Instance],
    archive: Archive,
) -> Iterator[bool]:
    """Whether each went out; in as many associations as its kinds need."""
    kinds = sorted({_kind(one) for one in chosen})
    for start in range(0, len(kinds), CONTEXTS_MAX):
        some = kinds[start : start + CONTEXTS_MAX]
        wanted = [one for one in chosen if _kind(one) in some]
        sent = 0
        try:
            address = (destination.host, destination.port)
            with Sender(address, message.destination, AE_TITLE, some) as out:
                for one in wanted:
                    yield _send(out, one, archive, association.calling, message.message_id)
                    sent += 1
        except (SendError, PduError, OSError) as error:
            log.warning("not sent", count=len(wanted) - sent, error=type(error).__name__)
            yield from (False for _ in wanted[sent:])


def _send(out: Sender, one: Instance, archive: Archive, ae: str, message: int) -> bool:
    try:
        file = archive.open(one)
    except NotFound:
        return False
    with file:
        file.seek(one.data_at)
        code = out.store(_kind(one), one.uid, file, ae, message)
    return code is not None and (code == status.SUCCESS or code & 0xF000 == 0xB000)


def _kind(one: Instance) -> Kind:
    return one.sop_class, one.transfer_syntax


def _answer(
    association: Association, message: Message, code: int, whole: int, done: int, failed: int
) -> None:
    said = message.response(code)
    said.completed, said.failed, said.warned = done, failed, 0
    if code in (status.PENDING, status.CANCELLED):
        said.remaining = whole - done - failed
    association.send(said)
