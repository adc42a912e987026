"""What an operator asks on the command line, beside a running server or without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.exc import OperationalError

from dicom import database, schema
from dicom.header import shown

LISTED_MAX = 1000
EVENTS_LISTED_MAX = 100_000


def quarantined(root: Path) -> Iterator[str]:
    """One line for each object that was not kept, the newest last. No patient's data."""
    table = schema.quarantine.c
    for row in _newest(root, select(schema.quarantine).order_by(table.id.desc())):
        name = row["file"] or "(no room: not kept)"
        sender = shown(row["sender"]) if row["sender"] else "-"
        yield (
            f"{_time(row['received_ms'])}  {name}  {row['size']} bytes  from {sender}"
            f"  {row['reason']}: {row['detail']}"
        )


def share_events(root: Path) -> Iterator[str]:
    """One line for each thing that happened to a link, the newest last. No patient's data."""
    share, event = schema.share.c, schema.share_event.c
    query = (
        select(schema.share_event, share.name, share.institution, share.study, share.deidentified)
        .join(schema.share, event.share_ref == share.id)
        .order_by(event.id.desc())
    )
    for row in _newest(root, query, EVENTS_LISTED_MAX):
        what = "study without names" if row["deidentified"] else "study"
        who = f"  by {shown(row['who'])}" if row["who"] else ""
        remote = f"  from {row['remote']}" if row["remote"] else ""
        agent = f"  {shown(row['user_agent'])}" if row["user_agent"] else ""
        yield (
            f"{_time(row['at_ms'])}  {row['name']}  {row['kind']:10}  {what} {row['study']}"
            f" of {shown(row['institution'])}{who}{remote}{agent}"
        )


def _newest(root: Path, query: Select[Any], most: int = LISTED_MAX) -> Iterator[RowMapping]:
    """The last rows of a table, the newest last; none where there is no such table yet."""
    if not (root / "index.db").exists():
        return
    engine = database.reading(database.url_of(root))
    try:
        with engine.connect() as connection:
            rows = list(connection.execute(query.limit(most)).mappings())
    except OperationalError:
        return
    finally:
        engine.dispose()
    yield from reversed(rows)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
