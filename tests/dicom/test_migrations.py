"""The steps of `dicom/migrations` lead to what `dicom.schema` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import dicom.migrations
from dicom import assumed, database
from dicom.query import Level, statement
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


def test_the_planner_is_told_of_every_index(tmp_path: Path) -> None:
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    with engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1").scalar()
    assert told == len(assumed.ROWS)


PLANS = [
    (Level.STUDY, {}, "study_date"),
    (Level.STUDY, {"StudyInstanceUID": "1"}, "sqlite_autoindex_study_1"),
    (Level.STUDY, {"PatientID": "1"}, "study_patient_id"),
    (Level.STUDY, {"PatientName": "zhang*"}, "study_patient_name"),
    (Level.STUDY, {"AccessionNumber": "1"}, "study_accession"),
    (Level.STUDY, {"StudyDate": "20260101-20260131"}, "study_date"),
    (Level.SERIES, {"StudyInstanceUID": "1"}, "series_study"),
    (Level.INSTANCE, {"StudyInstanceUID": "1", "SeriesInstanceUID": "1"}, "instance_series"),
    (Level.INSTANCE, {"SOPInstanceUID": "1"}, "sqlite_autoindex_instance_1"),
]


@pytest.mark.parametrize(("level", "match", "index"), PLANS)
def test_what_is_asked_often_is_found_by_an_index(
    tmp_path: Path, level: Level, match: dict[str, str], index: str
) -> None:
    """So that a million instances answer as ten thousand do."""
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    asked = statement(level, [1], match, 100, 0).compile(
        engine, compile_kwargs={"literal_binds": True}
    )
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").fetchall()
    plan = " / ".join(row[3] for row in rows)
    assert index in plan, plan
    assert "SCAN" not in plan, plan
