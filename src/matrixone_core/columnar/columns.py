"""What Arrow type a column of a result has, and how its values, which come as text, are read.

The server's reply decides. A vector comes as the text of its numbers, and nothing in the reply tells it from a VARCHAR:
it is one where the statement says so, by the type that SQLAlchemy has for the column.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from matrixone_core import result_columns as codes
from matrixone_core.dialect.types import VECF32, Vector
from matrixone_core.libraries import library
from matrixone_core.result_columns import ResultColumn

_TEXTS = codes.STRINGS | {241, 247, 248}
_INTEGER_BITS = {codes.TINY: 8, codes.SHORT: 16, codes.LONG: 32, codes.LONGLONG: 64, codes.INT24: 32}
_SIMPLE = {codes.FLOAT: "float32", codes.DOUBLE: "float64", codes.DATE: "date32", codes.YEAR: "int16"}
_MOST_DIGITS = {"decimal128": 38, "decimal256": 76}
_TIME_PATTERN = (
    r"^(?P<sign>-?)(?P<hours>[0-9]+):(?P<minutes>[0-9]{2}):(?P<seconds>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?$"
)
_MICROSECONDS = {"hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}


@dataclass(frozen=True)
class Cells:
    """The values of a column in a block.

    Args:
        data: the block's bytes, as an array of numpy's.
        starts: where each value begins there.
        ends: where it ends.
        nulls: which are NULL, an array of bool; None if none is.
    """

    data: Any
    starts: Any
    ends: Any
    nulls: Any

    def as_bytes(self) -> Any:
        """The values as an Arrow array of bytes."""
        arrow, numpy = library("pyarrow"), library("numpy")
        rows = len(self.starts)
        # an array of the values and of what is between them, without a copy; every other one of it is wanted
        bounds = numpy.empty(2 * rows, numpy.int32)
        bounds[0::2], bounds[1::2] = self.starts, self.ends
        buffers = [None, arrow.py_buffer(bounds), arrow.py_buffer(self.data)]
        both = arrow.Array.from_buffers(arrow.binary(), 2 * rows - 1, buffers)
        return both.take(arrow.array(numpy.arange(0, 2 * rows, 2, numpy.int32), mask=self.nulls))

    def as_text(self) -> Any:
        """The values as an Arrow array of texts."""
        return self.as_bytes().cast(library("pyarrow").string())


Read = Callable[[Cells, Any], Any]


@dataclass(frozen=True)
class Column:
    """A column of a result.

    Args:
        name: its title.
        type: its Arrow type.
        read: makes an Arrow array of a type of values.
    """

    name: str
    type: Any
    read: Read

    def array(self, cells: Cells) -> Any:
        """The values as an Arrow array."""
        return self.read(cells, self.type)


def column_of(field: ResultColumn, declared: Any, texts: Container[int] = ()) -> Column:
    """The column that a field of a reply is.

    Args:
        field: what the server says about it.
        declared: its type by the statement, or None.
        texts: the types of the reply whose values stay the texts that they come as.
    """
    if field.type_code in texts:
        return Column(field.name, library("pyarrow").string(), _read_texts)
    type_, read = _vector(declared) if isinstance(declared, Vector) else _by_reply(field)
    return Column(field.name, type_, read)


def _vector(declared: Vector) -> tuple[Any, Read]:
    arrow = library("pyarrow")
    item = arrow.float32() if isinstance(declared, VECF32) else arrow.float64()
    return arrow.list_(item, declared.dimensions), _read_vectors


def _by_reply(field: ResultColumn) -> tuple[Any, Read]:
    arrow = library("pyarrow")
    kind, unsigned = field.type_code, field.is_unsigned
    if kind == codes.JSON or (kind in _TEXTS and not field.is_binary):
        return arrow.string(), _read_texts
    if kind == codes.TINY and field.length == 1:
        return arrow.bool_(), _read_by_cast
    if kind in _INTEGER_BITS:
        return getattr(arrow, f"{'u' * unsigned}int{_INTEGER_BITS[kind]}")(), _read_by_cast
    if kind in codes.DECIMALS:
        return _decimal(field, unsigned=unsigned), _read_by_cast
    if kind in codes.MOMENTS:
        return arrow.timestamp("us"), _read_by_cast
    if kind in _SIMPLE:
        return getattr(arrow, _SIMPLE[kind])(), _read_by_cast
    if kind == codes.NULL:
        return arrow.null(), _read_nulls
    if kind == codes.TIME:
        return arrow.duration("us"), _read_times
    if kind == codes.BIT:
        return arrow.uint64(), _read_bits
    return arrow.binary(), _read_bytes


def _decimal(field: ResultColumn, *, unsigned: bool) -> Any:
    """DECIMAL, whose length counts its sign and its point; it has no digits where the server does not know them."""
    digits = field.length - (not unsigned) - (field.scale > 0)
    if digits < 1:  # -x of BIGINT UNSIGNED (server-facts 83)
        digits = _MOST_DIGITS["decimal128"]
    name = "decimal128" if digits <= _MOST_DIGITS["decimal128"] else "decimal256"
    return getattr(library("pyarrow"), name)(max(min(digits, _MOST_DIGITS[name]), field.scale, 1), field.scale)


def _read_bytes(cells: Cells, _type: Any) -> Any:
    return cells.as_bytes()


def _read_nulls(cells: Cells, _type: Any) -> Any:
    return library("pyarrow").nulls(len(cells.starts))


def _read_texts(cells: Cells, _type: Any) -> Any:
    return cells.as_text()


def _read_by_cast(cells: Cells, type_: Any) -> Any:
    return cells.as_text().cast(type_)


def _read_bits(cells: Cells, _type: Any) -> Any:
    """Numbers of up to eight bytes, the first one the greatest."""
    numpy = library("numpy")
    numbers = numpy.zeros(len(cells.starts), numpy.uint64)
    lengths = cells.ends - cells.starts
    for place in range(int(lengths.max(initial=0))):
        rows = numpy.flatnonzero(lengths > place)
        numbers[rows] |= cells.data[cells.ends[rows] - 1 - place].astype(numpy.uint64) << numpy.uint64(8 * place)
    return library("pyarrow").array(numbers, mask=cells.nulls)


def _read_times(cells: Cells, type_: Any) -> Any:
    """Times of day and spans of time, as `-838:59:59.000000`."""
    arrow, compute = library("pyarrow"), library("pyarrow.compute")
    texts = cells.as_text()
    parts = compute.extract_regex(texts, _TIME_PATTERN)
    if parts.null_count > texts.null_count:
        raise arrow.ArrowInvalid("a TIME is not as hours:minutes:seconds")
    fields = dict(zip((field.name for field in parts.type), parts.flatten(), strict=True))
    total = compute.cast(compute.ascii_rpad(fields["fraction"], 6, "0"), arrow.int64())
    for name, factor in _MICROSECONDS.items():
        total = compute.add(total, compute.multiply(compute.cast(fields[name], arrow.int64()), factor))
    signed = compute.if_else(compute.equal(fields["sign"], "-"), compute.negate(total), total)
    return signed.cast(type_)


def _read_vectors(cells: Cells, type_: Any) -> Any:
    """Vectors, as `[1, 2]`."""
    arrow, compute = library("pyarrow"), library("pyarrow.compute")
    texts = cells.as_text()
    missing = texts.is_null()
    zeros = f"[{','.join(['0'] * type_.list_size)}]"  # as many numbers as a vector has, where there is none
    lists = compute.split_pattern(compute.utf8_trim(texts.fill_null(zeros), "[] "), ",")
    lengths = compute.list_value_length(lists)
    if not compute.all(compute.equal(lengths, type_.list_size)).as_py() and len(lengths):
        found = compute.max(compute.if_else(compute.not_equal(lengths, type_.list_size), lengths, None)).as_py()
        raise arrow.ArrowInvalid(f"a vector has {found} dimensions, not {type_.list_size}")
    numbers = compute.ascii_trim_whitespace(lists.flatten()).cast(type_.value_type)
    return arrow.FixedSizeListArray.from_arrays(numbers, type=type_, mask=missing)
