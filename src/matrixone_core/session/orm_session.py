"""A SQLAlchemy session with a unit of work, which listens to the session's events.

It uses events instead of overriding `commit()`, as `with session.begin()` does not call that method. Each client
supplies a `Carrier` that runs operations, so that nothing here blocks or awaits.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, event, orm
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util import EMPTY_DICT

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.errors import ConnectionLost, NotSupported, SessionInUse
from matrixone_core.monitoring.operations import operation_span
from matrixone_core.on_connection import WORK, note_closed, work_of
from matrixone_core.server_errors import no_connection_free
from matrixone_core.session.engine_events import check_engine, goes_around, watch
from matrixone_core.session.past_objects import changed_objects, moment_of_lookup, note_moment, refuse_changes
from matrixone_core.session.transaction_state import TransactionEvent, TransactionState
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_core.steps import Op

T = TypeVar("T")
_BEFORE_COMMIT = {TransactionState.ACTIVE, TransactionState.PREPARED, TransactionState.ABORTED}
UNWATCHED = "skip_user_error_events"  # SQLAlchemy's execution option that passes over `handle_error`


class Carrier(Protocol):
    """Runs the operations of a session; the blocking and the asyncio client each have one."""

    def run(self, op: Op[T]) -> T:
        """Run an operation outside the session's transaction."""
        ...

    def begin_commit(self, connection: Connection) -> None:
        """Defer Ctrl-C and cancellations until `finish`; called before COMMIT is sent on this connection."""
        ...

    def finish(self, op: Op[None]) -> None:
        """Run an operation to its end, then let a deferred Ctrl-C or cancellation take effect."""
        ...

    def run_later(self, op: Op[None]) -> Any:
        """Run an operation after the session is closed; the caller awaits the result with the asyncio client."""
        ...

    def user(self) -> object:
        """Return the calling thread or task."""
        ...


class UnitOfWorkSession(orm.Session):
    """A SQLAlchemy session with a unit of work.

    Args:
        bind: the engine.
        carrier: runs operations.
        outer: the program's connection or session, whose transaction this session joins, or None.
        options: options of SQLAlchemy's session.

    Attributes:
        work: the unit of work of the current transaction.
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
        self._outer_work: UnitOfWork | None = None  # of another session that the program has on its connection
        self.carrier: Carrier = carrier
        self.work: UnitOfWork = UnitOfWork()
        self.begun: Connection | None = None  # the transaction's connection
        self._holders: dict[str, tuple[object, object]] = {}

    @contextmanager
    def used(self, *, alive: bool = True) -> Generator[None]:
        """Mark the session as in use by the calling task or thread within a block.

        Args:
            alive: whether the block needs a transaction that has not ended.

        Raises:
            SessionInUse: another task or thread is using the session.
            TransactionAborted: `alive` is True and the transaction has ended.
            PoolExhausted: no connection became free in time.
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
        """Return the program's connection after a flush of its session; without one, do as SQLAlchemy does."""
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

    def hold(self, connection: Connection) -> None:
        """Attach the unit of work to a connection, so that it sees the connection's statements and COMMIT."""
        self._outer_work = work_of(connection)
        self.begun = connection.execution_options(**{WORK: self.work, UNWATCHED: False})
        event.listen(connection, "commit", self.send_commit)
        event.listen(connection, "set_connection_execution_options", _keep_watching)

    def release(self, connection: Connection | None) -> None:
        """Detach the unit of work from a connection of the program."""
        if self._outer is not None and connection is not None and not connection.closed:
            event.remove(connection, "commit", self.send_commit)
            connection.execution_options(**{WORK: self._outer_work})

    def commit(self) -> None:
        """Commit the rows and the pending changes; roll back if that fails.

        Raises:
            TransactionAborted: the transaction has ended; nothing was sent.
            CommitUnknown: the connection broke between COMMIT and its answer.
            CommitIncomplete: the rows are committed, but a statement that follows the commit failed.
            MatrixOneError: the server refused COMMIT, or a stage that the session creates.
        """
        with self.used(), operation_span("session.commit"):
            try:
                super().commit()
            except BaseException:
                if self.in_transaction():
                    super().rollback()
                raise

    def rollback(self) -> None:
        """Roll back the rows, and discard the pending changes of stages and snapshots."""
        with self.used(alive=False), operation_span("session.rollback"):
            super().rollback()

    def send_commit(self, connection: Connection) -> None:
        """Record that SQLAlchemy is about to send COMMIT.

        Raises:
            InvalidArgument: the session did not begin this commit, which would leave out the pending changes.
        """
        work = self.work
        if work.transaction.state is TransactionState.PREPARED:
            self.carrier.begin_commit(connection)
            work.transaction.apply(TransactionEvent.COMMIT_SENT)
        elif work:
            refused = goes_around()
            connection.invalidate()  # SQLAlchemy takes the transaction for ended, and would not roll it back
            work.record_error(ConnectionLost(str(refused)))
            raise refused

    def bulk_save_objects(self, objects: Iterable[object], *args: Any, **options: Any) -> None:
        """Save objects in bulk, as SQLAlchemy does.

        Raises:
            InvalidArgument: an object was read from the past.
        """
        found = list(objects)
        refuse_changes(found)
        super().bulk_save_objects(found, *args, **options)

    def _identity_lookup(  # noqa: PLR0917  # as SQLAlchemy calls it
        self,
        mapper: Any,
        primary_key_identity: Any,
        identity_token: Any = None,
        passive: Any = orm.PassiveFlag.PASSIVE_OFF,
        lazy_loaded_from: Any = None,
        execution_options: Any = EMPTY_DICT,
        bind_arguments: Any = None,
    ) -> Any:
        """Return the session's object of a key and a moment; SQLAlchemy's extension for shards works the same way."""
        return super()._identity_lookup(
            mapper,
            primary_key_identity,
            identity_token or moment_of_lookup(lazy_loaded_from, execution_options),
            passive,
            lazy_loaded_from,
            execution_options,
            bind_arguments,
        )

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
    setattr(UnitOfWorkSession, _name, _guard(getattr(UnitOfWorkSession, _name), alive=True))
for _name in ("close", "invalidate"):
    setattr(UnitOfWorkSession, _name, _guard(getattr(orm.Session, _name), alive=False))


event.listen(UnitOfWorkSession, "do_orm_execute", note_moment)


@event.listens_for(UnitOfWorkSession, "before_flush")
def _before_flush(session: UnitOfWorkSession, _context: object, _instances: object) -> None:
    refuse_changes(changed_objects(session))


@event.listens_for(UnitOfWorkSession, "after_begin")
def _after_begin(session: UnitOfWorkSession, _transaction: orm.SessionTransaction, connection: Connection) -> None:
    session.hold(connection)


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


def _keep_watching(_connection: Connection, options: dict[str, Any]) -> None:
    """Remove the option that an inspector sets, as it would apply to the rest of the transaction."""
    options.pop(UNWATCHED, None)
