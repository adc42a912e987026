"""What the browser's tests compute against is what Python computes today."""

from __future__ import annotations

from tests.control.console_vectors import FILE, text


def test_the_vectors_are_up_to_date() -> None:
    stale = "run python -m tests.control.console_vectors"
    assert FILE.read_text(encoding="utf-8") == text(), stale
