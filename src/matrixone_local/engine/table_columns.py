"""The columns of tables, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from matrixone_local.engine.lookup_cache import LookupCache
from matrixone_local.formats.casts import Type
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.type_names import matrixone_type

Query = Callable[[str], Sequence[Sequence[str | None]]]  # runs a statement and returns its rows


@dataclass(frozen=True)
class Target:
    """A column that a statement may give a value.

    Args:
        name: its name, in small letters.
        type: its type.
    """

    name: str
    type: Type


class TableColumns(LookupCache[tuple[str, str], Sequence[Target]]):
    """The columns of a server's tables."""

    def columns(self, database: str, table: str, query: Query) -> Sequence[Target]:
        """A table's visible columns, in their order.

        Args:
            database: the table's.
            table: its name.
            query: runs a statement with the rights of the session it belongs to.

        Raises:
            EngineError: there is no such table, or it must not be read.
        """
        return self.get((database.lower(), table.lower()), partial(_ask, database, table, query))


def _ask(database: str, table: str, query: Query) -> Sequence[Target]:
    rows = query(f"SHOW FULL COLUMNS FROM {quoted(database)}.{quoted(table)}")
    return [
        Target(str(row[0]).lower(), Type(matrixone_type(str(row[1]), str(row[8] or ""))[0]))
        for row in rows
        if "invisible" not in str(row[6]).lower()
    ]
