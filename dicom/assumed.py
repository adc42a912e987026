"""What SQLite's planner is told about the index, instead of what it would find at some moment.

Without statistics it takes an institution for a rare thing and walks through all of its instances
to find those of one study; with measured ones, plans depend on when somebody measured. So it is
told what a regional archive looks like, once, and plans stay what the tests have seen.
PostgreSQL keeps statistics of its own.
"""

from __future__ import annotations

from sqlalchemy import Connection

# For each index: rows in it, then how many share its first column, its first two, and so on.
ROWS: dict[tuple[str, tuple[str, ...]], str] = {
    ("institution", ("name",)): "3 1",
    ("patient", ("institution_id", "issuer", "patient_id")): "500000 170000 20000 1",
    ("patient", ("institution_id", "name_key")): "500000 170000 2",
    ("study", ("institution_id", "uid")): "1000000 330000 1",
    ("study", ("institution_id", "date", "id")): "1000000 330000 200 1",
    ("study", ("institution_id", "patient_id")): "1000000 330000 2",
    ("study", ("institution_id", "patient_name_key")): "1000000 330000 3",
    ("study", ("institution_id", "accession")): "1000000 330000 2",
    ("study", ("institution_id", "patient_birth_date")): "1000000 330000 20",
    ("study", ("patient_ref",)): "1000000 2",
    ("series", ("institution_id", "uid")): "3000000 1000000 1",
    ("series", ("study_ref", "number")): "3000000 3 1",
    ("series", ("institution_id", "modality")): "3000000 1000000 100000",
    ("instance", ("institution_id", "uid")): "100000000 33000000 1",
    ("instance", ("object_key",)): "100000000 1",
    ("instance", ("series_ref", "number")): "100000000 30 1",
    ("instance", ("study_ref",)): "100000000 100",
    ("instance", ("id",)): "100 1",  # those without a description
    ("share", ("name",)): "100000 1",
    ("share", ("institution", "study")): "100000 33000 2",
    ("share_event", ("share_ref", "id")): "1000000 10 1",
}


def tell(connection: Connection) -> None:
    """Write them down where SQLite looks."""
    run = connection.exec_driver_sql
    run("ANALYZE sqlite_schema")  # makes the table
    run("DELETE FROM sqlite_stat1")
    for table in sorted({name for name, _ in ROWS}):
        for index in [row[1] for row in run(f"PRAGMA index_list({table})")]:
            columns = tuple(row[2] for row in run(f"PRAGMA index_info({index})"))
            row = (table, index, ROWS[table, columns])
            run("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", row)
