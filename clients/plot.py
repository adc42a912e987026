"""A line chart as SVG, in the few lines that the reports need."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 44, 48
LINE_HEIGHT = 18
MARK_WIDTH, MARK_ROWS = 16, 8
COLOURS = ("#0a6e8a", "#b4552d", "#5b7f2b", "#7a4a8c")


@dataclass(frozen=True)
class Line:
    """One curve; `marked` draws its points too. Where a point is no figure it has a gap."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = True


def steps(highest: float, about: int = 5) -> list[float]:
    """Round numbers from 0 up to at least `highest`."""
    if highest <= 0 or not math.isfinite(highest):
        return [0.0, 1.0]
    rough = highest / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    return [step * n for n in range(math.ceil(highest / step - 1e-9) + 1)]


def chart(
    title: str,
    across: str,
    up: str,
    lines: Sequence[Line],
    *,
    marks: Sequence[tuple[float, str]] = (),
    until: float = 0.0,
) -> str:
    """The chart; both axes begin at 0. `marks` are moments across, each with a word or number;
    the axis goes on `until` there at least."""
    points = [point for line in lines for point in line.points if math.isfinite(point[1])]
    xs = steps(max([until, *(x for x, _ in points)]))
    ys = steps(max((y for _, y in points), default=0.0))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + width * x / xs[-1], TOP + height * (1 - y / ys[-1])

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18" font-size="14">{html.escape(title)}</text>',
        f'<text x="{LEFT + width / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{html.escape(across)}</text>",
        f'<text transform="translate(14 {TOP + height / 2}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(up)}</text>",
    ]
    for y in ys:
        left, level = at(0, y)
        out.append(f'<path d="M{left} {level:.1f}h{width}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{level + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in xs:
        place, base = at(x, 0)
        out.append(f'<path d="M{place:.1f} {base}v5" stroke="#999"/>')
        out.append(f'<text x="{place:.1f}" y="{base + 19}" text-anchor="middle">{x:g}</text>')
    for (x, word), row in zip(marks, _rows([at(x, 0)[0] for x, _ in marks]), strict=True):
        place = at(x, 0)[0]
        out.append(
            f'<path d="M{place:.1f} {TOP}v{height}" stroke="#c0392b" stroke-dasharray="2 3"/>'
            f'<text x="{place + 2:.1f}" y="{TOP + 10 + 11 * row}" font-size="10" '
            f'fill="#c0392b">{html.escape(word)}</text>'
        )
    for number, line in enumerate(lines):
        out += _curve(line, at, number)
    return "\n".join([*out, "</svg>", ""])


def _rows(places: Sequence[float]) -> Iterator[int]:
    """One below the other where words would cover each other."""
    row, before = 0, -math.inf
    for place in places:
        row = row + 1 if place - before < MARK_WIDTH else 0
        before = place
        yield row % MARK_ROWS


def _curve(line: Line, at: Callable[[float, float], tuple[float, float]], number: int) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    out = []
    for drawn, points in groupby(line.points, lambda point: math.isfinite(point[1])):
        if not drawn:
            continue
        places = [at(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if line.marked:
            dot = f'r="3.5" fill="{colour}"/>'
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" {dot}' for x, y in places]
    key = LEFT + 160 * number
    out.append(f'<path d="M{key} 32h18" stroke="{colour}" stroke-width="2"/>')
    out.append(f'<text x="{key + 24}" y="36">{html.escape(line.name)}</text>')
    return out


def column(charts: Sequence[str], below: Sequence[str] = ()) -> str:
    """Charts one below the other in one picture, and lines of text under them."""
    tall = HEIGHT * len(charts) + (LINE_HEIGHT * (len(below) + 1) if below else 0)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" '
        'font-family="sans-serif" font-size="12" fill="#333" role="img">',
        f'<rect width="{WIDTH}" height="{tall}" fill="#fff"/>',
    ]
    for number, one in enumerate(charts):
        place = f'<svg y="{number * HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        out.append(one.replace("<svg ", place, 1))
    for number, words in enumerate(below):
        y = HEIGHT * len(charts) + LINE_HEIGHT * (number + 0.5)
        out.append(
            f'<text x="{LEFT}" y="{y:g}" font-family="monospace" xml:space="preserve">'
            f"{html.escape(words)}</text>"
        )
    return "\n".join([*out, "</svg>", ""])


def save(folder: Path, name: str, svg: str) -> str:
    """Write `name`.svg; returns the file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    return f"{name}.svg"
