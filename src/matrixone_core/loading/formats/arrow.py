"""Arrow data, frames and Parquet files: read as batches, written as canonical CSV column by column (needs pyarrow).

Timestamps and times have no more than microseconds on the server: nanoseconds are cut off.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, filterfalse, islice
from json.encoder import encode_basestring
from typing import Any, cast
from uuid import UUID

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.libraries import library
from matrixone_core.messages import show

ROWS = 65_536  # made into text at a time
BATCH_BYTES = 8 * 1024 * 1024  # of Arrow data that are made into text at a time, but for a row that is larger
PRECISION = 38  # digits of the server's DECIMAL
NAMES = 20  # of columns in a message
_SQL_TYPE = b"matrixone:type"  # a field's metadata, for texts that were made of something else


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
        fields.append(arrow.field(str(name), array.type, metadata=sql_type and {_SQL_TYPE: sql_type}))
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
            [None if value is None else _to_json(value) for value in items], arrow.large_string()
        ), b"JSON"
    try:
        return arrow.array(items), None
    except OverflowError:  # whole numbers of more than 64 bits
        return arrow.array([None if value is None else Decimal(value) for value in items]), None
    except arrow.ArrowException as error:
        raise InvalidArgument(f"the values of {show(name)} have no common type: {error}") from None


def open_parquet(file: Any, name: str, *, max_unpacked_bytes: int | None = None) -> Batches:
    """Read a Parquet file as record batches.

    Args:
        file: an open file that can be sought in.
        name: what it is called in messages.
        max_unpacked_bytes: what it may unpack to; None means no limit.

    Raises:
        LoadFailed: it is no Parquet file, or is broken, or unpacks to more.
        NotSupported: pyarrow is not installed.
    """
    parquet = library("pyarrow.parquet")
    opened = _read(name, lambda: parquet.ParquetFile(file, coerce_int96_timestamp_unit="us"))
    if max_unpacked_bytes is not None:
        check_unpacked_size(opened.metadata, max_unpacked_bytes, name)
    rows = max(1, min(ROWS, BATCH_BYTES // _bytes_of_row(opened.metadata)))
    return Batches(opened.schema_arrow, _each(name, opened.iter_batches(rows)))


def _bytes_of_row(metadata: Any) -> int:
    """The bytes of a row in the row group whose rows are the largest."""
    groups = (
        (metadata.row_group(at).num_rows, _count_unpacked_bytes(metadata, at)) for at in range(metadata.num_row_groups)
    )
    return max((size // max(rows, 1) for rows, size in groups), default=0) or 1


def _read(name: str, call: Callable[[], Any]) -> Any:
    """What a call of pyarrow's gives; its errors become ours."""
    arrow = library("pyarrow")
    try:
        return call()
    except (arrow.ArrowException, OSError) as error:
        raise LoadFailed(f"{name} cannot be read: {error}") from None


def _each(name: str, batches: Iterable[Any]) -> Iterator[Any]:
    items = iter(batches)
    while (batch := _read(name, lambda: next(items, None))) is not None:
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


def batches_to_csv(
    reader: Any, names: Sequence[str], rows: int = ROWS, *, name: str = "the data", uuids: Collection[str] = ()
) -> Iterator[bytes]:
    """Write columns as canonical CSV.

    Args:
        reader: what gives the batches.
        names: the columns, as `select_columns` gives them.
        rows: how many are written at a time, at most.
        name: what the data is called in messages.
        uuids: those of the columns whose values of 16 bytes are UUIDs.

    Raises:
        InvalidArgument: a value of a column has no form as text.
        LoadFailed: the data cannot be read.
    """
    for batch in _each(name, reader):
        size = min(rows, max(1, BATCH_BYTES * batch.num_rows // max(batch.nbytes, 1)))
        for at in range(0, batch.num_rows, size):
            yield _lines(batch.slice(at, size), names, uuids)


def _lines(batch: Any, names: Sequence[str], uuids: Collection[str]) -> bytes:
    compute, arrow = library("pyarrow.compute"), library("pyarrow")
    columns = [_Column(name, arrow, compute, uuid=name in uuids).fields(batch.column(name)) for name in names]
    comma, end, nothing = (arrow.scalar(text, arrow.large_binary()) for text in (b",", b"\n", b""))
    line = columns[0] if len(columns) == 1 else compute.binary_join_element_wise(*columns, comma)
    lines = compute.binary_join_element_wise(line, end, nothing)
    return bytes(lines.buffers()[2] or b"")  # all values, one after the other


_TEXT = ("is_string", "is_large_string", "is_string_view")
_BYTES = ("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary")
_LISTS = ("is_list", "is_large_list", "is_fixed_size_list")


def _is(kind: Any, types: Any, *names: str) -> bool:
    return any(getattr(types, name)(kind) for name in names)


class _Column:
    """Writes the values of a column as CSV has them.

    Args:
        name: its name.
        arrow: pyarrow.
        compute: pyarrow.compute.
        uuid: whether 16 bytes are a UUID.
    """

    def __init__(self, name: str, arrow: Any, compute: Any, *, uuid: bool) -> None:
        self._name = name
        self._arrow = arrow
        self._compute = compute
        self._uuid = uuid

    def fields(self, values: Any) -> Any:
        """The fields, as binary values: quoted if they are texts or bytes, NULL as it is written."""
        arrow = self._arrow
        binary = arrow.large_binary()
        try:
            plain = self._plain(values)
            texts = self._texts(plain)
        except (arrow.ArrowException, ValueError, TypeError) as error:
            raise InvalidArgument(
                f"the column {show(self._name)} ({values.type}) has no form as text: {error}"
            ) from None
        texts = texts.cast(binary)
        if _is(plain.type, arrow.types, *_TEXT, *_BYTES, "is_nested"):
            texts = self._compute.replace_substring(texts, b"\\", b"\\\\")
            texts = self._compute.replace_substring(texts, b'"', b'""')
            mark, nothing = (arrow.scalar(text, binary) for text in (b'"', b""))
            texts = self._compute.binary_join_element_wise(mark, texts, mark, nothing)
        return texts.fill_null(arrow.scalar(b"\\N", binary))

    def _plain(self, values: Any) -> Any:
        """The values without dictionaries, runs and extension types."""
        arrow = self._arrow
        while True:
            if isinstance(values.type, arrow.BaseExtensionType):
                name = values.type.extension_name
                if name.startswith("pandas."):
                    raise ValueError(f"{name} means something in pandas only; give it by .astype(str)")
                self._uuid = self._uuid or name == "arrow.uuid"
                values = values.storage
            elif arrow.types.is_dictionary(values.type):
                values = self._cast_views(values.dictionary).take(values.indices)
            elif arrow.types.is_run_end_encoded(values.type):
                values = self._compute.run_end_decode(values)
            else:
                return values

    def _cast_views(self, values: Any) -> Any:
        """The values in a form that more functions of pyarrow take."""
        arrow = self._arrow
        views = {arrow.string_view(): arrow.large_string(), arrow.binary_view(): arrow.large_binary()}
        return values.cast(views.get(values.type, values.type))

    def _texts(self, values: Any) -> Any:
        arrow, kind, types = self._arrow, values.type, self._arrow.types
        if _is(kind, types, *_BYTES):
            return self._python(values, lambda value: str(UUID(bytes=value))) if self._uuid else values
        if types.is_nested(kind):
            return self._write_nested(values)
        if _is(kind, types, "is_duration", "is_interval"):
            return self._times(values)
        if types.is_boolean(kind):
            values = values.cast(arrow.int8())
        elif types.is_timestamp(kind):
            values = values.cast(arrow.timestamp("us", kind.tz), safe=False).cast(arrow.timestamp("us"))  # in UTC
        elif types.is_time64(kind):
            values = values.cast(arrow.time64("us"), safe=False)
        elif types.is_date64(kind):
            values = values.cast(arrow.date32())
        elif types.is_floating(kind):
            return self._floats(values)
        texts = values.cast(arrow.large_string())
        return self._expand_exponents(texts) if types.is_decimal(kind) else texts

    def _python(self, values: Any, write: Callable[[Any], str]) -> Any:
        items = [None if value is None else write(value) for value in values.to_pylist()]
        return self._arrow.array(items, self._arrow.large_string())

    def _floats(self, values: Any) -> Any:
        arrow = self._arrow
        if arrow.types.is_float16(values.type):
            values = values.cast(arrow.float32())
        texts = values.cast(arrow.large_string())
        return self._compute.if_else(self._compute.is_nan(values), arrow.scalar("NaN", arrow.large_string()), texts)

    def _expand_exponents(self, texts: Any) -> Any:
        if not self._compute.any(self._compute.match_substring(texts, "E")).as_py():
            return texts
        return self._python(texts, lambda text: format(Decimal(text), "f"))

    def _times(self, values: Any) -> Any:
        arrow = self._arrow
        if arrow.types.is_interval(values.type):
            return self._python(values, _time_of_interval)
        return self._python(values.cast(arrow.duration("us"), safe=False).cast(arrow.int64()), _time_of)

    def _write_nested(self, values: Any) -> Any:
        arrow, compute, types = self._arrow, self._compute, self._arrow.types
        if _is(values.type, types, *_LISTS) and types.is_float16(values.type.value_type):
            values = values.cast(arrow.list_(arrow.float32()))
        if not self._is_vectors(values):
            return self._python(values, _json_writer(values.type, types))
        joined = compute.binary_join(values.cast(arrow.list_(arrow.string())), ",")
        begin, end, nothing = (arrow.scalar(text) for text in ("[", "]", ""))
        return compute.binary_join_element_wise(begin, joined, end, nothing)

    def _is_vectors(self, values: Any) -> bool:
        """Whether values are lists of numbers, all there, which need not go through Python."""
        types = self._arrow.types
        if not _is(values.type, types, *_LISTS) or not _is(values.type.value_type, types, "is_integer", "is_floating"):
            return False
        items = values.flatten()
        return not items.null_count and not self._compute.any(self._compute.is_nan(items)).as_py()


def _json_writer(kind: Any, types: Any) -> Callable[[Any], str]:
    """What writes the values of a nested type as JSON: a map gives pairs, which only its type tells from a list."""
    if types.is_map(kind):
        key, item = _json_writer(kind.key_type, types), _json_writer(kind.item_type, types)
        return lambda pairs: _json_object((key(name), _or_null(item, value)) for name, value in pairs)
    if _is(kind, types, *_LISTS, "is_list_view", "is_large_list_view"):
        each = _json_writer(kind.value_type, types)
        return lambda values: f"[{','.join(_or_null(each, value) for value in values)}]"
    if types.is_struct(kind):
        writers = {field.name: _json_writer(field.type, types) for field in kind}
        return lambda values: _json_object((name, _or_null(write, values[name])) for name, write in writers.items())
    return _to_json


def _or_null(write: Callable[[Any], str], value: Any) -> str:
    return "null" if value is None else write(value)


def _json_object(pairs: Iterable[tuple[str, str]]) -> str:
    """Join names and values; a name that is a text is quoted twice at most."""
    return f"{{{','.join(f'{_json_key(name)}:{value}' for name, value in pairs)}}}"


def _json_key(text: str) -> str:
    return text if text.startswith('"') else encode_basestring(text)


def _to_json(value: Any) -> str:
    """Write a Python value as JSON text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value).replace("nan", "NaN")  # which is no JSON, and so refused
        case Decimal():
            return format(value, "f")
        case str():
            return encode_basestring(value)
        case Mapping():
            pairs = cast("Any", value)
            return _json_object((_to_json(key), _to_json(each)) for key, each in pairs.items())
        case list() | tuple():
            return f"[{','.join(map(_to_json, cast('Sequence[Any]', value)))}]"
        case datetime():
            moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            return f'"{moment.isoformat(" ")}"'
        case date() | time() | UUID():
            return f'"{value}"'
        case timedelta():
            return f'"{_time_of(value // timedelta(microseconds=1))}"'
        case _ if hasattr(value, "tolist"):
            return _to_json(value.tolist())  # of numpy
        case _:
            raise TypeError(f"JSON has no form for {type(value).__name__}")


def _time_of(microseconds: int) -> str:
    """A TIME of the server's, which may have any number of hours."""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    sign = "-" if microseconds < 0 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def _time_of_interval(interval: Any) -> str:
    if interval.months:
        raise ValueError("months have no number of hours, and so are no TIME")
    return _time_of(interval.days * 86_400_000_000 + interval.nanoseconds // 1000)


_SQL_TYPES = (
    (("is_boolean",), "BOOL"),
    (("is_uint64",), "BIGINT UNSIGNED"),
    (("is_integer",), "BIGINT"),
    (("is_floating",), "DOUBLE"),
    (("is_date",), "DATE"),
    (("is_timestamp",), "DATETIME(6)"),
    (("is_time", "is_duration", "is_interval"), "TIME(6)"),
    ((*_TEXT, "is_null"), "TEXT"),
    (_BYTES, "BLOB"),
)


def sql_columns(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield the columns of a schema: their names, and the SQL types that hold all of their values."""
    types = library("pyarrow").types
    for field in schema:
        metadata: dict[bytes, bytes] = field.metadata or {}
        yield field.name, metadata[_SQL_TYPE].decode() if _SQL_TYPE in metadata else _sql_type(field.type, types)


def sql_columns_of_footer(footer: bytes) -> Iterator[tuple[str, str]]:
    """Yield the columns of a Parquet file, as `sql_columns`, from its footer (with its last eight bytes)."""
    return sql_columns(metadata_of_footer(footer).schema.to_arrow_schema())


def metadata_of_footer(footer: bytes, name: str = "the file") -> Any:
    """Read a Parquet file's metadata from its footer (with its last eight bytes).

    Raises:
        LoadFailed: it is no such footer.
    """
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    return _read(name, lambda: parquet.read_metadata(arrow.BufferReader(b"PAR1" + footer)))


def _sql_type(kind: Any, types: Any) -> str:
    if library("pyarrow").BaseExtensionType in type(kind).__mro__:
        named = {"arrow.uuid": "UUID", "arrow.json": "JSON"}.get(kind.extension_name)
        return named or _sql_type(kind.storage_type, types)
    if _is(kind, types, "is_dictionary", "is_run_end_encoded"):
        return _sql_type(kind.value_type, types)
    if types.is_decimal(kind):
        digits, scale = kind.precision + max(-kind.scale, 0), max(kind.scale, 0)
        return f"DECIMAL({digits},{scale})" if digits <= PRECISION else "TEXT"
    if types.is_fixed_size_list(kind) and _is(kind.value_type, types, "is_float32", "is_float64"):
        return f"VECF{kind.value_type.bit_width}({kind.list_size})"
    return next((name for tests, name in _SQL_TYPES if _is(kind, types, *tests)), "JSON")


def check_unpacked_size(metadata: Any, limit_bytes: int, name: str) -> None:
    """Refuse a Parquet file that unpacks to more than a server's memory bears (server-facts 72).

    The footer has the size of everything but texts in a dictionary. Their length is estimated: by the least and the
    greatest value, or where the footer has none, as when they are long, by the size of the whole dictionary.

    Args:
        metadata: the file's metadata.
        limit_bytes: what it may unpack to.
        name: what the file is called in messages.

    Raises:
        LoadFailed: it unpacks to more.
    """
    unpacked = sum(_count_unpacked_bytes(metadata, at) for at in range(metadata.num_row_groups))
    if unpacked > limit_bytes:
        raise LoadFailed(
            f"{name} unpacks to about {unpacked:,} bytes ({metadata.num_rows:,} rows), more than the {limit_bytes:,}"
            " that a load may take of the server's memory; a larger max_unpacked_bytes= raises the limit"
        )


def _count_unpacked_bytes(metadata: Any, at: int) -> int:
    """The bytes that a row group unpacks to."""
    group = metadata.row_group(at)
    chunks = ((group.column(place), metadata.schema.column(place).length) for place in range(group.num_columns))
    return sum(max(chunk.total_uncompressed_size, _bytes_of_values(chunk, length)) for chunk, length in chunks)


_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}


def _bytes_of_values(chunk: Any, length: int) -> int:
    """The bytes of a column's values once its dictionary is applied."""
    values, statistics = int(chunk.num_values), chunk.statistics
    width = length if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(chunk.physical_type)
    if width is not None:
        return values * width
    if not chunk.has_dictionary_page or (statistics is not None and statistics.null_count == values):
        return 0  # its size has them all
    if statistics is not None and statistics.has_min_max:
        return values * (len(statistics.min_raw) + len(statistics.max_raw)) // 2
    return values * int(chunk.total_uncompressed_size)  # values of some kB have no statistics
