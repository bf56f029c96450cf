"""The columns of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matrixone_local.engine.lookup_cache import Query
from matrixone_local.formats.casts import Type
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.type_names import matrixone_type


@dataclass(frozen=True)
class Target:
    """A column that a statement may give a value.

    Args:
        name: its name, in small letters.
        type: its type.
    """

    name: str
    type: Type


def read_columns(database: str, table: str, query: Query) -> Sequence[Target]:
    """The visible columns of a table, in their order."""
    rows = query(f"SHOW FULL COLUMNS FROM {quoted(database)}.{quoted(table)}")
    return [
        Target(str(row[0]).lower(), Type(matrixone_type(str(row[1]), str(row[8] or ""))[0]))
        for row in rows
        if "invisible" not in str(row[6]).lower()
    ]
