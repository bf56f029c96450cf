"""The table of a call: an ORM model, a `Table`, or a name."""

from typing import Any, TypeAlias, cast

from sqlalchemy import Table

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show

Target: TypeAlias = type[Any] | Table | str  # an ORM model, a Table, or a name: `table` or `database.table`


def table_of(target: Target) -> Table:
    """Return the table of an ORM model, or the table itself.

    Raises:
        InvalidArgument: it is neither.
    """
    found: object = getattr(target, "__table__", target)
    if not isinstance(found, Table):
        raise InvalidArgument(f"{show(target)} is no ORM model and no Table")
    return cast("Table", found)


def table_names(table: Table) -> tuple[str, ...]:
    """Return a table's name, after its database if that is given."""
    return (table.name,) if table.schema is None else (table.schema, table.name)
