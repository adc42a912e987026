"""A data directory with the way in and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom.archive import Archive
from dicom.ingest import Expected, Ingest, Outcome, Sender

HERE = Sender("default", "SCANNER")


class House:
    """Both sides of one data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ingest = Ingest(root)
        self.archive = Archive(root)

    def store(
        self, content: bytes, sender: Sender = HERE, expected: Expected | None = None
    ) -> Outcome:
        """Send it in and wait."""
        draft = self.ingest.draft()
        draft.path.write_bytes(content)
        return self.ingest.take(draft, sender, expected)

    def read(self, uid: str, institution: str = "default") -> bytes:
        """The stored file."""
        with self.archive.open(self.archive.instance({institution}, uid)) as file:
            return file.read()

    def written(self) -> list[bytes]:
        """All that lies among the objects, names made ahead left out."""
        files = (path for path in (self.root / "objects").rglob("*") if path.is_file())
        return [content for path in files if (content := path.read_bytes())]

    def close(self) -> None:
        self.ingest.close()
        self.archive.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty one."""
    made = House(tmp_path / "dicom")
    yield made
    made.close()
