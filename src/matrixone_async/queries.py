"""Queries with columnar results: Arrow tables, data frames, and streams of record batches."""

import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import Executable

from matrixone_async.methods import Perform, method
from matrixone_core import operations
from matrixone_core.execution import BATCH_ROWS, Parameters, options_for

if TYPE_CHECKING:
    from matrixone_core.operations.queries import BatchQuery


class AsyncArrowStream:
    """A stream of record batches: `async for batch in stream`. Each batch is read when the iterator asks for it.

    Use it in an `async with` block, or close it, unless you read all batches.

    Args:
        connection: context manager that opens the statement's connection and returns a function that runs operations
            on it.
        query: the statement.

    Attributes:
        schema: the `pyarrow.Schema` of the batches; None before the statement is executed.
    """

    def __init__(self, connection: AbstractAsyncContextManager[Perform], query: "BatchQuery") -> None:
        self._connection = connection
        self._query = query
        self._perform: Perform | None = None
        self._closed: bool = False
        self._open = AsyncExitStack()
        self.schema: Any = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        try:
            perform = await self._begin()
            batch = await perform(self._query.next_batch())
        except BaseException:
            await self._end(*sys.exc_info())
            raise
        if batch is None:
            await self._end(None, None, None)
            raise StopAsyncIteration
        return batch

    async def aclose(self) -> None:
        """Stop reading. A client closes the connection; a session reads and discards the remaining rows."""
        await self._leave(None, None, None)

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self._end(*sys.exc_info())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave(kind, error, trace)

    async def _begin(self) -> Perform:
        if self._perform is None:
            self._perform = await self._open.enter_async_context(self._connection)
            self.schema = await self._perform(self._query.begin())
        return self._perform

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed or self._perform is None:
            self._closed = True
            return
        try:
            await self._perform(self._query.leave(failed=error is not None))
        finally:
            if error is None and self._query.is_cut_off:  # there is nothing that could be committed
                kind, error = GeneratorExit, GeneratorExit()
            await self._end(kind, error, trace)

    async def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Return the connection to the pool; without an error, commit the statement's own transaction."""
        self._closed = True
        await self._open.__aexit__(kind, error, trace)


class AsyncQueries:
    """The methods of clients and sessions that return results as columns."""

    def _reading(self) -> AbstractAsyncContextManager[Perform]:
        """Open a connection for one statement, and return a function that runs operations on it."""
        raise NotImplementedError

    query_arrow: Final = method(lambda: operations.queries.query_arrow)
    query_df: Final = method(lambda: operations.queries.query_df)
    query_polars: Final = method(lambda: operations.queries.query_polars)

    def stream_arrow(
        self,
        statement: str | Executable,
        params: Parameters | None = None,
        *,
        batch_rows: int = BATCH_ROWS,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> AsyncArrowStream:
        """Execute a statement and read its rows as record batches, without holding all of them in memory.

        If the `async with` block ends before the last batch, the client closes the connection, so that the server does
        not send the rest. A session reads and discards the rest, as its transaction continues.

        Args:
            statement: as for `query_arrow`.
            params: values for placeholders in SQL text, as for `execute`.
            batch_rows: maximum number of rows in a batch; a batch also ends at 16 MiB.
            timeout: limit in seconds until the first rows arrive; by default the client's `timeout`.
            snapshot: as for `query_arrow`.
            timestamp: as for `query_arrow`.

        Returns:
            The batches, as an asynchronous iterator of `pyarrow.RecordBatch`.

        Raises:
            InvalidArgument: an argument is not valid; from the iterator, the statement returns no rows.
            NotConnected, ConnectionFailed, PoolExhausted: from the iterator, there is no connection.
            NotSupported: from the iterator, pyarrow or numpy is not installed.
            ServerError: from the iterator, a value does not have the type in the server's reply, or a text is not
                UTF-8.
            sqlalchemy.exc.DBAPIError: from the iterator, the server refused the statement, as for `execute`.
        """
        options = options_for(statement, timeout, snapshot, timestamp)
        query = operations.queries.BatchQuery(statement, params, batch_rows, options)
        return AsyncArrowStream(self._reading(), query)
