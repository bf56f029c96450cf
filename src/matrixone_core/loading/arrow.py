"""Arrow data as CSV, column by column (needs pyarrow)."""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from matrixone_core.errors import InvalidArgument, NotSupported

ROWS = 65_536  # made into text at a time


def _needed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise NotSupported("Parquet and Arrow data are read with pyarrow: pip install 'matrixone[arrow]'") from None


def reader_of(data: object) -> Any:
    """A pyarrow RecordBatchReader of Arrow data, a frame of pandas' or polars', or whatever else speaks Arrow.

    Raises:
        InvalidArgument: it does not.
        NotSupported: pyarrow is not installed.
    """
    arrow = _needed("pyarrow")
    if isinstance(data, arrow.RecordBatchReader):
        return data
    if hasattr(data, "__arrow_c_stream__"):
        return arrow.RecordBatchReader.from_stream(data)
    raise InvalidArgument(
        f"{type(data).__name__} is no Arrow data; give an Arrow table or reader, or a frame of pandas (2.2 or later) or"
        " polars"
    )


def parquet_reader(file: Any, name: str) -> Any:
    """A pyarrow RecordBatchReader of a Parquet file.

    Args:
        file: a path, or an open file that can be sought in.
        name: what it is called in messages.

    Raises:
        InvalidArgument: it is no Parquet file.
        NotSupported: pyarrow is not installed.
    """
    arrow, parquet = _needed("pyarrow"), _needed("pyarrow.parquet")
    try:
        opened = parquet.ParquetFile(file)
    except arrow.ArrowInvalid as error:
        raise InvalidArgument(f"{name} is no Parquet file: {error}") from None
    return arrow.RecordBatchReader.from_batches(opened.schema_arrow, opened.iter_batches(ROWS))


def names_of(reader: Any, wanted: Sequence[str], name: str) -> tuple[str, ...]:
    """The columns to take: those wanted, or all.

    Args:
        reader: the data.
        wanted: their names; none for all.
        name: what the data is called in messages.

    Raises:
        InvalidArgument: one of them is not there, or there twice.
    """
    has: list[str] = list(reader.schema.names)
    names = tuple(wanted) or tuple(has)
    for one in names:
        if has.count(one) != 1:
            found = "no column" if one not in has else "more than one column"
            raise InvalidArgument(f"{name} has {found} {one!r}; it has {', '.join(has)}")
    return names


def csv_of(reader: Any, names: Sequence[str]) -> Iterator[bytes]:
    """The columns as CSV, some rows at a time."""
    for batch in reader:
        for at in range(0, batch.num_rows, ROWS):
            yield _lines(batch.slice(at, ROWS), names)


def _lines(batch: Any, names: Sequence[str]) -> bytes:
    compute, arrow = _needed("pyarrow.compute"), _needed("pyarrow")
    kind = arrow.large_binary()

    def bare(text: bytes) -> Any:
        return arrow.scalar(text, kind)

    columns = [_fields(batch.column(name), arrow, compute) for name in names]
    line = columns[0] if len(columns) == 1 else compute.binary_join_element_wise(*columns, bare(b","))
    lines = compute.binary_join_element_wise(line, bare(b"\n"), bare(b""))
    return b"".join(lines.to_pylist()) if lines.offset else _buffer(lines)


def _buffer(lines: Any) -> bytes:
    """The bytes of all of an array's values, which lie one after the other."""
    return bytes(lines.buffers()[2] or b"")


_TEXT = ("is_string", "is_large_string", "is_string_view")
_BYTES = ("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary")
_STRUCTURED = ("is_nested", "is_duration", "is_interval")


def _fields(values: Any, arrow: Any, compute: Any) -> Any:
    """The values of a column as CSV writes them."""

    def kind_is(*names: str) -> bool:
        return any(getattr(arrow.types, name)(values.type) for name in names)

    if kind_is("is_dictionary"):
        values = values.cast(values.type.value_type)
    if kind_is(*_STRUCTURED):
        values = arrow.array([_written(value) for value in values.to_pylist()], arrow.large_string())
    elif kind_is("is_boolean"):
        values = values.cast(arrow.int8())
    elif kind_is("is_float16"):
        values = values.cast(arrow.float32())
    elif kind_is("is_timestamp"):
        values = values.cast(arrow.timestamp("us"), safe=False)  # the server has no more than microseconds
    quoted = kind_is(*_TEXT, *_BYTES)
    if not kind_is(*_BYTES):
        values = values.cast(arrow.large_string())
    texts = values.cast(arrow.large_binary())
    if quoted:
        texts = compute.replace_substring(texts, b"\\", b"\\\\")
        texts = compute.replace_substring(texts, b'"', b'""')
        mark, nothing = (arrow.scalar(text, arrow.large_binary()) for text in (b'"', b""))
        texts = compute.binary_join_element_wise(mark, texts, mark, nothing)
    return texts.fill_null(arrow.scalar(b"\\N", arrow.large_binary()))


def _written(value: object) -> str | None:
    """A vector, or a value that a JSON column takes."""
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


_SQL_TYPES = (
    (("is_boolean",), "BOOL"),
    (("is_integer",), "BIGINT"),
    (("is_floating",), "DOUBLE"),
    (("is_date",), "DATE"),
    (("is_timestamp",), "DATETIME(6)"),
    (("is_time",), "TIME(6)"),
    (_TEXT, "TEXT"),
    (_BYTES, "BLOB"),
)


def columns_of(footer: bytes) -> Iterator[tuple[str, str]]:
    """The columns that a Parquet file's footer tells, and the SQL types that they suggest."""
    arrow, parquet = _needed("pyarrow"), _needed("pyarrow.parquet")
    schema = parquet.read_schema(arrow.BufferReader(b"PAR1" + footer))
    for field in schema:
        yield field.name, _sql_type(field.type, arrow.types)


def _sql_type(kind: Any, types: Any) -> str:
    if types.is_decimal(kind):
        return f"DECIMAL({min(kind.precision, 38)},{kind.scale})"
    for tests, name in _SQL_TYPES:
        if any(getattr(types, test)(kind) for test in tests):
            return name
    return "JSON"
