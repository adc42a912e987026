"""Keeps the record of a site on disk: each lease a file of its own, for whoever has to explain it.

The caller only puts things into a queue; a thread decodes, encodes and writes. What is wrong with
the disk is never an error of the caller's: it is told by `troubles`, and tried again.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from clients.robot.record import (
    SUFFIX,
    AnyLine,
    Beginning,
    Happening,
    commanded,
    happening,
    observed,
    state,
)
from clients.robot.record import Framed as FramedLine
from clients.robot.servo import Settings
from clients.robot.servo_messages import Status, clock_us
from control.events import Event
from control.presets import preset

FILE_BYTES = 16 << 20  # compressed, some 20 minutes of control; then the next part begins
ALL_BYTES = 1 << 30
FILES_MAX = 1000
QUEUE_MAX = 8192  # half a minute of a disk that does not answer
FLUSH_S = 1.0  # at most so much is lost with the agent
BATCH, PACE_S = 32, 0.05  # lines, and then a rest: 640 a second, twice what comes
AGAIN_S = 10.0  # after trouble
AFTER_US = 30_000_000  # motion is kept so long after control has ended
IDLE_US = 1_000_000  # between states while nothing is
CLOSE_S = 5.0

_encode = msgspec.json.encode


class Record:
    """What the agent tells of what happens; this one keeps nothing."""

    def command(self, data: bytes, key: bytes, now_us: int) -> None:
        """A datagram from the holder, under the key of her lease."""

    def observed(self, data: bytes) -> None:
        """What the consoles are told."""

    def frame(self, rtp: int, captured_us: int) -> None:
        """An ultrasound picture goes out."""

    def event(self, event: Event) -> None: ...
    def status(self, status: Status) -> None: ...

    def troubles(self) -> list[str]:
        """What could not be kept, and that it is again, since the last time."""
        return []


class _Command(NamedTuple):
    data: bytes
    key: bytes
    at_us: int


class Recorder(Record):
    """Below `folder`: `record/`, and `epoch` with the number of the last grant."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        file_bytes: int = FILE_BYTES,
        all_bytes: int = ALL_BYTES,
    ) -> None:
        self._disk = _Disk(folder, settings, file_bytes, all_bytes)
        self._last_epoch = self._disk.epoch
        self._queue: queue.SimpleQueue[_Command | bytes | AnyLine | None] = queue.SimpleQueue()
        self._moves = False  # commands, observations and frames are kept
        self._until_us = 0
        self._idle_us = 0
        self._late_us = 0
        self._full = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="record", daemon=True)
        self._thread.start()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last_epoch(self) -> int:
        """That this site has used, before it was restarted."""
        return self._last_epoch

    def command(self, data: bytes, key: bytes, now_us: int) -> None:
        if self._moves:
            self._put(_Command(data, key, now_us))

    def observed(self, data: bytes) -> None:
        if self._moves:
            self._put(data)

    def frame(self, rtp: int, captured_us: int) -> None:
        if self._moves:
            self._put(FramedLine(at_us=captured_us, rtp=rtp))

    def event(self, event: Event) -> None:
        self._put(happening(event))

    def status(self, status: Status) -> None:
        """Each while somebody has control, one a second otherwise."""
        self._late_us = max(self._late_us, status.late_us)
        if status.holder:
            self._until_us = status.at_us + AFTER_US
        self._moves = status.at_us < self._until_us
        if self._moves or status.at_us - self._idle_us >= IDLE_US:
            self._idle_us = status.at_us
            self._put(state(status, self._late_us))
            self._late_us = 0

    def troubles(self) -> list[str]:
        told = []
        while not self._disk.troubles.empty():
            told.append(self._disk.troubles.get())
        return told

    def close(self) -> None:
        """What is queued is written, if the disk lets it."""
        self._over.set()
        self._queue.put(None)
        self._thread.join(CLOSE_S)

    def _put(self, item: _Command | bytes | AnyLine) -> None:
        if self._queue.qsize() < QUEUE_MAX:
            self._full = False
            self._queue.put(item)
        elif not self._full:
            self._full = True
            self._disk.troubles.put("the disk does not keep up")

    def _write(self) -> None:
        """A few together, and then a while nothing, so that the agent's own thread goes first."""
        while True:
            for item in self._batch():
                if item is None:
                    self._disk.close()
                    return
                if line := _line(item):
                    self._disk.keep(line)
            self._disk.flush()
            self._over.wait(PACE_S)

    def _batch(self) -> Iterator[_Command | bytes | AnyLine | None]:
        with contextlib.suppress(queue.Empty):
            yield self._queue.get(timeout=FLUSH_S)
            for _ in range(BATCH):
                yield self._queue.get_nowait()


def _line(item: _Command | bytes | AnyLine) -> AnyLine | None:
    if isinstance(item, _Command):
        return commanded(*item)
    return observed(item) if isinstance(item, bytes) else item


class _Disk:
    """The thread's. Whatever fails is told once, and tried again after a while."""

    def __init__(self, folder: Path, settings: Settings, file_bytes: int, all_bytes: int) -> None:
        self.folder = folder / "record"
        self.epoch_file = folder / "epoch"
        self.troubles: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._settings = settings
        self._file_bytes, self._all_bytes = file_bytes, all_bytes
        self._out: _File | None = None
        self.epoch, self._part = self._read_epoch(), 0
        self._failing = self._told = False
        self._again_s = 0.0

    def keep(self, line: AnyLine) -> None:
        """A grant begins a new file, and its number is kept by itself."""
        with self._trying():
            if isinstance(line, Happening) and line.kind == "granted":
                self.close()
                self.epoch, self._part = int(line.figures["epoch"]), 0
                self._told = False
                with self._trying():
                    self._remember_epoch()
                self._again_s = 0.0
            if self._failing and time.monotonic() < self._again_s:
                return
            if self._out and self._out.size > self._file_bytes:
                self.close()
            self._out = out = self._out or self._new(line.at_us)
            out.write(line)
            if isinstance(line, Happening):
                out.flush()  # it may be the last word

    def flush(self) -> None:
        """Once in a while."""
        with self._trying():
            if self._out and time.monotonic() - self._out.flushed_s > FLUSH_S:
                self._out.flush()

    def close(self) -> None:
        with self._trying():
            out, self._out = self._out, None
            if out:
                out.close()

    @contextlib.contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            out, self._out = self._out, None
            if out:
                out.give_up()
            self._failing, self._again_s = True, time.monotonic() + AGAIN_S
            if not self._told:
                self._told = True
                self.troubles.put(_words(error))

    def _new(self, at_us: int) -> _File:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget()
        settings = self._settings
        limits = preset(settings.preset, settings.centre, settings.outward).limits
        self._part += 1
        unix_us = time.time_ns() // 1000 - (clock_us() - at_us)
        begins = Beginning(
            at_us=at_us,
            unix_ms=unix_us // 1000,
            epoch=self.epoch,
            part=self._part,
            preset=settings.preset,
            force_n=(limits.warn_n, limits.soft_n, limits.hard_n),
        )
        out = _File(self.folder, begins)
        if self._failing:
            self._failing = self._told = False
            self.troubles.put("kept again")
        return out

    def _forget(self) -> None:
        """The oldest; names begin with the time."""
        files = sorted(self.folder.glob(f"*{SUFFIX}"), reverse=True)
        size = self._file_bytes  # of the one that begins
        for number, path in enumerate(files, 1):
            size += path.stat().st_size
            if size > self._all_bytes or number >= FILES_MAX:
                path.unlink(missing_ok=True)

    def _read_epoch(self) -> int:
        try:
            return int(self.epoch_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def _remember_epoch(self) -> None:
        """Whole, or as it was."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        new = self.epoch_file.with_suffix(".new")
        new.write_text(str(self.epoch), encoding="ascii")
        new.replace(self.epoch_file)


class _File:
    """One that is being written; readable up to its last second at any time."""

    def __init__(self, folder: Path, begins: Beginning) -> None:
        when = time.strftime("%Y%m%dT%H%M%S", time.gmtime(begins.unix_ms // 1000))
        now_us = clock_us()
        self._path = folder / f"{when}-{begins.epoch}-{begins.part}-{now_us:x}{SUFFIX}"
        self._raw = open(self._path, "xb", opener=_private)  # noqa: SIM115
        self._gzip = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=1, mtime=0)
        self.flushed_s = time.monotonic()
        self.write(begins)
        self.flush()
        self._begins = True  # and nothing more is on the disk

    @property
    def size(self) -> int:
        return self._raw.tell()

    def write(self, line: AnyLine) -> None:
        self._gzip.write(_encode(line) + b"\n")

    def flush(self) -> None:
        """For whoever reads it now."""
        self._gzip.flush()
        self._raw.flush()
        self._begins = False
        self.flushed_s = time.monotonic()

    def close(self) -> None:
        try:
            self._gzip.close()
        finally:
            self._raw.close()

    def give_up(self) -> None:
        """The disk takes no more. A file that tells nothing shall not push out one that does."""
        with contextlib.suppress(OSError):
            self._raw.close()
        with contextlib.suppress(OSError):
            if self._begins:
                self._path.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full"
    return f"not kept: {error.strerror or error}"
