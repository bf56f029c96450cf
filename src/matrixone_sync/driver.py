# Generated from matrixone_async/driver.py by tools/generate_sync.py; do not edit.
"""Runs operations: one loop, and what each step means."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import MatrixOneError, StatementTimeout
from matrixone_core.monitoring.pools import PoolStatus, pool_status
from matrixone_core.on_connection import commit, execute_statement, send_local_data
from matrixone_core.server_errors import cannot_connect, no_connection_free
from matrixone_core.session.engine_events import transactional, usable
from matrixone_core.steps import (
    Atomic,
    Call,
    CallInPieces,
    Concurrently,
    GetRuntime,
    Op,
    OutsideTransaction,
    RunSync,
    Runtime,
    SendLocalData,
    Statement,
    Step,
    WithTicker,
    next_chunk,
    report_progress,
    transform,
)
from matrixone_platform.machine import LocalMachine
from matrixone_sync.concurrency import Caller, Owner, finish_within, repeating, sleep
from matrixone_sync.engines import abandon, close, connect, release, run_on
from matrixone_sync.workers import WorkerGroup

P = ParamSpec("P")
T = TypeVar("T")
PARSED_AT_ONCE = 1024 * 1024  # bytes of data, of which what is made is held


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
                close(engine)
            else:
                abandon(engine)

    def perform(self, step: Step[Any]) -> Any:
        """Return the answer to a step."""
        match step:
            case Statement():
                return self._on_connection(execute_statement, step, self.time_limit)
            case SendLocalData():
                data = self._transform(step)
                return self._on_connection(send_local_data, step.statement, data, self.time_limit)
            case RunSync():
                return self._on_connection(step.call)
            case Atomic():
                with self.transaction() as driver:
                    return driver.run(step.op)
            case OutsideTransaction():
                return replace(self, engine=self.reserve, pin=None).run(step.op)
            case Concurrently():
                return self._run_together(step)
            case Call():
                return self.caller.call(step)
            case CallInPieces():
                return self.caller.call_in_pieces(step)
            case WithTicker():
                driver = replace(self, caller=self.caller.for_one_listener())
                with repeating(step.seconds, partial(driver.check_progress, step)):
                    return driver.run(step.op)
            case GetRuntime():
                return Runtime(self.run, LocalMachine(), time.monotonic, sleep)
            case _:
                raise TypeError(f"unknown step: {step!r}")

    def _on_connection(self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self.connection() as connection, self._track(connection):
            return run_on(connection, call, *args, **kwargs)

    def _transform(self, step: SendLocalData[Any]) -> Iterator[bytes]:
        """The data as they are sent."""
        while (chunk := self.run(next_chunk(step.chunks))) is not None:
            for at in range(0, len(chunk), PARSED_AT_ONCE):
                yield self.run(transform(step.through, chunk[at : at + PARSED_AT_ONCE]))
        yield self.run(transform(step.through, None))

    def _run_together(self, step: Concurrently) -> tuple[Any, ...]:
        workers = WorkerGroup()
        apart = replace(self, engine=self.concurrent, pin=None, workers=workers)
        first = replace(self, workers=workers) if step.first_in_transaction else apart
        drivers = (first, *[apart] * (len(step.ops) - 1))
        calls = [partial(driver.run, op) for driver, op in zip(drivers, step.ops, strict=True)]
        return workers.run_all(calls, step.limit)

    def check_progress(self, step: WithTicker[Any]) -> None:
        """Report an event of an operation, if one is due."""
        event = step.poll(time.monotonic())
        if event is not None:
            self.run(report_progress(step.receive, event))

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
            yield transactional(connection)
            run_on(connection, commit)
        finally:
            release(connection)
