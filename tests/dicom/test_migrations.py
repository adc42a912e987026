"""The steps of `dicom/migrations` lead to what `dicom.schema` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import dicom.migrations
from dicom import assumed, database, pieces
from dicom.archive import Archive
from dicom.query import Level, statement
from dicom.schema import metadata
from dicom.way import Way
from tests.dicom.conftest import House
from tests.dicom.samples import ct, part10


def test_an_empty_data_base_becomes_the_schema(tmp_path: Path) -> None:
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    database.migrate(engine)  # a second start
    with engine.connect() as connection:
        ours = {"include_object": lambda _o, name, *_: not str(name).startswith("study_pieces")}
        context = MigrationContext.configure(connection, opts=ours)
        assert compare_metadata(context, metadata) == []


def test_the_head_is_known() -> None:
    script = ScriptDirectory(str(Path(dicom.migrations.__file__).parent))
    assert script.get_heads() == [database.HEAD]


def test_the_planner_is_told_of_every_index(tmp_path: Path) -> None:
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    with engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1").scalar()
    assert told == len(assumed.ROWS)


def test_names_are_found_by_pieces_in_an_index_that_did_not_know_of_them(house: House) -> None:
    named = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Wang^Xiaodong=王^小东"}
    house.store(part10(ct(**named)))
    house.close()
    engine = database.writing(database.url_of(house.root))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE study_pieces")
    database.migrate(engine)
    archive = Archive(house.root)
    with engine.connect() as connection:
        assert pieces.candidates(connection, {"patient_name_key": "*小*"}, 10) == [1]
        assert pieces.candidates(connection, {"patient_name_key": "*東*"}, 10) == []
    assert len(archive.find(Level.STUDY, None, {"PatientName": "*小东"})) == 1
    archive.close()


WAYS = [
    (Way(frozenset({3, 4})), {"PatientName": "*wei*"}, "USING INTEGER PRIMARY KEY"),
    (Way(by_date=True), {"PatientName": "zhang*"}, "study_date"),
    (Way(by_date=True), {"PatientID": "P*"}, "study_date"),
]


@pytest.mark.parametrize(("way", "match", "index"), WAYS)
def test_the_chosen_way_is_gone(
    tmp_path: Path, way: Way, match: dict[str, str], index: str
) -> None:
    engine = database.writing(database.url_of(tmp_path))
    database.migrate(engine)
    asked = statement(Level.STUDY, [1], match, 20, 0, way).compile(
        engine, compile_kwargs={"literal_binds": True}
    )
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").fetchall()
    assert index in " / ".join(row[3] for row in rows)


PLANS = [
    (Level.STUDY, {}, "study_date"),
    (Level.STUDY, {"StudyInstanceUID": "1"}, "sqlite_autoindex_study_1"),
    (Level.STUDY, {"PatientID": "1"}, "study_patient_id"),
    (Level.STUDY, {"PatientName": "zhang*"}, "study_patient_name"),
    (Level.STUDY, {"AccessionNumber": "1"}, "study_accession"),
    (Level.STUDY, {"PatientBirthDate": "19610304"}, "study_birth_date"),
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
