"""The table that rows are loaded into, as its SHOW CREATE TABLE text describes it.

The text is asked for before each load and only its reading is remembered, so that nothing here can go stale.
"""

import re
import warnings
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property, lru_cache, partial
from typing import Any, TypeAlias

from sqlalchemy import Connection, inspect
from sqlalchemy import types as sql
from sqlalchemy.dialects.mysql import BIT, SET, YEAR
from sqlalchemy.dialects.mysql.reflection import MySQLTableDefinitionParser
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import TypeEngine

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.dialect.reflection import bare, is_shown, split_definition
from matrixone_core.dialect.types import DATALINK, UUID, Vector
from matrixone_core.errors import PermissionDenied, ServerError, TableNotFound
from matrixone_core.messages import show
from matrixone_core.on_connection import run_translated
from matrixone_core.sql.table import ProbeDropTable, ShowCreateTable
from matrixone_core.steps import Op

Names: TypeAlias = tuple[str, ...]
_READ_LINE = re.compile(
    r"\s*(`|PRIMARY KEY|UNIQUE )|\s*CREATE |\)"
)  # other lines say nothing of columns and unique keys


class Kind(Enum):
    """What a column holds, as far as a load has to know it."""

    INTEGER = "a whole number"
    DECIMAL = "a decimal number"
    FLOAT = "a number"
    BOOLEAN = "a boolean"
    DATE = "a date"
    DATETIME = "a date and time"
    TIMESTAMP = "a point in time"
    TIME = "a time"
    YEAR = "a year"
    TEXT = "a text"
    BYTES = "bytes"
    ENUM = "an enum item"
    JSON = "JSON"
    VECTOR = "a vector"
    UUID = "a UUID"
    DATALINK = "a URL"
    OTHER = "a value"


_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (Vector, Kind.VECTOR),
    (UUID, Kind.UUID),
    (DATALINK, Kind.DATALINK),
    (YEAR, Kind.YEAR),
    (BIT, Kind.OTHER),
    (sql.Boolean, Kind.BOOLEAN),
    (sql.Integer, Kind.INTEGER),
    (sql.Float, Kind.FLOAT),
    (sql.Numeric, Kind.DECIMAL),
    (sql.TIMESTAMP, Kind.TIMESTAMP),
    (sql.DateTime, Kind.DATETIME),
    (sql.Date, Kind.DATE),
    (sql.Time, Kind.TIME),
    (sql.JSON, Kind.JSON),
    (SET, Kind.OTHER),
    (sql.Enum, Kind.ENUM),
    (sql.LargeBinary, Kind.BYTES),
    (sql.BINARY, Kind.BYTES),
    (sql.VARBINARY, Kind.BYTES),
    (sql.String, Kind.TEXT),
)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name: its name.
        type: its type, as SQLAlchemy reflects it.
        sql_type: the type as SQL writes it; empty where SQLAlchemy does not know it.
        nullable: whether it can be NULL.
        has_default: whether it has a value where none is given; NULL counts as none.
        auto_increment: whether the server numbers it.
        generated: whether no value can be given for it.
        lossless: an expression of the values that the type keeps whole, where it was inferred from the first rows.
    """

    name: str
    type: TypeEngine[Any]
    sql_type: str
    nullable: bool
    has_default: bool
    auto_increment: bool
    generated: bool
    lossless: str | None = None

    @cached_property
    def kind(self) -> Kind:
        """What it holds."""
        return next((kind for base, kind in _KINDS if isinstance(self.type, base)), Kind.OTHER)


@dataclass(frozen=True)
class Table:
    """A table as the server has it.

    Args:
        names: one or two.
        columns: in order.
        keys: the columns of its primary key and of each of its unique keys.
    """

    names: Names
    columns: tuple[Column, ...]
    keys: tuple[Names, ...]

    def column(self, name: str) -> Column | None:
        """The column of a name, in capitals or not."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)

    @property
    def settable(self) -> Names:
        """The names of the columns that can be given a value."""
        return tuple(column.name for column in self.columns if not column.generated)


def fetch_table(names: Names) -> Op[Table]:
    """The table as it is now.

    Raises:
        TableNotFound: there is none.
    """
    if all(map(is_shown, names)):
        return parse_table(names, (yield from ShowCreateTable(names)))
    return (yield from run_translated(partial(_reflect, names=names)))


def _reflect(connection: Connection, names: Names) -> Table:
    """A table that SHOW CREATE TABLE fails for, by the dialect's reflection."""
    inspector, table, schema = inspect(connection), names[-1], names[0] if len(names) == 2 else None
    try:
        columns = inspector.get_columns(table, schema=schema)
    except NoSuchTableError:
        raise TableNotFound(f"there is no table {show('.'.join(names))}") from None
    primary = inspector.get_pk_constraint(table, schema=schema)["constrained_columns"]
    unique = [tuple(found["column_names"]) for found in inspector.get_unique_constraints(table, schema=schema)]
    return Table(
        names,
        tuple(_column(column, column["name"]) for column in columns),
        tuple(key for key in (tuple(primary), *unique) if key),
    )


@lru_cache(256)
def parse_table(names: Names, definition: str) -> Table:
    """The table that a SHOW CREATE TABLE text describes.

    Raises:
        TableNotFound: the text describes no table.
        ServerError: a column cannot be read of the text.
    """
    if not definition.lstrip().upper().startswith("CREATE TABLE"):
        raise TableNotFound(
            f"{show('.'.join(names))} is no table that rows can be loaded into", remedy="views take none: name a table"
        )
    lines = [line for line in split_definition(definition) if _READ_LINE.match(line)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the parser does not know is of no concern here
        state = _parser().parse("\n".join(lines), "utf8mb4")
    if len(state.columns) != sum(line.lstrip().startswith("`") for line in lines):
        raise ServerError(f"a column of {show('.'.join(names))} cannot be read of what SHOW CREATE TABLE answers")
    return Table(
        names,
        tuple(_column(column, bare(column["name"])) for column in state.columns),
        tuple(_key(key) for key in state.keys if key["type"] in {"PRIMARY", "UNIQUE"}),
    )


@cache
def _parser() -> MySQLTableDefinitionParser:
    dialect = MatrixOneDialect_pymysql()
    return MySQLTableDefinitionParser(dialect, dialect.identifier_preparer)


def _column(column: Any, name: str) -> Column:
    write: Any = _parser().dialect.type_compiler_instance
    return Column(
        name,
        column["type"],
        "" if isinstance(column["type"], sql.NullType) else write.process(column["type"]),
        column["nullable"],
        column["default"] is not None,
        column.get("autoincrement") is True,
        "computed" in column,
    )


def _key(key: Any) -> Names:
    return tuple(bare(column[0]) for column in key["columns"])


def can_create_tables(names: Names) -> Op[bool]:
    """Whether the user may create and drop tables in the target's database.

    Users without DROP cannot create tables either, or could not clean up (server-facts 11).
    """
    try:
        yield from ProbeDropTable(names[:-1])
    except PermissionDenied:
        return False
    return True
