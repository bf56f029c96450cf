"""What steps do with a connection of SQLAlchemy's, once for both drivers.

A driver calls these functions with a connection that blocks, or that seems to block in SQLAlchemy's greenlet.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Result
from sqlalchemy.exc import DBAPIError

from matrixone_core.errors import ConnectionLost, MatrixOneError
from matrixone_core.execution import PACKETS, check_gave_rows, result_columns, timeout_options
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.server_errors import commit_unknown, from_driver
from matrixone_core.steps import Op, Reply, RunSync, Statement

T = TypeVar("T")
WORK = "matrixone_unit_of_work"  # the execution option that takes the unit of work along with a connection


class Recorder(Protocol):
    """What records the errors of a transaction: its unit of work."""

    def record_error(self, error: MatrixOneError) -> None:
        """Record an error."""
        ...


def translate_errors(call: Callable[[], T], statement: Statement[Any] | None = None) -> T:
    """Return what *call* returns; a driver's error becomes ours, raised where none of the driver's frames hang on it.

    Args:
        call: the function.
        statement: the statement that it executes, for messages.
    """
    try:
        return call()
    except DBAPIError as error:
        failure = from_driver(error, statement)
    raise failure


def run_translated(call: Callable[[Connection], T]) -> Op[T]:
    """Call a function with a connection; what the server refuses is one of our errors."""
    return (yield from RunSync(partial(_translated, call)))


def _translated(call: Callable[[Connection], T], connection: Connection) -> T:
    return translate_errors(partial(call, connection))


def execute_statement(connection: Connection, statement: Statement[T], time_limit: float | None) -> T:
    """Execute a statement of ours.

    Args:
        connection: the connection.
        statement: the statement.
        time_limit: seconds that it may take at most, whatever it says itself; None leaves it to the statement.

    Raises:
        MatrixOneError: the server refuses it.
    """
    return statement.parse(translate_errors(partial(_reply, connection, statement, time_limit), statement))


def _reply(connection: Connection, statement: Statement[Any], time_limit: float | None) -> Reply:
    options = _options(statement, time_limit)
    if statement.before:
        connection.exec_driver_sql(statement.before, execution_options=options)
    try:
        reply = (_reply_of_texts if statement.reads_texts else _reply_of_rows)(connection, statement, options)
    except DBAPIError as error:
        if statement.after and not error.connection_invalidated:
            connection.exec_driver_sql(statement.after, execution_options=options)
        raise
    if statement.after:
        connection.exec_driver_sql(statement.after, execution_options=options)
    return reply


def _reply_of_rows(connection: Connection, statement: Statement[Any], options: Mapping[str, Any]) -> Reply:
    result = connection.execute(statement.__clause_element__(), execution_options=options)
    return Reply(result.mappings().all(), 0) if result.returns_rows else Reply((), result.rowcount)


def _reply_of_texts(connection: Connection, statement: Statement[Any], options: Mapping[str, Any]) -> Reply:
    packets = RowPackets(sys.maxsize, sys.maxsize, streams=False)
    fetch_packets(connection, statement.__clause_element__(), None, options, packets)
    name = packets.fields[0].name
    return Reply([{name: text} for block in packets.blocks for text in block.texts()])


def _options(statement: Statement[Any], time_limit: float | None) -> dict[str, Any]:
    limits = (limit for limit in (time_limit, statement.time_limit) if limit is not None)
    return timeout_options(min(limits, default=None))


def send_local_data(connection: Connection, statement: Statement[T], data: Any, time_limit: float | None) -> T:
    """Execute a statement that asks for data of the client's, and send it these.

    Args:
        connection: the connection.
        statement: the statement.
        data: an iterator of bytes, as the driver's connection takes it.
        time_limit: as for `execute_statement`.

    Raises:
        MatrixOneError: the server refuses it.
    """
    with driver_connection(connection).sending(data):
        try:
            return execute_statement(connection, statement, time_limit)
        except Exception:
            note_closed(connection, "as the data that it was sending broke off")
            raise


def commit(connection: Connection) -> None:
    """Send COMMIT.

    Raises:
        CommitUnknown: the connection broke meanwhile, so that the rows are committed or not.
        MatrixOneError: the server refuses it.
    """
    failure: MatrixOneError
    try:
        return translate_errors(connection.commit)
    except ConnectionLost as error:
        failure = commit_unknown(error)
    raise failure


# -- results that are read while they come --------------------------------------------------------------------


class RowStream:
    """The rows of a statement, fetched as they are read. Its methods are functions of a connection.

    Args:
        statement: the statement.
        batch: the number of rows that are fetched at a time.
    """

    def __init__(self, statement: Statement[Any], batch: int) -> None:
        self._statement = statement
        self._batch = batch
        self._result: Result[Any] | None = None

    def __str__(self) -> str:
        return str(self._statement)

    def open(self, connection: Connection) -> tuple[ResultColumn, ...]:
        """Execute the statement; returns the columns of its rows."""
        options = {**_options(self._statement, None), "yield_per": self._batch}
        execute = partial(connection.execute, self._statement.__clause_element__(), execution_options=options)
        self._result = translate_errors(execute, self._statement)
        return result_columns(driver_connection(connection))

    def fetch(self, _connection: Connection) -> Sequence[Sequence[Any]]:
        """Fetch the next rows; none at the end."""
        result: Any = self._result
        rows: Sequence[Sequence[Any]] = translate_errors(partial(result.fetchmany, self._batch), self._statement)
        return rows

    def skip_rest(self, _connection: Connection) -> None:
        """Read the rows that are left, for nobody, so that the connection can go on."""
        if self._result is not None:
            translate_errors(self._result.close, self._statement)


class BlockStream:
    """The rows of a statement in blocks, of which columns are made. Its methods are functions of a connection.

    Args:
        statement: the statement.
        packets: cuts the reply into blocks, one after another.
    """

    def __init__(self, statement: Statement[Any], packets: RowPackets) -> None:
        self._statement = statement
        self._packets = packets

    def __str__(self) -> str:
        return str(self._statement)

    def open(self, connection: Connection) -> tuple[ResultColumn, ...]:
        """Execute the statement; returns the columns of its rows."""
        clause, options = self._statement.__clause_element__(), _options(self._statement, None)
        translate_errors(partial(fetch_packets, connection, clause, None, options, self._packets), self._statement)
        return self._packets.fields

    def fetch(self, connection: Connection) -> Block | None:
        """Fetch the next rows; None at the end."""
        return translate_errors(partial(next_block, connection, self._packets), self._statement)

    def skip_rest(self, connection: Connection) -> None:
        """Read the rows that are left, for nobody, so that the connection can go on."""
        while not self._packets.ended and self.fetch(connection) is not None:
            pass


def fetch_packets(
    connection: Connection, statement: Executable, params: Any, options: Mapping[str, Any], packets: RowPackets
) -> None:
    """Execute a statement of the caller's, and take the packets of its rows as they are.

    Args:
        connection: the connection.
        statement: SQLAlchemy's.
        params: its parameters, or None.
        options: its execution options.
        packets: where the packets go.

    Raises:
        InvalidArgument: it gives no rows.
        sqlalchemy.exc.DBAPIError: the server refuses it.
    """
    connection.execute(statement, params, execution_options={**options, PACKETS: packets})
    check_gave_rows(packets)


def next_block(connection: Connection, packets: RowPackets) -> Block | None:
    """Read the next rows of a result that is read while it comes; None at its end.

    Raises:
        sqlalchemy.exc.DBAPIError: the server broke off, or the reply is malformed.
    """
    dialect: Any = connection.dialect
    driver_error: type[Exception] = dialect.loaded_dbapi.Error
    try:
        block: Block | None = dialect.next_block(connection.connection.dbapi_connection, packets)
    except driver_error as error:
        failure: Any = DBAPIError.instance(packets.sql, None, error, driver_error)
        work: Recorder | None = work_of(connection)
        if work is not None:
            work.record_error(from_driver(failure))
        raise failure from error
    return block


def hang_up(connection: Connection) -> None:
    """Close a connection, so that the rest of a result is not sent; what its transaction did is rolled back."""
    if connection.invalidated:
        return
    driver_connection(connection).close_at_once()
    if work_of(connection) is None:
        connection.invalidate()  # its pool opens another one
    else:
        note_closed(connection, "as the rest of a result was not read")


# -- what its unit of work is given ---------------------------------------------------------------------------


def work_of(connection: Connection) -> Any:
    """Return the unit of work that a connection's transaction belongs to; None where no session uses it."""
    return connection.get_execution_options().get(WORK)


def note_closed(connection: Connection, why: str) -> None:
    """Report a connection that is closed to its unit of work; SQLAlchemy notices the drivers' errors only.

    Args:
        connection: the transaction's.
        why: what ends "its connection was closed, …".
    """
    work: Recorder | None = work_of(connection)
    if work is not None and not is_open(connection):
        work.record_error(ConnectionLost(f"its connection was closed, {why}"))


def is_open(connection: Connection) -> bool:
    """Whether the driver's connection below SQLAlchemy's is open; one that was lost is asked for no more."""
    return not connection.invalidated and bool(driver_connection(connection).open)


def driver_connection(connection: Connection) -> Any:
    """Return the driver's connection below SQLAlchemy's."""
    return connection.connection.driver_connection
