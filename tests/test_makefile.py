"""The Makefile's verbs: few, described, and each doing its steps in an order that can work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = re.findall(r"^([a-z]+):.*?##", TEXT, re.MULTILINE)


def plan(*arguments: str) -> str:
    """What make would do, from nothing."""
    clean = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "ARGS")}
    command = ["make", "--dry-run", "--always-make", "--jobs=1", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def in_order(text: str, *steps: str) -> None:
    places = [text.find(step) for step in steps]
    assert -1 not in places, f"{steps[places.index(-1)]} is missing"
    assert places == sorted(places), dict(zip(steps, places, strict=True))


def test_verbs_are_few_and_described() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", TEXT, re.MULTILINE)
    assert phony
    assert sorted(phony[1].split()) == sorted(VERBS)
    assert len(VERBS) <= 12


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_plan(verb: str) -> None:
    assert plan(verb)


def test_run_installs_before_it_starts() -> None:
    steps = plan("run")
    in_order(
        steps,
        "prerequisites.py",
        "-m venv",
        "-r requirements.lock",
        "--editable .",
        "npm --prefix clients/web",
        "run build",
        "distal demo",
    )
    assert "requirements-dev.lock" not in steps


def test_test_installs_and_checks_before_it_tests() -> None:
    in_order(
        plan("test", "ARGS=tests/server -x"),
        "--editable .",
        "-r requirements-dev.lock",
        "ruff format --check",
        "mypy",
        "clang-format --dry-run --Werror",
        "run lint",
        "tests/install_debian.sh",
        "-m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder tests/server -x",
    )


def test_libraries_come_by_hash_alone() -> None:
    for line in plan("test").splitlines():
        if "pip" in line and "install" in line:
            assert "--require-hashes" in line or "--no-deps" in line


def test_cleaning_keeps_keys_and_data() -> None:
    removed = plan("clean").split()
    assert ".venv" in removed
    assert "data" not in removed


def test_ci_runs_what_a_contributor_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert "exec make test" in script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
