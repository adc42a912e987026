"""What happened at a site, from its record: a summary in words, and plots.

`python -m clients.robot.replay FILE [--out FOLDER]` prints tracking error, delays, force and every
event with its cause, and draws the first three over time (SVG).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clients.plot import Line, chart, save
from clients.robot.record import Beginning, Happening, Row, read
from control.vectors import length, minus

Points = list[tuple[float, float]]
FRESH_US = 200_000  # a target that is older is not followed


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def error_mm(row: Row) -> float | None:
    """How far the probe is from where it was asked to be, while it follows."""
    fresh = row.command_age_us is not None and row.command_age_us <= FRESH_US
    if row.target is None or row.mode != "following" or not fresh:
        return None
    return length(minus(row.target, row.position)) * 1000


def force_n(row: Row) -> float | None:
    return length(row.force)


def round_trip_ms(row: Row) -> float | None:
    return None if row.round_trip_us is None else row.round_trip_us / 1000


def picture_ms(row: Row) -> float | None:
    return None if row.picture_age_us is None or not row.epoch else row.picture_age_us / 1000


FIGURES: dict[str, tuple[str, Callable[[Row], float | None]]] = {
    "tracking error": ("mm", error_mm),
    "force": ("N", force_n),
    "round trip": ("ms", round_trip_ms),
    "picture's age": ("ms", picture_ms),
}


def curve(rows: Sequence[Row], start_us: int, figure: Callable[[Row], float | None]) -> Points:
    """A figure over seconds, where there is one."""
    found = ((row.at_us, figure(row)) for row in rows)
    return [((at_us - start_us) / 1e6, value) for at_us, value in found if value is not None]


def summary(rows: Sequence[Row], events: Sequence[Happening], start_us: int) -> str:
    """In lines for a terminal."""
    lasted_s = (rows[-1].at_us - start_us) / 1e6 if rows else 0.0
    lines = [f"{lasted_s:.1f} s, {len(rows)} rows, {len(events)} events"]
    for name, (unit, figure) in FIGURES.items():
        values = [value for _, value in curve(rows, start_us, figure)]
        if values:
            p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
            lines.append(f"{name:>15}: p50 {p50:.1f}  p95 {p95:.1f}  max {max(values):.1f} {unit}")
    for event in events:
        figures = " ".join(f"{key}={value:g}" for key, value in event.figures.items())
        at_s = (event.at_us - start_us) / 1e6
        lines.append(f"{at_s:10.3f} s  {event.kind:9} {event.cause:9} {event.text} {figures}")
    return "\n".join(line.rstrip() for line in lines)


def plots(rows: Sequence[Row], events: Sequence[Happening], start_us: int, out: Path) -> list[str]:
    """The files' names. A mark on the axis is an event; `summary` says which."""
    marks = Line("events", [((e.at_us - start_us) / 1e6, 0.0) for e in events])

    def line(name: str) -> Line:
        return Line(name, curve(rows, start_us, FIGURES[name][1]), marked=False)

    drawn = {
        "tracking": ("Distance from the target", "mm", [line("tracking error"), marks]),
        "force": ("Contact force", "N", [line("force"), marks]),
        "delay": ("Delay", "ms", [line("round trip"), line("picture's age"), marks]),
    }
    return [
        save(out, name, chart(title, "seconds", unit, lines))
        for name, (title, unit, lines) in drawn.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.robot.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="a record, below DATA/robot/record")
    parser.add_argument("--out", type=Path, help="folder for the plots (default: beside the file)")
    options = parser.parse_args(arguments)
    try:
        lines = read(options.file)
    except OSError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 1
    rows = [line for line in lines if isinstance(line, Row)]
    events = [line for line in lines if isinstance(line, Happening)]
    begins = next((line for line in lines if isinstance(line, Beginning)), None)
    if begins is None or not (rows or events):
        print(f"replay: {options.file} is no record of a site", file=sys.stderr)
        return 1
    start_us = min([row.at_us for row in rows] + [event.at_us for event in events])
    print(f"preset {begins.preset}, force limits {begins.force_n} N")
    print(summary(rows, events, start_us))
    out = options.out or options.file.with_suffix("")
    for name in plots(rows, events, start_us, out):
        print(out / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
