"""What happened at a site, from its record: a summary in words, and a picture.

`python -m clients.robot.replay FILE [--out PICTURE]` prints tracking error, delays, force and every
event with its cause, and draws them over time (SVG). Delays are had from the messages again, by the
robot's own rules. Exit status: 1, it is no record; 3, parts of it could not be read.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

from clients.plot import Line, chart, column, save
from clients.robot.record import (
    SUFFIX,
    AnyLine,
    Beginning,
    Commanded,
    Framed,
    Happening,
    NotARecord,
    Observed,
    Reader,
    State,
)
from control.messages import Flag
from control.robot import WAY_MAX_US
from control.sight import Sight
from control.vectors import length, minus

APPLIED_MAX = 512  # commands that may still be followed
CURVE_MAX = 1500  # points
GAP_S = 0.3  # without a figure
IDLE_S = 1.5  # the force of a robot that nobody controls is known once a second
DELAY_MAX_MS = 1000  # in the picture; nothing moves above half of it
SHOWN_MAX = 40  # events below the picture
CHATTER = ("limit", "governor", "mode")  # events of every day, unless the motion ended
REST = ("frozen", "holding", "retreating", "latched")

Points = list[tuple[int, float]]  # µs, figure


class Session:
    """A record's figures over time."""

    def __init__(self, begins: Beginning) -> None:
        self.begins = begins
        self.start_us = self.end_us = begins.at_us
        self.events: list[Happening] = []
        self.tracking_mm: Points = []  # the command that is followed, and where the probe is
        self.force_n: Points = []
        self.round_trip_ms: Points = []
        self.picture_ms: Points = []
        self.servo_late_ms: Points = []
        self.commands: set[int] = set()
        self._sight = Sight()
        self._asked: OrderedDict[int, Commanded] = OrderedDict()

    def read(self, lines: Iterable[AnyLine]) -> None:
        for line in lines:
            self.start_us = min(self.start_us, line.at_us)
            self.end_us = max(self.end_us, line.at_us)
            match line:
                case Observed():
                    self._observed(line)
                case Commanded():
                    self._commanded(line)
                case Framed():
                    self._sight.frame(line.rtp, line.at_us)
                case State():
                    self.servo_late_ms.append((line.at_us, line.late_us / 1000))
                    if self._unseen(line.at_us):
                        self.force_n.append((line.at_us, length(line.force)))
                case Happening():
                    self.events.append(line)

    @property
    def lost(self) -> int:
        """Commands with a number between two that came."""
        came = self.commands
        return max(came) - min(came) + 1 - len(came) if came else 0

    def seconds(self, at_us: int) -> float:
        return (at_us - self.start_us) / 1e6

    def time_of_day(self, at_us: int) -> str:
        """UTC."""
        ms = self.begins.unix_ms + (at_us - self.begins.at_us) // 1000
        return time.strftime("%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}"

    def _unseen(self, at_us: int) -> bool:
        """Nobody has control, and observations are not kept."""
        return not self.force_n or at_us - self.force_n[-1][0] > GAP_S * 1e6

    def _observed(self, seen: Observed) -> None:
        self._sight.sent(seen.sequence, seen.at_us)
        self.force_n.append((seen.at_us, length(seen.force)))
        asked = self._asked.get(seen.applied_sequence)
        if asked and seen.mode == "following" and not asked.flags & Flag.CLUTCH:
            away_m = length(minus(asked.position, seen.position))
            self.tracking_mm.append((seen.at_us, away_m * 1000))

    def _commanded(self, command: Commanded) -> None:
        at_us = command.at_us
        self.commands.add(command.sequence)
        self._asked[command.sequence] = command
        if len(self._asked) > APPLIED_MAX:
            self._asked.popitem(last=False)
        round_trip_us = self._sight.round_trip_us(command.seen_sequence, at_us)
        if round_trip_us is not None:
            self.round_trip_ms.append((at_us, round_trip_us / 1000))
        sees = command.seen_rtp if command.flags & Flag.SEES else None
        age_us = self._sight.picture_age_us(sees, at_us)
        if age_us is not None:
            way_us = min((round_trip_us or 0) // 2, WAY_MAX_US)
            self.picture_ms.append((at_us, max(age_us - way_us, 0) / 1000))


def matters(event: Happening) -> bool:
    """For safety: marked in the picture."""
    return event.kind not in CHATTER or (event.kind == "mode" and event.text in REST)


def told(session: Session, event: Happening) -> str:
    figures = " ".join(f"{name}={value:g}" for name, value in event.figures.items())
    cause = "" if event.cause == "none" else f"({event.cause})"
    when = f"{session.seconds(event.at_us):9.3f} s  {session.time_of_day(event.at_us)}"
    return f"{when}  " + " ".join(word for word in (event.kind, event.text, cause, figures) if word)


def summary(session: Session) -> str:
    """In lines for a terminal."""
    begins = session.begins
    warn, soft, hard = begins.force_n
    day = time.strftime("%Y-%m-%d", time.gmtime(begins.unix_ms // 1000))
    sent = len(session.commands) + session.lost
    lines = [
        f"{day}, grant {begins.epoch}, part {begins.part}: {session.seconds(session.end_us):.1f} s",
        f"preset {begins.preset}: warning from {warn:g} N, soft {soft:g} N, hard {hard:g} N",
        f"commands: {sent} sent, {session.lost} lost",
    ]
    for name, unit, points in (
        ("tracking error", "mm", session.tracking_mm),
        ("round trip", "ms", session.round_trip_ms),
        ("picture's age", "ms", session.picture_ms),
        ("force", "N", session.force_n),
        ("servo late", "ms", session.servo_late_ms),
    ):
        lines.append(f"{name:>15}: {_percentiles([value for _, value in points], unit)}")
    lines.append("events (UTC; numbered as in the picture):")
    number = 0
    for event in session.events:
        number += matters(event)
        lines.append(f"{number if matters(event) else '':>4} {told(session, event)}")
    return "\n".join(lines)


def _percentiles(values: list[float], unit: str) -> str:
    if not values:
        return "not known"
    values.sort()
    p50, p95 = (values[min(int(share * len(values)), len(values) - 1)] for share in (0.5, 0.95))
    return f"p50 {p50:.1f}  p95 {p95:.1f}  max {values[-1]:.1f} {unit}"


def picture(session: Session) -> str:
    """Tracking error, delay and force under each other, with the events that matter."""
    until = session.seconds(session.end_us)
    events = [event for event in session.events if matters(event)]
    marks = [(session.seconds(e.at_us), str(number)) for number, e in enumerate(events, 1)]
    limits = [
        Line(name, [(0, value), (until, value)], marked=False)
        for name, value in zip(("warning", "soft", "hard"), session.begins.force_n, strict=True)
    ]

    def curve(name: str, points: Points, gap_s: float = GAP_S) -> Line:
        places = [(session.seconds(at_us), value) for at_us, value in points]
        return Line(name, thin(places, gap_s), marked=False)

    charts = [
        chart(title, "s", unit, lines, marks=marks, until=until)
        for title, unit, lines in (
            ("Tracking error", "mm", [curve("from command to probe", session.tracking_mm)]),
            (
                f"Delay, drawn up to {DELAY_MAX_MS} ms",
                "ms",
                [
                    curve("round trip", cut(session.round_trip_ms)),
                    curve("age of the picture", cut(session.picture_ms)),
                ],
            ),
            ("Contact force", "N", [curve("force", session.force_n, IDLE_S), *limits]),
        )
    ]
    below = [f"{n:>3}  {told(session, e)}" for n, e in enumerate(events[:SHOWN_MAX], 1)]
    if len(events) > SHOWN_MAX:
        below.append(f"and {len(events) - SHOWN_MAX} more")
    return column(charts, below)


def cut(delays_ms: Points) -> Points:
    """One that hung shall not flatten all others."""
    return [(at_us, min(delay_ms, DELAY_MAX_MS)) for at_us, delay_ms in delays_ms]


def thin(points: Sequence[tuple[float, float]], gap_s: float) -> list[tuple[float, float]]:
    """Few enough to draw, no peak lost; a gap where nothing was known."""
    if not points:
        return []
    step = (points[-1][0] - points[0][0]) / CURVE_MAX
    drawn: list[tuple[float, float]] = []
    group, wide = -1, max(gap_s, 3 * step)
    before = points[0][0]
    for at, value in points:
        if at - before > wide:
            drawn.append((at, math.nan))
            group = -1
        before = at
        here = int((at - points[0][0]) / step) if step else 0
        if here != group:
            drawn.append((at, value))
            group = here
        elif value > drawn[-1][1]:
            drawn[-1] = at, value
    return drawn


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.robot.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="a record, below DATA/robot/record")
    parser.add_argument("--out", type=Path, help="the picture (default: FILE.svg)")
    options = parser.parse_args(arguments)
    path: Path = options.file
    out: Path = options.out or path.with_name(path.name.removesuffix(SUFFIX) + ".svg")
    try:
        reader = Reader(path)
        session = Session(reader.begins)
        session.read(reader)
        print(summary(session))
        print(out.parent / save(out.parent, out.stem, picture(session)))
    except (OSError, NotARecord) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 1
    if reader.cut_off:
        print("replay: the last line was never finished: its writer died", file=sys.stderr)
    if damaged := reader.damaged:
        some = ", ".join(map(str, damaged[:5])) + (" …" if len(damaged) > 5 else "")
        print(f"replay: {len(damaged)} damaged lines passed over: {some}", file=sys.stderr)
    return 3 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
