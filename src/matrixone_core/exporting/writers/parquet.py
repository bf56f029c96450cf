"""Rows as Parquet; pyarrow is imported when it is needed."""

from collections.abc import Sequence
from typing import Any

from matrixone_core import result_columns as codes
from matrixone_core.exporting.writers.texts import number_of_bits, written
from matrixone_core.libraries import library
from matrixone_core.result_columns import ResultColumn

GROUP_ROWS = 20_000  # rows of a row group, which are in memory until it is written
_INTEGERS = {
    codes.TINY: "int8", codes.SHORT: "int16", codes.LONG: "int32", codes.LONGLONG: "int64", codes.INT24: "int32",
    codes.YEAR: "int16",
}  # fmt: skip
_FLOATS = {codes.FLOAT: "float32", codes.DOUBLE: "float64"}
_AS_THEY_COME = frozenset({*_INTEGERS, *_FLOATS, *codes.DECIMALS, codes.DATE, *codes.MOMENTS})


class Drain:
    """The file that pyarrow writes to: what it wrote is taken out now and then."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0
        self.closed: bool = False

    def write(self, data: Any) -> int:
        """Take bytes in."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._length += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How many bytes there were."""
        return self._length

    def flush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing: what was written is taken out afterwards."""
        self.closed = True

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class ParquetWriter:
    """Writes Parquet."""

    def __init__(self) -> None:
        self._arrow, self._parquet = library("pyarrow"), library("pyarrow.parquet")
        self._columns: Sequence[ResultColumn] = ()
        self._drain = Drain()
        self._writer: Any = None
        self._rows: list[Sequence[Any]] = []

    def begin(self, columns: Sequence[ResultColumn]) -> bytes:
        """What precedes the rows."""
        self._columns = columns
        schema = self._arrow.schema([(column.name, self._type(column)) for column in columns])
        self._writer = self._parquet.ParquetWriter(self._drain, schema)
        return self._drain.take()

    def write(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows."""
        self._rows += rows
        if len(self._rows) >= GROUP_ROWS:
            self._write_group()
        return self._drain.take()

    def finish(self) -> bytes:
        """What follows the rows."""
        if self._rows:
            self._write_group()
        self._writer.close()
        return self._drain.take()

    def _write_group(self) -> None:
        schema = self._writer.schema
        arrays = [
            self._arrow.array([_value(column, row[at]) for row in self._rows], schema.field(at).type)
            for at, column in enumerate(self._columns)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=schema))
        self._rows = []

    def _type(self, column: ResultColumn) -> Any:
        arrow = self._arrow
        if column.type_code in _INTEGERS:
            return getattr(arrow, f"{'u' * column.is_unsigned}{_INTEGERS[column.type_code]}")()
        if column.type_code in _FLOATS:
            return getattr(arrow, _FLOATS[column.type_code])()
        if column.type_code in codes.DECIMALS:
            return arrow.decimal128(38, column.scale)
        if column.type_code == codes.BIT:
            return arrow.uint64()
        if column.type_code == codes.DATE:
            return arrow.date32()
        if column.type_code in codes.MOMENTS:
            return arrow.timestamp("us")
        return arrow.binary() if column.has_bytes else arrow.string()


def _value(column: ResultColumn, value: Any) -> Any:
    if column.type_code == codes.BIT and isinstance(value, bytes):
        return number_of_bits(value)
    if value is None or isinstance(value, bytes) or column.type_code in _AS_THEY_COME:
        return value
    return value.encode() if column.has_bytes else written(value)
