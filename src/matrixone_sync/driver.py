"""Carries operations out, blocking: one loop, and what each step means here."""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import ConnectionLost, InvalidArgument, MatrixOneError, StatementTimeout
from matrixone_core.execution import limited
from matrixone_core.server_errors import cannot_connect, commit_unknown, from_driver, no_connection_free
from matrixone_core.session.orm_session import note_closed, usable
from matrixone_core.steps import (
    Aside,
    Atomic,
    Blocking,
    Calling,
    Chunks,
    Clock,
    Emit,
    Limited,
    NextChunk,
    OnConnection,
    Op,
    Reply,
    Runner,
    Sending,
    Sleep,
    Statement,
    Step,
    Together,
    Watched,
)
from matrixone_sync.crew import Crew

T = TypeVar("T")
_log = logging.getLogger("matrixone")


@dataclass(frozen=True)
class Driver:
    """Carries operations out.

    Args:
        engine: where connections come from.
        reserve: where those come from that cannot wait for it.
        crowd: where those come from that work at once.
        stopping: where those come from that stop statements.
        where: the server and the user, for messages.
        pin: gives the one connection to use, whose transaction somebody else ends; None for the pool's.
        time_limit: seconds that a statement may take; None leaves it to the engine.
        crew: the others that work at once, or None.
    """

    engine: Engine
    reserve: Engine
    crowd: Engine
    stopping: Engine
    where: str
    pin: Callable[[], Connection] | None = None
    time_limit: float | None = None
    crew: Crew | None = None
    telling: threading.Lock = field(default_factory=threading.Lock, repr=False)  # one event at a time

    def run(self, op: Op[T]) -> T:
        """The result of an operation; once it is interrupted, it ends with the interruption."""
        interrupted: BaseException | None = None
        try:
            step = next(op)
            while True:
                try:
                    answer = self.perform(step) if interrupted is None else self._clean_up(step, interrupted)
                except BaseException as error:  # noqa: BLE001  # the operation's to handle, interruption included
                    interrupted = interrupted if isinstance(error, Exception) else interrupted or error
                    step = op.throw(error)
                else:
                    step = op.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        except Exception as error:
            if interrupted is not None:
                raise interrupted from error
            raise

    def _clean_up(self, step: Step[T], interrupted: BaseException) -> T:
        """The answer to what an operation still asks for once it is interrupted, if it comes in time."""
        try:
            answer: T = replace(self, time_limit=CLEAN_UP_SECONDS).perform(step)
        except StatementTimeout:
            raise interrupted from None
        return answer

    def dispose(self) -> None:
        """Close all connections."""
        for engine in (self.engine, self.reserve, self.crowd, self.stopping):
            engine.dispose()

    def perform(self, step: Step[Any]) -> Any:
        """The answer to a step."""
        match step:
            case Statement():
                return self._execute(step)
            case Atomic():
                with self.transaction() as driver:
                    return driver.run(step.op)
            case Aside():
                return replace(self, engine=self.reserve, pin=None).run(step.op)
            case Together():
                crew = Crew()
                apart = replace(self, engine=self.crowd, pin=None, crew=crew)
                first = replace(self, crew=crew) if step.here else apart
                drivers = (first, *[apart] * (len(step.ops) - 1))
                return crew.together([partial(d.run, op) for d, op in zip(drivers, step.ops, strict=True)], step.limit)
            case Limited():
                return replace(self, time_limit=step.seconds).run(step.op)
            case Sending():
                return self._send(step)
            case NextChunk():
                return next(_blocking(step.chunks), None)
            case Blocking():
                return step.call()
            case Emit():
                with self.telling:
                    return step.receive(step.event)
            case Watched():
                with watching(step, self.telling):
                    return self.run(step.op)
            case Runner():
                return self.run
            case Calling():
                return step.call()
            case OnConnection():
                with self.connection() as connection:
                    return translated(lambda: step.call(connection))
            case Clock():
                return time.monotonic()
            case Sleep():
                return time.sleep(step.seconds)
            case _:
                raise TypeError(f"unknown step: {step!r}")

    def _execute(self, statement: Statement[T]) -> T:
        with self.connection() as connection, self._at_work(connection):
            reply = translated(lambda: _reply(connection, statement, self.time_limit), statement)
        return statement.parse(reply)

    def _send(self, step: Sending[T]) -> T:
        statement = step.statement
        with (
            self.connection() as connection,
            self._at_work(connection),
            _driver_connection(connection).sending(_through(step)),
        ):
            try:
                reply = translated(lambda: _reply(connection, statement, self.time_limit), statement)
            except Exception:
                note_closed(connection, "as the data that it was sending broke off")
                raise
        return statement.parse(reply)

    def _at_work(self, connection: Connection) -> AbstractContextManager[None]:
        return nullcontext() if self.crew is None else self.crew.at_work(_driver_connection(connection))

    @contextmanager
    def transaction(self) -> "Generator[Driver]":
        """A driver pinned to one connection, whose transaction is committed at the end unless something fails."""
        with self.connection() as connection:
            yield replace(self, pin=lambda: connection)

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """The pinned connection, or one of the pool's with a transaction that is committed at the end."""
        if self.pin is not None:
            yield usable(acquired(self.pin, self.where))
            return
        with acquired(self.engine.connect, self.where) as connection:
            yield connection
            committed(connection.commit)


@contextmanager
def watching(step: Watched[Any], telling: threading.Lock) -> Generator[None]:
    """A block during which a thread looks now and then whether there is something to tell."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(step.seconds):
            event = step.look(time.monotonic())
            if event is not None:
                with telling:
                    _tell(step, event)

    thread = threading.Thread(target=look, name="matrixone-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _tell(step: Watched[Any], event: object) -> None:
    try:
        step.receive(event)
    except Exception:  # noqa: BLE001  # the load goes on, whatever becomes of those who watch
        _log.exception("a progress function failed")


def _driver_connection(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _blocking(chunks: Chunks) -> Iterator[bytes]:
    if isinstance(chunks, Iterator):
        return chunks
    raise InvalidArgument("an asynchronous iterator can be read by AsyncClient; give this client one that blocks")


def _through(step: Sending[Any]) -> Iterator[bytes]:
    """The data as it is sent."""
    for chunk in _blocking(step.chunks):
        yield step.through(chunk)
    yield step.through(None)


def _reply(connection: Connection, statement: Statement[Any], time_limit: float | None) -> Reply:
    options = limited(time_limit)
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


def translated(call: Callable[[], T], statement: Statement[Any] | None = None) -> T:
    """What *call* returns; a driver's error becomes ours, raised where none of the driver's frames hang on it."""
    try:
        return call()
    except DBAPIError as error:
        failure = from_driver(error, statement)
    raise failure


def acquired(call: Callable[[], Connection], where: str) -> Connection:
    """The connection that *call* makes; what keeps it from it, in our words."""
    failure: MatrixOneError
    try:
        return call()
    except DBAPIError as error:
        failure = cannot_connect(error.orig, where)
    except PoolTimeout as error:
        failure = no_connection_free(error)
    raise failure


def committed(call: Callable[[], None]) -> None:
    """Carry a COMMIT out; if the connection breaks meanwhile, nobody knows what became of it."""
    failure: MatrixOneError
    try:
        return translated(call)
    except ConnectionLost as error:
        failure = commit_unknown(error)
    raise failure
