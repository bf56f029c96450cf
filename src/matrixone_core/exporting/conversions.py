"""How rows come from the server and become a file's bytes: Python's values for texts, record batches for Parquet."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from matrixone_core.exporting.columns import declare_vectors
from matrixone_core.exporting.source import Source
from matrixone_core.exporting.writers.csv import CsvStyle, CsvWriter
from matrixone_core.exporting.writers.json_lines import JsonLinesWriter
from matrixone_core.exporting.writers.parquet import ParquetWriter
from matrixone_core.on_connection import BlockStream, RowStream
from matrixone_core.result_columns import ResultColumn
from matrixone_core.sql.export import SelectBlocks, SelectRows
from matrixone_core.steps import Op, run_in_thread, work_through

BATCH = 200  # rows that are passed on at a time: an event loop is held for some ms


class Writer(Protocol):
    """Makes a file's bytes of rows."""

    def begin(self, columns: Sequence[ResultColumn], /) -> bytes:
        """What precedes the rows."""
        ...

    def write(self, rows: Any, /) -> bytes:
        """Rows: sequences of values, or a record batch for Parquet."""
        ...

    def finish(self) -> bytes:
        """What follows the rows."""
        ...


class Conversion(Protocol):
    """Reads rows, and has a writer make bytes of them."""

    @property
    def writer(self) -> Writer:
        """What makes the bytes."""
        ...

    def open_stream(self, source: Source, time_limit: float | None, /) -> Op[RowStream | BlockStream]:
        """What reads the rows of a source, as `convert` takes them."""
        ...

    def convert(self, rows: Any, /) -> Op[bytes]:
        """The bytes of some rows."""
        ...


class TextConversion:
    """Rows of Python's values become texts.

    Args:
        writer: makes the bytes.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer: Writer = writer

    def open_stream(self, source: Source, time_limit: float | None, /) -> Op[RowStream | BlockStream]:
        """What reads the rows of a source."""
        yield from ()
        return RowStream(SelectRows(source.query, time_limit=time_limit), BATCH)

    def convert(self, rows: Any, /) -> Op[bytes]:
        """The bytes of some rows."""
        return (yield from run_in_thread(partial(self.writer.write, rows)))


class ParquetConversion:
    """Blocks of the server's reply become record batches, without an object for each value.

    Raises:
        NotSupported: pyarrow or numpy is not installed.
    """

    def __init__(self) -> None:
        self.writer: ParquetWriter = ParquetWriter()

    def open_stream(self, source: Source, time_limit: float | None, /) -> Op[RowStream | BlockStream]:
        """What reads the blocks of a source."""
        query = yield from declare_vectors(source)
        return BlockStream(SelectBlocks(query, time_limit=time_limit), self.writer.packets)

    def convert(self, rows: Any, /) -> Op[bytes]:
        """The bytes of a block."""
        batch = yield from work_through(self.writer.decode(rows))
        return (yield from run_in_thread(partial(self.writer.write, batch)))


def conversion_of(form: str, style: CsvStyle) -> Conversion:
    """What makes a file of rows.

    Args:
        form: `csv`, `jsonline` or `parquet`.
        style: how CSV is written.

    Raises:
        NotSupported: pyarrow is not installed.
    """
    if form == "parquet":
        return ParquetConversion()
    return TextConversion(CsvWriter(style) if form == "csv" else JsonLinesWriter())
