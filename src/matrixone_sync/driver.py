# Generated from matrixone_async/driver.py by tools/generate_sync.py; do not edit.
"""Runs operations: one loop, and what each step means."""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from pymysql.err import MySQLError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import ConnectionLost, MatrixOneError, StatementTimeout
from matrixone_core.execution import PACKETS, check_gave_rows, result_columns, timeout_options
from matrixone_core.monitoring.pools import PoolStatus, pool_status
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.server_errors import cannot_connect, commit_unknown, from_driver, no_connection_free
from matrixone_core.session.engine_events import usable
from matrixone_core.steps import (
    Atomic,
    Call,
    Concurrently,
    Fetch,
    GetRuntime,
    HangUp,
    NextBlock,
    Op,
    OutsideTransaction,
    Reply,
    RunSync,
    Runtime,
    SendLocalData,
    Statement,
    Step,
    Streaming,
    WithTicker,
    emit,
    next_chunk,
    run_in_thread,
)
from matrixone_platform.machine import LocalMachine
from matrixone_sync.concurrency import Caller, Owner, finish_within, repeating, sleep
from matrixone_sync.engines import (
    abandon,
    connect,
    driver_connection,
    end_stream,
    mark_closed,
    mark_failed,
    release,
    run_on,
    stream_rows,
)
from matrixone_sync.workers import WorkerGroup

T = TypeVar("T")
_log = logging.getLogger("matrixone")


@dataclass(frozen=True)
class Driver:
    """Runs operations.

    Args:
        engine: its connections are used, if none is pinned.
        reserve: the engine for statements that cannot wait for a connection of the pool.
        concurrent: the engine for operations at once.
        stopping: the engine for the statements that stop others.
        where: the server and the user, for messages.
        is_borrowed: whether `engine` is the caller's, and stays open.
        pin: returns the one connection to use, whose transaction the caller ends; None uses those of `engine`.
        time_limit: seconds that any statement may take; None leaves it to the statement and the engine.
        owner: who may use the connections.
        caller: calls functions that are not the core's.
        workers: the operations at once that this driver is for; None for one by itself.
    """

    engine: Engine
    reserve: Engine
    concurrent: Engine
    stopping: Engine
    where: str
    is_borrowed: bool = False
    pin: Callable[[], Connection] | None = None
    time_limit: float | None = None
    owner: Owner = field(default_factory=Owner, repr=False)
    caller: Caller = field(default_factory=Caller, repr=False)
    workers: WorkerGroup | None = field(default=None, repr=False)

    def run(self, op: Op[T]) -> T:
        """Return the result of an operation; once it is interrupted, it ends with the interruption."""
        interruption: BaseException | None = None
        try:
            step = next(op)
            while True:
                try:
                    answer = self.perform(step) if interruption is None else self._clean_up(step, interruption)
                except BaseException as error:  # noqa: BLE001  # the operation's to handle, interruptions included
                    interruption = interruption if isinstance(error, Exception) else interruption or error
                    step = op.throw(error)
                else:
                    step = op.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        except Exception as error:
            if interruption is not None:
                raise interruption from error
            raise

    def _clean_up(self, step: Step[T], interruption: BaseException) -> T:
        """Return the answer to a step of an operation that was interrupted, if it comes in time."""
        limited_driver = replace(self, time_limit=CLEAN_UP_SECONDS)
        try:
            answer: T = finish_within(partial(limited_driver.perform, step), CLEAN_UP_SECONDS)
        except (TimeoutError, StatementTimeout):
            raise interruption from None
        return answer

    def dispose(self) -> None:
        """Close all connections; those of another event loop cannot be closed in order."""
        engines = (self.reserve, self.concurrent, self.stopping)
        for engine in engines if self.is_borrowed else (self.engine, *engines):
            if self.owner.is_running:
                engine.dispose()
            else:
                abandon(engine)

    def perform(self, step: Step[Any]) -> Any:
        """Return the answer to a step."""
        match step:
            case Statement():
                return self._execute(step)
            case Atomic():
                with self.transaction() as driver:
                    return driver.run(step.op)
            case OutsideTransaction():
                return replace(self, engine=self.reserve, pin=None).run(step.op)
            case Concurrently():
                return self._run_together(step)
            case SendLocalData():
                return self._send(step)
            case Streaming():
                return self._stream(step)
            case Fetch():
                return self._fetch(step)
            case NextBlock():
                return self._next_block(step.packets)
            case HangUp():
                return self._hang_up()
            case Call():
                return self.caller.call(step)
            case WithTicker():
                with repeating(step.seconds, partial(self._check_progress, step)):
                    return self.run(step.op)
            case GetRuntime():
                return Runtime(self.run, LocalMachine(), time.monotonic, sleep)
            case RunSync():
                with self.connection() as connection:
                    return translate_errors(partial(run_on, connection, step.call))
            case _:
                raise TypeError(f"unknown step: {step!r}")

    def _execute(self, statement: Statement[T]) -> T:
        with self.connection() as connection, self._track(connection):
            reply = translate_errors(partial(self._reply, connection, statement), statement)
        return statement.parse(reply)

    def _send(self, step: SendLocalData[T]) -> T:
        statement = step.statement
        with self.connection() as connection, self._track(connection):
            raw = driver_connection(connection)
            with raw.sending(self._transform(step)):
                try:
                    reply = translate_errors(partial(self._reply, connection, statement), statement)
                except Exception:
                    mark_closed(connection, "as the data that it was sending broke off")
                    raise
        return statement.parse(reply)

    def _stream(self, step: Streaming) -> None:
        with self.connection() as connection, self._track(connection):
            translate_errors(partial(self._pass_rows_on, connection, step), step.statement)

    def _pass_rows_on(self, connection: Connection, step: Streaming) -> None:
        options = {**self._options_for(step.statement), "yield_per": step.batch}
        result = stream_rows(connection, step.statement.__clause_element__(), options)
        try:
            columns = result_columns(driver_connection(connection))
            self.run(step.receive(columns, ()))
            while rows := result.fetchmany(step.batch):
                self.run(step.receive(columns, rows))
        except BaseException:
            end_stream(connection, result, keep=self.pin is not None)
            raise

    def _fetch(self, step: Fetch) -> None:
        """Execute a statement, its rows left as packets; an error is SQLAlchemy's."""
        options = {**timeout_options(self.time_limit), **step.options, PACKETS: step.packets}
        with self.connection() as connection, self._track(connection):
            connection.execute(step.statement, step.params, execution_options=options)
            check_gave_rows(step.packets)

    def _next_block(self, packets: RowPackets) -> Block | None:
        with self.connection() as connection, self._track(connection):
            raw = driver_connection(connection)
            try:
                block: Block | None = raw.next_block(packets)
            except MySQLError as error:
                failure: Any = DBAPIError.instance(packets.sql, None, error, MySQLError)
                mark_failed(connection, failure)
                raise failure from error
            return block

    def _hang_up(self) -> None:
        with self.connection() as connection:
            (driver_connection(connection)).close_at_once()
            mark_closed(connection, "as the rest of a result was not read")

    def _reply(self, connection: Connection, statement: Statement[Any]) -> Reply:
        options = self._options_for(statement)
        if statement.before:
            connection.exec_driver_sql(statement.before, execution_options=options)
        try:
            result = connection.execute(statement.__clause_element__(), execution_options=options)
        except DBAPIError as error:
            if statement.after and not error.connection_invalidated:
                connection.exec_driver_sql(statement.after, execution_options=options)
            raise
        if statement.after:
            connection.exec_driver_sql(statement.after, execution_options=options)
        return Reply(result.mappings().all(), 0) if result.returns_rows else Reply((), result.rowcount)

    def _transform(self, step: SendLocalData[Any]) -> Iterator[bytes]:
        """The data as they are sent."""
        while (chunk := self.run(next_chunk(step.chunks))) is not None:
            yield self.run(run_in_thread(partial(step.through, chunk)))  # parsing takes long
        yield self.run(run_in_thread(partial(step.through, None)))

    def _run_together(self, step: Concurrently) -> tuple[Any, ...]:
        workers = WorkerGroup()
        apart = replace(self, engine=self.concurrent, pin=None, workers=workers)
        first = replace(self, workers=workers) if step.first_in_transaction else apart
        drivers = (first, *[apart] * (len(step.ops) - 1))
        calls = [partial(driver.run, op) for driver, op in zip(drivers, step.ops, strict=True)]
        return workers.run_all(calls, step.limit)

    def _check_progress(self, step: WithTicker[Any]) -> None:
        event = step.poll(time.monotonic())
        if event is not None:
            try:
                self.run(emit(step.receive, event))
            except Exception:  # noqa: BLE001  # a function that listens must not end the load
                _log.exception("a progress function failed")

    def _options_for(self, statement: Statement[Any]) -> dict[str, Any]:
        limits = (limit for limit in (self.time_limit, statement.time_limit) if limit is not None)
        return timeout_options(min(limits, default=None))

    def check_out(self, call: Callable[[], Connection]) -> Connection:
        """Return the connection that *call* makes; raise what keeps it from it, in our words."""
        failure: MatrixOneError
        try:
            return call()
        except DBAPIError as error:
            failure = cannot_connect(error.orig, self.where)
        except PoolTimeout as error:
            failure = no_connection_free(error)
        raise failure

    def pool_status(self) -> PoolStatus:
        """Return what the connections of all its engines are doing."""
        return pool_status(self.engine.pool, self.reserve.pool, self.concurrent.pool, self.stopping.pool)

    def _track(self, connection: Connection) -> AbstractContextManager[None]:
        return nullcontext() if self.workers is None else self.workers.track(connection)

    @contextmanager
    def transaction(self) -> "Generator[Driver]":
        """A driver pinned to one connection, whose transaction is committed at the end unless something fails."""
        with self.connection() as connection:

            def pin() -> Connection:
                return connection

            yield replace(self, pin=pin)

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """The pinned connection, or one of the pool's with a transaction that is committed at the end."""
        if self.pin is not None:
            yield usable(self.check_out(self.pin))
            return
        connection = self.check_out(partial(connect, self.engine))
        try:
            yield connection
            commit(connection.commit)
        finally:
            release(connection)


def translate_errors(call: Callable[[], T], statement: Statement[Any] | None = None) -> T:
    """What *call* returns; a driver's error becomes ours, raised where none of the driver's frames hang on it."""
    try:
        return call()
    except DBAPIError as error:
        failure = from_driver(error, statement)
    raise failure


def commit(call: Callable[[], None]) -> None:
    """Carry a COMMIT out; if the connection breaks meanwhile, nobody knows what became of it."""
    failure: MatrixOneError
    try:
        return translate_errors(call)
    except ConnectionLost as error:
        failure = commit_unknown(error)
    raise failure
