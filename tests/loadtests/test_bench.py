"""The report of all benchmarks: what each command must end with, and where it is written."""

from __future__ import annotations

import importlib.util
import json
import math
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from clients import plot
from loadtests import bench, telling, verdict

WORK = verdict.Bar("CPU", "≤ 1/6 of Janus", "1/7", True)


def module(folder: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> bench.Command:
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return bench.Command(name, name)


def test_a_command_s_last_line_is_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = verdict.line("Title", [WORK], {"us": 3.2, "none": math.nan}, markdown="| table |")
    command = module(tmp_path, "good", f"print('words')\nprint({said!r})", monkeypatch)
    result = bench.run(command)
    assert "failed" not in result
    assert result["numbers"] == {"us": 3.2, "none": None}
    page = bench.page({"good": result}, "A machine")
    assert "| CPU | ≤ 1/6 of Janus | 1/7 | held |" in page
    assert "### Title" in page and "| table |" in page


@pytest.mark.parametrize("source", ["print('no JSON')", "", "print('{}')\nraise SystemExit(3)"])
def test_a_command_that_fails_is_in_the_report(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = bench.run(module(tmp_path, "bad", source, monkeypatch))
    assert "**failed**" in bench.page({"bad": result}, "A machine")


def test_the_report_is_written_between_its_markers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = verdict.line("Title", [WORK], {"us": 3.2})
    commands = [module(tmp_path, "good", f"print({said!r})", monkeypatch)]
    monkeypatch.setattr(bench, "COMMANDS", commands)
    page = (bench.DOCS / bench.PAGE).read_text(encoding="utf-8")  # the real one has the markers
    (tmp_path / bench.PAGE).write_text(page, encoding="utf-8")
    for _ in range(2):  # and can be written again
        assert bench.main(["--docs", str(tmp_path)]) == 0
        written = (tmp_path / bench.PAGE).read_text(encoding="utf-8")
        assert written.count("| CPU | ≤ 1/6 of Janus | 1/7 | held |") == 1
        assert "## What is compared" in written and "<!-- soak: begin" in written
    numbers = json.loads((tmp_path / bench.NUMBERS).read_text(encoding="utf-8"))
    assert numbers["results"]["good"]["bars"][0]["held"] is True


@pytest.mark.parametrize("command", bench.COMMANDS, ids=lambda command: command.name)
def test_what_is_listed_is_there_and_knows_its_options(command: bench.Command) -> None:
    spec = importlib.util.find_spec(command.module)
    assert spec is not None and spec.origin is not None
    origin = Path(spec.origin)
    sources = [*origin.parent.glob("*.py")] if origin.name == "__init__.py" else [origin]
    sources.append(Path(telling.__file__))  # two of them have their options there
    source = "".join(path.read_text(encoding="utf-8") for path in sources)
    given = shlex.split(f"{command.arguments} {command.quick} {'--pictures' * command.draws}")
    for option in (word for word in given if word.startswith("--")):
        assert f'"{option}"' in source


def test_figures_for_others_stand_at_the_top_of_the_last_line() -> None:
    said = json.loads(verdict.line("Title", [WORK], {"us": 3.2}, figures={"runs": 4}))
    assert said["runs"] == 4 and said["bars"][0]["work"] == "CPU"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        bench.replace_part("text", "benchmarks", "part")


def test_bars_compare_with_janus() -> None:
    assert verdict.ratio("w", 4.0, 40.0, 8, "µs").held
    assert not verdict.ratio("w", 6.0, 40.0, 8, "µs").held
    assert not verdict.ratio("w", 0.0, 40.0, 8, "µs").held  # nothing was measured
    assert not verdict.ratio("w", 4.0, math.nan, 8, "µs").held


@pytest.mark.parametrize(
    ("highest", "last"), [(0, 1), (4.4, 5), (5, 5), (0.031, 0.04), (500, 500), (46.8, 50)]
)
def test_axes_have_round_numbers(highest: float, last: float) -> None:
    steps = plot.steps(highest)
    assert steps[0] == 0 and steps[-1] == pytest.approx(last)
    assert 2 <= len(steps) <= 8


def test_a_chart_is_svg_with_its_points_inside(tmp_path: Path) -> None:
    lines = [plot.Line("Distal <1>", [(10, 4.4), (500, 3.1)]), plot.Line("Janus", [(10, 46.8)])]
    name = plot.save(tmp_path, "chart", plot.chart("Cost & size", "subscribers", "µs", lines))
    root = ET.parse(tmp_path / name).getroot()
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 3
    for circle in circles:
        assert plot.LEFT <= float(circle.get("cx", "")) <= plot.WIDTH - plot.RIGHT
        assert plot.TOP <= float(circle.get("cy", "")) <= plot.HEIGHT - plot.BOTTOM
    assert any("Distal <1>" in (text.text or "") for text in root.iter())
