"""Operations that create and drop tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, MetaData

from matrixone_core.errors import InvalidArgument, TableExists, TableNotFound
from matrixone_core.messages import show
from matrixone_core.names import column_definition, table_name
from matrixone_core.on_connection import run_translated
from matrixone_core.setting_checks import flag
from matrixone_core.sql.ddl import CreateTable, DropTable
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Atomic, Op
from matrixone_core.targets import Target, table_names, table_of

Models: TypeAlias = type[Any] | MetaData  # the base class of ORM models, or their MetaData


def create_table(
    table: Target,
    columns: Mapping[str, str] | None = None,
    *,
    primary_key: str | Sequence[str] | None = None,
    if_not_exists: bool = True,
) -> Op[None]:
    """Create a table from an ORM model, or from SQL column definitions.

    Args:
        table: an ORM model or a `Table`; or, with `columns`, a name: `table` or `database.table`.
        columns: SQL definitions by column name, such as `{"id": "int", "name": "varchar(20) not null"}`.
        primary_key: name, or list of names, of the primary key's columns in `columns`.
        if_not_exists: True (the default) leaves an existing table unchanged, as SQLAlchemy's `create_all` does; False
            raises `TableExists`.

    Raises:
        InvalidArgument: an argument is not valid or contradicts another; nothing was sent.
        TableExists: the table exists and `if_not_exists` is False.
        PermissionDenied: the user may not create tables.
    """
    flag(if_not_exists, "if_not_exists")
    if isinstance(table, str):
        yield from _create(table, columns, primary_key, if_not_exists=if_not_exists)
        return
    if columns is not None or primary_key is not None:
        raise InvalidArgument("columns= and primary_key= need the table's name instead of a model or a Table")
    found = table_of(table)
    if not if_not_exists and (yield from ColumnNames(table_names(found))):
        raise TableExists(
            f"there is a table {show(found.fullname)} already", remedy="if_not_exists=True leaves it as it is"
        )
    yield from _in_one_transaction(lambda connection: found.create(connection, checkfirst=True))


def drop_table(table: Target, *, if_exists: bool = True) -> Op[None]:
    """Drop a table with its rows.

    Args:
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        if_exists: True (the default) does nothing if the table does not exist, as SQLAlchemy's `drop_all`; False raises
            `TableNotFound`.

    Raises:
        InvalidArgument: `table` is not one of these.
        TableNotFound: the table does not exist and `if_exists` is False.
        PermissionDenied: the user may not drop tables.
    """
    flag(if_exists, "if_exists")
    names = table_name(table) if isinstance(table, str) else table_names(table_of(table))
    if not if_exists and not (yield from ColumnNames(names)):
        raise TableNotFound(f"there is no table {show('.'.join(names))}", remedy="if_exists=True makes it no error")
    if isinstance(table, str):
        yield from DropTable(names)
        return
    found = table_of(table)
    yield from _in_one_transaction(lambda connection: found.drop(connection, checkfirst=True))


def create_all(base: Models) -> Op[None]:
    """Create the tables of all models of a base class. Existing tables are left unchanged.

    Args:
        base: base class of ORM models, or a `MetaData`.

    Raises:
        InvalidArgument: `base` is neither.
        PermissionDenied: the user may not create tables.
    """
    metadata = _metadata(base)
    yield from _in_one_transaction(metadata.create_all)


def drop_all(base: Models) -> Op[None]:
    """Drop the tables of all models of a base class, with their rows.

    Args:
        base: base class of ORM models, or a `MetaData`.

    Raises:
        InvalidArgument: `base` is neither.
        PermissionDenied: the user may not drop tables.
    """
    metadata = _metadata(base)
    yield from _in_one_transaction(metadata.drop_all)


def _create(
    name: str, columns: Mapping[str, str] | None, primary_key: str | Sequence[str] | None, *, if_not_exists: bool
) -> Op[None]:
    if not isinstance(columns, Mapping) or not columns:
        raise InvalidArgument(f"the table {show(name)} needs columns=, such as {{'id': 'int', 'name': 'varchar(20)'}}")
    key = () if primary_key is None else (primary_key,) if isinstance(primary_key, str) else tuple(primary_key)
    for column in key:
        if column not in columns:
            raise InvalidArgument(f"primary_key={show(primary_key)} must name columns: {', '.join(columns)}")
    written = [(column, column_definition(of, f"columns[{show(column)}]")) for column, of in columns.items()]
    yield from CreateTable(table_name(name), tuple(written), key, if_not_exists)


def _in_one_transaction(call: Callable[[Connection], None]) -> Op[None]:
    yield from Atomic(run_translated(call))


def _metadata(base: Any) -> MetaData:
    found = base if isinstance(base, MetaData) else getattr(base, "metadata", None)
    if not isinstance(found, MetaData):
        raise InvalidArgument(f"base={show(base)} must be the base class of ORM models, or a MetaData")
    return found
