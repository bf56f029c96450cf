"""Results as Arrow tables, frames and record batches."""

import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Executable, Select
from sqlalchemy.orm import lazyload

from matrixone_core.columnar.decoding import Decoder
from matrixone_core.columnar.frames import DtypeBackend, as_pandas, as_polars, check_backend
from matrixone_core.errors import InvalidArgument
from matrixone_core.execution import Parameters, as_statement, check_gives_rows, check_rows, options_for
from matrixone_core.libraries import load
from matrixone_core.on_connection import fetch_packets, hang_up, next_block
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.steps import GetRuntime, Op, RunSync, compute, run_in_thread, work_through

_ARROW = ("numpy", "pyarrow", "pyarrow.compute")
_BLOCK_BYTES = 1 << 18  # of a reply that are made into columns at a time
_BATCH_BYTES = 16 << 20  # of a reply that end a record batch, though it has fewer rows


def query_arrow(
    statement: str | Executable,
    params: Parameters | None = None,
    *,
    timeout: float | None = None,
    snapshot: str | None = None,
    timestamp: datetime | None = None,
) -> Op[Any]:
    """Execute a statement and have its rows as an Arrow table.

    The columns are made of the server's reply as a whole, without an object for each value. They are what the reply
    says: DECIMAL is decimal128 of its digits (decimal256 above 38), DATE date32, DATETIME and TIMESTAMP
    timestamp[us], TIME duration[us], BOOL bool, BIT uint64, BINARY, VARBINARY and BLOB binary, JSON, UUID and ENUM
    string. A vector is a fixed-size list where the statement says so: in a `select()` of a column of vectors, or by
    `text("…").columns(name=VECF32(3))`; in other SQL text it is a string.

    Args:
        statement: SQL text, or a statement of SQLAlchemy's that gives rows: `select(table)`, `select(Model)`.
        params: values for placeholders in SQL text, as for `execute`.
        timeout: seconds that the statement may take before it is stopped; by default the client's `timeout`.
        snapshot: the name of a snapshot: every table of the statement is read as it was then. Not for SQL text.
        timestamp: a datetime with a time zone instead of a snapshot.

    Returns:
        A `pyarrow.Table`.

    Raises:
        InvalidArgument: an argument cannot be, or the statement gives no rows; what it did is rolled back.
        NotSupported: pyarrow or numpy is not installed.
        ServerError: a value is not what the server says it is, or a text not UTF-8.
        sqlalchemy.exc.DBAPIError: the server refused the statement, as for `execute`.
    """
    packets = RowPackets(sys.maxsize, _BLOCK_BYTES, streams=False)
    fetch = _fetch(statement, params, options_for(statement, timeout, snapshot, timestamp), packets)
    yield from run_in_thread(partial(load, *_ARROW))
    yield from fetch
    decoder, blocks = Decoder(packets), packets.blocks
    batches: list[Any] = []
    while blocks:
        batches.append((yield from work_through(decoder.batch(blocks.popleft()))))
    return decoder.table(batches)


def query_df(
    statement: str | Executable,
    params: Parameters | None = None,
    *,
    dtype_backend: DtypeBackend | None = None,
    timeout: float | None = None,
    snapshot: str | None = None,
    timestamp: datetime | None = None,
) -> Op[Any]:
    """Execute a statement and have its rows as a frame of pandas.

    The columns have the types that pyarrow's `Table.to_pandas` gives them. Integers of a column with NULLs are floats
    there, as pandas has it; with `dtype_backend="pyarrow"` they stay what they are.

    Args:
        statement: as for `query_arrow`.
        params: values for placeholders in SQL text, as for `execute`.
        dtype_backend: `"pyarrow"` for columns of Arrow's types; by default they are of numpy's.
        timeout: as for `query_arrow`.
        snapshot: as for `query_arrow`.
        timestamp: as for `query_arrow`.

    Returns:
        A `pandas.DataFrame`.

    Raises:
        InvalidArgument: an argument cannot be, or the statement gives no rows; what it did is rolled back.
        NotSupported: pandas, pyarrow or numpy is not installed.
        ServerError: a value is not what the server says it is, or a text not UTF-8.
        sqlalchemy.exc.DBAPIError: the server refused the statement, as for `execute`.
    """
    check_backend(dtype_backend)
    yield from run_in_thread(partial(load, "pandas"))
    table = yield from query_arrow(statement, params, timeout=timeout, snapshot=snapshot, timestamp=timestamp)
    return (yield from work_through(as_pandas(table, dtype_backend)))


def query_polars(
    statement: str | Executable,
    params: Parameters | None = None,
    *,
    timeout: float | None = None,
    snapshot: str | None = None,
    timestamp: datetime | None = None,
) -> Op[Any]:
    """Execute a statement and have its rows as a frame of polars.

    Args:
        statement: as for `query_arrow`.
        params: values for placeholders in SQL text, as for `execute`.
        timeout: as for `query_arrow`.
        snapshot: as for `query_arrow`.
        timestamp: as for `query_arrow`.

    Returns:
        A `polars.DataFrame`.

    Raises:
        InvalidArgument: an argument cannot be, two columns have one name, or the statement gives no rows; what it did
            is rolled back.
        NotSupported: polars, pyarrow or numpy is not installed.
        ServerError: a value is not what the server says it is, or a text not UTF-8.
        sqlalchemy.exc.DBAPIError: the server refused the statement, as for `execute`.
    """
    yield from run_in_thread(partial(load, "polars"))
    table = yield from query_arrow(statement, params, timeout=timeout, snapshot=snapshot, timestamp=timestamp)
    return (yield from compute(partial(as_polars, table)))


class BatchQuery:
    """A statement whose rows are read as record batches, one after another.

    Args:
        statement: as for `query_arrow`.
        params: values for placeholders in SQL text, as for `execute`.
        batch_rows: how many rows a batch has at most.
        options: the statement's execution options.

    Attributes:
        is_cut_off: whether the connection was closed before all rows were read.

    Raises:
        InvalidArgument: that cannot be.
    """

    def __init__(
        self,
        statement: str | Executable,
        params: Parameters | None,
        batch_rows: int,
        options: Mapping[str, Any],
    ) -> None:
        check_rows("batch_rows", batch_rows)
        self._packets = RowPackets(batch_rows, _BATCH_BYTES, streams=True)
        self._fetch = _fetch(statement, params, options, self._packets)
        self._decoder: Decoder | None = None
        self.is_cut_off: bool = False

    def begin(self) -> Op[Any]:
        """Execute the statement.

        Returns:
            The `pyarrow.Schema` of the batches.
        """
        yield from run_in_thread(partial(load, *_ARROW))
        yield from self._fetch
        self._decoder = Decoder(self._packets)
        return self._decoder.schema

    def next_batch(self) -> Op[Any]:
        """The next `pyarrow.RecordBatch`, or None at the end.

        Raises:
            InvalidArgument: the connection was used for something else meanwhile.
        """
        if self._packets.is_interrupted:
            raise InvalidArgument(
                "another statement was sent on this connection before all rows were read; read them first, or use "
                "another session"
            )
        try:
            block = yield from self._next_block()
            if block is None or self._decoder is None:
                return None
            return (yield from work_through(self._decoder.batch(block)))
        except BaseException:
            yield from self.leave(failed=True)
            raise

    def leave(self, *, failed: bool) -> Op[None]:
        """Read no more rows: the connection is closed, except for a session's, where the rest is read for nobody.

        Args:
            failed: whether that is because of an error.
        """
        if self._packets.ended:
            return
        if failed or not (yield from GetRuntime()).in_session:
            self.is_cut_off = True
            yield from RunSync(hang_up)
            return
        while (yield from self._next_block()) is not None:
            pass

    def _next_block(self) -> RunSync[Block | None]:
        return RunSync(partial(next_block, packets=self._packets))


def _fetch(
    statement: str | Executable, params: Parameters | None, options: Mapping[str, Any], packets: RowPackets
) -> RunSync[None]:
    """The step that executes a statement, the packets of whose rows go to *packets*.

    Raises:
        InvalidArgument: the statement gives no rows.
    """
    check_gives_rows(statement)
    executable, values = as_statement(statement, params)
    wanted: Any = executable
    if issubclass(type(wanted), Select):  # of a model the columns, and not those of what its relationships load with it
        wanted = wanted.options(lazyload("*"))
    return RunSync(partial(fetch_packets, statement=wanted, params=values, options=options, packets=packets))
