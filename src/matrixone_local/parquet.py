"""Reading and writing Parquet with pyarrow, which is imported when the first such file is met.

Columns go by name, on a server too (server-facts 24).
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Refused, bad_input, internal
from .rows import BATCH_ROWS, Batch
from .values import Column

GROUP_ROWS = 2_000  # rows that are converted at once
READ_BYTES = 1 << 16  # of a column that are read at once
SPOOLED = 1 << 20  # bytes of a file that are kept in memory; the rest goes to the disk
NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "decimal"})


@dataclass(frozen=True)
class Parquet:
    """A Parquet file."""

    def batches(
        self, pieces: Iterator[bytes], columns: Sequence[Column | None], *, also: str = "", exact: bool = True
    ) -> Iterator[Batch]:
        """The file's rows (`rows.Format`); columns that the table does not have are dropped on a server, too."""
        del exact
        wanted = [column for column in columns if column]
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as file:
            head = b""
            for piece in pieces:
                head = head or piece[:4]
                file.write(piece)
            if head != b"PAR1":
                told = head.decode("utf-8", "replace")
                raise internal(f'convert go error to mo error invalid magic header of parquet file: "{told}"')
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
                raise internal(f"convert go error to mo error {error}") from None

    @staticmethod
    def _batches(arrays: Sequence[Any], columns: Sequence[Column], also: str) -> Iterator[Batch]:
        compute: Any = importlib.import_module("pyarrow.compute")
        told = [_literals(array, column, at) for at, (array, column) in enumerate(zip(arrays, columns, strict=True))]
        rows: list[str] = compute.binary_join_element_wise(*told, ",").to_pylist()
        for start in range(0, len(rows), BATCH_ROWS):
            some = rows[start : start + BATCH_ROWS]
            yield Batch(f"({f'{also}),('.join(some)}{also})", len(some))


def _literals(array: Any, column: Column, position: int) -> Any:
    """A column's values as SQL literals."""
    arrow: Any = importlib.import_module("pyarrow")
    compute: Any = importlib.import_module("pyarrow.compute")
    if array.null_count and column.required:
        raise Refused(3819, f"constraint violation: Column '{column.name}' cannot be null", "23000")
    kind = array.type
    is_text = arrow.types.is_string(kind) or arrow.types.is_large_string(kind)
    if arrow.types.is_integer(kind) and column.base in NUMBERS and _fits(array, column):
        # in quotes the engine takes numbers in a third faster (measured)
        told = compute.binary_join_element_wise("'", array.cast(arrow.string()), "'", "")
    elif is_text and column.plain and _is_short(array, column):
        told = array.cast(arrow.string())
        for mark, written in (("\\", "\\\\"), ("'", "''"), ("\0", "\\0")):
            told = compute.replace_substring(told, mark, written)
        told = compute.binary_join_element_wise("'", told, "'", "")
    else:
        read = column.reader()
        told = arrow.array(
            [None if value is None else read((_text(value), True), position) for value in array.to_pylist()],
            arrow.string(),
        )
    return compute.fill_null(told, "NULL")


def _fits(array: Any, column: Column) -> bool:
    """Whether every integer lies in the column's range; others are refused with the reader's words."""
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


def _text(value: Any) -> str:
    """A value as a CSV file would hold it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
