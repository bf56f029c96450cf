"""What engines report of a connection's transaction to the unit of work that it belongs to, and the time limits.

Every connection of a client is watched; the session itself, and what it can do when it commits, is in `orm_session`,
which a client imports when it makes its first session.
"""

import weakref
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect, Engine, NullPool, QueuePool, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from matrixone_core.driver_settings import commits_each_statement
from matrixone_core.errors import CommitUnknown, ConnectionLost, InvalidArgument, MatrixOneError
from matrixone_core.execution import PACKETS, TIMEOUT, note_statement
from matrixone_core.monitoring.query_text import describe, literals
from matrixone_core.on_connection import WORK, driver_connection, is_open, work_of
from matrixone_core.secrets import Secret, mentions_secrets, redact
from matrixone_core.server_errors import commit_unknown, from_driver
from matrixone_core.session.statement_effects import Effect, effect_of
from matrixone_core.session.transaction_state import TransactionEvent, TransactionState

if TYPE_CHECKING:
    from matrixone_core.session.unit_of_work import UnitOfWork

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
        if (effect := effect_of(sql)) is not Effect.NONE:
            _check_effect(effect, work, connection)
        driver = driver_connection(connection)
        if work is not None and driver.commits_each:
            raise commits_each_statement()
        driver.time_limit = options.get(TIMEOUT, time_limit)
        driver.packets = packets = options.get(PACKETS)
        if packets is not None:
            note_statement(packets, sql, context)

    def before_bare_statement(cursor: Any, sql: str, context: Any) -> None:
        before_statement(cursor, sql, None, context)

    # not before_cursor_execute: an engine with events of its own takes longer for every connection and statement
    event.listen(engine, "do_execute", before_statement)
    event.listen(engine, "do_executemany", before_statement)
    event.listen(engine, "do_execute_no_params", before_bare_statement)
    event.listen(engine, "handle_error", _on_error)


def _check_effect(effect: Effect, work: "UnitOfWork | None", connection: Connection) -> None:
    """See that a statement does not end a session's transaction behind its back, and that its connection is left alone.

    A connection that a session has changed is closed when it comes back to the pool: whoever had it next would find
    another database, other settings, temporary tables.

    Raises:
        InvalidArgument: it would end the transaction while changes are pending, or have each statement commit.
    """
    if work is not None:
        if effect is Effect.CHANGES_AUTOCOMMIT:
            raise InvalidArgument(
                "a session commits all of its transaction or none of it, so that autocommit stays off in it; what is to"
                " be committed by itself can be executed by the client"
            )
        if effect is Effect.ENDS_TRANSACTION and work:
            raise goes_around()
    if effect is Effect.CHANGES_AUTOCOMMIT or (work is not None and not work.is_joined):
        connection.connection.invalidate(soft=True)


def goes_around() -> InvalidArgument:
    """Return the error for what would end the transaction and leave the session's pending changes out."""
    return InvalidArgument(
        "this session has pending changes of stages or snapshots; end its transaction by session.commit(), "
        "session.rollback() or by leaving its block, not by a statement or its connection"
    )


def _on_error(context: ExceptionContext) -> MatrixOneError | None:
    """Record the error in the unit of work, and hide what the program's statement may have of a password or a key."""
    _hide_secrets(context)
    work: UnitOfWork | None = None if context.connection is None else work_of(context.connection)
    if context.connection is None or work is None:
        return None
    failure: MatrixOneError | None = None
    if isinstance(context.sqlalchemy_exception, DBAPIError):
        failure = from_driver(context.sqlalchemy_exception)
    if context.statement is None and work.transaction.state is TransactionState.COMMITTING:
        return _on_commit_error(work, failure, context.original_exception)
    if failure is not None:
        work.record_error(failure)
    if context.is_disconnect or not is_open(context.connection):
        work.record_error(
            ConnectionLost("its connection was closed, as a statement was given up on or its reply unreadable")
        )
    return None


def _hide_secrets(context: ExceptionContext) -> None:
    """Have the text of an error show a statement with passwords or keys, such as CREATE STAGE, without its values."""
    statement, error, original = context.statement, context.sqlalchemy_exception, context.original_exception
    if error is None or statement is None or not mentions_secrets(statement):
        return
    values = tuple(map(Secret, literals(statement)))
    for shown in (error, original):
        shown.args = tuple(redact(words, values) if isinstance(words, str) else words for words in shown.args)
    error.statement, error.params = describe(statement).text, None


def _on_commit_error(
    work: "UnitOfWork", failure: MatrixOneError | None, original: BaseException
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


def transactional(connection: ConnectionT) -> ConnectionT:
    """The connection of a new transaction.

    Raises:
        InvalidArgument: it commits each statement by itself, as the program has it.
    """
    blocking: Any = getattr(connection, "sync_connection", connection)
    if driver_connection(blocking).commits_each:
        raise commits_each_statement()
    return connection
