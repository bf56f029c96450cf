"""Reaching a server, and the caller's own statements: what both clients do with an engine of SQLAlchemy's."""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import CursorResult, Executable, Result, text
from sqlalchemy.orm import Session

from matrixone_core.errors import ConnectionFailed, InvalidArgument, quoted
from matrixone_core.literals import Part, as_text
from matrixone_core.operation import Clock, Command, Op, Sleep
from matrixone_core.secrets import masked
from matrixone_core.settings import SECRETS, VARIABLES, ConnectArguments, Settings, time_limit

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
ClientT = TypeVar("ClientT")
BETWEEN_TRIES = 0.2  # seconds
TIMEOUT = "timeout"  # the execution option for a statement's time limit in seconds
IDLE_SECONDS = 30.0  # a connection idle for longer is pinged before it is used
STOP_SECONDS = 4.0  # for a statement to end by a KILL
CLEAN_UP_SECONDS = 5.0  # for each step that an operation still takes once it is cancelled or interrupted
STOP_AGAIN = (0.05, 0.2, 0.75)  # the parts of it after each KILL: one may reach the server before the statement does
SENT_AT_ONCE = 1024 * 1024  # bytes of the client's data in one packet
CR_LOCAL_REFUSED = 2068  # MySQL's number for it
LOCAL_REFUSED = (
    "the server asked for a file of this machine, and was refused: client.load_data.read_csv() sends files, and only"
    " those that it is given"
)
OF_THE_PARENT = "the connection belongs to the process that this one was forked from"
_EXPORT = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)


@dataclass(frozen=True)
class Ping(Command):
    """Ask for nothing but an answer."""

    def parts(self) -> Iterator[Part]:
        """The shortest question."""
        yield "SELECT 1"


def reach(wait: float | None) -> Op[None]:
    """Make a connection and see that the server answers.

    Args:
        wait: seconds to keep trying while a server starts; None tries once.

    Raises:
        ConnectionFailed: it cannot be reached, or refuses the user or the database.
    """
    began = yield from Clock()
    while True:
        try:
            yield from Ping()
        except ConnectionFailed as error:
            now = yield from Clock()
            if not error.retryable or now - began >= (wait or 0):
                raise
            yield from Sleep(BETWEEN_TRIES)
        else:
            return


def limited(seconds: float | None) -> dict[str, Any]:
    """The execution options of a statement that may take so many seconds; None says nothing.

    Raises:
        InvalidArgument: it is not a number of more than zero.
    """
    return {} if seconds is None else {TIMEOUT: time_limit(seconds)}


def kill(connection_id: int) -> str:
    """The statement that stops what a connection is doing, and leaves the connection (server-facts 16)."""
    return f"KILL QUERY {int(connection_id)}"


def may_run_on(connection_id: int, error: Exception) -> str:
    """The warning about a statement that could not be stopped."""
    return f"the statement of connection {connection_id} could not be stopped, and may still run on the server: {error}"


def fails_export(sql: str | bytes) -> bool:
    """Whether a statement that failed leaves the connection's next export a wrong path (server-facts 33)."""
    return _EXPORT.search(sql if isinstance(sql, str) else sql.decode(errors="replace")) is not None


def leave_to_parent(descriptor: int) -> None:
    """In a forked child: have the end of an empty pipe in the place of a socket that the parent goes on with.

    The child's copy of the parent's would keep the connection open when the parent closes it, and could not be closed
    either: an event loop would take it out of the selector that both processes share, for both of them.
    """
    dead, other_end = os.pipe()
    os.close(other_end)
    os.dup2(dead, descriptor, inheritable=False)
    os.close(dead)


def hide(arguments: MutableMapping[str, Any]) -> None:
    """Make secrets of the settings that hold one, in place, so that no frame of ours shows them."""
    for name in SECRETS:
        if name in arguments:
            arguments[name] = masked(arguments[name])


def shows_settings(client: type[ClientT]) -> type[ClientT]:
    """A class decorator: its constructor and its `connect` show each setting to `help()` and `inspect`."""
    settings = Settings()
    this = Parameter("self", Parameter.POSITIONAL_ONLY)
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=_default(settings, name), annotation=annotation)
        for name, annotation in ConnectArguments.__annotations__.items()
    ]
    for function in (vars(client)["__init__"], vars(client)["connect"]):
        function.__signature__ = Signature([this, *parameters], return_annotation=None)
    return client


def _default(settings: Settings, name: str) -> Any:
    # what the environment may tell is not decided before it is asked
    return None if f"MATRIXONE_{name.upper()}" in VARIABLES else getattr(settings, name)


def as_statement(statement: str | Executable, params: Parameters | None) -> Executable:
    """What the caller wants executed, for SQLAlchemy.

    Args:
        statement: SQL text, or any statement of SQLAlchemy's. Text without parameters is sent as it stands; with
            parameters, `:name` in it is one.
        params: the parameters.

    Raises:
        InvalidArgument: it is neither.
    """
    if isinstance(statement, str):
        return text(statement if params is not None else as_text(statement))
    if not isinstance(statement, Executable) and not hasattr(statement, "__clause_element__"):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{quoted(statement)} is no SQL text and no statement of SQLAlchemy's")
    return statement


def completed(
    session: Session, statement: Executable, params: Parameters | None, options: dict[str, Any]
) -> Result[Any]:
    """Execute in a session, and have the whole result in memory, so that it outlives the session."""
    result: Result[Any] = session.execute(statement, params, execution_options=options)
    if isinstance(result, CursorResult) and not result.returns_rows:
        return result
    try:
        return result.freeze()()
    except NotImplementedError:  # an ORM bulk statement without RETURNING: SQLAlchemy's result of nothing
        return result


def streaming(batch: int, timeout: float | None) -> dict[str, Any]:
    """The execution options for reading a result *batch* rows at a time, the first ones within *timeout* seconds.

    Raises:
        InvalidArgument: that cannot be.
    """
    if not isinstance(batch, int) or batch < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"batch={quoted(batch)} must be a number of rows, 1 or more")
    return {"yield_per": batch, **limited(timeout)}
