"""What has to be known of the table that rows are loaded into."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import TypeEngine

from matrixone_core.errors import PermissionDenied, TableNotFound
from matrixone_core.operation import Known, OnConnection, Op
from matrixone_core.sql.table import DropNobodysTable


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name: its name.
        type: its type, as SQLAlchemy reflects it.
        written: the type as SQL writes it.
        nullable: whether it can be NULL.
        default: whether it has a value where none is given; NULL counts as none.
        automatic: whether it counts by itself (AUTO_INCREMENT).
        computed: whether no value can be given for it.
    """

    name: str
    type: TypeEngine[Any]
    written: str
    nullable: bool
    default: bool
    automatic: bool
    computed: bool


@dataclass(frozen=True)
class Table:
    """A table as the server has it.

    Args:
        names: one or two.
        columns: in order.
        keys: the columns of its primary key and of each of its unique keys.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> Column | None:
        """The column of a name, in capitals or not."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)


def known(names: tuple[str, ...], mark: str) -> Op[Table]:
    """The table, asked for once and again when *mark*, which `AskLoadState` tells, has changed.

    Raises:
        TableNotFound: there is none.
    """
    return (yield from Known((names, mark), iter(OnConnection(lambda connection: reflected(connection, names)))))


def may_stage(names: tuple[str, ...]) -> Op[bool]:
    """Whether the user may drop tables of the target's database, asked for once.

    Who may not, may not make them either, or could not take them away again (server-facts 11).
    """
    return (yield from Known(("may stage", names[:-1]), _may_drop(names[:-1])))


def _may_drop(database: tuple[str, ...]) -> Op[bool]:
    try:
        yield from DropNobodysTable(database)
    except PermissionDenied:
        return False
    return True


def reflected(connection: Connection, names: tuple[str, ...]) -> Table:
    """The table as it is now.

    Raises:
        TableNotFound: there is none.
    """
    schema = names[0] if len(names) == 2 else None
    inspector = inspect(connection)
    try:
        columns = inspector.get_columns(names[-1], schema=schema)
    except NoSuchTableError:
        raise TableNotFound(f"there is no table {'.'.join(names)!r}") from None
    primary = inspector.get_pk_constraint(names[-1], schema=schema)["constrained_columns"]
    unique = [found["column_names"] for found in inspector.get_unique_constraints(names[-1], schema=schema)]
    write: Any = connection.dialect.type_compiler_instance
    return Table(
        names,
        tuple(
            Column(
                _bare(column["name"]),
                column["type"],
                write.process(column["type"]),
                column["nullable"],
                column["default"] is not None,
                column.get("autoincrement") is True,
                "computed" in column,
            )
            for column in columns
        ),
        tuple(tuple(map(_bare, key)) for key in [primary, *unique] if key),
    )


def _bare(name: str) -> str:
    """A name as it is: SQLAlchemy reads it between back-quotes, and leaves those within it doubled."""
    return name.replace("``", "`")
