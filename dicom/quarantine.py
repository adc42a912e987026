"""What was not kept, for an operator to look into: files in one directory, rows in the index.

It is bounded: what has no room leaves a row only. The sender was told no and still has the object.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dicom.ingest import Outcome

QUARANTINE_MAX_BYTES = 10 << 30


class Quarantine:
    """The directory. File names are made here."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bytes = sum(path.stat().st_size for path in root.iterdir())

    def take(self, draft: Path, institution: str, ae: str, said: Outcome) -> dict[str, Any]:
        """Move a draft here; its row for the index."""
        size = draft.stat().st_size
        name = ""
        if self._bytes + size <= QUARANTINE_MAX_BYTES:
            name = f"{secrets.token_hex(16)}.dcm"
            draft.rename(self._root / name)
            self._bytes += size
        else:
            draft.unlink()
        return {
            "institution": institution,
            "sender": ae,
            "reason": said.reason,
            "detail": said.detail,
            "sop_instance": said.sop_instance[:64],
            "size": size,
            "file": name,
        }
