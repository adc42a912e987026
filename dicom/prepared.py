"""A statement compiled once: what is run for every instance must not be put together each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ClauseElement


class Prepared:
    """Takes rows by the names of its parameters; their types are those that drivers know."""

    def __init__(
        self, statement: Executable, engine: Engine, names: Sequence[str] | None = None
    ) -> None:
        if not isinstance(statement, ClauseElement):
            raise TypeError("a statement of SQLAlchemy's")
        compiled = statement.compile(engine, column_keys=list(names) if names else None)
        self._sql = str(compiled)
        self._order = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each, by the driver itself. Raises what SQLAlchemy would."""
        order = self._order
        driver = connection.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            if order is None:
                cursor.executemany(self._sql, [dict(row) for row in rows])
            else:
                cursor.executemany(self._sql, [tuple(row[n] for n in order) for row in rows])
        except driver.Error as error:
            raise DBAPIError.instance(self._sql, None, error, driver.Error) from error
        finally:
            cursor.close()
