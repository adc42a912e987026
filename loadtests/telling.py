"""How the calls through bad networks are told: second by second to people, and as bars."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients import plot
from loadtests import judge, verdict
from loadtests.call import Call


def common_options(parser: argparse.ArgumentParser) -> None:
    """Those of both commands."""
    parser.add_argument("--seed", type=int, default=1, help="of the network's dice")
    parser.add_argument("--pictures", type=Path, help="folder for the plot; none without")
    parser.add_argument("--save", type=Path, metavar="FILE", help="every second as JSON, for plots")


def under(
    work: str,
    limit: float,
    unit: str,
    impaired: float | None,
    without: float | None = 0.0,
) -> verdict.Bar:
    """A number that must stay under a limit, less that of the run without the impairment.

    None was never reached. Shares of one are shown as per cent.
    """
    scale = 100 if unit == "%" else 1
    asked = f"< {limit * scale:g} {unit}"
    if impaired is None:
        return verdict.Bar(work, asked, "never", False)
    value = max(0.0, impaired - (without or 0.0))
    return verdict.Bar(work, asked, f"{value * scale:.2f} {unit}", value < limit)


def end(
    title: str,
    chosen: argparse.Namespace,
    bars: Sequence[verdict.Bar],
    runs: Mapping[str, Any],
    impaired: Call,
) -> int:
    """Print the impaired call's seconds, then the line of JSON; 0, whether or not all bars hold."""
    rows = judge.seconds(impaired)
    for row in rows:
        print(_second(row), file=sys.stderr)
    if chosen.save:
        frames = [list(frame) for frame in impaired.frames]
        saved = {"seconds": rows, "frames": frames, "queue_ms": impaired.queue_ms}
        chosen.save.write_text(json.dumps(saved))
    settings = {
        name: value for name, value in vars(chosen).items() if name not in ("save", "pictures")
    }
    pictures = _draw(chosen.pictures, title, impaired, rows) if chosen.pictures else []
    print(verdict.line(title, bars, {"settings": settings, **runs}, pictures=pictures))
    return 0


def _draw(folder: Path, title: str, call: Call, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The impaired call over time, on one scale from 0."""
    seconds = [(row["second"] + 0.5, row) for row in rows]
    lines = [
        plot.Line("queue, ms", [(at, row["queue_ms"]) for at, row in seconds], marked=False),
        plot.Line("longest gap, ms", [(at, row["longest_gap_ms"]) for at, row in seconds], False),
        plot.Line("width, pixels", [(at, row["width"] or 0) for at, row in seconds], False),
        plot.Line(
            "kbit/s", [(at, row["video"]["kbps"]) for at, row in seconds if "video" in row], False
        ),
    ]
    name = "call-" + title.lower().replace(" ", "-")
    return [plot.save(folder, name, plot.chart(title, "seconds", "", lines))]


def _second(row: Mapping[str, Any]) -> str:
    video, audio = row.get("video", {}), row.get("audio", {})
    return (
        f"{row['second']:3} s {row['frames']:3} frames, {row['width'] or '-':>4} wide,"
        f" gap {row['longest_gap_ms']:4} ms, queue {row['queue_ms']:4} ms,"
        f" {video.get('kbps', 0):4} kbit/s, {video.get('lost', 0):3} lost,"
        f" {video.get('key_frame_requests', 0)} key frames asked,"
        f" buffer {video.get('jitter_buffer_ms', 0):3} ms;"
        f" sound {audio.get('concealed', 0):5} made up,"
        f" buffer {audio.get('jitter_buffer_ms', 0):3} ms"
    )
