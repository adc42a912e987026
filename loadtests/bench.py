"""`make bench`: every benchmark in turn, their table, plots and the machine written into docs/.

A benchmark is a command whose last line of output is JSON as `loadtests.verdict` writes it. To add
one, add it to COMMANDS.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.report import machine

DOCS = Path(__file__).parent.parent / "docs"
PAGE, NUMBERS = "benchmarks.md", "benchmarks.json"


@dataclass(frozen=True)
class Command:
    """`python -m MODULE ARGUMENTS`; `quick` arguments follow when only the machinery is tried."""

    name: str
    module: str
    arguments: str = ""
    quick: str = ""
    draws: bool = False  # takes --pictures FOLDER


COMMANDS = [
    Command(
        "relay",
        "loadtests.relay",
        "--subscribers 20,60,150 --seconds 6 --rounds 2",
        "--subscribers 3 --seconds 1 --rounds 1",
    ),
    Command(
        "scale",
        "loadtests.scale",
        "--seconds 5",
        "--subscribers 2,4 --janus 2 --seconds 1 --rounds 1",
        draws=True,
    ),
    Command(
        "rooms",
        "loadtests.rooms",
        quick="--rooms 1 --people 2 --seconds 1 --rounds 1",
    ),
    Command("joins", "loadtests.joins", quick="--at-once 3 --times 1 --rounds 1"),
    Command("losses", "loadtests.losses", quick="--seconds 3 --usual-seconds 3", draws=True),
    Command(
        "bottleneck", "loadtests.bottleneck", quick="--seconds 6 --usual-seconds 6", draws=True
    ),
    Command("data", "loadtests.data", "--seed 1", "--pace 0.1"),
    Command("dicom_store", "loadtests.dicom_store", quick="--images 5 --rounds 1"),
    Command("dicom_web", "loadtests.dicom_web", quick="--images 5 --rounds 1"),
    Command("dicom_large", "loadtests.dicom_large", quick="--frames 50"),
    Command(
        "dicom_beside", "loadtests.dicom_beside", quick="--subscribers 2 --seconds 1 --rounds 1"
    ),
    Command("film_first_image", "loadtests.film_first_image", quick="--studies 1"),
    Command("dicom_query", "loadtests.dicom_query", quick="--instances 20000 --times 3"),
    Command("control_delay", "loadtests.control_delay", "--seconds 10", "--seconds 1"),
    Command("robot_servo", "loadtests.robot_servo", "--rounds 4", "--rounds 1 --seconds 2"),
    Command("robot_tracking", "loadtests.robot_tracking", "--seeds 2", "--seeds 1", draws=True),
    Command("robot_feel", "loadtests.robot_feel", "--seeds 1", "--round-trips 200"),
    Command("robot_glass", "loadtests.robot_glass", quick="--seconds 3"),
    Command("robot_console", "loadtests.robot_console", "--inputs 100", "--inputs 10"),
    Command("robot_faults", "loadtests.robot_faults", "--runs 60 --seed 1", "--runs 2"),
]


def run(command: Command, more: Sequence[str] = ()) -> dict[str, Any]:
    """Run one; its last line's content, with `seconds` and `command`, or with `failed`."""
    arguments = [*shlex.split(command.arguments), *more]
    shown = f"python -m {command.module} {command.arguments}".strip()
    print(f"== {shown}", file=sys.stderr, flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", command.module, *arguments], stdout=subprocess.PIPE, text=True
    )
    lines = done.stdout.strip().splitlines()
    print("\n".join(lines[:-1]), flush=True)
    result: dict[str, Any] = {"title": command.name}
    try:
        result |= json.loads(lines[-1])
    except (IndexError, ValueError, TypeError):
        result["failed"] = f"its last line was no JSON; exit status {done.returncode}"
    if done.returncode != 0:
        result.setdefault("failed", f"exit status {done.returncode}")
    return {**result, "command": shown, "seconds": round(time.monotonic() - began)}


def page(results: dict[str, dict[str, Any]], heading: str) -> str:
    """The generated part: one table of all that was asked, then each command's own words."""
    lines = [heading, "", "| work | asked | measured | |", "|---|---|---|---|"]
    for result in results.values():
        for bar in result.get("bars", []):
            held = "held" if bar["held"] else "**not held**"
            lines.append(f"| {bar['work']} | {bar['asked']} | {bar['measured']} | {held} |")
        if "failed" in result:
            lines.append(f"| {result['title']} | | {result['failed']} | **failed** |")
    for result in results.values():
        lines += ["", f"### {result['title']}", ""]
        lines += [f"`{result['command']}`, {result['seconds']} s"]
        for picture in result.get("pictures", []):
            lines += ["", f"![{result['title']}](pictures/{picture})"]
        if result.get("markdown"):
            lines += ["", result["markdown"]]
    return "\n".join(lines)


def replace_part(text: str, name: str, part: str) -> str:
    """`text` with what stands between the markers of `name` replaced. Raises ValueError."""
    begin, end = f"<!-- {name}: begin, written by a command -->", f"<!-- {name}: end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the page has no place for {name}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{part.strip()}\n\n{end}{after}"


def write(docs: Path, name: str, part: str) -> None:
    """Put a generated part into the benchmarks' page."""
    path = docs / PAGE
    text = replace_part(path.read_text(encoding="utf-8"), name, part)
    path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run them; 0 when all ran, whether or not what was asked is held."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    names = [command.name for command in COMMANDS]
    parser.add_argument("--only", default="", help=f"some of {','.join(names)}; docs stay as is")
    parser.add_argument("--quick", action="store_true", help="tiny runs; docs stay as they are")
    parser.add_argument("--docs", type=Path, default=DOCS)
    chosen = parser.parse_args(arguments)
    only = [name for name in chosen.only.split(",") if name]
    if unknown := set(only) - set(names):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    writes = not (only or chosen.quick)
    results = {}
    for command in COMMANDS:
        if only and command.name not in only:
            continue
        more = shlex.split(command.quick) if chosen.quick else []
        if writes and command.draws:
            more += ["--pictures", str(chosen.docs / "pictures")]
        results[command.name] = run(command, more)
    minutes = (time.monotonic() - began) / 60
    heading = f"{machine()}; {time.strftime('%Y-%m-%d')}, {minutes:.0f} minutes."
    made = page(results, heading)
    if not writes:
        print(made)
    else:
        write(chosen.docs, "benchmarks", made)
        kept = {"machine": machine(), "results": {n: _kept(r) for n, r in results.items()}}
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        (chosen.docs / NUMBERS).write_text(text + "\n", encoding="utf-8")
    return 1 if any("failed" in result for result in results.values()) else 0


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "markdown"}


if __name__ == "__main__":
    sys.exit(main())
