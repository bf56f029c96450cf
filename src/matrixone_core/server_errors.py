"""Translate errors of drivers and servers into this package's exceptions, by code and message."""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from matrixone_core.errors import (
    CommitUnknown,
    ConnectionFailed,
    ConnectionFailure,
    ConnectionLost,
    DatabaseExists,
    DatabaseNotFound,
    Deadlock,
    DuplicateKey,
    LockTimeout,
    MatrixOneError,
    PermissionDenied,
    PitrExists,
    PitrNotFound,
    PoolExhausted,
    ServerError,
    SnapshotExists,
    SnapshotNotFound,
    StageExists,
    StageFileExists,
    StageFileNotFound,
    StageNotFound,
    StatementTimeout,
    TableExists,
    TableNotFound,
    TransactionAborted,
    WriteConflict,
)
from matrixone_core.messages import shorten
from matrixone_core.secrets import Secret, redact
from matrixone_core.steps import Op, Statement

T = TypeVar("T")

ER_ACCESS_DENIED = 1045
ER_NO_DB = 1046
ER_BAD_DB = 1049
CR_MALFORMED_PACKET = 2027  # MySQL's number; our own connections raise it for what they cannot read

# Remedies of some errors; the command line has its own text for them.
CHECK_LOGIN = "check the user and the password"
NAME_DATABASE = "name the table as 'database.table', or connect with database="
START_SERVER = "is the server running? `python -m matrixone_local serve` starts a local one"
CHECK_HOST = "check the host's name, in the URL or in host="
CREATE_DATABASE = "connect without database= to create it: client.execute('CREATE DATABASE …')"
_SQLSTATES = {
    1044: "42000", 1045: "28000", 1049: "42000", 1050: "42S01", 1054: "42S22", 1062: "23000", 1064: "42000",
    1146: "42S02", 1205: "HY000", 1213: "40001", 1406: "22001", 3819: "HY000", 20701: "40001",
}  # fmt: skip

_BY_CODE: Mapping[int, type[MatrixOneError]] = {
    1007: DatabaseExists,
    1008: DatabaseNotFound,
    1044: PermissionDenied,
    ER_ACCESS_DENIED: ConnectionFailed,
    ER_BAD_DB: DatabaseNotFound,
    1050: TableExists,
    1062: DuplicateKey,
    1142: PermissionDenied,
    1146: TableNotFound,
    1205: LockTimeout,
    1213: Deadlock,
    1227: PermissionDenied,
    2002: ConnectionFailed,
    2003: ConnectionFailed,
    2006: ConnectionLost,
    2013: ConnectionLost,
    2014: ConnectionLost,
    CR_MALFORMED_PACKET: ConnectionLost,
    2055: ConnectionLost,
    3024: StatementTimeout,  # our own connections raise it
    20405: StageFileNotFound,
    20406: StageFileExists,
    20701: Deadlock,
} | dict.fromkeys(  # after these the server has rolled back (server-facts 15)
    (20502, 20504, 20505, 20634, 20638, 20702, 20703, 20704, 20706, 20709), TransactionAborted
)

_BEGINNING = "((internal error|invalid configuration|SQL parser error): )?"
# Several codes, such as 20101 for "internal error", are ambiguous; the message decides (server-facts 10, 11, 27, 34).
# A pattern must match the whole message, as the message may quote a value of the caller.
_BY_WORDS: tuple[tuple[re.Pattern[str], type[MatrixOneError]], ...] = tuple(
    (re.compile(f"{_BEGINNING}({pattern})", re.IGNORECASE | re.DOTALL), kind)
    for pattern, kind in (
        (r"the stage .* not exists|stage \S+ not found", StageNotFound),
        (r"the stage .* exists", StageExists),
        (r"do not have privilege.*|(get .*|.* api error )?access ?denied.*", PermissionDenied),
        (r"invalid input: the file does not exist in load flow", StageFileNotFound),
        (r"read .*: is a directory|stat .*: not a directory", StageFileNotFound),
        (r"snapshot .* already exists", SnapshotExists),
        (r"snapshot .* does not exist|find 0 snapshot records.*", SnapshotNotFound),
        (r"pitr .* does not exist", PitrNotFound),
        (r".*\bpitr already exists|pitr .* already exists|(account|database) .* already has a pitr", PitrExists),
        (r"database .* already exists", DatabaseExists),
        (r"database .* does not exist", DatabaseNotFound),
        (r"table .* does not exist|no such table .*|table .* not exists at snapshot .*", TableNotFound),
        (r"table .* already exists", TableExists),
        (r"w-w conflict.*|(txn )?write conflict.*", WriteConflict),
    )
)
# What the server puts before a refusal that our class names already: "internal error" of a stage that exists misleads.
_MISLEADING = re.compile(r"^(internal error|invalid configuration|SQL parser error): ", re.IGNORECASE)
_NOT_IN_SNAPSHOT = re.compile(r"^(internal error: )?table \S+ not exists at snapshot ", re.IGNORECASE)
_NO_SNAPSHOT = re.compile(r"find 0 snapshot records by name\((.*)\), expect only 1", re.IGNORECASE)


def classify(code: int | None, words: str, otherwise: type[MatrixOneError] = ServerError) -> type[MatrixOneError]:
    """Return the exception class for a server's code and message.

    Args:
        code: the error number, or None.
        words: the server's message.
        otherwise: the class if neither is known.
    """
    for pattern, kind in _BY_WORDS:
        if pattern.fullmatch(words):
            return kind
    return _BY_CODE.get(code or 0, otherwise)


def from_driver(error: DBAPIError, statement: Statement[Any] | None = None) -> MatrixOneError:
    """Translate a driver's exception into one of this package, without secrets and without the driver's frames.

    Args:
        error: the exception as SQLAlchemy wraps it.
        statement: the statement that was being executed, or None.

    Returns:
        The exception, with a copy of the driver's as its `__cause__`.
    """
    code, words = _code_and_message(error.orig)
    hidden: tuple[Secret, ...] = statement.secrets if statement is not None else ()
    words = redact(words, hidden)
    otherwise = statement.refusal if statement is not None else ServerError
    kind = classify(code, words, otherwise)
    if kind is DuplicateKey and statement is not None:
        kind = statement.duplicate
    if error.connection_invalidated and not issubclass(kind, ConnectionFailure | StatementTimeout):
        kind = ConnectionLost
    said = words if kind is otherwise else _plain(words)
    if statement is not None and kind is ConnectionLost:
        said += _MAY_BE_DONE if statement.stays else _IS_ROLLED_BACK
    remedy = "take a snapshot that has it" if _NOT_IN_SNAPSHOT.search(words) else None
    if code == ER_NO_DB:
        remedy = NAME_DATABASE
    result = kind(
        said, code=code, sqlstate=_SQLSTATES.get(code or 0), statement=_mask_statement(statement), remedy=remedy
    )
    result.__cause__ = _bare(error.orig, code, shorten(words))
    return result


_MAY_BE_DONE = "; the server may have executed the statement, which takes effect at once"
_IS_ROLLED_BACK = "; COMMIT was not sent yet, so that nothing of the transaction is committed"


def _plain(words: str) -> str:
    """Return the server's message without a misleading prefix, for a refusal that has its own class."""
    return _NO_SNAPSHOT.sub(r"there is no snapshot '\1'", _MISLEADING.sub("", words))


def reply_ended(error: BaseException) -> bool:
    """Return whether a driver's exception is the server's complete reply; else the connection may be broken.

    The drivers' own errors have numbers from 2000 to 2999, or none.
    """
    code = error.args[0] if error.args else None
    return isinstance(code, int) and code != 0 and not 2000 <= code < 3000


def is_outcome_unknown(error: BaseException) -> bool:
    """Return whether the server may have executed the statement in spite of the error."""
    return isinstance(error, ConnectionLost | StatementTimeout)


def aborts(error: MatrixOneError) -> bool:
    """Return whether an error ended its transaction."""
    return isinstance(error, TransactionAborted | ConnectionLost)


def make_aborted_error(cause: MatrixOneError) -> TransactionAborted:
    """Create the error for the use of a transaction that the server has rolled back."""
    error = TransactionAborted(
        f"the transaction was rolled back after {type(cause).__name__} ({cause}); roll the session back or close it, "
        "and repeat all of it"
    )
    error.retryable = cause.retryable
    error.__cause__ = cause
    return error


def _mask_statement(statement: Statement[Any] | None) -> str | None:
    return None if statement is None else str(statement)


def cannot_connect(error: BaseException | None, where: str) -> ConnectionFailed:
    """Create the error for a connection that could not be opened.

    Args:
        error: the driver's exception, or None.
        where: the server and the user, without the password.
    """
    code, words = _code_and_message(error)
    reason = _system_words(error)
    if reason and reason.lower() not in words.lower():
        words = f"{words}: {reason}"
    unreachable = code in {2002, 2003, None}
    failed = ConnectionFailed(
        f"cannot connect to {where}: {_plain(words)}",
        code=code,
        sqlstate=_SQLSTATES.get(code or 0),
        remedy=_remedy_of_login(error, code, words),
    )
    lost = _BY_CODE.get(code or 0) is ConnectionLost and code != CR_MALFORMED_PACKET
    failed.retryable = unreachable or lost  # a wrong password stays wrong, and another kind of server what it is
    failed.__cause__ = _bare(error, code, words)
    return failed


_NO_SUCH_USER = re.compile(r"(internal error: )?there is no (user|tenant|role) ", re.IGNORECASE)


def _remedy_of_login(error: BaseException | None, code: int | None, words: str) -> str | None:
    """Return the remedy for a connection that could not be opened; None if it is unknown."""
    if _connection_refused(error):
        return START_SERVER
    if _host_unknown(error):
        return CHECK_HOST
    if code == ER_ACCESS_DENIED:
        return CHECK_LOGIN
    if _NO_SUCH_USER.match(words):
        return "check the account, the user and the role"
    return CREATE_DATABASE if code == ER_BAD_DB else None


def no_connection_free(error: BaseException) -> PoolExhausted:
    """The error for a pool whose connections are all in use."""
    return PoolExhausted(
        f"no connection came free in time: {error}; close sessions and streams sooner, or connect with a larger "
        "pool_size, max_overflow or pool_timeout"
    )


def treat_unknown_as_lost(op: Op[T], reason: str) -> Op[T]:
    """Run an operation whose COMMIT commits nothing that the caller waits for: without an answer it can be repeated.

    Args:
        op: the operation.
        reason: which connection broke then, and why nothing is committed.

    Raises:
        ConnectionLost: the connection broke, instead of `CommitUnknown`.
    """
    try:
        return (yield from op)
    except CommitUnknown as unknown:
        lost = ConnectionLost(f"{reason}: {unknown.__cause__}", code=unknown.code, sqlstate=unknown.sqlstate)
        cause = unknown.__cause__
    raise lost from cause


def commit_unknown(lost: ConnectionLost | StatementTimeout) -> CommitUnknown:
    """The error for a COMMIT whose answer never came, or not in time."""
    unknown = CommitUnknown(
        f"no answer to COMMIT: the connection broke, and the server may have committed or not: {lost}",
        code=lost.code,
        sqlstate=lost.sqlstate,
    )
    unknown.__cause__ = lost.__cause__
    return unknown


def _code_and_message(error: BaseException | None) -> tuple[int | None, str]:
    """The driver's code and words."""
    arguments: tuple[Any, ...] = error.args if error is not None else ()
    if len(arguments) > 1 and isinstance(arguments[0], int):
        return arguments[0] or None, str(arguments[1])
    return None, str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what the drivers name as its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or getattr(error, "original_exception", None)


def _connection_refused(error: BaseException | None) -> bool:
    """Whether the host answered that nothing listens on the port."""
    # asyncio joins the errors of a host with several addresses into one OSError without a number
    joined = f"[Errno {errno.ECONNREFUSED}]"
    return any(
        isinstance(cause, ConnectionRefusedError) or (isinstance(cause, OSError) and joined in str(cause))
        for cause in _causes(error)
    )


def _host_unknown(error: BaseException | None) -> bool:
    """Whether the host's name has no address; the core imports no sockets, and knows their error by its name."""
    return any(isinstance(cause, OSError) and type(cause).__name__ == "gaierror" for cause in _causes(error))


def _system_words(error: BaseException | None) -> str:
    """The operating system's words for what went wrong."""
    for cause in _causes(error):
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, OSError):
            # asyncio writes words of its own into connection errors; those of names and TLS are in the error
            plain = isinstance(cause, ConnectionError) or type(cause) is OSError
            return os.strerror(cause.errno) if plain and cause.errno else str(cause.strerror or cause)
    return ""


def _bare(error: BaseException | None, code: int | None, words: str) -> BaseException | None:
    """A copy of the driver's error: its frames, and what they hold, stay behind."""
    if error is None:
        return None
    try:
        return type(error)(words) if code is None else type(error)(code, words)
    except TypeError:  # an exception of another shape
        return Exception(words)
