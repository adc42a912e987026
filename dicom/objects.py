"""Where the bytes of objects lie: local files behind an interface that another store could take.

A name is made here and says nothing of what is inside. A file appears under its name whole and
synced, or not at all: it is written as a draft, its data synced, renamed, and its directory synced
(`keep` does the last two for many at once). Names count directories upwards, one for each start
and for each `FILES_PER_DIRECTORY`: what a crash may leave unindexed lies in the last one.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from dicom.errors import NotFound, StorageFull

FILES_PER_DIRECTORY = 4096
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Objects(Protocol):
    """A store of immutable files under keys of its own."""

    def draft(self) -> Path:
        """Name a file that does not exist yet, to be written and then kept or discarded."""

    def keep(self, drafts: Iterable[Path]) -> list[str]:
        """Make synced drafts durable; their keys. Raises StorageFull and OSError, keeping none."""

    def open(self, key: str) -> BinaryIO:
        """Read it from the start; the caller closes. Raises NotFound."""

    def size(self, key: str) -> int:
        """Its bytes. Raises NotFound."""

    def remove(self, key: str) -> None:
        """Forget it, if it is there."""


class LocalObjects:
    """Files below one directory: `incoming/` for drafts, then `000012/0a1b…` by number."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._number = 0
        self._used = FILES_PER_DIRECTORY

    def prepare(self) -> None:
        """Make the directories, and throw away drafts of a run before: nobody was told of them."""
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._incoming.iterdir():
            left.unlink()
        self._number = max(self._numbers(), default=0)
        sync_directory(self._root)
        sync_directory(self._root.parent)

    def draft(self) -> Path:
        return self._incoming / secrets.token_hex(16)

    def keep(self, drafts: Iterable[Path]) -> list[str]:
        directory = self._directory()
        keys: list[str] = []
        try:
            for draft in drafts:
                keys.append(f"{directory.name}/{draft.name}")
                draft.rename(self._root / keys[-1])
            sync_directory(directory)
        except OSError as error:
            for key in keys:
                self.remove(key)
            raise full_or(error) from error
        self._used += len(keys)
        return keys

    def open(self, key: str) -> BinaryIO:
        try:
            return (self._root / key).open("rb")
        except FileNotFoundError:
            raise NotFound("the object's file is not there") from None

    def size(self, key: str) -> int:
        try:
            return (self._root / key).stat().st_size
        except FileNotFoundError:
            raise NotFound("the object's file is not there") from None

    def remove(self, key: str) -> None:
        (self._root / key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Where it lies, for who can only read files. Not part of the interface."""
        return self._root / key

    def last_keys(self) -> Iterator[str]:
        """Keys in the last directory: the only ones that a crash can have left unindexed."""
        if self._number:
            name = f"{self._number:06d}"
            yield from (f"{name}/{path.name}" for path in (self._root / name).iterdir())

    def _directory(self) -> Path:
        if self._used >= FILES_PER_DIRECTORY:
            self._number += 1
            (self._root / f"{self._number:06d}").mkdir(mode=0o700)
            sync_directory(self._root)
            self._used = 0
        return self._root / f"{self._number:06d}"

    def _numbers(self) -> Iterator[int]:
        return (int(path.name) for path in self._root.iterdir() if path.name.isdecimal())


def sync_directory(path: Path) -> None:
    """Make the names in it durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def full_or(error: OSError) -> Exception:
    """StorageFull where that is what the error says, else the error."""
    return StorageFull("the disk is full") if error.errno in FULL else error
