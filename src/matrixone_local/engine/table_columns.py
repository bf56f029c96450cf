"""The columns of tables, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matrixone_local.formats.casts import Type
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.type_names import matrixone_type

Query = Callable[[str], Sequence[Sequence[str | None]]]  # runs a statement and returns its rows
_MAX_TABLES = 1_000


@dataclass(frozen=True)
class Target:
    """A column that a statement may give a value.

    Args:
        name: its name, in small letters.
        type: its type.
    """

    name: str
    type: Type


class TableColumns:
    """The columns of a server's tables; `DefinitionCaches` tells when to forget them."""

    def __init__(self) -> None:
        self._changes = 0
        self._known: dict[tuple[str, str], Sequence[Target]] = {}

    def forget(self) -> None:
        """Forget what is known."""
        self._changes += 1
        self._known = {}

    def columns(self, database: str, table: str, query: Query) -> Sequence[Target]:
        """A table's visible columns, in their order.

        Args:
            database: the table's.
            table: its name.
            query: runs a statement with the rights of the session it belongs to.

        Raises:
            EngineError: there is no such table, or it must not be read.
        """
        key = (database.lower(), table.lower())
        known = self._known
        found = known.get(key)
        if found is None:
            changes = self._changes
            rows = query(f"SHOW FULL COLUMNS FROM {quoted(database)}.{quoted(table)}")
            found = [
                Target(str(row[0]).lower(), Type(matrixone_type(str(row[1]), str(row[8] or ""))[0]))
                for row in rows
                if "invisible" not in str(row[6]).lower()
            ]
            if changes == self._changes and len(known) < _MAX_TABLES:  # nothing was defined meanwhile
                known[key] = found
        return found
