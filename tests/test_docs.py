"""The documentation says all that can be configured, and points at files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.classes import CLASSES
from server.config import Option, options

ROOT = Path(__file__).parent.parent
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("option", list(options()), ids=lambda option: option.name)
def test_every_setting_is_documented(option: Option) -> None:
    row = re.search(rf"^\| `{option.flag}` \| `{option.env}` \| (.*?) \|", OPERATORS, re.MULTILINE)
    assert row, f"docs/operators.md has no row for {option.flag}"
    if isinstance(option.default, int) and not isinstance(option.default, bool):
        assert row[1] == str(option.default)


def test_no_setting_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"^\| `(--[a-z-]+)` \| `DISTAL_", OPERATORS, re.MULTILINE))
    assert documented == {option.flag for option in options()}


def test_the_service_classes_are_documented_as_they_are() -> None:
    for name, item in CLASSES.items():
        row = re.search(rf"^\| `{name}` \|.*$", OPERATORS, re.MULTILINE)
        assert row, f"docs/operators.md has no row for {name}"
        cells = [cell.strip() for cell in row[0].split("|")[3:]]
        assert cells[1].split()[0] == str(item.dscp)
        assert cells[2] == str(item.priority)
        assert cells[3] == f"{item.latency_target_ms} ms"
        assert item.latency_source.startswith(cells[4])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points at {target}"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_pin_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(i|-index|-extra|f|-find)", text, re.MULTILINE)
    lines = "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))
    for block in re.split(r"\n(?=\S)", lines):
        assert "==" in block.partition("\n")[0]
        assert "--hash=sha256:" in block


def test_the_web_client_s_lock_names_no_address() -> None:
    text = (ROOT / "clients" / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved": "http' not in text
    assert '"integrity": "sha512-' in text
