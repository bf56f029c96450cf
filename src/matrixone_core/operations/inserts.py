"""Operations that insert rows of Python values."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, partial
from itertools import chain
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, column, inspect
from sqlalchemy import table as lightweight_table
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.sql.expression import Insert, TableClause

from matrixone_core.errors import (
    InvalidArgument,
    LoadPartiallyApplied,
    MatrixOneError,
    NotSupported,
    TableNotFound,
)
from matrixone_core.fragments import BYTES
from matrixone_core.messages import show
from matrixone_core.names import table_name
from matrixone_core.on_connection import run_translated
from matrixone_core.server_errors import aborts
from matrixone_core.sql.table import ColumnNames
from matrixone_core.stage_files import LARGEST_VALUE
from matrixone_core.steps import Atomic, GetRuntime, Op
from matrixone_core.targets import Target, table_names, table_of

Rows: TypeAlias = Any  # a row, or an iterable of rows; a row is a mapping, a tuple, or an instance of the model
Values: TypeAlias = dict[str, Any]
BATCH_ROWS = 500  # rows of a statement, at most
BATCH_BYTES = 128 * 1024  # of a statement's values, roughly: formatting more would hold an event loop for too long
ITEM_BYTES = 12  # of a number in a statement, roughly


def insert(table: Target, rows: Rows) -> Op[int]:
    """Insert rows into a table, in batches.

    Either all rows are stored or none; in a session they are part of its transaction. Columns that a row lacks get
    their defaults. Instances of a model are only read: they do not become part of a session. For many rows
    `load_data.read_arrow` is faster.

    Args:
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        rows: a row, or an iterable of rows. A row is a mapping of columns (or attributes of the model) to values, a
            tuple of values in the table's order, or an instance of the model. If the table is a name, lists and
            mappings are sent as JSON, which is also how vectors are written.

    Returns:
        The number of rows inserted.

    Raises:
        InvalidArgument: a row is not one of these, does not fit the columns, or is larger than 64 MiB.
        TableNotFound: the table does not exist.
        DuplicateKey: a row's key is already in the table, or twice in the rows; no row is stored.
        LoadPartiallyApplied: in a session, a row failed after other batches were inserted; roll the session back.
        NotSupported: the model has columns in several tables; add its instances to a session instead.
        ServerError: the server refused a row; no row is stored.
        PermissionDenied: the user may not insert into the table.
    """
    found = _each(rows)
    try:
        first = next(found)
    except StopIteration:
        return 0
    target = yield from _target_of(table, first)
    return (yield from Atomic(_insert_batches(target, map(target.values_of, chain([first], found)))))


def batch_insert(table: Target, rows: Rows) -> Op[int]:
    """Insert rows: the existing SDK's name of `insert`.

    Args:
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        rows: as for `insert`.

    Returns:
        The number of rows inserted.

    Raises:
        MatrixOneError: as for `insert`.
    """
    return (yield from insert(table, rows))


@dataclass(frozen=True)
class _InsertTarget:
    """The table that rows are inserted into.

    Args:
        names: the table's name, after its database if that is given.
        columns: the columns by the names that rows may use for them; empty if the columns are unknown.
        order: names of the columns in the table's order.
        table: the table; None if only its name is known.
        model: the class that instances must have; None if the table has no model.
    """

    names: tuple[str, ...]
    columns: Mapping[str, str]
    order: tuple[str, ...] = ()
    table: TableClause | None = None
    model: type[Any] | None = None

    def statement(self, keys: Iterable[str]) -> Insert:
        """INSERT of values for these columns."""
        if self.table is not None:
            return self.table.insert()
        schema = self.names[0] if len(self.names) == 2 else None
        return lightweight_table(self.names[-1], *map(column, keys), schema=schema).insert()

    def values_of(self, row: Any) -> Values:
        """The values of a row by the names of its columns.

        Raises:
            InvalidArgument: it does not fit the table.
        """
        if isinstance(row, Mapping):
            values = self._of_mapping(cast("Mapping[str, Any]", row))
        elif isinstance(row, tuple | list):
            values = self._in_order(cast("tuple[Any, ...]", row))
        elif type(row) is self.model:  # one of a subclass may have more than the table
            values = self._of_instance(inspect(row))
        else:
            raise InvalidArgument(f"the row {show(row)} must be a dict, a tuple{self._or_instance}")
        return values if self.table is not None else {name: _as_json(value) for name, value in values.items()}

    @cached_property
    def _or_instance(self) -> str:
        return "" if self.model is None else f", or an instance of {self.model.__name__}"

    def _column(self, name: Any) -> str:
        if not self.columns and isinstance(name, str):
            return name
        if name not in self.columns:
            near = get_close_matches(str(name), self.columns, 1)
            hint = f"did you mean {show(near[0])}?" if near else f"its columns are {', '.join(self.columns)}"
            raise InvalidArgument(f"the table {'.'.join(self.names)} has no column {show(name)}; {hint}")
        return self.columns[name]

    def _of_mapping(self, row: Mapping[str, Any]) -> Values:
        values = {self._column(name): value for name, value in row.items()}
        if len(values) < len(row):  # an attribute of the model and its column
            column, names = next(
                (column, names) for column in values if len(names := [n for n in row if self._column(n) == column]) > 1
            )
            raise InvalidArgument(f"the row has two values for the column {show(column)}: {' and '.join(names)}")
        return values

    def _of_instance(self, state: InstanceState[Any]) -> Values:
        if state.expired_attributes:
            raise InvalidArgument(f"the row {show(state.obj())} is expired; refresh it in its session first")
        return {self.columns[name]: value for name, value in state.dict.items() if name in self.columns}

    def _in_order(self, values: tuple[Any, ...] | list[Any]) -> Values:
        if not self.order:
            raise InvalidArgument("rows cannot be both dicts and tuples where the table is given by its name")
        if len(values) != len(self.order):
            raise InvalidArgument(
                f"the row {show(values)} has {len(values)} value(s), and the table {'.'.join(self.names)}"
                f" {len(self.order)} column(s): {', '.join(self.order)}"
            )
        return dict(zip(self.order, values, strict=True))


def _target_of(target: Target, first: Any) -> Op[_InsertTarget]:
    if isinstance(target, str):
        names = table_name(target)
        order = () if isinstance(first, Mapping) else (yield from ColumnNames(names))
        if not order and not isinstance(first, Mapping):
            raise TableNotFound(f"there is no table {show(target)}")
        return _InsertTarget(names, dict(zip(order, order, strict=True)), order)
    table = table_of(target)
    names = table_names(table)
    order = tuple(found.key for found in table.columns)
    mapper: Mapper[Any] | None = inspect(target, raiseerr=False) if isinstance(target, type) else None
    if mapper is None:
        return _InsertTarget(names, dict(zip(order, order, strict=True)), order, table)
    if len(mapper.tables) > 1:
        raise NotSupported(f"{mapper.class_.__name__} has columns in several tables; add its instances to a session")
    attributes = {key: attribute.columns[0] for key, attribute in mapper.column_attrs.items()}
    own = {key: found.key for key, found in attributes.items() if found.table is table}
    return _InsertTarget(names, {name: name for name in order} | own, order, table, mapper.class_)


def _each(rows: Rows) -> Iterator[Any]:
    if hasattr(rows, "__dataframe__") or hasattr(rows, "__arrow_c_stream__"):
        raise InvalidArgument(f"{show(type(rows).__name__)} has columns and no rows; give it to load_data.read_arrow")
    if _is_row(rows) and not (isinstance(rows, tuple) and all(map(_is_row, cast("tuple[object, ...]", rows)))):
        return iter((cast("object", rows),))
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise InvalidArgument(f"rows={show(rows)} must be a row, or an iterable of rows: dicts, tuples or instances")
    return iter(cast("Iterable[object]", rows))


def _is_row(value: object) -> bool:
    return isinstance(value, Mapping | tuple) or isinstance(inspect(value, raiseerr=False), InstanceState)


def _insert_batches(target: _InsertTarget, rows: Iterator[Values]) -> Op[int]:
    count = 0
    try:
        for batch in _batches(rows):
            yield from run_translated(partial(_execute, target.statement(batch[0]), batch))
            count += len(batch)
    except Exception as error:
        ends = isinstance(error, MatrixOneError) and aborts(error)
        if not count or ends or not (yield from GetRuntime()).in_session:
            raise
        raise LoadPartiallyApplied(
            f"{error or type(error).__name__}; {count:,} rows before it are in the session's transaction: roll it back"
        ) from error
    return count


def _batches(rows: Iterator[Values]) -> Iterator[list[Values]]:
    """Group rows, of which there is at least one, into statements: same columns, limited number and size."""
    batch: list[Values] = []
    size = 0
    for row in rows:
        length = sum(map(_length, row.values()))
        if length > LARGEST_VALUE:
            raise InvalidArgument(f"a row has about {length:,} bytes, and the server takes {LARGEST_VALUE:,} at most")
        is_full = len(batch) == BATCH_ROWS or size + length > BATCH_BYTES
        if batch and (is_full or row.keys() != batch[0].keys()):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    yield batch


def _length(value: Any) -> int:
    """Estimate the bytes of a value in a statement."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    return ITEM_BYTES * (len(value) if hasattr(value, "__len__") else 1)


def _execute(statement: Insert, batch: list[Values], connection: Connection) -> None:
    try:
        connection.execute(statement, batch)
    except StatementError as error:
        if isinstance(error.orig, MatrixOneError):  # of a column's type
            raise error.orig from None
        raise


def _as_json(value: Any) -> Any:
    """Convert a value for a column of unknown type: lists and mappings become JSON, which vectors can be read from."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, "tolist") and not isinstance(value, BYTES):
        value = value.tolist()
    if not isinstance(value, Mapping | list | tuple):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the value {show(cast('object', value))} cannot be written as JSON: {error}") from None
