"""SQLAlchemy's session with a unit of work hung on its events, and what engines tell about its transaction.

On events and not on an overridden `commit()`, as `with session.begin()` goes around that. What carries operations out
is given by the side, so that nothing here blocks or awaits.
"""

import re
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect, Engine, NullPool, QueuePool, event, orm
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.errors import (
    CommitUnknown,
    ConnectionLost,
    InvalidArgument,
    MatrixOneError,
    NotSupported,
    SessionInUse,
)
from matrixone_core.execution import PACKETS, TIMEOUT, note_statement
from matrixone_core.monitoring.telemetry import span
from matrixone_core.server_errors import commit_unknown, from_driver, no_connection_free
from matrixone_core.session.transaction_state import TransactionEvent, TransactionState
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_core.steps import Op

T = TypeVar("T")
_COMMIT = re.compile(r"[\s;]*COMMIT[\s;]*\Z", re.IGNORECASE)
WORK = "matrixone_unit_of_work"  # the execution option that takes the unit of work along with a connection
_BEFORE_COMMIT = {TransactionState.ACTIVE, TransactionState.PREPARED, TransactionState.ABORTED}
UNWATCHED = "skip_user_error_events"  # SQLAlchemy's execution option that passes over `handle_error`


class Carrier(Protocol):
    """What a side lends to a session."""

    def run(self, op: Op[T]) -> T:
        """Carry an operation out, outside of the session's transaction."""
        ...

    def begin_commit(self, connection: Connection) -> None:
        """Hear that a commit begins on this connection: from now on no Ctrl-C or cancellation comes between."""
        ...

    def finish(self, op: Op[None]) -> None:
        """Carry an operation out though a Ctrl-C or cancellation came meanwhile, and then let it come."""
        ...

    def run_later(self, op: Op[None]) -> Any:
        """Carry an operation out, for who calls this or awaits it once the session is closed."""
        ...

    def user(self) -> object:
        """The thread or task that is calling."""
        ...


class UnitOfWorkSession(orm.Session):
    """A SQLAlchemy session with a unit of work.

    Args:
        bind: the engine.
        carrier: the side's part.
        outer: the program's connection or session in whose transaction this one takes part, or None.
        options: SQLAlchemy's own.

    Attributes:
        work: what the transaction keeps for its commit.
    """

    def __init__(
        self,
        bind: Engine | None = None,
        *,
        carrier: Carrier,
        outer: Connection | orm.Session | None = None,
        **options: Any,
    ) -> None:
        super().__init__(bind, **options)
        self._outer = outer
        self._is_joined = False
        self.carrier: Carrier = carrier
        self.work: UnitOfWork = UnitOfWork()
        self.begun: Connection | None = None  # the transaction's connection
        self._holders: dict[str, tuple[object, object]] = {}

    @contextmanager
    def used(self, *, alive: bool = True) -> Generator[None]:
        """A block in which the session is in use.

        Args:
            alive: whether the transaction has to be.

        Raises:
            SessionInUse: another task or thread is using it.
            TransactionAborted: its transaction is gone.
            PoolExhausted: no connection came free for it in time.
        """
        me, entry = self.carrier.user(), object()
        holder, outermost = self._holders.setdefault("now", (me, entry))  # one step, as threads may be two
        if holder != me:
            raise SessionInUse(
                "this session is in use by another task or thread; give each a session of its own: client.session()"
            )
        try:
            if alive:
                self.work.check()
                self.work.is_joined = self.is_joined
            yield
        except PoolTimeout as error:
            failure = no_connection_free(error)
        else:
            return
        finally:
            if outermost is entry:
                self._holders.clear()
        raise failure

    @property
    def is_joined(self) -> bool:
        """Whether the transaction is the program's own, which the program commits."""
        if self.begun is None and self._outer is not None:
            self._is_joined = isinstance(self._outer, orm.Session) or self._outer.in_transaction()
        return self._is_joined

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        """Return the program's connection, with all that its session was given; else what SQLAlchemy does."""
        if self._outer is None:
            return super().get_bind(*args, **options)
        if isinstance(self._outer, orm.Session):
            self._outer.flush()
            connection = self._outer.connection()
        else:
            connection = self._outer
        if self.begun is None:
            check_engine(connection.engine, MatrixOneDialect_pymysql, "create_engine('matrixone+pymysql://…')")
            watch(connection.engine, None)
            self._is_joined = connection.in_transaction()
        return connection

    def release(self, connection: Connection | None) -> None:
        """Leave a connection of the program's as it was: its later statements are not the session's."""
        if self._outer is not None and connection is not None and not connection.closed:
            event.remove(connection, "commit", self.send_commit)
            connection.execution_options(**{WORK: None})

    def commit(self) -> None:
        """Commit; if that fails, nothing stays.

        Raises:
            TransactionAborted: the transaction is gone; nothing was sent.
            CommitUnknown: COMMIT was not answered.
            CommitIncomplete: the rows are committed, but not all that follows.
            MatrixOneError: the server refused COMMIT, or a stage that the session had created.
        """
        with self.used(), span("session.commit", {}):
            try:
                super().commit()
            except BaseException:
                if self.in_transaction():
                    super().rollback()
                raise

    def rollback(self) -> None:
        """Roll back: of rows, stages and snapshots nothing stays."""
        with self.used(alive=False), span("session.rollback", {}):
            super().rollback()

    def send_commit(self, connection: Connection) -> None:
        """Record that SQLAlchemy is about to send COMMIT.

        Raises:
            InvalidArgument: it is not the session's own, and would commit the rows without the pending changes.
        """
        work = _work_of(connection)
        if work is None:
            return
        if work.transaction.state is TransactionState.PREPARED:
            self.carrier.begin_commit(connection)
            work.transaction.apply(TransactionEvent.COMMIT_SENT)
        elif work:
            refused = _goes_around()
            connection.invalidate()  # SQLAlchemy takes the transaction for ended, and would not roll it back
            work.record_error(ConnectionLost(str(refused)))
            raise refused

    def begin_nested(self) -> orm.SessionTransaction:
        """Refuse: the server has no savepoints (server-facts 15).

        Raises:
            NotSupported: always.
        """
        raise NotSupported(
            "MatrixOne has no savepoints, so a nested transaction could not be rolled back; use another session for "
            "what may fail"
        )


def _guard(method: Callable[..., Any], *, alive: bool) -> Callable[..., Any]:
    @wraps(method)
    def guarded(self: UnitOfWorkSession, *args: Any, **kwargs: Any) -> Any:
        with self.used(alive=alive):
            return method(self, *args, **kwargs)

    return guarded


_USES = (
    *("execute", "scalars", "scalar", "get", "get_one", "merge", "refresh", "delete", "flush", "connection"),
    *("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"),
)
for _name in _USES:
    setattr(UnitOfWorkSession, _name, _guard(getattr(orm.Session, _name), alive=True))
for _name in ("close", "invalidate"):
    setattr(UnitOfWorkSession, _name, _guard(getattr(orm.Session, _name), alive=False))


@event.listens_for(UnitOfWorkSession, "after_begin")
def _after_begin(session: UnitOfWorkSession, _transaction: orm.SessionTransaction, connection: Connection) -> None:
    session.begun = connection.execution_options(**{WORK: session.work, UNWATCHED: False})
    event.listen(connection, "commit", session.send_commit)
    event.listen(connection, "set_connection_execution_options", _keep_watching)


@event.listens_for(UnitOfWorkSession, "before_commit")
def _before_commit(session: UnitOfWorkSession) -> None:
    session.work.check()
    if session.is_joined:
        return
    session.flush()
    if session.begun is not None:
        note_closed(session.begun, "before COMMIT was sent")
        session.work.check()
    if session.work:
        session.carrier.run(session.work.create_stages())
    session.work.transaction.apply(TransactionEvent.PREPARED)


@event.listens_for(UnitOfWorkSession, "after_commit")
def _after_commit(session: UnitOfWorkSession) -> None:
    if not session.is_joined:
        session.work.transaction.apply(TransactionEvent.COMMIT_CONFIRMED)


@event.listens_for(UnitOfWorkSession, "after_transaction_end")
def _after_transaction_end(session: UnitOfWorkSession, transaction: orm.SessionTransaction) -> None:
    if transaction.parent is not None:
        return  # a flush's
    work, session.work = session.work, UnitOfWork()
    begun, session.begun = session.begun, None
    session.release(begun)
    if work or (begun is not None and work.transaction.state not in _BEFORE_COMMIT):
        session.carrier.finish(work.after_end(session.carrier.run_later))


_watched: weakref.WeakSet[Dialect] = weakref.WeakSet()  # SQLAlchemy keeps these listeners with an engine's dialect
_POOLS = (QueuePool, NullPool)  # each of whose connections has one user at a time


def check_engine(engine: Engine, dialect: type[Dialect], right: str) -> None:
    """Check that a client can use an engine of the caller's.

    Args:
        engine: the engine.
        dialect: the dialect that it must have.
        right: the call that creates a right one, for the error.

    Raises:
        InvalidArgument: it has another dialect, its pool shares connections, or it commits each statement by itself.
    """
    found: Any = engine.dialect
    if not isinstance(found, dialect):
        raise InvalidArgument(f"the engine has the dialect {found.name}+{found.driver}; create one by {right}")
    if not isinstance(engine.pool, _POOLS):
        raise InvalidArgument(
            f"the engine has a {type(engine.pool).__name__}, which shares connections; leave poolclass= out, or use"
            " NullPool"
        )
    of_dialect = getattr(found, "_on_connect_isolation_level", None)  # where create_engine() stores it
    if "AUTOCOMMIT" in {of_dialect, engine.get_execution_options().get("isolation_level")}:
        raise InvalidArgument(
            "the engine commits each statement by itself, so that nothing could be rolled back; create it without"
            " isolation_level='AUTOCOMMIT'"
        )


def with_new_pool(engine: Engine) -> Engine:
    """Create an engine that connects as another does, with a pool of its own of the same kind and size."""
    options = engine.get_execution_options()
    return Engine(engine.pool.recreate(), engine.dialect, engine.url, None, execution_options=options)


def watch(engine: Engine, time_limit: float | None) -> None:
    """Have an engine's connections keep time limits, and tell units of work what becomes of their transactions.

    Args:
        engine: the engine; one that is watched already stays as it is.
        time_limit: seconds that a statement may take, where its execution option `timeout` says nothing else.
    """
    if engine.dialect in _watched:
        return
    _watched.add(engine.dialect)

    def before_statement(_cursor: Any, sql: str, _parameters: Any, context: Any) -> None:
        options, connection = context.execution_options, context.root_connection
        work: UnitOfWork | None = options.get(WORK)
        if work is not None:
            work.check()
            if _COMMIT.match(sql) and work:
                raise _goes_around()
        driver_connection = connection.connection.driver_connection
        driver_connection.time_limit = options.get(TIMEOUT, time_limit)
        driver_connection.packets = packets = options.get(PACKETS)
        if packets is not None:
            note_statement(packets, sql, context)

    def before_bare_statement(cursor: Any, sql: str, context: Any) -> None:
        before_statement(cursor, sql, None, context)

    # not before_cursor_execute: an engine with events of its own takes longer for every connection and statement
    event.listen(engine, "do_execute", before_statement)
    event.listen(engine, "do_executemany", before_statement)
    event.listen(engine, "do_execute_no_params", before_bare_statement)
    event.listen(engine, "handle_error", _on_error)


def _keep_watching(_connection: Connection, options: dict[str, Any]) -> None:
    """Take the option back out that an inspector sets in place, and that would stay for the transaction's rest."""
    options.pop(UNWATCHED, None)


def _goes_around() -> InvalidArgument:
    return InvalidArgument(
        "this session has pending changes of stages or snapshots; commit it by session.commit() or by "
        "leaving its block, not by a statement or its connection"
    )


def _on_error(context: ExceptionContext) -> MatrixOneError | None:
    """Record the error in the unit of work."""
    work = None if context.connection is None else _work_of(context.connection)
    if context.connection is None or work is None:
        return None
    failure: MatrixOneError | None = None
    if isinstance(context.sqlalchemy_exception, DBAPIError):
        failure = from_driver(context.sqlalchemy_exception)
    if context.statement is None and work.transaction.state is TransactionState.COMMITTING:
        return _on_commit_error(work, failure, context.original_exception)
    if failure is not None:
        work.record_error(failure)
    if context.is_disconnect or not _is_open(context.connection):
        work.record_error(
            ConnectionLost("its connection was closed, as a statement was given up on or its reply unreadable")
        )
    return None


def _on_commit_error(
    work: UnitOfWork, failure: MatrixOneError | None, original: BaseException
) -> MatrixOneError | None:
    """Give the error of a COMMIT its meaning, which only the unit of work knows.

    Args:
        work: the unit of work.
        failure: the server's or the driver's error; None if another exception interrupted the COMMIT.
        original: the exception as it was raised.

    Returns:
        The error to raise instead of the original one; None leaves that.
    """
    if failure is not None and not isinstance(failure, ConnectionLost):
        work.transaction.apply(TransactionEvent.COMMIT_REFUSED, failure)
        return failure
    unknown: CommitUnknown = commit_unknown(failure or ConnectionLost("it was interrupted"))
    work.record_unanswered_commit(unknown)
    if failure is None:
        original.add_note(str(unknown))
        return None
    return unknown


class Transacting(Protocol):
    """A connection of SQLAlchemy's, blocking or not."""

    @property
    def invalidated(self) -> bool:
        """Whether it was lost."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=Transacting)


def usable(connection: ConnectionT) -> ConnectionT:
    """The connection of a transaction that goes on.

    Raises:
        ConnectionLost: it was lost; SQLAlchemy would refuse the next statement in words of its own.
    """
    if connection.invalidated:
        raise ConnectionLost("the connection was lost, and its transaction is rolled back; nothing more was sent")
    return connection


def note_closed(connection: Connection, why: str) -> None:
    """Have the unit of work know that its connection is closed, if it is; SQLAlchemy notices the drivers' errors only.

    Args:
        connection: the transaction's.
        why: what ends "its connection was closed, …".
    """
    work = _work_of(connection)
    if work is not None and not _is_open(connection):
        work.record_error(ConnectionLost(f"its connection was closed, {why}"))


def note_failed(connection: Connection, error: DBAPIError) -> None:
    """Have the unit of work know of an error that did not pass through SQLAlchemy.

    Args:
        connection: the transaction's.
        error: the error.
    """
    work = _work_of(connection)
    if work is not None:
        work.record_error(from_driver(error))


def _is_open(connection: Connection) -> bool:
    driver_connection: Any = connection.connection.driver_connection
    return bool(driver_connection.open)


def _work_of(connection: Connection) -> UnitOfWork | None:
    work: UnitOfWork | None = connection.get_execution_options().get(WORK)
    return work
