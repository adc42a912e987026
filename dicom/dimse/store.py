"""C-STORE as provider: PS3.7 9.1.1, PS3.4 annex B. The data set's bytes are never touched."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from dicom import writeback
from dicom.dimse import pdu, status
from dicom.dimse.command import Message
from dicom.errors import StorageFull
from dicom.ingest import Draft, Expected, Ingest, Outcome, Sender

if TYPE_CHECKING:
    from dicom.dimse.association import Association

log = structlog.get_logger("dicom.store")
LONG_HEAD, SHORT_HEAD = struct.Struct("<HH2sxxL"), struct.Struct("<HH2sH")


def store(association: Association, message: Message, ingest: Ingest) -> Outcome | None:
    """Take one object; answer when it is on the disk and in the index. None: it could not be."""
    node = association.node
    if node is None or not message.has_data_set:
        association.send(message.response(status.STORE_CANNOT_UNDERSTAND, "no data set"))
        return None
    syntax = association.context(message).transfer_syntax
    sender = Sender(node.institution, association.calling, node.charset)
    expected = Expected(message.sop_class, message.sop_instance)
    parts = association.data_set(message)
    try:
        draft = ingest.draft()
        try:
            digest = _receive(draft.path, header(expected, syntax), parts)
        except BaseException:
            ingest.discard(draft)
            raise
        outcome = _take(ingest, draft, sender, expected, digest)
    except StorageFull as error:
        log.error("not stored", why=str(error))
        for _ in parts:  # the rest still comes, and the peer waits for an answer
            pass
        association.send(message.response(status.OUT_OF_RESOURCES, str(error)))
        return None
    association.send(message.response(status.of(outcome), outcome.detail))
    return outcome


def _receive(path: Path, start: bytes, parts: Iterator[memoryview]) -> bytes:
    """Write the object as it comes; SHA-256 of its data set."""
    digest = hashlib.sha256()
    fd = os.open(path, os.O_WRONLY)
    try:
        _write(fd, memoryview(start))
        for part in parts:
            _write(fd, part)
            digest.update(part)
        writeback.begin(fd)
    finally:
        os.close(fd)
    return digest.digest()


def _take(
    ingest: Ingest, draft: Draft, sender: Sender, expected: Expected, digest: bytes
) -> Outcome:
    try:
        return ingest.take(draft, sender, expected, digest)
    except OSError as error:
        raise StorageFull("the disk does not work") from error


def header(expected: Expected, syntax: str) -> bytes:
    """What PS3.10 section 7.1 puts before a data set. The same for the same object, always."""
    body = LONG_HEAD.pack(2, 1, b"OB", 2) + b"\x00\x01"
    for number, vr, value in (
        (0x0002, b"UI", expected.sop_class),
        (0x0003, b"UI", expected.sop_instance),
        (0x0010, b"UI", syntax),
        (0x0012, b"UI", pdu.IMPLEMENTATION_UID),
        (0x0013, b"SH", pdu.IMPLEMENTATION_VERSION),
    ):
        data = value.encode("ascii", "replace")
        data += (b" " if vr == b"SH" else b"\0") * (len(data) % 2)
        body += SHORT_HEAD.pack(2, number, vr, len(data)) + data
    return (
        bytes(128) + b"DICM" + SHORT_HEAD.pack(2, 0, b"UL", 4) + struct.pack("<L", len(body)) + body
    )


def _write(fd: int, data: memoryview) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except OSError as error:
            raise StorageFull("the disk is full or broken") from error
