"""What an operator asks on the command line, beside a running server or without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dicom import database, schema
from dicom.header import shown

LISTED_MAX = 1000


def quarantined(root: Path) -> Iterator[str]:
    """One line for each object that was not kept, the newest last. No patient's data."""
    if not (root / "index.db").exists():
        return
    table = schema.quarantine.c
    newest = select(schema.quarantine).order_by(table.id.desc()).limit(LISTED_MAX)
    engine = database.reading(database.url_of(root))
    try:
        with engine.connect() as connection:
            rows = list(connection.execute(newest).mappings())
    except OperationalError:
        return  # no tables yet
    finally:
        engine.dispose()
    for row in reversed(rows):
        at = datetime.fromtimestamp(row["received_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        name = row["file"] or "(no room: not kept)"
        sender = shown(row["sender"]) if row["sender"] else "-"
        yield f"{at}  {name}  {row['size']} bytes  from {sender}  {row['reason']}: {row['detail']}"
