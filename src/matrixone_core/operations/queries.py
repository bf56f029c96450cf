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
    """Execute a statement and return its rows as an Arrow table.

    Columns are decoded as a whole, without a Python object for each value. The server's reply decides their types:
    DECIMAL becomes decimal128 of its digits (decimal256 above 38), DATE date32, DATETIME and TIMESTAMP timestamp[us],
    TIME duration[us], BOOL bool, BIT uint64, BINARY, VARBINARY and BLOB binary, JSON, UUID and ENUM string. A vector
    becomes a fixed-size list if the statement declares its type: in a `select()` of a vector column, or with
    `text("…").columns(name=VECF32(3))`. In other SQL text it is a string.

    Args:
        statement: SQL text, or a SQLAlchemy statement that returns rows, such as `select(table)` or `select(Model)`.
        params: values for placeholders in SQL text, as for `execute`.
        timeout: limit in seconds after which the statement is stopped; by default the client's `timeout`.
        snapshot: name of a snapshot to read all tables of the statement from. Not for SQL text.
        timestamp: a datetime with a time zone to read all tables at. Not for SQL text.

    Returns:
        A `pyarrow.Table`.

    Raises:
        InvalidArgument: an argument is not valid, or the statement returns no rows; its changes are rolled back.
        NotSupported: pyarrow or numpy is not installed.
        ServerError: a value does not have the type in the server's reply, or a text is not UTF-8.
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
    """Execute a statement and return its rows as a pandas data frame.

    The columns have the types of pyarrow's `Table.to_pandas`: integers in a column with NULLs become floats. With
    `dtype_backend="pyarrow"` they remain integers.

    Args:
        statement: as for `query_arrow`.
        params: values for placeholders in SQL text, as for `execute`.
        dtype_backend: `"pyarrow"` for Arrow-backed columns; by default they are numpy's.
        timeout: as for `query_arrow`.
        snapshot: as for `query_arrow`.
        timestamp: as for `query_arrow`.

    Returns:
        A `pandas.DataFrame`.

    Raises:
        InvalidArgument: an argument is not valid, or the statement returns no rows; its changes are rolled back.
        NotSupported: pandas, pyarrow or numpy is not installed.
        ServerError: a value does not have the type in the server's reply, or a text is not UTF-8.
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
    """Execute a statement and return its rows as a polars data frame.

    Args:
        statement: as for `query_arrow`.
        params: values for placeholders in SQL text, as for `execute`.
        timeout: as for `query_arrow`.
        snapshot: as for `query_arrow`.
        timestamp: as for `query_arrow`.

    Returns:
        A `polars.DataFrame`.

    Raises:
        InvalidArgument: an argument is not valid, two columns have the same name, or the statement returns no rows; its
            changes are rolled back.
        NotSupported: polars, pyarrow or numpy is not installed.
        ServerError: a value does not have the type in the server's reply, or a text is not UTF-8.
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
        batch_rows: maximum number of rows in a batch.
        options: the statement's execution options.

    Attributes:
        is_cut_off: whether the connection was closed before all rows were read.

    Raises:
        InvalidArgument: an argument is not valid.
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
        """Return the next `pyarrow.RecordBatch`, or None at the end.

        Raises:
            InvalidArgument: another statement was sent on the connection before all rows were read.
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
        """Stop reading. Close the connection; in a session, read and discard the remaining rows instead.

        Args:
            failed: whether an error is the reason; then a session's connection is closed, too.
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
    """Return the step that executes a statement and feeds its rows to *packets*.

    Raises:
        InvalidArgument: the statement returns no rows.
    """
    check_gives_rows(statement)
    executable, values = as_statement(statement, params)
    wanted: Any = executable
    if issubclass(type(wanted), Select):  # of a model the columns, and not those of what its relationships load with it
        wanted = wanted.options(lazyload("*"))
    return RunSync(partial(fetch_packets, statement=wanted, params=values, options=options, packets=packets))
