# Generated from matrixone_async/client.py by tools/generate_sync.py; do not edit.
"""The blocking client."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, TypeVarTuple, Unpack, overload

from sqlalchemy import CursorResult, Engine, Executable, Result
from sqlalchemy.exc import ResourceClosedError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

from matrixone_core import execution, operations, signatures
from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import InvalidArgument, NotConnected
from matrixone_core.execution import Parameters, Values
from matrixone_core.settings import ConnectArguments, Settings
from matrixone_sync.concurrency import import_ahead, shield
from matrixone_sync.managers import (
    CloneManager,
    ExportManager,
    LoadManager,
    PitrManager,
    RestoreManager,
    SnapshotManager,
    StageManager,
)
from matrixone_sync.methods import Manager, Perform, method
from matrixone_sync.queries import Queries
from matrixone_sync.session_calls import run_in_session, stream

if TYPE_CHECKING:
    from matrixone_core.monitoring.pools import PoolStatus
    from matrixone_core.steps import Op
    from matrixone_sync.driver import Driver
    from matrixone_sync.session import Session
    from matrixone_sync.session_base import Bind

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@signatures.shows_settings
class Client(Manager, Queries):
    """A MatrixOne client that blocks. Threads may share one.

    Use it in a `with` block, or call `connect()` and `disconnect()`.

    Args:
        settings: those of `connect`, which take the place of its defaults.

    Raises:
        InvalidArgument: a setting cannot be.

    Attributes:
        stage: the account's stages.
        load_data: loads of files into tables.
        export: exports of rows to files.
        snapshots: the account's snapshots.
        restore: brings back what was in a database or a table.
        clone: copies of databases and tables.
        pitr: the account's point-in-time recoveries.
    """

    _engine: Engine | None = None  # the caller's, which is left open
    _connection: Driver | None = None  # so that a client whose settings cannot be has a repr, too

    def __init__(self, **settings: Unpack[ConnectArguments]) -> None:
        signatures.hide(settings)  # type: ignore[arg-type]  # a TypedDict is a dict
        super().__init__(self._perform)
        Settings.resolve({}, settings)  # what cannot be is said here, not when connecting
        self._given: Final = settings
        self.stage: Final = StageManager(self._perform)
        self.load_data: Final = LoadManager(self._perform)
        self.export: Final = ExportManager(self._perform)
        self.snapshots: Final = SnapshotManager(self._perform)
        self.restore: Final = RestoreManager(self._perform)
        self.clone: Final = CloneManager(self._perform)
        self.pitr: Final = PitrManager(self._perform)

    @classmethod
    def from_engine(cls, engine: Engine) -> Self:
        """Create a client that uses an engine of yours; it stays yours, and `disconnect()` leaves it open.

        Beside the engine's pool the client has others of the same kind, for what cannot wait for a connection of it.

        Args:
            engine: a engine of SQLAlchemy's for `matrixone+aiomysql://`.

        Returns:
            The client, ready for use; `connect()` checks that the server answers.

        Raises:
            InvalidArgument: the engine has another dialect, its pool shares connections, or it commits each statement
                by itself.
        """
        from matrixone_sync.pool import borrow  # noqa: PLC0415  # brings the driver, which a client needs once it connects

        client = cls()
        client._engine, client._connection = engine, borrow(engine)
        return client

    def connect(self, **settings: Unpack[ConnectArguments]) -> Self:
        """Connect to a server, and see that it answers.

        Arguments come before those of the constructor, then `MATRIXONE_HOST`, `_PORT`, `_USER`, `_PASSWORD`,
        `_DATABASE`, `_ACCOUNT`, `_ROLE`, `_SSL_MODE` and `_SSL_CA` in the environment, then `MATRIXONE_URL`, then
        the defaults: `127.0.0.1`, 6001, `root`, `111`. A client that was connected is connected anew.

        Args:
            settings: as `matrixone.Settings` describes them, and `url`: `mysql://user:password@host:port/database`.

        Returns:
            The client itself.

        Raises:
            InvalidArgument: a setting cannot be, or the client uses an engine of yours; nothing was sent.
            ConnectionFailed: the server cannot be reached, or refuses the user or the database.
        """
        signatures.hide(settings)  # type: ignore[arg-type]  # a TypedDict is a dict
        if self._engine is not None and settings:
            raise InvalidArgument(f"the client uses an engine of yours, so that {', '.join(settings)} cannot be set")
        import_ahead()
        from matrixone_core.connect import reach  # noqa: PLC0415  # brings the steps, which only a connection needs
        from matrixone_sync.pool import borrow, connections  # noqa: PLC0415  # bring the driver, which only a connection needs

        if self._engine is None:
            wanted = Settings.resolve(os.environ, self._given, settings)
            driver, wait = connections(wanted), wanted.wait
        else:
            driver, wait = borrow(self._engine), None
        try:
            driver.run(reach(wait))
        except BaseException as error:  # noqa: BLE001  # raised again, without the frames of the pool
            shield(driver.dispose, CLEAN_UP_SECONDS)
            raise error.with_traceback(None) from error.__cause__
        self.disconnect()
        self._connection = driver
        return self

    def disconnect(self) -> None:
        """Close all connections, but not those of an engine of yours. `connect()` opens new ones."""
        driver, self._connection = self._connection, None
        if driver is not None:
            driver.dispose()

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, for whatever works on one.

        Raises:
            NotConnected: there is none before `connect()`.
        """
        return self._connected().engine

    def pool_status(self) -> PoolStatus:
        """What the client's connections are doing at the moment.

        Returns:
            How many are in use and idle, and how many calls wait for one.

        Raises:
            NotConnected: there are none before `connect()`.
        """
        return self._connected().pool_status()

    create_table: Final = method(lambda: operations.tables.create_table)
    create_table_from: Final = method(lambda: operations.stage_loads.create_table_from)
    drop_table: Final = method(lambda: operations.tables.drop_table)
    create_all: Final = method(lambda: operations.tables.create_all)
    drop_all: Final = method(lambda: operations.tables.drop_all)
    insert: Final = method(lambda: operations.inserts.insert)
    batch_insert: Final = method(lambda: operations.inserts.batch_insert)

    @overload
    def execute(
        self,
        statement: TypedReturnsRows[*Ts],
        params: Parameters | None = None,
        *,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> Result[*Ts]: ...
    @overload
    def execute(
        self,
        statement: UpdateBase,
        params: Parameters | None = None,
        *,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> CursorResult[*tuple[Any, ...]]: ...
    @overload
    def execute(
        self,
        statement: str | Executable,
        params: Parameters | None = None,
        *,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> Result[*tuple[Any, ...]]: ...
    def execute(
        self,
        statement: str | Executable,
        params: Parameters | None = None,
        *,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> Any:
        """Execute a statement in a transaction of its own, and have its whole result in memory.

        Args:
            statement: SQL text, or any statement of SQLAlchemy's; `select(Model)` gives models.
            params: values for placeholders in SQL text: a dict for `:name`, a tuple for `?` or `%s`; a list of these
                executes it once for each. What is in quotes or in a comment is no placeholder.
            timeout: seconds that the statement may take before it is stopped; by default the client's `timeout`.
            snapshot: the name of a snapshot: every table of the statement is read as it was then. Not for SQL text.
            timestamp: a datetime with a time zone instead of a snapshot.

        Returns:
            SQLAlchemy's result.

        Raises:
            InvalidArgument: `timeout` is not more than zero, the values do not go with the placeholders, or the
                statement cannot read the past.
            NotConnected, ConnectionFailed, PoolExhausted: there is no connection.
            CommitUnknown: COMMIT was not answered.
            sqlalchemy.exc.DBAPIError: the server refused the statement, as with SQLAlchemy itself; with the code 3024
                it took longer than it may.
        """
        wanted, values = execution.as_statement(statement, params)
        options = execution.options_for(statement, timeout, snapshot, timestamp)
        driver = self._connected()
        if isinstance(statement, str):  # nothing of the ORM is in it, and a connection is lighter than a session
            with driver.connection() as connection:
                return connection.execute(wanted, values, execution_options=options)  # all of it is read
        with self.session() as session:
            driver.check_out(session.connection)
            return run_in_session(session, execution.execute_in_session, wanted, values, options)

    @overload
    def stream(
        self,
        statement: TypedReturnsRows[*Ts],
        params: Parameters | None = None,
        *,
        batch: int = 1000,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> AbstractContextManager[Result[*Ts]]: ...
    @overload
    def stream(
        self,
        statement: str | Executable,
        params: Parameters | None = None,
        *,
        batch: int = 1000,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> AbstractContextManager[Result[*tuple[Any, ...]]]: ...
    def stream(
        self,
        statement: str | Executable,
        params: Parameters | None = None,
        *,
        batch: int = 1000,
        timeout: float | None = None,
        snapshot: str | None = None,
        timestamp: datetime | None = None,
    ) -> Any:
        """Read a result row by row, without ever holding all of it: `with client.stream(…) as rows`.

        Leaving the block before the last row closes the connection, so that the rest is not sent.

        Args:
            statement: as in `execute`.
            params: as in `execute`.
            batch: how many rows are fetched at a time.
            timeout: seconds in which the first rows have to come; by default the client's `timeout`.
            snapshot: as in `execute`.
            timestamp: as in `execute`.

        Returns:
            A context manager that gives SQLAlchemy's `Result`.

        Raises:
            InvalidArgument: `batch` is less than one, the values do not go with the placeholders, the text has several
                statements, or the statement cannot read the past.
            NotConnected: `connect()` was not called.
            sqlalchemy.exc.DBAPIError: the server refused the statement, as with SQLAlchemy itself.
        """
        execution.check_one_statement(statement)
        options = execution.streaming(batch, execution.options_for(statement, timeout, snapshot, timestamp))
        return self._stream(*execution.as_statement(statement, params), options)

    @contextmanager
    def _stream(self, statement: Executable, values: Values, options: dict[str, Any]) -> Generator[Result[Any]]:
        session = self.session()
        try:
            result = stream(session, statement, values, options)
            yield result
            unread = _has_more(result)
        except BaseException:
            shield(session.invalidate, CLEAN_UP_SECONDS)
            raise
        if unread:
            session.invalidate()  # closes the connection: the driver would read all that is left
        else:
            session.close()

    def session(self, bind: Bind | None = None) -> Session:
        """A session: SQLAlchemy's, with stages, loads and snapshots; leaving its `with` block commits all of it.

        Args:
            bind: your own connection or session, whose transaction the session takes part in. Then your program
                commits, and an exception leaves the transaction to it; rows, loads and tables work, while stages,
                snapshots and clones are refused, as they would come after the commit. A connection without a
                transaction is used, and its transaction is the session's.

        Raises:
            InvalidArgument: `bind` is neither.
            NotConnected: `connect()` was not called.
        """
        from matrixone_sync.session import Session  # noqa: PLC0415  # when the first one is made

        return Session(self._connected(), bind)

    def run_in_session(self, work: Callable[[Session], T], *, attempts: int = 3) -> T:
        """Run a function in a session and commit it; all of it again if a deadlock or the like undoes it.

        Args:
            work: is given the session. As it may be called more than once, what it does beside that should bear it.
            attempts: how often it is called at most.

        Returns:
            What the function returns.

        Raises:
            InvalidArgument: `attempts` is less than 1.
            NotConnected: `connect()` was not called.
            CommitUnknown: COMMIT was not answered; that is never repeated.
            Exception: whatever the function or the commit raises at the last attempt, or what repeating cannot mend.
        """
        from matrixone_core.session.retry import retry  # noqa: PLC0415  # brings the modules of sessions

        def once() -> T:
            with self.session() as session:
                return work(session)

        result: T = self._perform(retry(once, attempts))
        return result

    def __enter__(self) -> Self:
        if self._connection is None:
            self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'not connected' if self._connection is None else self._connection.where}>"

    @contextmanager
    def _reading(self) -> Generator[Perform]:
        with self._connected().transaction() as driver:
            yield driver.run

    def _perform(self, op: Op[T]) -> T:
        return self._connected().run(op)

    def _connected(self) -> Driver:
        if self._connection is None:
            raise NotConnected("the client is not connected; call connect() first, or use it in a with block")
        self._connection.owner.check()
        return self._connection


def _has_more(result: Result[Any]) -> bool:
    """Whether rows of a streamed result are still unread."""
    try:
        return result.fetchone() is not None
    except ResourceClosedError:
        return False  # closed by the caller
