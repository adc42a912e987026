"""Which studies have a piece of text in a name or a description: `*wei*`, `*王*`.

In SQLite a full-text index of pairs of characters, so that two of them are enough to find a Chinese
name. It only says where to look: who asks compares the text itself. It is derived from the studies
and caught up with at each start. Elsewhere there is none; PostgreSQL has trigrams for the same
comparison (pg_trgm).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select, text

from dicom import schema

FIELDS = {  # column of a study: how its pairs begin
    "patient_name_key": "n",
    "referring_key": "r",
    "description": "d",
    "patient_id": "p",
    "accession": "a",
    "study_id": "s",
}
END = "\0"
AT_ONCE = 1000  # studies
MAKE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS study_pieces"
    " USING fts5(pairs, content='', detail=none, tokenize='ascii')"
)
ADD = text("INSERT INTO study_pieces (rowid, pairs) VALUES (:id, :pairs)")
FIND = text("SELECT rowid FROM study_pieces WHERE study_pieces MATCH :pairs LIMIT :limit")


def keep_up(connection: Connection) -> None:
    """Make the index where there is none, and add the studies that it has not."""
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql(MAKE)
    table = schema.study.c
    query = select(table.id, *(table[name] for name in FIELDS)).order_by(table.id).limit(AT_ONCE)
    last = connection.exec_driver_sql("SELECT max(rowid) FROM study_pieces").scalar() or 0
    while rows := connection.execute(query.where(table.id > last)).mappings().all():
        connection.execute(ADD, [{"id": row["id"], "pairs": _all_pairs(dict(row))} for row in rows])
        last = rows[-1]["id"]


def add(connection: Connection, study: int, row: Mapping[str, Any]) -> None:
    """Index a new study."""
    if connection.dialect.name == "sqlite":
        connection.execute(ADD, {"id": study, "pairs": _all_pairs(row)})


def candidates(connection: Connection, wanted: Mapping[str, str], limit: int) -> list[int] | None:
    """Ids of studies that alone can match, `limit` at most; None: this index cannot say.

    `wanted` are patterns with `*` and `?` by column, FIELDS only.
    """
    if connection.dialect.name != "sqlite":
        return None
    pairs = sorted({pair for name, value in wanted.items() for pair in _wanted(name, value)})
    if not pairs:
        return None
    found = connection.execute(FIND, {"pairs": " AND ".join(pairs), "limit": limit})
    return [row[0] for row in found]


def _all_pairs(row: Mapping[str, Any]) -> str:
    return " ".join(
        sorted({pair for name in FIELDS for pair in _pairs(name, row[name].casefold() + END)})
    )


def _wanted(name: str, pattern: str) -> Iterator[str]:
    """What each piece between wildcards has; of one character, how a pair begins."""
    *pieces, last = re.split(r"[*?]", pattern.casefold())
    for piece in [*pieces, last + END if last else ""]:
        yield from _pairs(name, piece)
        if len(piece) == 1:
            yield f"{FIELDS[name]}{_hex(piece)}*"


def _pairs(name: str, value: str) -> Iterator[str]:
    return (FIELDS[name] + _hex(one) + _hex(next_one) for one, next_one in pairwise(value))


def _hex(character: str) -> str:
    return f"{ord(character):06x}"
