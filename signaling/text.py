"""What people type, before others see it."""

from __future__ import annotations

import unicodedata

# They turn the direction of what follows them, so that a name could dress up as another line.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """A name or a label: no control characters, single spaces."""
    kept = (" " if _is_control(c) else c for c in text if c not in _TURNING)
    return " ".join("".join(kept).split())


def paragraph(text: str) -> str:
    """A chat message: line breaks stay, other control characters go."""
    kept = (c for c in text.replace("\r\n", "\n") if c in "\n\t" or not _is_control(c))
    return "".join(c for c in kept if c not in _TURNING).strip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
