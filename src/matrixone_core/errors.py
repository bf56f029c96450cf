"""The exceptions of this package.

MatrixOneError
├── InvalidArgument          an argument is not valid; nothing was sent
├── NotSupported             MatrixOne, or an optional library, does not support the call
├── ServerError              the server refused a statement
│   ├── PermissionDenied
│   ├── StageNotFound, StageExists, StageDisabled, StageFileNotFound, StageFileExists
│   ├── SnapshotNotFound, SnapshotExists, PitrNotFound, PitrExists
│   ├── RestoreFailed
│   ├── DatabaseNotFound, DatabaseExists, TableNotFound, TableExists
│   ├── LoadFailed, DuplicateKey
│   └── TransactionAborted   the server rolled back the whole transaction (server-facts 15)
│       ├── Deadlock
│       ├── LockTimeout
│       ├── WriteConflict
│       ├── LoadPartiallyApplied   a session's transaction has some rows of a failed load or insert
│       └── StatementTimeout the statement took longer than `timeout` and was stopped
├── SessionInUse             two tasks or threads used one session at once; nothing was sent
├── CommitIncomplete         the rows are committed, but not all statements that follow a commit succeeded
└── ConnectionFailure        the connection failed, not the statement
    ├── NotConnected         connect() was not called
    │   └── WrongEventLoop   the client was connected on another event loop
    ├── ConnectionFailed     the client could not connect
    ├── PoolExhausted        no connection became free in time
    └── ConnectionLost       the connection broke
        └── CommitUnknown    the connection broke between COMMIT and its answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, Self

from matrixone_core.messages import shorten

if TYPE_CHECKING:
    from matrixone_core.results import BadRow, LoadReport


class SqlStatement(Protocol):
    """A statement of this package. `str()` gives its SQL with secrets masked; SQLAlchemy's `execute` accepts it."""

    def __str__(self) -> str: ...

    def __clause_element__(self) -> Any:
        """Return the statement as a SQLAlchemy construct."""
        ...


class MatrixOneError(Exception):
    """Base class of this package's exceptions.

    Attributes:
        code: the server's error number (int), or None.
        sqlstate: the SQLSTATE of the code, or None.
        statement: SQL of the statement that failed, with secrets masked, or None.
        retryable: whether the same call can succeed if it is repeated.
        remedy: advice that `str()` appends to the message; may be empty.
    """

    retryable: bool = False
    remedy: str = ""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        sqlstate: str | None = None,
        statement: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.statement = statement
        if remedy is not None:
            self.remedy = remedy

    @property
    def message(self) -> str:
        """The whole message, without the remedy; `str()` shortens a long one."""
        return super().__str__()

    def __str__(self) -> str:
        return shorten(f"{self.message}; {self.remedy}" if self.remedy else self.message)

    def __repr__(self) -> str:
        message = repr(shorten(self.message))
        return f"{type(self).__name__}({message})"


class InvalidArgument(MatrixOneError, ValueError):
    """An argument is not valid; nothing was sent to the server."""


class NotSupported(MatrixOneError):
    """MatrixOne does not support the call, a session does not, or an optional library is not installed."""


class ServerError(MatrixOneError):
    """The server refused a statement."""

    def about(self, what: str) -> Self:
        """Return a copy whose message begins with the subject *what*, unless the message has it."""
        if what in self.message:
            return self
        changed = copy(self)
        changed.args = (f"{what}: {self.message}",)
        return changed

    def with_remedy(self, remedy: str) -> Self:
        """Return a copy with another remedy."""
        changed = copy(self)
        changed.remedy = remedy
        return changed


class PermissionDenied(ServerError):
    """The user lacks the privilege."""


class StageNotFound(ServerError):
    """There is no stage of this name."""

    remedy = "client.stage.list() shows the stages"


class StageExists(ServerError):
    """A stage of this name already exists."""

    remedy = "if_not_exists=True leaves it unchanged, client.stage.alter changes it"


class StageDisabled(ServerError):
    """The stage is disabled."""

    remedy = "client.stage.alter(name, enable=True) enables it"


class StageFileNotFound(ServerError):
    """The stage has no file of this name."""

    remedy = "client.stage.path(name).iterdir() shows the stage's files"


class StageFileExists(ServerError):
    """The stage already has a file of this name."""

    remedy = "take another name, or remove the file first"


class SnapshotNotFound(ServerError):
    """There is no snapshot of this name."""

    remedy = "client.snapshots.list() shows the snapshots"


class SnapshotExists(ServerError):
    """A snapshot of this name already exists."""

    remedy = "take another name, or drop that one first by client.snapshots.drop"


class PitrNotFound(ServerError):
    """There is no point-in-time recovery of this name."""

    remedy = "client.pitr.list() shows the point-in-time recoveries"


class PitrExists(ServerError):
    """A point-in-time recovery of this name, or of the same table, database or account, already exists."""

    remedy = "client.pitr.list() shows it, client.pitr.alter changes how far it reaches"


class RestoreFailed(ServerError):
    """A restore had no effect, although the server may have answered OK.

    Attributes:
        tables: the tables that were not restored, as `database.table`.
    """

    tables: tuple[str, ...] = ()


class DatabaseExists(ServerError):
    """A database of this name already exists."""

    remedy = "take another name; CREATE DATABASE IF NOT EXISTS leaves an existing one unchanged"


class DatabaseNotFound(ServerError):
    """There is no database of this name."""

    remedy = "CREATE DATABASE creates it"


class TableNotFound(ServerError):
    """There is no table of this name."""

    remedy = "a table of another database is named 'database.table', client.create_table creates one"


class TableExists(ServerError):
    """A table of this name already exists."""

    remedy = "take another name, or drop that one first by client.drop_table"


class LoadFailed(ServerError):
    """A load failed and stored no row; with `atomic=False` it stored the files that fit.

    Attributes:
        report: with `atomic=False`, the `LoadReport` with the outcome of each file; else None.
        row: the first `BadRow`, if the load found it; else None.
    """

    report: LoadReport | None = None
    row: BadRow | None = None


class DuplicateKey(ServerError):
    """A row has the primary or unique key of another row."""


class TransactionAborted(ServerError):
    """The server rolled back the whole transaction; run all of it again."""

    retryable = True


class Deadlock(TransactionAborted):
    """Two transactions waited for each other, and the server rolled back this one."""


class LockTimeout(TransactionAborted):
    """A lock did not become free within `lock_timeout`."""


class WriteConflict(TransactionAborted):
    """Another transaction changed the same rows."""


class LoadPartiallyApplied(TransactionAborted):
    """A load or an insert failed after it stored rows in the session's transaction; roll the session back."""

    retryable = False


class StatementTimeout(TransactionAborted):
    """A statement took longer than `timeout`; it was stopped and its transaction rolled back."""

    retryable = False


class SessionInUse(MatrixOneError):
    """A task or thread used a session while another was using it; nothing was sent."""


class CommitIncomplete(MatrixOneError):
    """The session's rows are committed, but a statement that follows the commit failed.

    Attributes:
        committed: the statements that took effect, with the COMMIT of the rows among them.
        pending: the statements that did not run; the first one is the one that failed.
    """

    def __init__(
        self,
        message: str,
        committed: Sequence[SqlStatement] = (),
        pending: Sequence[SqlStatement] = (),
        resume: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.committed: tuple[SqlStatement, ...] = tuple(committed)
        self.pending: tuple[SqlStatement, ...] = tuple(pending)
        self._resume = resume

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.committed, self.pending)  # the connection does not travel

    def resume(self) -> Any:
        """Run the pending statements. With the asyncio client, await the result.

        Raises:
            CommitIncomplete: one of them failed again.
            NotConnected: the exception came from another process and has no connection.
        """
        if self._resume is None:
            raise NotConnected("this error has no connection any more; execute its .pending statements by hand")
        return self._resume()


class ConnectionFailure(MatrixOneError):
    """The connection failed, not the statement."""


class NotConnected(ConnectionFailure):
    """The client has no connection: `connect()` was not called, or `disconnect()` was."""


class WrongEventLoop(NotConnected):
    """The client was connected on another event loop."""


class ConnectionFailed(ConnectionFailure):
    """The client could not connect to the server."""


class PoolExhausted(ConnectionFailure):
    """All connections were in use for longer than `pool_timeout`."""

    retryable = True


class ConnectionLost(ConnectionFailure):
    """The connection broke; the server rolls back what was not committed.

    The message says if the server may have executed the statement all the same, as some take effect at once.
    """

    retryable = True


class CommitUnknown(ConnectionLost):
    """The connection broke between COMMIT and its answer: the server may or may not have committed.

    Attributes:
        stages: names of the stages that the session created for the commit; they were not dropped.
        pending: the statements that would have followed the commit.
    """

    retryable = False
    stages: tuple[str, ...] = ()
    pending: tuple[SqlStatement, ...] = ()
