"""What the record of a site says: lines of JSON, one type for each kind of line.

Times are µs of the site's monotonic clock, figures are SI, places in the arm's base frame. People
are their ids in the room: no name, no patient, no picture, no key. The recorder (recorder.py)
writes it, `replay.py` tells it.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
from msgspec import Struct

from clients.robot.servo_messages import Status
from control.errors import ControlError
from control.events import Event
from control.messages import Cause, Command, Mode, Observation, Quaternion, unpack
from control.vectors import Vector

SUFFIX = ".jsonl.gz"
LINE_BYTES_MAX = 65_536  # of a file that is no record


class NotARecord(Exception):
    """The file does not begin as a record does."""


class Line(Struct, kw_only=True, tag_field="type"):
    """Each has its time."""

    at_us: int


class Beginning(Line, tag="begin"):
    """The first line of a file: which clock, whose lease, and what was allowed."""

    unix_ms: int
    epoch: int
    part: int
    preset: str
    force_n: tuple[float, float, float]  # warn, soft, hard


class Commanded(Line, tag="command"):
    """What the holder's console asked for, when it came to the site."""

    flags: int
    epoch: int
    sequence: int
    sent_us: int  # by the console's clock
    seen_sequence: int
    seen_rtp: int
    position: Vector
    orientation: Quaternion
    velocity: Vector
    turning: Vector
    energy_j: float


class Observed(Line, tag="seen"):
    """What the robot told of itself, when it did."""

    held: int
    epoch: int
    sequence: int
    applied_sequence: int
    applied_age_us: int
    mode: str
    cause: str
    position: Vector
    orientation: Quaternion
    force: Vector
    torque: Vector
    energy_j: float


class Framed(Line, tag="frame"):
    """An ultrasound picture went out with this timestamp; `at_us`: captured."""

    rtp: int


class State(Line, tag="state"):
    """What the robot's rules thought."""

    mode: str
    cause: str
    holder: str
    epoch: int
    deadman: bool
    stopped: str
    fault: str
    round_trip_us: int | None
    picture_age_us: int | None
    speed: float
    position: Vector
    force: Vector
    late_us: int  # the servo's latest step since the state before


class Happening(Line, tag="event"):
    """Something to know about, with its cause."""

    kind: str
    cause: str
    text: str
    figures: dict[str, float]


AnyLine = Beginning | Commanded | Observed | Framed | State | Happening


def commanded(data: bytes, key: bytes, at_us: int) -> Commanded | None:
    """None: it is not the holder's, or no figures; the robot refuses it too, and says so."""
    with contextlib.suppress(ControlError):
        values = unpack(data, Command, key)
        figures = _short(values[8:22])
        if math.isfinite(sum(figures)):
            return Commanded(
                at_us=at_us,
                flags=values[2],
                epoch=values[3],
                sequence=values[4],
                sent_us=values[5],
                seen_sequence=values[6],
                seen_rtp=values[7],
                position=figures[0:3],
                orientation=figures[3:7],
                velocity=figures[7:10],
                turning=figures[10:13],
                energy_j=figures[13],
            )
    return None


def observed(data: bytes) -> Observed | None:
    """The robot's own word; None: it is none."""
    with contextlib.suppress(ControlError, ValueError):
        values = unpack(data, Observation, None)
        figures = _short(values[10:24])
        return Observed(
            at_us=values[5],
            held=values[2],
            epoch=values[3],
            sequence=values[4],
            applied_sequence=values[6],
            applied_age_us=values[7],
            mode=Mode(values[8]).name.lower(),
            cause=Cause(values[9]).name.lower(),
            position=figures[0:3],
            orientation=figures[3:7],
            force=figures[7:10],
            torque=figures[10:13],
            energy_j=figures[13],
        )
    return None


def state(status: Status, late_us: int) -> State:
    return State(
        at_us=status.at_us,
        mode=Mode(status.mode).name.lower(),
        cause=Cause(status.cause).name.lower(),
        holder=status.holder,
        epoch=status.epoch,
        deadman=status.deadman,
        stopped=status.stopped,
        fault=status.fault,
        round_trip_us=status.round_trip_us,
        picture_age_us=status.picture_age_us,
        speed=round(status.speed, 3),
        position=_short(status.position),
        force=_short(status.force),
        late_us=late_us,
    )


def happening(event: Event) -> Happening:
    return Happening(
        at_us=event.at_us,
        kind=event.kind,
        cause=Cause(event.cause).name.lower(),
        text=event.text,
        figures=event.figures,
    )


def _short(figures: Sequence[float]) -> Any:
    """As a tuple; a hundredth of a millimetre is enough."""
    return tuple([round(figure, 5) for figure in figures])


_lines: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)


class Reader:
    """One file, line by line; `begins` is its first. Raises NotARecord, OSError.

    What cannot be read is passed over: `damaged` has the numbers of those lines. `cut_off`: the
    file ends in the middle of something, as it does when its writer died.
    """

    def __init__(self, path: Path) -> None:
        self.cut_off = False
        self.damaged: list[int] = []
        opened = gzip.open if path.suffix == ".gz" else open
        self._file = cast(BinaryIO, opened(path, "rb"))
        self._number = 0
        try:
            first = next(self._texts(), b"")
            begins = _lines.decode(first)
        except (msgspec.DecodeError, UnicodeDecodeError, gzip.BadGzipFile) as error:
            self._file.close()
            raise NotARecord(f"{path} is no record of a robot's site: {error}") from None
        if not isinstance(begins, Beginning):
            self._file.close()
            raise NotARecord(f"{path} is no record of a robot's site")
        self.begins = begins

    def __iter__(self) -> Iterator[AnyLine]:
        """All after the first. Once."""
        with self._file:
            for text in self._texts():
                try:
                    yield _lines.decode(text)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    if text.endswith(b"\n"):
                        self.damaged.append(self._number)
                    else:
                        self.cut_off = True

    def _texts(self) -> Iterator[bytes]:
        try:
            while text := self._file.readline(LINE_BYTES_MAX):
                self._number += 1
                yield text
        except EOFError:
            self.cut_off = True
        except (zlib.error, gzip.BadGzipFile) as error:
            if self._number == 0:
                raise gzip.BadGzipFile(str(error)) from None
            self.damaged.append(self._number + 1)
