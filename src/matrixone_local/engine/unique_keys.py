"""The columns of tables' keys, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from matrixone_local.engine.lookup_cache import LookupCache
from matrixone_local.sql.quoting import quoted

Query = Callable[[str], Sequence[Sequence[str | None]]]  # runs a statement and returns its rows


@dataclass(frozen=True)
class KeyColumns:
    """The columns of a table whose values must not occur twice, in small letters.

    Args:
        primary: those of the primary key.
        unique: those of the other unique keys.
    """

    primary: frozenset[str]
    unique: frozenset[str]


class UniqueKeys(LookupCache[tuple[str, str], KeyColumns]):
    """The key columns of a server's tables."""

    def of(self, database: str, table: str, query: Query) -> KeyColumns:
        """A table's key columns.

        Args:
            database: the table's.
            table: its name.
            query: runs a statement with the rights of the session it belongs to.

        Raises:
            EngineError: there is no such table, or it must not be read.
        """
        return self.get((database.lower(), table.lower()), partial(_ask, database, table, query))


def _ask(database: str, table: str, query: Query) -> KeyColumns:
    rows = query(f"SHOW INDEX FROM {quoted(database)}.{quoted(table)}")
    keys = [(str(row[2]), str(row[4]).lower()) for row in rows if str(row[1]) == "0"]
    return KeyColumns(
        frozenset(column for key, column in keys if key == "PRIMARY"),
        frozenset(column for key, column in keys if key != "PRIMARY"),
    )
