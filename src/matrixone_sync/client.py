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
        settings: default settings for `connect`.

    Raises:
        InvalidArgument: a setting is unknown or not valid.

    Attributes:
        stage: manages the stages of the account.
        load_data: loads files and data frames into tables.
        export: exports rows to files.
        snapshots: manages the snapshots of the account.
        restore: restores databases and tables to an earlier state.
        clone: clones databases and tables.
        pitr: manages the point-in-time recoveries of the account.
    """

    _engine: Engine | None = None  # the caller's, which is left open
    _connection: Driver | None = None  # so that a client with invalid settings has a repr, too

    def __init__(self, **settings: Unpack[ConnectArguments]) -> None:
        signatures.hide(settings)  # type: ignore[arg-type]  # a TypedDict is a dict
        super().__init__(self._perform)
        Settings.resolve({}, settings)  # raises here for invalid settings, not when connecting
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
        """Create a client that uses your engine. `disconnect()` does not dispose of the engine.

        The client adds pools of the same kind for statements that must not wait for a connection of the engine's pool.

        Args:
            engine: a SQLAlchemy `Engine` for `matrixone+aiomysql://`.

        Returns:
            The client, ready for use; `connect()` checks that the server answers.

        Raises:
            InvalidArgument: the engine has another dialect, its pool shares connections, or it is in autocommit mode.
        """
        from matrixone_sync.pool import borrow  # noqa: PLC0415  # brings the driver, which a client needs once it connects

        client = cls()
        client._engine, client._connection = engine, borrow(engine)
        return client

    def connect(self, **settings: Unpack[ConnectArguments]) -> Self:
        """Connect to the server and check that it answers.

        A setting is taken from the arguments, else from the constructor, else from the environment variables
        `MATRIXONE_HOST`, `_PORT`, `_USER`, `_PASSWORD`, `_DATABASE`, `_ACCOUNT`, `_ROLE`, `_SSL_MODE` and `_SSL_CA`,
        else from `MATRIXONE_URL`, else from the defaults: `127.0.0.1`, 6001, `root`, `111`. A connected client
        reconnects.

        Args:
            settings: the fields of `matrixone.Settings`, and `url`: `mysql://user:password@host:port/database`.

        Returns:
            The client itself.

        Raises:
            InvalidArgument: a setting is not valid, or the client uses your engine and so takes no settings; nothing
                was sent.
            ConnectionFailed: the server cannot be reached, or refuses the user or the database.
        """
        signatures.hide(settings)  # type: ignore[arg-type]  # a TypedDict is a dict
        if self._engine is not None and settings:
            raise InvalidArgument(f"the client uses your engine and takes no settings; omit {', '.join(settings)}")
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
        """Close all connections except those of your own engine. `connect()` opens new ones."""
        driver, self._connection = self._connection, None
        if driver is not None:
            driver.dispose()

    @property
    def engine(self) -> Engine:
        """The client's SQLAlchemy `Engine`.

        Raises:
            NotConnected: `connect()` was not called.
        """
        return self._connected().engine

    def pool_status(self) -> PoolStatus:
        """Return the current state of the client's connection pools.

        Returns:
            Numbers of connections in use and idle, and of calls that wait for a connection.

        Raises:
            NotConnected: `connect()` was not called.
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
        """Execute a statement in its own transaction and return its result, which is wholly in memory.

        Args:
            statement: SQL text, or a SQLAlchemy statement; `select(Model)` returns instances of the model.
            params: values for placeholders in SQL text: a dict for `:name`, a tuple for `?` or `%s`. A list of these
                executes the statement once for each. Text in quotes or comments is never a placeholder.
            timeout: limit in seconds after which the statement is stopped; by default the client's `timeout`.
            snapshot: name of a snapshot to read all tables of the statement from. Not for SQL text.
            timestamp: a datetime with a time zone to read all tables at. Not for SQL text.

        Returns:
            A SQLAlchemy `Result`.

        Raises:
            InvalidArgument: `timeout` is not positive, the values do not match the placeholders, or `snapshot` or
                `timestamp` cannot be used with the statement.
            NotConnected, ConnectionFailed, PoolExhausted: there is no connection.
            CommitUnknown: the connection broke between COMMIT and its answer.
            sqlalchemy.exc.DBAPIError: the server refused the statement, as with SQLAlchemy itself. Code 3024 means that
                the statement took longer than `timeout`.
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
        """Execute a statement and read its rows in batches: `with client.stream(…) as rows`.

        If the block ends before the last row, the connection is closed, so that the server does not send the rest.

        Args:
            statement: as for `execute`.
            params: as for `execute`.
            batch: number of rows to fetch at a time.
            timeout: limit in seconds until the first rows arrive; by default the client's `timeout`.
            snapshot: as for `execute`.
            timestamp: as for `execute`.

        Returns:
            A context manager that returns a SQLAlchemy `Result`.

        Raises:
            InvalidArgument: `batch` is less than 1, the values do not match the placeholders, the text has several
                statements, or `snapshot` or `timestamp` cannot be used with the statement.
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
        """Create a session: a SQLAlchemy `Session` with loads, stages and snapshots. Its block commits at the end.

        Args:
            bind: your own connection or session. If it is in a transaction, the session joins it: your program commits
                or rolls back, and the session refuses changes of stages, snapshots and clones, which would have to
                follow the commit. If it is not, the session begins and ends a transaction on that connection.

        Raises:
            InvalidArgument: `bind` is neither a connection nor a session.
            NotConnected: `connect()` was not called.
        """
        from matrixone_sync.session import Session  # noqa: PLC0415  # when the first one is made

        return Session(self._connected(), bind)

    def run_in_session(self, work: Callable[[Session], T], *, attempts: int = 3) -> T:
        """Run a function in a session and commit; repeat both after a deadlock or another retryable error.

        Args:
            work: function that receives the session. It may be called more than once, so its other effects must be
                repeatable.
            attempts: maximum number of calls.

        Returns:
            The result of the function.

        Raises:
            InvalidArgument: `attempts` is less than 1.
            NotConnected: `connect()` was not called.
            CommitUnknown: the connection broke between COMMIT and its answer; this is never repeated.
            Exception: the function or the commit raised it, and it is not retryable or this was the last attempt.
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
    """Return whether rows of a streamed result are still unread."""
    try:
        return result.fetchone() is not None
    except ResourceClosedError:
        return False  # closed by the caller
