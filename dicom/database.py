"""Engines over the index: one that writes, durably, and one that only reads."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text

from dicom import assumed, pieces

HEAD = "0005"  # the last of migrations/versions; a test compares
BUSY_MS = 10_000
READERS_MAX = 16


def url_of(root: Path) -> str:
    """The data base of a data directory."""
    return f"sqlite:///{root / 'index.db'}"


def writing(url: str) -> Engine:
    """For the one writer. A commit is on the disk when it returns."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
    return engine


def reading(url: str) -> Engine:
    """For any number of readers, who see what was committed before they began."""
    engine = create_engine(url, pool_size=READERS_MAX, max_overflow=0)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _read_only)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to this version's form."""
    with engine.begin() as connection:
        fresh = _revision(connection) == HEAD
        if not fresh:
            _upgrade(connection)
        pieces.keep_up(connection)
    if not fresh:
        engine.dispose()  # a connection reads what the planner is told when it opens


def _upgrade(connection: Connection) -> None:
    from alembic import command  # costs half a second, and most starts need nothing
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dicom:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        assumed.tell(connection)


def _revision(connection: Connection) -> str | None:
    if not engine_has(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def engine_has(connection: Connection, table: str) -> bool:
    """Whether it has a table of that name."""
    return bool(connection.dialect.has_table(connection, table))


def _begin(connection: Connection) -> None:
    """Take the right to write at once: one who reads first and then finds it taken has to fail."""
    connection.connection.cursor().execute("BEGIN IMMEDIATE")


def _durable(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin by `_begin` alone
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA cache_size = -65536")  # KiB


def _read_only(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA cache_size = -16384")
