"""Operations that make and drop the tables of models."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import Connection, MetaData

from matrixone_core.errors import InvalidArgument, TableExists, TableNotFound
from matrixone_core.messages import quoted
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Atomic, OnConnection, Op
from matrixone_core.targets import Target, table_names, table_of

Models: TypeAlias = type[Any] | MetaData  # the base class of ORM models, or their MetaData


def create_table(table: Target, *, if_not_exists: bool = True) -> Op[None]:
    """Create the table of an ORM model.

    Args:
        table: an ORM model or a `Table`.
        if_not_exists: leave a table of this name as it is, as SQLAlchemy's `create_all` does; False makes it an error.

    Raises:
        InvalidArgument: it is neither.
        TableExists: there is one, and `if_not_exists` is False.
        PermissionDenied: the user may not create tables.
    """
    found = table_of(table)
    if not if_not_exists and (yield from ColumnNames(table_names(found))):
        raise TableExists(f"there is a table {quoted(found.fullname)} already")
    yield from _in_one_transaction(lambda connection: found.create(connection, checkfirst=True))


def drop_table(table: Target, *, if_exists: bool = True) -> Op[None]:
    """Drop the table of an ORM model, with its rows.

    Args:
        table: an ORM model or a `Table`.
        if_exists: do nothing where there is none, as SQLAlchemy's `drop_all` does; False makes it an error.

    Raises:
        InvalidArgument: it is neither.
        TableNotFound: there is none, and `if_exists` is False.
        PermissionDenied: the user may not drop tables.
    """
    found = table_of(table)
    if not if_exists and not (yield from ColumnNames(table_names(found))):
        raise TableNotFound(f"there is no table {quoted(found.fullname)}")
    yield from _in_one_transaction(lambda connection: found.drop(connection, checkfirst=True))


def create_all(base: Models) -> Op[None]:
    """Create the tables of all models of a base; those that exist stay as they are.

    Args:
        base: the models' base class, or a `MetaData`.

    Raises:
        InvalidArgument: it is neither.
        PermissionDenied: the user may not create tables.
    """
    metadata = _metadata(base)
    yield from _in_one_transaction(metadata.create_all)


def drop_all(base: Models) -> Op[None]:
    """Drop the tables of all models of a base, with their rows.

    Args:
        base: the models' base class, or a `MetaData`.

    Raises:
        InvalidArgument: it is neither.
        PermissionDenied: the user may not drop tables.
    """
    metadata = _metadata(base)
    yield from _in_one_transaction(metadata.drop_all)


def _in_one_transaction(call: Callable[[Connection], None]) -> Op[None]:
    yield from Atomic(iter(OnConnection(call)))


def _metadata(base: Any) -> MetaData:
    found = base if isinstance(base, MetaData) else getattr(base, "metadata", None)
    if not isinstance(found, MetaData):
        raise InvalidArgument(f"{quoted(base)} is no base class of ORM models and no MetaData")
    return found
