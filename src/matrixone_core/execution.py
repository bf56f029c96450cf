"""The caller's own statements, for SQLAlchemy: their text, execution options and results."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import CursorResult, Executable, Result, text
from sqlalchemy.orm import Session

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import as_text
from matrixone_core.messages import quoted
from matrixone_core.settings import time_limit

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
TIMEOUT = "timeout"  # the execution option for a statement's time limit in seconds


def limited(seconds: float | None) -> dict[str, Any]:
    """The execution options of a statement with a time limit in seconds; None keeps the default.

    Raises:
        InvalidArgument: it is not a number of more than zero.
    """
    return {} if seconds is None else {TIMEOUT: time_limit(seconds)}


def as_statement(statement: str | Executable, params: Parameters | None) -> Executable:
    """What the caller wants executed, for SQLAlchemy.

    Args:
        statement: SQL text, or any statement of SQLAlchemy's. Text without parameters is sent as it is; with
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
