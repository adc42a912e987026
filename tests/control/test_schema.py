"""What the browser reads is what Python writes."""

from __future__ import annotations

from control.schema import FILE, typescript


def test_the_typescript_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == typescript(), "run python -m control.schema"
