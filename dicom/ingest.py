"""From a file that came to an outcome: stored, there already, or in quarantine.

Invariant: `Outcome.kept` is said only when the object and its index row are on the disk, synced.
What is indexed under a UID is never replaced.

    submit: threads ──► read and judge, hash, fdatasync ──► queue ──► one thread: rename, sync the
                                                                      directory, index, commit

The one thread takes all that waits, so that instances that come together share three syncs.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog
from sqlalchemy.exc import OperationalError

from dicom import database, header
from dicom.errors import Refused, StorageFull
from dicom.index import Entry, IndexWriter, Known
from dicom.objects import LocalObjects, full_or
from dicom.quarantine import Quarantine

log = structlog.get_logger("dicom.ingest")

READERS = 8  # threads that wait for the disk, mostly
BATCH_MAX = 128
WAITING_MAX = 1024  # instances between receipt and commit; then senders wait
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


@dataclass
class _Waiting:
    """An object that has been judged and synced."""

    draft: Path
    sender: Sender
    entry: Entry
    done: Future[Outcome]


class Ingest:
    """The one way in. One for a data directory: it is the only writer.

    Write a DICOM file to `draft()`, then `submit` it. Safe to call from any thread; an asyncio
    program waits by `asyncio.wrap_future`. The draft is gone when the outcome is there.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = database.writing(database.url_of(root))
        database.migrate(self._engine)
        self._objects = LocalObjects(root / "objects")
        self._objects.prepare()
        self._index = IndexWriter(self._engine)
        self._quarantine = Quarantine(root / "quarantine")
        self._forget_unindexed()
        self._readers = ThreadPoolExecutor(READERS, "dicom-read")
        self._queue: queue.Queue[_Waiting | Callable[[], None] | None] = queue.Queue(WAITING_MAX)
        self._writer = threading.Thread(target=self._write, name="dicom-index", daemon=True)
        self._writer.start()

    def draft(self) -> Path:
        """Name a file for the caller to create and write."""
        return self._objects.draft()

    def submit(
        self, draft: Path, sender: Sender, expected: Expected | None = None
    ) -> Future[Outcome]:
        """Take a whole Part 10 file. The future raises StorageFull, and OSError of a bad disk."""
        done: Future[Outcome] = Future()
        self._readers.submit(self._read, draft, sender, expected or Expected(), done)
        return done

    def close(self) -> None:
        """Finish what was submitted."""
        self._readers.shutdown()
        self._queue.put(None)
        self._writer.join()
        self._engine.dispose()

    def _read(self, draft: Path, sender: Sender, expected: Expected, done: Future[Outcome]) -> None:
        try:
            try:
                found = header.read(draft, sender.fallback or None)
                expected.judge(found)
                digest = _digest_and_sync(draft, found.data_at)
            except Refused as refused:
                said = Outcome(
                    Kind.REFUSED,
                    expected.sop_class,
                    expected.sop_instance,
                    reason=refused.reason,
                    detail=str(refused),
                )
                self._queue.put(lambda: self._put_aside(draft, sender, said, done))
                return
            entry = Entry(sender.institution, found, digest, sender.ae, sender.fallback)
            self._queue.put(_Waiting(draft, sender, entry, done))
        except OSError as error:
            draft.unlink(missing_ok=True)
            done.set_exception(full_or(error))
        except BaseException as error:
            draft.unlink(missing_ok=True)
            done.set_exception(error)
            raise

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            batch: list[_Waiting] = []
            taken: _Waiting | Callable[[], None] | None = first
            while True:
                if isinstance(taken, _Waiting):
                    batch.append(taken)
                elif taken is None:
                    self._queue.put(None)  # after this batch
                    break
                else:
                    taken()
                if len(batch) >= BATCH_MAX or self._queue.empty():
                    break
                taken = self._queue.get()
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            known = self._index.known([one.entry for one in batch])
            fresh: dict[tuple[str, str], _Waiting] = {}
            later: list[_Waiting] = []
            for one, had in zip(batch, known, strict=True):
                name = (one.entry.institution, one.entry.header.sop_instance)
                if had is not None:
                    self._judge(one, had)
                elif name in fresh:
                    later.append(one)  # twice at once: the second meets the first in the index
                else:
                    fresh[name] = one
            if fresh:
                self._keep(list(fresh.values()))
            if later:
                self._commit(later)
        except BaseException as error:
            self._fail(batch, error)

    def _keep(self, fresh: list[_Waiting]) -> None:
        try:
            keys = self._objects.keep(one.draft for one in fresh)
        except BaseException as error:
            self._fail(fresh, error)
            return
        try:
            self._index.add([one.entry for one in fresh], keys)
        except BaseException as error:
            self._take_back(fresh, keys, error)
            return
        for one in fresh:
            one.done.set_result(_outcome(Kind.STORED, one))

    def _take_back(self, fresh: list[_Waiting], keys: list[str], error: BaseException) -> None:
        """Nothing of it was indexed: drafts again, each tried alone, so that one harms no other."""
        for one, key in zip(fresh, keys, strict=True):
            self._objects.path(key).rename(one.draft)
        if len(fresh) > 1:
            for one in fresh:
                self._keep([one])
        elif isinstance(error, Refused):
            one = fresh[0]
            said = _outcome(Kind.REFUSED, one, error.reason, str(error))
            self._put_aside(one.draft, one.sender, said, one.done)
        else:
            self._fail(fresh, error)

    def _judge(self, one: _Waiting, had: Known) -> None:
        found = one.entry
        if (found.digest, found.header.transfer_syntax) == (had.digest, had.transfer_syntax):
            one.draft.unlink()
            one.done.set_result(_outcome(Kind.ALREADY, one))
            return
        detail = "another object is stored under this SOP Instance UID; it stays"
        said = _outcome(Kind.CONFLICT, one, "conflict", detail)
        self._put_aside(one.draft, one.sender, said, one.done)

    def _put_aside(self, draft: Path, sender: Sender, said: Outcome, done: Future[Outcome]) -> None:
        try:
            row = self._quarantine.take(draft, sender.institution, sender.ae, said)
            self._index.quarantined(row)
            log.warning("quarantined", reason=said.reason, file=row["file"])
        except Exception as error:  # the sender is told no in any case
            log.error("not quarantined", reason=said.reason, error=type(error).__name__)
            draft.unlink(missing_ok=True)
        done.set_result(said)

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        log.error("not stored", count=len(batch), error=type(error).__name__)
        if isinstance(error, OperationalError) and any(
            word in str(error.orig) for word in ("full", "disk I/O")
        ):
            error = StorageFull("the disk is full")
        for one in batch:
            if not one.done.done():
                one.draft.unlink(missing_ok=True)
                one.done.set_exception(error)

    def _forget_unindexed(self) -> None:
        """Remove objects whose commit a crash came before: nobody was told that they are kept."""
        keys = list(self._objects.last_keys())
        for key in set(keys) - self._index.object_keys(keys):
            self._objects.remove(key)


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


def _digest_and_sync(path: Path, start: int) -> bytes:
    """SHA-256 of what follows `start`; then the file's data are on the disk."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
        os.fdatasync(file.fileno())
    return digest.digest()
