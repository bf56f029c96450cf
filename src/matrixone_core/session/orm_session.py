"""SQLAlchemy's session with a unit of work hung on its events.

On events and not on an overridden `commit()`, as `with session.begin()` goes around that. What carries operations out
is given by the side, so that nothing here blocks or awaits.
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
        self._outer_work: UnitOfWork | None = None  # of another session that the program has on its connection
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

    def hold(self, connection: Connection) -> None:
        """Have the statements and the COMMIT of a connection be the session's."""
        self._outer_work = work_of(connection)
        self.begun = connection.execution_options(**{WORK: self.work, UNWATCHED: False})
        event.listen(connection, "commit", self.send_commit)
        event.listen(connection, "set_connection_execution_options", _keep_watching)

    def release(self, connection: Connection | None) -> None:
        """Leave a connection of the program's as it was: its later statements are not the session's."""
        if self._outer is not None and connection is not None and not connection.closed:
            event.remove(connection, "commit", self.send_commit)
            connection.execution_options(**{WORK: self._outer_work})

    def commit(self) -> None:
        """Commit; if that fails, nothing stays.

        Raises:
            TransactionAborted: the transaction is gone; nothing was sent.
            CommitUnknown: COMMIT was not answered.
            CommitIncomplete: the rows are committed, but not all that follows.
            MatrixOneError: the server refused COMMIT, or a stage that the session had created.
        """
        with self.used(), operation_span("session.commit"):
            try:
                super().commit()
            except BaseException:
                if self.in_transaction():
                    super().rollback()
                raise

    def rollback(self) -> None:
        """Roll back: of rows, stages and snapshots nothing stays."""
        with self.used(alive=False), operation_span("session.rollback"):
            super().rollback()

    def send_commit(self, connection: Connection) -> None:
        """Record that SQLAlchemy is about to send COMMIT.

        Raises:
            InvalidArgument: it is not the session's own, and would commit the rows without the pending changes.
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
        """Write objects as they are.

        Raises:
            InvalidArgument: one of them is of the past.
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
        """Return an object that the session has, of the wanted moment; SQLAlchemy's extension for shards does alike."""
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
    """Take the option back out that an inspector sets in place, and that would stay for the transaction's rest."""
    options.pop(UNWATCHED, None)
