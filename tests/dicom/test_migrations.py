"""The steps of `dicom/migrations` lead to what `dicom.schema` says."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import dicom.migrations
from dicom import database
from dicom.schema import metadata


def test_an_empty_data_base_becomes_the_schema(tmp_path: Path) -> None:
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    database.migrate(engine)  # a second start
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_head_is_known() -> None:
    script = ScriptDirectory(str(Path(dicom.migrations.__file__).parent))
    assert script.get_heads() == [database.HEAD]
