"""Blocks of rows made into record batches: every column at once, without an object for each value."""

from collections.abc import Container, Generator, Iterator, Sequence
from typing import Any

from matrixone_core.columnar.columns import Cells, Column, column_of
from matrixone_core.errors import ConnectionLost, ServerError
from matrixone_core.libraries import library
from matrixone_core.messages import show
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import HEAD, Block, RowPackets

_AT_ONCE = 1 << 18  # bytes of rows that are made into columns at a time: other threads hardly run meanwhile
_NULL = 251
_LONGER = ((252, 2), (253, 3), (254, 8))  # a first byte that says that a length follows, and of how many bytes


class Decoder:
    """Makes record batches of a result's blocks.

    Args:
        packets: the result, whose fields are known.
        texts: as of `column_of`.

    Attributes:
        schema: the columns' names and Arrow types.
    """

    def __init__(self, packets: RowPackets, texts: Container[int] = ()) -> None:
        self._columns: Sequence[Column] = [
            column_of(field, declared, texts)
            for field, declared in zip(packets.fields, _declared(packets, packets.fields), strict=True)
        ]
        self.schema: Any = library("pyarrow").schema([(column.name, column.type) for column in self._columns])

    def batch(self, block: Block) -> Generator[None, None, Any]:
        """Make a record batch of the rows of a block.

        Yields:
            Nothing, where another thread may run.

        Returns:
            The batch.

        Raises:
            ServerError: a value cannot be read as what the server says it is.
            ConnectionLost: a row is not as long as its values.
        """
        batches: list[Any] = []
        for part in block.split(_AT_ONCE):
            batches.append(self._decode(part))
            yield
        return batches[0] if len(batches) == 1 else self.table(batches).combine_chunks().to_batches()[0]

    def _decode(self, block: Block) -> Any:
        arrow = library("pyarrow")
        arrays: list[Any] = []
        for column, cells in zip(self._columns, _cells(block, len(self._columns)), strict=True):
            try:
                arrays.append(column.array(cells))
            except arrow.ArrowInvalid as error:
                raise _unreadable(column, error) from None
        return arrow.record_batch(arrays, schema=self.schema)

    def table(self, batches: Sequence[Any]) -> Any:
        """Record batches as a table."""
        return library("pyarrow").Table.from_batches(batches, self.schema)


def _declared(packets: RowPackets, fields: Sequence[ResultColumn]) -> list[Any]:
    """The types that the statement says the columns have, or None."""
    if packets.is_ordered and len(packets.types) == len(fields):
        return [type_ for _, type_ in packets.types]
    by_name = dict(packets.types)
    return [by_name.get(field.name) for field in fields]


def _cells(block: Block, columns: int) -> Iterator[Cells]:
    """Where the values of each column are in a block."""
    numpy = library("numpy")
    data = numpy.frombuffer(block.data, numpy.uint8)
    at = numpy.array(block.starts, numpy.int64) - block.base
    row_ends = numpy.append(at[1:] - HEAD, len(data))
    for left in reversed(range(columns)):
        starts, lengths, nulls = _lengths(data, at, row_ends)
        at = starts + lengths
        # a length of eight bytes may be so great that it counts for a negative one
        if ((lengths < 0) | (at > row_ends)).any() or (not left and (at != row_ends).any()):
            raise _cut_short()
        yield Cells(data, starts, at, nulls)


def _lengths(data: Any, at: Any, row_ends: Any) -> tuple[Any, Any, Any]:
    """Where values begin, how long they are, and which are NULL (None if none is).

    Args:
        data: the block's bytes.
        at: where their lengths begin.
        row_ends: where their rows end.
    """
    numpy = library("numpy")
    if (at >= row_ends).any():
        raise _cut_short()
    first = data[at]
    starts, lengths = at + 1, first.astype(numpy.int64)
    if first.max() < _NULL:
        return starts, lengths, None
    for mark, size in _LONGER:
        rows = numpy.flatnonzero(first == mark)
        if (starts[rows] + size > row_ends[rows]).any():
            raise _cut_short()
        lengths[rows] = 0
        for place in range(size):
            lengths[rows] |= data[starts[rows] + place].astype(numpy.int64) << 8 * place
        starts[rows] += size
    nulls = first == _NULL
    lengths[nulls] = 0
    return starts, lengths, nulls if nulls.any() else None


def _cut_short() -> ConnectionLost:
    return ConnectionLost(
        "the server's reply is malformed: a row is not as long as its values; see that it is a MatrixOne server, and "
        "that nothing in between changes what it sends"
    )


def _unreadable(column: Column, error: Exception) -> ServerError:
    """The error for values that are not what the server says."""
    if "UTF8" in str(error):
        return ServerError(
            f"column {show(column.name)} has a text that is not UTF-8; select hex(column) to see its bytes"
        )
    return ServerError(
        f"column {show(column.name)} cannot be read as {column.type}: {error}; CAST it to CHAR in the statement to "
        "have it as text"
    )
