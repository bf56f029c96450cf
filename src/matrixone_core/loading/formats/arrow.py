"""Arrow data and frames of any kind, read as record batches (needs pyarrow)."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, filterfalse, islice
from typing import Any, cast

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.libraries import library
from matrixone_core.loading.formats.arrow_types import SQL_TYPE
from matrixone_core.loading.formats.nested_json import to_json
from matrixone_core.messages import show

ROWS = 65_536  # read at a time
BATCH_BYTES = 8 * 1024 * 1024  # of Parquet data that are read at a time, but for a row that is larger
ITEMS = 4096  # of Python's values that are made into an array at a time: no other thread runs meanwhile
NAMES = 20  # of columns in a message


class Batches:
    """What gives record batches, with the schema of the first: a `pyarrow.RecordBatchReader`, or what is like one.

    Args:
        schema: the names of the columns, and their types in the first batch.
        batches: the batches; columns by the same names.
    """

    def __init__(self, schema: Any, batches: Iterator[Any]) -> None:
        self.schema = schema
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return self._batches


def _is_of(data: object, module: str, *names: str) -> bool:
    """Whether data is of a class of a library; one that was not imported has made none."""
    library = sys.modules.get(module)
    return library is not None and isinstance(data, tuple(getattr(library, name) for name in names))


def open_reader(data: object, wanted: Sequence[str] = ()) -> Any:
    """Read a table of any kind as record batches.

    Args:
        data: an Arrow table, batch, reader, dataset or scanner; a frame of pandas, polars (lazy or not), or of whatever
            speaks Arrow's C interface; a DuckDB relation; a dict of columns; a list of dicts; an iterable of batches,
            frames or lists of dicts, the schema from the first.
        wanted: the names of the columns wanted, none for all; an index of pandas is a column only if it is named here.

    Returns:
        A `pyarrow.RecordBatchReader`, or of an iterable `Batches`.

    Raises:
        InvalidArgument: the data is no table, or its values have no common type.
        NotSupported: pyarrow is not installed.
    """
    arrow = library("pyarrow")
    try:
        return _open(arrow, data, wanted)
    except (arrow.ArrowException, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"{type(data).__name__} cannot be read as a table: {error}") from None


def _open(arrow: Any, data: Any, wanted: Sequence[str]) -> Any:
    if isinstance(data, arrow.RecordBatchReader | Batches):
        return data
    if isinstance(data, arrow.RecordBatch):
        return arrow.RecordBatchReader.from_batches(data.schema, [data])
    if _is_of(data, "pandas", "DataFrame"):
        return _of_pandas(arrow, data, wanted).to_reader()
    if _is_of(data, "polars", "LazyFrame"):
        data = data.collect()
    if hasattr(data, "__arrow_c_stream__"):
        return arrow.RecordBatchReader.from_stream(data)
    if _is_of(data, "pyarrow.dataset", "Dataset"):
        data = data.scanner()
    if hasattr(data, "to_reader"):
        return data.to_reader()
    kind, is_file = type(data).__name__, isinstance(data, str | bytes | bytearray | memoryview) or hasattr(data, "read")
    if isinstance(data, Mapping):
        columns = cast("Mapping[str, Any]", data)
        if not columns:
            raise InvalidArgument(f"{kind} is empty: it has no columns")
        return _table(arrow, {name: _to_lists(values) for name, values in columns.items()}).to_reader()
    if isinstance(data, Iterable) and not is_file:
        return _of_iterable(arrow, cast("Any", data), wanted)
    raise InvalidArgument(
        f"{kind} is no table; give an Arrow table or reader, a frame of pandas or polars, a dataset, a"
        " DuckDB relation, a dict of columns, or a list of dicts; files by read_csv, read_json and read_parquet"
    )


def _of_pandas(arrow: Any, frame: Any, wanted: Sequence[str]) -> Any:
    lower = {name.lower() for name in wanted}
    if not lower.isdisjoint(str(name).lower() for name in frame.index.names):
        frame = frame.reset_index()
    return arrow.Table.from_pandas(frame, preserve_index=False)


def _to_lists(values: Any) -> Any:
    return list(cast("Any", values)) if isinstance(values, tuple) else values


def _of_iterable(arrow: Any, data: Iterable[Any], wanted: Sequence[str]) -> Any:
    """A reader of rows, or of tables one after the other."""
    items = filterfalse(_is_empty_list, data) if isinstance(data, Iterator) else iter(data)
    first = next(items, None)
    if first is None:
        if not wanted:
            raise InvalidArgument(f"{type(data).__name__} is empty: without a row it has no columns")
        return arrow.table({name: arrow.nulls(0) for name in wanted}).to_reader()
    items = chain([first], items)
    kind = type(first).__name__
    if isinstance(first, Mapping):
        if isinstance(data, list | tuple):
            return _of_rows(arrow, list(items)).to_reader()
        rows = items
        items = iter(lambda: list(islice(rows, ROWS)), [])
    elif isinstance(first, tuple) or (isinstance(first, list) and not (first and isinstance(first[0], Mapping))):
        raise InvalidArgument(
            f"a row that is a {kind} names no columns: give a list of dicts, or write CSV and read it by read_csv"
        )
    tables = (_open_item(arrow, item, wanted) for item in items)
    reader = next(tables)
    return Batches(reader.schema, _same_columns(reader.schema.names, chain([reader], tables)))


def _is_empty_list(item: Any) -> bool:
    return isinstance(item, list) and not item


def _open_item(arrow: Any, item: Any, wanted: Sequence[str]) -> Any:
    return _of_rows(arrow, cast("Any", item)).to_reader() if isinstance(item, list) else open_reader(item, wanted)


def _same_columns(names: Sequence[str], readers: Iterable[Any]) -> Iterator[Any]:
    for number, reader in enumerate(readers, 1):
        has = list(reader.schema.names)
        if set(has) != set(names):
            raise InvalidArgument(
                f"batch {number} has the columns {_join_names(has)} where the first has {_join_names(names)}"
            )
        yield from reader


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES]) + (", …" if len(names) > NAMES else "")


def _of_rows(arrow: Any, rows: list[Any]) -> Any:
    """A table of dicts: a key that one has is a column of all."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise InvalidArgument(f"row {number} is a {type(row).__name__} where a dict is wanted")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _table(arrow, {name: [row.get(name) for row in rows] for name in names})


def _table(arrow: Any, columns: Mapping[str, Any]) -> Any:
    fields: list[Any] = []
    arrays: list[Any] = []
    for name, values in columns.items():
        array, sql_type = _column(arrow, name, values)
        arrays.append(array)
        fields.append(arrow.field(str(name), array.type, metadata=sql_type and {SQL_TYPE: sql_type}))
    table = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))
    table.validate()  # columns of one length
    return table


def _column(arrow: Any, name: str, values: Any) -> tuple[Any, bytes | None]:
    """A column of Python values; nested ones as JSON text, and whole numbers of any length exactly."""
    if hasattr(values, "__arrow_c_stream__"):
        return arrow.chunked_array(values), None
    if not isinstance(values, list):
        return arrow.array(values, from_pandas=True), None
    items: list[Any] = cast("Any", values)
    if any(isinstance(value, dict | list | tuple) for value in items):
        return arrow.array(
            [None if value is None else to_json(value) for value in items], arrow.large_string()
        ), b"JSON"
    try:
        return _array_of(arrow, items), None
    except OverflowError:  # whole numbers of more than 64 bits
        return arrow.array([None if value is None else Decimal(value) for value in items]), None
    except arrow.ArrowException as error:
        raise InvalidArgument(f"the values of {show(name)} have no common type: {error}") from None


def _array_of(arrow: Any, items: list[Any]) -> Any:
    """The values as an array of the type that they have in common; other threads may run between parts of it."""
    parts = [arrow.array(items[at : at + ITEMS]) for at in range(0, len(items), ITEMS)]
    kinds = {part.type for part in parts if not arrow.types.is_null(part.type)}
    if len(kinds) != 1:
        return arrow.array(items)
    kind = kinds.pop()
    return arrow.chunked_array([part.cast(kind) for part in parts], kind)


def call_arrow(name: str, call: Callable[[], Any]) -> Any:
    """Return what a call of pyarrow's gives; its errors become ours, in which the data has this name."""
    arrow = library("pyarrow")
    try:
        return call()
    except (arrow.ArrowException, OSError) as error:
        raise LoadFailed(f"{name} cannot be read: {error}") from None


def each_batch(name: str, batches: Iterable[Any]) -> Iterator[Any]:
    """Yield batches; an error of pyarrow's becomes ours, in which the data has this name."""
    items = iter(batches)
    while (batch := call_arrow(name, lambda: next(items, None))) is not None:
        yield batch


def select_columns(schema: Any, wanted: Sequence[str], name: str) -> tuple[str, ...]:
    """Find the columns to take.

    Args:
        schema: the schema of the data.
        wanted: their names, in any case; none for all.
        name: what the data is called in messages.

    Returns:
        Their names as the data has them, in the order wanted.

    Raises:
        InvalidArgument: one of them is not there, or there twice.
    """
    has: list[str] = list(schema.names)
    return tuple(_select(has, each, name, exactly=bool(wanted)) for each in wanted or has)


def _select(has: Sequence[str], wanted: str, name: str, *, exactly: bool) -> str:
    alike = [each for each in has if each.lower() == wanted.lower()]
    found = [each for each in alike if exactly and each == wanted] or alike
    if len(found) == 1:
        return found[0]
    what = f"more than one column {show(wanted)}, in any case" if found else f"no column {show(wanted)}"
    raise InvalidArgument(f"{name} has {what}; it has {_join_names(has)}")
