"""Where the bytes of objects lie: local files behind an interface that another store could take.

A name is made here, says nothing of what is inside, and is on the disk before a byte is written
under it: names are made many at a time, with one sync of their directory, so that an object costs
one sync of its own. A file counts as soon as the index has its key; what the index does not know
was promised to nobody. Directories are numbered upwards and each start begins a new one, so what a
crash leaves behind lies in the last ones.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from dicom.errors import NotFound, StorageFull

FILES_PER_DIRECTORY = 4096
NAMES_AHEAD = 64  # with one sync
NAMES_LEAST = 32  # more are made beside the storing then: four associations take 20 meanwhile
SWEPT_DIRECTORIES = 3  # a draft that was still written while these filled leaks its bytes at most
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Objects(Protocol):
    """A store of immutable files under keys of its own."""

    def draft(self) -> str:
        """A new key. Its file is there, empty, and its name durable. Raises StorageFull."""

    def path(self, key: str) -> Path:
        """A local file to write a draft to, or to read."""

    def keep(self, key: str) -> None:
        """Make what was written durable. Raises StorageFull."""

    def open(self, key: str) -> BinaryIO:
        """Read it from the start; the caller closes. Raises NotFound."""

    def remove(self, key: str) -> None:
        """Forget it, if it is there."""


class LocalObjects:
    """Files below one directory, as `000012/0a1b…`. Safe for threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._number = 0
        self._used = FILES_PER_DIRECTORY
        self._ahead: deque[str] = deque()
        self._making = threading.Lock()
        self._maker: threading.Thread | None = None

    def prepare(self) -> None:
        """For who writes: make the directory, and find where to go on."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(self._root.parent)
        self._number = max(self._numbers(), default=0)

    def draft(self) -> str:
        while True:
            try:
                key = self._ahead.popleft()
            except IndexError:
                with self._making:
                    if not self._ahead:
                        self._make_names()
                continue
            if len(self._ahead) == NAMES_LEAST:
                self._maker = threading.Thread(target=self._make_more, name="dicom-names")
                self._maker.start()
            return key

    def close(self) -> None:
        """For who writes: finish."""
        if self._maker is not None:
            self._maker.join()

    def keep(self, key: str) -> None:
        try:
            fd = os.open(self._root / key, os.O_RDONLY)
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise full_or(error) from error

    def open(self, key: str) -> BinaryIO:
        try:
            return (self._root / key).open("rb")
        except FileNotFoundError:
            raise NotFound("the object's file is not there") from None

    def remove(self, key: str) -> None:
        (self._root / key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        return self._root / key

    def last_keys(self) -> Iterator[str]:
        """Keys in the last directories: the only ones that a crash can have left unindexed."""
        for number in sorted(self._numbers())[-SWEPT_DIRECTORIES:]:
            name = f"{number:06d}"
            yield from (f"{name}/{path.name}" for path in (self._root / name).iterdir())

    def _make_more(self) -> None:
        with self._making, contextlib.suppress(OSError, StorageFull):  # who finds none is told
            if len(self._ahead) <= NAMES_LEAST:
                self._make_names()

    def _make_names(self) -> None:
        """By who holds `_making`."""
        try:
            if self._used >= FILES_PER_DIRECTORY:
                self._number += 1
                (self._root / f"{self._number:06d}").mkdir(mode=0o700, exist_ok=True)
                sync_directory(self._root)
                self._used = 0
            directory = self._root / f"{self._number:06d}"
            names = [secrets.token_hex(16) for _ in range(NAMES_AHEAD)]
            with _opened(directory) as there:
                for name in names:
                    os.close(
                        os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=there)
                    )
                os.fsync(there)
        except OSError as error:
            raise full_or(error) from error
        self._used += NAMES_AHEAD
        self._ahead.extend(f"{directory.name}/{name}" for name in names)

    def _numbers(self) -> Iterator[int]:
        return (int(path.name) for path in self._root.iterdir() if path.name.isdecimal())


def sync_directory(path: Path) -> None:
    """Make the names in it durable."""
    with _opened(path) as there:
        os.fsync(there)


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    there = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield there
    finally:
        os.close(there)


def full_or(error: OSError) -> Exception:
    """StorageFull where that is what the error says, else the error."""
    return StorageFull("the disk is full") if error.errno in FULL else error
