"""From a file that came to an outcome: stored, there already, or in quarantine.

Invariant: `Outcome.kept` is said only when the object and its index row are on the disk, synced.
What is indexed under a UID is never replaced.

    take: read and judge, hash, sync the file ──► waiting ──► index, commit (also a sync)

Whoever finds the index free commits for all that wait, so that instances that come together share
a commit and one that comes alone waits for nobody.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

from dicom import database, header
from dicom.errors import DicomError, Refused, StorageFull
from dicom.index import Entry, IndexWriter
from dicom.objects import LocalObjects
from dicom.quarantine import Quarantine

log = structlog.get_logger("dicom.ingest")

SUBMITTED_AT_ONCE = 8
BATCH_MAX = 128
CHUNK_BYTES = 1 << 20


class Kind(StrEnum):
    """What became of an object."""

    STORED = "stored"
    ALREADY = "already there"  # the same data set: as good as stored
    CONFLICT = "conflict"  # another data set under the same UID
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What the sender is told. `reason` and `detail` say why it was not kept."""

    kind: Kind
    sop_class: str = ""
    sop_instance: str = ""
    study: str = ""
    series: str = ""
    reason: str = ""
    detail: str = ""

    @property
    def kept(self) -> bool:
        """On the disk for good, object and index."""
        return self.kind in (Kind.STORED, Kind.ALREADY)


@dataclass(frozen=True)
class Sender:
    """Whose object it is and who sent it. `fallback`: charset of text that says none."""

    institution: str
    ae: str = ""
    fallback: str = ""


@dataclass(frozen=True)
class Expected:
    """What the sender said outside of the object; empty where it said nothing."""

    sop_class: str = ""
    sop_instance: str = ""
    study: str = ""

    def judge(self, found: header.Header) -> None:
        """Raises Refused where the object says otherwise."""
        for said, keyword in (
            (self.sop_class, "SOPClassUID"),
            (self.sop_instance, "SOPInstanceUID"),
            (self.study, "StudyInstanceUID"),
        ):
            if said and said != found.text[keyword]:
                raise Refused("mismatch", f"{keyword} is not what was announced")


@dataclass(frozen=True)
class Draft:
    """A file for the caller to write to, and then to hand in or to discard."""

    key: str
    path: Path


@dataclass(frozen=True, eq=False)
class _Waiting:
    """An object that has been judged and synced, until its outcome is known."""

    draft: Draft
    sender: Sender
    entry: Entry
    done: Future[Outcome]


class Ingest:
    """The one way in. One for a data directory: it is the only writer.

    Write a Part 10 file to `draft().path`, then `take` it, or `submit` it from asyncio and wait by
    `asyncio.wrap_future`. Either way the draft is not the caller's any more. Safe for threads.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._alone = _lock(root / "lock")
        self._engine = database.writing(database.url_of(root))
        database.migrate(self._engine)
        self._objects = LocalObjects(root / "objects")
        self._objects.prepare()
        self._index = IndexWriter(self._engine)
        self._quarantine = Quarantine(root / "quarantine")
        self._forget_unindexed()
        self._takers = ThreadPoolExecutor(SUBMITTED_AT_ONCE, "dicom-take")
        self._waiting: deque[_Waiting] = deque()
        self._writing = threading.Lock()  # over the index and the quarantine

    def draft(self) -> Draft:
        """An empty file. Raises StorageFull."""
        key = self._objects.draft()
        return Draft(key, self._objects.path(key))

    def discard(self, draft: Draft) -> None:
        """Forget a draft that will not be handed in."""
        self._objects.remove(draft.key)

    def take(
        self,
        draft: Draft,
        sender: Sender,
        expected: Expected | None = None,
        digest: bytes | None = None,
    ) -> Outcome:
        """Take a whole file; waits. `digest`: SHA-256 of its data set, where the caller knows it.

        Raises StorageFull, and OSError of a bad disk: then nothing was kept.
        """
        try:
            found = header.read(draft.path, sender.fallback or None)
            (expected or Expected()).judge(found)
            entry = Entry(
                sender.institution,
                found,
                digest or _digest(draft.path, found.data_at),
                draft.key,
                sender.ae,
                sender.fallback,
            )
            self._objects.keep(draft.key)
        except Refused as refused:
            said = _refusal(refused, expected or Expected())
            with self._writing:
                return self._put_aside(draft, sender, said)
        except BaseException:
            self.discard(draft)
            raise
        waiting = _Waiting(draft, sender, entry, Future())
        self._waiting.append(waiting)
        with self._writing:
            while not waiting.done.done():
                self._commit([self._waiting.popleft() for _ in self._next_batch()])
        return waiting.done.result()

    def submit(
        self,
        draft: Draft,
        sender: Sender,
        expected: Expected | None = None,
        digest: bytes | None = None,
    ) -> Future[Outcome]:
        """The same, without waiting."""
        return self._takers.submit(self.take, draft, sender, expected, digest)

    def close(self) -> None:
        """Finish what was submitted."""
        self._takers.shutdown()
        self._objects.close()
        self._index.close()
        self._engine.dispose()
        self._alone.close()

    def _next_batch(self) -> range:
        return range(min(len(self._waiting), BATCH_MAX))

    def _commit(self, batch: list[_Waiting]) -> None:
        """Index the batch. Sets each one's outcome."""
        try:
            first = {(one.entry.institution, one.entry.uid): one for one in reversed(batch)}
            later = [one for one in batch if one not in set(first.values())]
            self._add(list(first.values()))
            if later:  # the same UID twice at once: the second meets the first in the index
                self._commit(later)
        except BaseException as error:
            self._fail(batch, error)
            if not isinstance(error, Exception):
                raise

    def _add(self, batch: list[_Waiting]) -> None:
        try:
            self._index.add([one.entry for one in batch])
        except IntegrityError:
            self._judge_known(batch)
        except Refused as refused:
            if len(batch) > 1:
                for one in batch:
                    self._add([one])  # so that one harms no other
            else:
                said = _outcome(Kind.REFUSED, batch[0], refused.reason, str(refused))
                batch[0].done.set_result(self._put_aside(batch[0].draft, batch[0].sender, said))
        else:
            for one in batch:
                one.done.set_result(_outcome(Kind.STORED, one))

    def _judge_known(self, batch: list[_Waiting]) -> None:
        """Some are indexed already: the same ones, or others under the same UID."""
        known = self._index.known([one.entry for one in batch])
        fresh: list[_Waiting] = []
        for one, had in zip(batch, known, strict=True):
            found = one.entry
            if had is None:
                fresh.append(one)
            elif (found.digest, found.header.transfer_syntax) == (had.digest, had.transfer_syntax):
                self.discard(one.draft)
                one.done.set_result(_outcome(Kind.ALREADY, one))
            else:
                detail = "another object is stored under this SOP Instance UID; it stays"
                said = _outcome(Kind.CONFLICT, one, "conflict", detail)
                one.done.set_result(self._put_aside(one.draft, one.sender, said))
        if len(fresh) == len(batch):
            raise RuntimeError("the index refuses what it does not have")
        if fresh:
            self._add(fresh)

    def _put_aside(self, draft: Draft, sender: Sender, said: Outcome) -> Outcome:
        try:
            row = self._quarantine.take(draft.path, sender.institution, sender.ae, said)
            self._index.quarantined(row)
            log.warning("quarantined", reason=said.reason, file=row["file"])
        except Exception as error:  # the sender is told no in any case
            log.error("not quarantined", reason=said.reason, error=type(error).__name__)
            self.discard(draft)
        return said

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        log.error("not stored", count=len(batch), error=type(error).__name__)
        if isinstance(error, OperationalError) and any(
            word in str(error.orig) for word in ("full", "disk I/O")
        ):
            error = StorageFull("the disk is full")
        for one in batch:
            if not one.done.done():
                self.discard(one.draft)
                one.done.set_exception(error)

    def _forget_unindexed(self) -> None:
        """Remove drafts and what a crash came before: nobody was told that they are kept."""
        keys = list(self._objects.last_keys())
        for key in set(keys) - self._index.object_keys(keys):
            self._objects.remove(key)


def _lock(path: Path) -> TextIO:
    """Held while the file is open: a second writer would take the first's drafts for rubbish."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DicomError(f"another server stores into {path.parent}: stop it first") from None
    return file


def _outcome(kind: Kind, one: _Waiting, reason: str = "", detail: str = "") -> Outcome:
    text = one.entry.header.text
    return Outcome(
        kind,
        text["SOPClassUID"],
        text["SOPInstanceUID"],
        text["StudyInstanceUID"],
        text["SeriesInstanceUID"],
        reason,
        detail,
    )


def _refusal(refused: Refused, expected: Expected) -> Outcome:
    return Outcome(
        Kind.REFUSED,
        expected.sop_class,
        expected.sop_instance,
        reason=refused.reason,
        detail=str(refused),
    )


def _digest(path: Path, start: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()
