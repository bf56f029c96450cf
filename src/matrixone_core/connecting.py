"""Reaching a server, and the caller's own statements: what both clients do with an engine of SQLAlchemy's."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import CursorResult, Executable, Result, text
from sqlalchemy.orm import Session

from matrixone_core.errors import ConnectionFailed, InvalidArgument
from matrixone_core.literals import Part, as_text
from matrixone_core.operation import Clock, Command, Op, Sleep
from matrixone_core.secrets import Secret
from matrixone_core.settings import VARIABLES, ConnectArguments, Settings

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
ClientT = TypeVar("ClientT")
BETWEEN_TRIES = 0.2  # seconds


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


def hide(arguments: MutableMapping[str, Any]) -> None:
    """Make secrets of the settings that hold one, in place, so that no frame of ours shows them."""
    for name in ("password", "url"):
        if isinstance(arguments.get(name), str):
            arguments[name] = Secret(arguments[name])


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
        raise InvalidArgument(f"{statement!r} is no SQL text and no statement of SQLAlchemy's")
    return statement


def completed(session: Session, statement: Executable, params: Parameters | None) -> Result[Any]:
    """Execute in a session, and have the whole result in memory, so that it outlives the session."""
    result: Result[Any] = session.execute(statement, params)
    if isinstance(result, CursorResult) and not result.returns_rows:
        return result
    try:
        return result.freeze()()
    except NotImplementedError:  # an ORM bulk statement without RETURNING: SQLAlchemy's result of nothing
        return result


def streaming(batch: int) -> dict[str, Any]:
    """The execution options for reading a result *batch* rows at a time.

    Raises:
        InvalidArgument: that cannot be.
    """
    if not isinstance(batch, int) or batch < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"batch={batch!r} is to be a number of rows, 1 or more")
    return {"yield_per": batch}
