"""Reading and writing Parquet with pyarrow, which is imported when the first such file is met.

Columns go by name, on a server too (server-facts 24).
"""

from __future__ import annotations

import importlib
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise
from typing import Any

from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.formats.batches import BATCH_ROWS, Batch, Fields
from matrixone_local.formats.columns import BINARY_TYPES, Column, Field
from matrixone_local.formats.number_casts import BITS
from matrixone_local.protocol.floats import as_go_writes, shortest

GROUP_ROWS = 2_000  # rows that are converted at once
READ_BYTES = 1 << 16  # of a column that are read at once
SPOOLED = 1 << 20  # bytes of a file that stay in memory; the rest goes to the disk
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_NOT_READ = 20101  # the number of most errors of what cannot be read
_REFUSED = {  # what a server says of a text that it does not read
    "datetime": (20301, "invalid input: invalid datetime value {}"),
    "timestamp": (20203, "invalid argument parse timestamp, bad value {}"),
    "date": (20203, "invalid argument parsedate, bad value {}"),
    "time": (20301, "invalid input: invalid time value {}"),
    "decimal": (20301, "invalid input: {} beyond the range of the column"),
    "bool": (20301, "invalid input: '{}' is not a valid bool expression"),
    "json": (20301, "invalid input: json text {}"),
}
NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "decimal"})


@dataclass(frozen=True)
class Parquet:
    """A Parquet file."""

    def batches(
        self,
        pieces: Iterator[bytes],
        columns: Sequence[Column | None],
        *,
        also: str = "",
        fields: Fields = Fields.EXACT,
    ) -> Iterator[Batch]:
        """The file's rows (`rows.Format`); columns that the table does not have are dropped on a server, too."""
        del fields
        wanted = [column for column in columns if column]
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as file:
            head = b""
            for piece in pieces:
                head = head or piece[:4]
                file.write(piece)
            if head != b"PAR1":
                found_bytes = head.decode("utf-8", "replace")
                raise internal_error(
                    f'convert go error to mo error invalid magic header of parquet file: "{found_bytes}"'
                )
            arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
            try:
                # without these, a row group is in memory whole, and takes 80 MiB more (measured)
                opened = parquet.ParquetFile(file, pre_buffer=False, buffer_size=READ_BYTES)
                named = {name.lower(): name for name in opened.schema_arrow.names}
                for column in wanted:
                    if column.name.lower() not in named:
                        raise bad_input(f"column {column.name} not found")
                names = [named[column.name.lower()] for column in wanted]
                for group in opened.iter_batches(GROUP_ROWS, columns=names, use_threads=False):
                    yield from self._batches([group.column(name) for name in names], wanted, also)
            except (arrow.ArrowException, OSError) as error:
                raise internal_error(f"convert go error to mo error {error}") from None

    @staticmethod
    def _batches(arrays: Sequence[Any], columns: Sequence[Column], also: str) -> Iterator[Batch]:
        named = list(zip(arrays, columns, strict=True))
        plain = [None if array.null_count else _texts(array, column) for array, column in named]
        if None not in plain:
            batches = list(_joined(plain, "'", also))
            if all(_is_clear(batch, len(columns), also) for batch in batches):
                yield from batches
                return
        yield from _joined([_literals(array, column, at) for at, (array, column) in enumerate(named)], "", also)


def _joined(values: Sequence[Any], quote: str, also: str) -> Iterator[Batch]:
    """The rows of columns that are arrays of texts, each of which is put in quotes."""
    arrow: Any = importlib.import_module("pyarrow")
    compute: Any = importlib.import_module("pyarrow.compute")
    rows = compute.binary_join_element_wise(*values, f"{quote},{quote}")
    bounds = [*range(0, len(rows), BATCH_ROWS), len(rows)]
    lists = arrow.ListArray.from_arrays(arrow.array(bounds, arrow.int32()), rows)
    texts: list[str] = compute.binary_join(lists, f"{quote}{also}),({quote}").to_pylist()
    for text, (start, end) in zip(texts, pairwise(bounds), strict=True):
        yield Batch(f"({quote}{text}{quote}{also})", end - start)


def _is_clear(batch: Batch, columns: int, also: str) -> bool:
    """Whether nothing within the quotes of a batch has a meaning."""
    quotes = (2 * columns + also.count("'")) * batch.size
    return batch.text.count("'") == quotes and "\\" not in batch.text and "\0" not in batch.text


def _texts(array: Any, column: Column) -> Any | None:
    """A column's values as what may stand in quotes, numbers too; None if that has to be worked out one by one."""
    arrow: Any = importlib.import_module("pyarrow")
    kind = array.type
    is_text = arrow.types.is_string(kind) or arrow.types.is_large_string(kind)
    is_number = arrow.types.is_integer(kind) and column.base in NUMBERS
    if (is_number and _fits(array, column)) or (is_text and column.plain and _is_short(array, column)):
        return array.cast(arrow.string())
    return None


def _literals(array: Any, column: Column, position: int) -> Any:
    """A column's values as SQL literals."""
    arrow: Any = importlib.import_module("pyarrow")
    compute: Any = importlib.import_module("pyarrow.compute")
    if array.null_count and column.required:
        raise SqlError(3819, f"constraint violation: Column '{column.name}' cannot be null", "23000")
    if column.base in {"year", "datalink"}:
        raise SqlError(20102, f"load {array.type} to {column.base.upper()} is not yet implemented")
    texts = _texts(array, column)
    if texts is not None:
        for mark, written in (("\\", "\\\\"), ("'", "''"), ("\0", "\\0")):
            texts = compute.replace_substring(texts, mark, written)
        texts = compute.binary_join_element_wise("'", texts, "'", "")
    else:
        read = column.reader()
        is_single = arrow.types.is_float32(array.type)

        def put(value: Any) -> str:
            if isinstance(value, str):
                return _literal_of_text(value, column, read, position)
            if column.base == "bit" and isinstance(value, int):
                return str(int(value))
            return read((_text(value, column, is_single=is_single), False), position)

        texts = arrow.array(
            [None if value is None else put(value) for value in array.to_pylist()],
            arrow.string(),
        )
    return compute.fill_null(texts, "NULL")


def _literal_of_text(value: str, column: Column, read: Callable[[Field, int], str], position: int) -> str:
    """A text for a column of another type as an SQL literal: not all are read as those of CSV (server-facts 99)."""
    base = column.base
    if base == "bit":
        raise internal_error("the local server reads no texts of Parquet into columns of BIT; load whole numbers")
    if not value.strip() and base == "time":
        value = "00:00:00"
    elif not value.strip() and base not in _TEXTS | BINARY_TYPES:
        raise _refused(value, base)
    try:
        return read((value, True), position)
    except SqlError as error:
        if error.code != _NOT_READ or base not in _REFUSED:
            raise
        raise _refused(value, base) from None


def _refused(value: str, base: str) -> SqlError:
    code, words = _REFUSED.get(base, (_NOT_READ, f'internal error: {base}: parsing "{{}}": invalid syntax'))
    return SqlError(code, words.format(value))


def _fits(array: Any, column: Column) -> bool:
    """Whether every integer is in the column's range; others are refused with the reader's words."""
    compute: Any = importlib.import_module("pyarrow.compute")
    if column.integers is None or len(array) == array.null_count:
        return column.integers is not None
    low, high = column.integers
    found = compute.min_max(array).as_py()
    return bool(low <= found["min"] and found["max"] < high)


def _is_short(array: Any, column: Column) -> bool:
    """Whether every text fits into the column whatever characters it has."""
    compute: Any = importlib.import_module("pyarrow.compute")
    longest = compute.max(compute.utf8_length(array)).as_py() or 0
    return bool(column.base in {"char", "varchar"} and longest <= column.arguments[0])


def _text(value: Any, column: Column, *, is_single: bool) -> str:
    """A value as a CSV file would hold it, for what a server makes of it in such a column (server-facts 57).

    Args:
        value: what pyarrow gives.
        column: where it goes.
        is_single: whether it is a number of single precision.

    Raises:
        SqlError: it is a number that no integer column takes.
    """
    match value:
        case bool():
            return str(value).lower()
        case float() | Decimal() if column.base in BITS:
            return _rounded(value)
        case float():
            return _float(value, is_single=is_single)
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
        case datetime():
            return _moment(value, column)
        case date() if column.base in NUMBERS:
            return str((value - date(1970, 1, 1)).days)
        case time() if column.base in _TEXTS:
            return value.isoformat("seconds")
        case _:
            return str(value)


def _rounded(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise bad_input(f"cannot convert parquet floating point value {value} to integer")
    rounded = int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP, Context(prec=400)))
    if not -1 << 63 <= rounded < 1 << 63:
        raise bad_input(f"parquet value {_float(float(value), is_single=False)} overflows BIGINT")
    return str(rounded)


def _float(value: float, *, is_single: bool) -> str:
    """A number in the fewest digits that tell it, with an exponent where Go writes one."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return as_go_writes(shortest(value, is_single=is_single), least=-4, exponent_digits=2)


def _moment(value: datetime, column: Column) -> str:
    has_zone = value.tzinfo is not None
    if has_zone:
        value = value.astimezone(UTC).replace(tzinfo=None)
    if column.base in NUMBERS:
        return str((value - datetime(1970, 1, 1)) // timedelta(microseconds=1))  # noqa: DTZ001  # both have no zone
    if column.base in _TEXTS:
        return f"{value:%Y-%m-%d %H:%M:%S.%f} UTC" if has_zone else f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
