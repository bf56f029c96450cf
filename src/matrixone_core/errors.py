"""The errors, and whose fault each is.

MatrixOneError
├── InvalidArgument          the caller asked for what cannot be; nothing was sent
├── NotSupported             MatrixOne does not have it
├── ServerError              the server refused
│   ├── PermissionDenied
│   ├── StageNotFound, StageExists, StageDisabled, StageFileNotFound, StageFileExists
│   ├── SnapshotNotFound, SnapshotExists, PitrNotFound, PitrExists
│   ├── RestoreFailed
│   ├── DatabaseNotFound, DatabaseExists, TableNotFound, TableExists
│   ├── LoadFailed, DuplicateKey
│   └── TransactionAborted   the transaction is rolled back as a whole (server-facts 15)
│       ├── Deadlock
│       ├── LockTimeout
│       ├── WriteConflict
│       ├── LoadPartiallyApplied   a session's transaction has some rows of a failed load or insert
│       └── StatementTimeout the statement took longer than `timeout`, and was stopped
├── SessionInUse             two tasks or threads used one session at once; nothing was sent
├── CommitIncomplete         the rows are committed, something that comes after a commit is not
└── ConnectionFailure          the wire, not the statement
    ├── NotConnected         connect() was not called
    │   └── WrongEventLoop   the client was connected on another event loop
    ├── ConnectionFailed     no connection could be made
    ├── PoolExhausted        no connection came free in time
    └── ConnectionLost       it broke
        └── CommitUnknown    it broke after COMMIT was sent and before its answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, Self

from matrixone_core.messages import shorten

if TYPE_CHECKING:
    from matrixone_core.results import BadRow, LoadReport


class SqlStatement(Protocol):
    """A statement of this package: its text is its SQL, secrets masked, and SQLAlchemy's `execute` takes it."""

    def __str__(self) -> str: ...

    def __clause_element__(self) -> Any:
        """Return the statement as SQLAlchemy has it."""
        ...


class MatrixOneError(Exception):
    """The root of this package's errors.

    Attributes:
        code: the server's error number, or None.
        sqlstate: the SQLSTATE, where one belongs to the code.
        statement: the statement that failed, secrets masked, or None.
        retryable: whether doing the same again can help.
        remedy: what helps, which the text of the error ends with; empty where the message says all.
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
        """What is wrong, without the remedy, however long it is."""
        return super().__str__()

    def __str__(self) -> str:
        return shorten(f"{self.message}; {self.remedy}" if self.remedy else self.message)

    def __repr__(self) -> str:
        message = repr(shorten(self.message))
        return f"{type(self).__name__}({message})"


class InvalidArgument(MatrixOneError, ValueError):
    """What was asked for cannot be; nothing was sent to the server."""


class NotSupported(MatrixOneError):
    """MatrixOne does not have what was asked for."""


class ServerError(MatrixOneError):
    """The server refused a statement."""

    def about(self, what: str) -> Self:
        """The same error, with what it is about named before its words, unless they name it."""
        if what in self.message:
            return self
        changed = copy(self)
        changed.args = (f"{what}: {self.message}",)
        return changed

    def with_remedy(self, remedy: str) -> Self:
        """The same error, with what helps against it."""
        changed = copy(self)
        changed.remedy = remedy
        return changed


class PermissionDenied(ServerError):
    """The user may not do this."""


class StageNotFound(ServerError):
    """There is no stage of this name."""

    remedy = "client.stage.list() shows the stages"


class StageExists(ServerError):
    """There is a stage of this name already."""

    remedy = "if_not_exists=True leaves it as it is, client.stage.alter changes it"


class StageDisabled(ServerError):
    """The stage is disabled."""

    remedy = "client.stage.alter(name, enable=True) enables it"


class StageFileNotFound(ServerError):
    """The stage has no such file."""

    remedy = "client.stage.path(name).iterdir() shows the stage's files"


class StageFileExists(ServerError):
    """The stage has a file of this name already."""

    remedy = "take another name, or remove the file first"


class SnapshotNotFound(ServerError):
    """There is no snapshot of this name."""

    remedy = "client.snapshots.list() shows the snapshots"


class SnapshotExists(ServerError):
    """There is a snapshot of this name already."""

    remedy = "take another name, or drop that one first by client.snapshots.drop"


class PitrNotFound(ServerError):
    """There is no point-in-time recovery of this name."""

    remedy = "client.pitr.list() shows the point-in-time recoveries"


class PitrExists(ServerError):
    """There is a point-in-time recovery of this name already, or one that covers the same."""

    remedy = "client.pitr.list() shows it, client.pitr.alter changes how far it reaches"


class RestoreFailed(ServerError):
    """A restore was not done, though the server may have answered OK.

    Attributes:
        tables: the tables that are as they were before, as `database.table`.
    """

    tables: tuple[str, ...] = ()


class DatabaseExists(ServerError):
    """There is a database of this name already."""

    remedy = "take another name; CREATE DATABASE IF NOT EXISTS leaves that one as it is"


class DatabaseNotFound(ServerError):
    """There is no database of this name."""

    remedy = "CREATE DATABASE creates it"


class TableNotFound(ServerError):
    """There is no table of this name."""

    remedy = "a table of another database is named 'database.table', client.create_table creates one"


class TableExists(ServerError):
    """There is a table of this name already."""

    remedy = "take another name, or drop that one first by client.drop_table"


class LoadFailed(ServerError):
    """A load was refused; no row of it stays.

    Attributes:
        report: with `atomic=False`, what became of each file: those that could be loaded are; else None.
        row: the first row that does not fit, where it was found; else None.
    """

    report: LoadReport | None = None
    row: BadRow | None = None


class DuplicateKey(ServerError):
    """A row has a primary or unique key that another has."""


class TransactionAborted(ServerError):
    """The server has rolled the whole transaction back; do all of it again."""

    retryable = True


class Deadlock(TransactionAborted):
    """Two transactions waited for each other, and this one was ended."""


class LockTimeout(TransactionAborted):
    """A lock did not come free in time (`lock_timeout`)."""


class WriteConflict(TransactionAborted):
    """Another transaction changed the same rows."""


class LoadPartiallyApplied(TransactionAborted):
    """A load or an insert failed, and rows of it are in the session's transaction, which has to be rolled back."""

    retryable = False


class StatementTimeout(TransactionAborted):
    """A statement took longer than its limit (`timeout`): it was stopped, and its transaction with it."""

    retryable = False


class SessionInUse(MatrixOneError):
    """Two tasks or threads used one session at once; nothing was sent for the second one."""


class CommitIncomplete(MatrixOneError):
    """The session's rows are committed, but not everything that follows a commit is done.

    Attributes:
        committed: the statements that took effect; COMMIT among them is that of the rows.
        pending: the statements that are left to do, the one that failed first.
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
        """Do what is left to do; for the asyncio client, await it.

        Raises:
            CommitIncomplete: something is still left.
            NotConnected: the error came from another process.
        """
        if self._resume is None:
            raise NotConnected("this error has no connection any more; carry out its .pending statements by hand")
        return self._resume()


class ConnectionFailure(MatrixOneError):
    """The wire failed, not the statement."""


class NotConnected(ConnectionFailure):
    """The client has no connection: `connect()` was not called, or `disconnect()` was."""


class WrongEventLoop(NotConnected):
    """The client was connected on another event loop."""


class ConnectionFailed(ConnectionFailure):
    """No connection could be made."""


class PoolExhausted(ConnectionFailure):
    """All connections were in use for longer than `pool_timeout`."""

    retryable = True


class ConnectionLost(ConnectionFailure):
    """The connection broke; what was not committed is rolled back.

    The message says whether the server can have executed the statement all the same, as one that takes effect at once.
    """

    retryable = True


class CommitUnknown(ConnectionLost):
    """The connection broke after COMMIT was sent and before its answer: the server may have committed, or not.

    Attributes:
        stages: the stages that the session had created for the commit; they are left as they are.
        pending: the statements that would have followed the commit.
    """

    retryable = False
    stages: tuple[str, ...] = ()
    pending: tuple[SqlStatement, ...] = ()
