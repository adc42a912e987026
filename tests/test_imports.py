"""Imports run one way, so that each folder can be read, tested and replaced by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MESSAGES = frozenset({"signaling.protocol", "signaling.decode"})

# Who may import whom. Clients and load tests stand outside: they share message definitions only.
ALLOWED: dict[str, frozenset[str]] = {
    "media": frozenset(),
    "control": frozenset(),
    "latency": frozenset(),
    "dicom": frozenset(),
    "signaling": frozenset({"media"}),
    "server": frozenset({"signaling", "media", "control", "latency", "dicom"}),
    "clients": frozenset({"control"}),  # the robot agent runs its rules
    "loadtests": frozenset({"clients", "control"}),
}
FOLDERS = [name for name in ALLOWED if (ROOT / name).is_dir()]


def imported(source: str, package: str) -> Iterator[str]:
    """Full names of the modules that `source` imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            prefix = ".".join(base) if node.level else ""
            module = ".".join(part for part in (prefix, node.module or "") if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def forbidden(folder: str) -> Iterator[str]:
    """Imports in `folder` that point the wrong way."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        for name in imported(path.read_text(encoding="utf-8"), package):
            top = name.partition(".")[0]
            if top not in ALLOWED or top == folder or top in ALLOWED[folder]:
                continue
            outside = folder in ("clients", "loadtests")
            if outside and ".".join(name.split(".")[:2]) in MESSAGES:
                continue
            yield f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(folder: str) -> None:
    assert list(forbidden(folder)) == []


def test_all_folders_of_python_are_ruled() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(ALLOWED)


def test_the_reader_sees_every_kind_of_import() -> None:
    source = "import a.b\nfrom c import d\ndef f():\n    from .e import g\n    from .. import h\n"
    assert sorted(imported(source, "p.q")) == ["a.b", "c.d", "p.h", "p.q.e.g"]
