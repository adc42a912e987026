"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import prerequisites
from tests.server_process import ROOT

SCRIPT = ROOT / "server" / "prerequisites.py"


def run(path: Path) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key != "CXX"}
    return subprocess.run(
        [sys.executable, SCRIPT],
        env=clean | {"PATH": str(path)},
        capture_output=True,
        text=True,
    )


def program(directory: Path, name: str, says: str = "") -> None:
    (directory / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (directory / name).chmod(0o755)


def test_a_fit_machine_is_silent(tmp_path: Path) -> None:
    for name in ("g++", "npm"):
        program(tmp_path, name)
    program(tmp_path, "node", "v20.19.0")
    ran = run(tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert ran.returncode == 1
    assert "a C++20 compiler: apt-get install g++" in ran.stderr
    assert "Node 20.19 or newer with npm (found none)" in ran.stderr
    assert len(ran.stderr.splitlines()) == 2


@pytest.mark.parametrize(("says", "found"), [("v18.20.4", "18.20"), ("v20.18.1", "20.18")])
def test_an_old_node_is_named(tmp_path: Path, says: str, found: str) -> None:
    for name in ("g++", "npm"):
        program(tmp_path, name)
    program(tmp_path, "node", says)
    assert f"(found {found})" in run(tmp_path).stderr


def test_an_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "PYTHON_MIN", (9, 0))
    assert any("Python 3.11 or newer, not" in line for line in prerequisites.missing_programs())


def test_parts_that_debian_splits_off_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(prerequisites, "find_spec", lambda _name: None)
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"include": str(tmp_path)})
    monkeypatch.setattr(prerequisites, "missing_programs", list)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert prerequisites.main() == 1
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted = f"as root: apt-get install python{version}-venv python{version}-dev"
    assert wanted in capsys.readouterr().err
