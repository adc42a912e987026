"""The record of a site: what was commanded and done, how it felt, how late, and every event.

JSON lines, in files that are bounded and rotated; `replay.py` reads them. People
are their ids in the room: no name, no patient, no picture.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, TextIO

import msgspec
from msgspec import Struct

from clients.robot.agent import Record
from clients.robot.servo import Settings
from clients.robot.servo_messages import Status, clock_us
from control.errors import ControlError
from control.events import Event
from control.messages import Cause, Command, Mode, decode
from control.presets import preset
from control.vectors import Vector

FILE_BYTES_MAX = 16 * 1024 * 1024  # an hour of control
FILES_MAX = 64  # a gigabyte
IDLE_US = 1_000_000  # between rows while nobody has control

_encode = msgspec.json.encode


class Row(Struct, tag="row", kw_only=True):
    """One moment. Times in µs of the site's monotonic clock; SI units, base frame."""

    at_us: int
    mode: str
    cause: str
    epoch: int
    deadman: bool
    position: Vector
    orientation: tuple[float, float, float, float]
    force: Vector
    target: Vector | None  # of the newest command; none: nobody commands
    command_age_us: int | None
    round_trip_us: int | None
    picture_age_us: int | None
    late_us: int  # the servo's latest step since the row before


class Happening(Struct, tag="event", kw_only=True):
    """Something to know about, with its cause."""

    at_us: int
    kind: str
    cause: str
    text: str
    figures: dict[str, float]


class Beginning(Struct, tag="begin", kw_only=True):
    """The first line of a file: which clock, and what was allowed."""

    at_us: int
    unix_ms: int
    preset: str
    force_n: list[float]  # warn, soft, hard


Line = Row | Happening | Beginning


def beginning(settings: Settings) -> Beginning:
    """Of a record that begins now."""
    limits = preset(settings.preset, settings.centre, settings.outward).limits
    return Beginning(
        at_us=clock_us(),
        unix_ms=round(time.time() * 1000),
        preset=settings.preset,
        force_n=[limits.warn_n, limits.soft_n, limits.hard_n],
    )


class Kept(Record):
    """Below `folder`. What the disk does not take is lost, and control goes on."""

    def __init__(self, folder: Path, beginning: Beginning) -> None:
        self.folder = folder / "record"
        self._epoch = folder / "epoch"
        self._beginning = beginning
        self._file: TextIO | None = None
        self._idle_us = 0
        self._target: tuple[Vector, int] | None = None

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last_epoch(self) -> int:
        """That this site has used, before it was restarted."""
        try:
            return int(self._epoch.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def command(self, data: bytes, key: bytes, now_us: int) -> None:
        """The newest one; it is written with the next row."""
        with contextlib.suppress(ControlError):
            self._target = decode(data, Command, key).position, now_us

    def status(self, status: Status) -> None:
        """A row; while nobody has control, one a second."""
        if not status.holder:
            self._target = None
            if status.at_us - self._idle_us < IDLE_US:
                return
        self._idle_us = status.at_us
        target, came_us = self._target or (None, None)
        self._write(
            Row(
                at_us=status.at_us,
                mode=Mode(status.mode).name.lower(),
                cause=Cause(status.cause).name.lower(),
                epoch=status.epoch,
                deadman=status.deadman,
                position=_short(status.position),
                orientation=status.orientation,
                force=_short(status.force),
                target=target and _short(target),
                command_age_us=came_us and status.at_us - came_us,
                round_trip_us=status.round_trip_us,
                picture_age_us=status.picture_age_us,
                late_us=status.late_us,
            )
        )

    def event(self, event: Event) -> None:
        """At once on the disk: it may be the last word."""
        cause = Cause(event.cause).name.lower()
        self._write(
            Happening(
                at_us=event.at_us,
                kind=event.kind,
                cause=cause,
                text=event.text,
                figures=event.figures,
            )
        )
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.flush()
            if event.kind == "granted":
                self._epoch.write_text(f"{event.figures['epoch']:.0f}", encoding="ascii")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: Line) -> None:
        try:
            file = self._opened()
            file.write(_encode(line).decode() + "\n")
            if file.tell() > FILE_BYTES_MAX:
                self.close()
        except OSError:
            self.close()

    def _opened(self) -> TextIO:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in sorted(self.folder.glob("*.jsonl"))[: -(FILES_MAX - 1)]:
                old.unlink(missing_ok=True)
            name = time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + f"-{time.monotonic_ns()}.jsonl"
            self._file = (self.folder / name).open("x", encoding="utf-8")
            self._file.write(_encode(self._beginning).decode() + "\n")
        return self._file


def _short(vector: Vector) -> Vector:
    """A hundredth of a millimetre, or of a newton."""
    x, y, z = vector
    return round(x, 5), round(y, 5), round(z, 5)


_lines: Any = msgspec.json.Decoder(Line)


def read(path: Path) -> list[Line]:
    """All whole lines of a file; one that was cut off by a crash ends it."""
    lines: list[Line] = []
    with path.open("rb") as file:
        for text in file:
            try:
                lines.append(_lines.decode(text))
            except msgspec.DecodeError:
                break
    return lines
