"""The columns of tables' keys."""

from __future__ import annotations

from dataclasses import dataclass

from matrixone_local.engine.lookup_cache import Query
from matrixone_local.sql.quoting import quoted


@dataclass(frozen=True)
class KeyColumns:
    """The columns of a table whose values must not occur twice, in small letters.

    Args:
        primary: those of the primary key.
        unique: those of the other unique keys.
    """

    primary: frozenset[str]
    unique: frozenset[str]


def read_keys(database: str, table: str, query: Query) -> KeyColumns:
    """The columns of a table's keys."""
    rows = query(f"SHOW INDEX FROM {quoted(database)}.{quoted(table)}")
    keys = [(str(row[2]), str(row[4]).lower()) for row in rows if str(row[1]) == "0"]
    return KeyColumns(
        frozenset(column for key, column in keys if key == "PRIMARY"),
        frozenset(column for key, column in keys if key != "PRIMARY"),
    )
