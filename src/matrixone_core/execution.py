"""The caller's own statements, for SQLAlchemy: their text, execution options and results."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import CursorResult, Executable, Result, text
from sqlalchemy.orm import Session

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import as_text
from matrixone_core.messages import quoted
from matrixone_core.settings import time_limit
from matrixone_core.sql.placeholders import named, numbered
from matrixone_core.steps import ResultColumn

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Any]  # by name; by place; a list of either for many executions
Values: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None  # as SQLAlchemy takes them
TIMEOUT = "timeout"  # the execution option for a statement's time limit in seconds


def limited(seconds: float | None) -> dict[str, Any]:
    """The execution options of a statement with a time limit in seconds; None keeps the default.

    Raises:
        InvalidArgument: it is not a number of more than zero.
    """
    return {} if seconds is None else {TIMEOUT: time_limit(seconds)}


def as_statement(statement: str | Executable, params: Parameters | None) -> tuple[Executable, Values]:
    """What the caller wants executed, for SQLAlchemy, and the values that go with it.

    Args:
        statement: SQL text, or any statement of SQLAlchemy's. Text without parameters is sent as it is.
        params: the values: a mapping for the `:name`s of a text, a tuple for each `?` or `%s`, or a list of either.

    Raises:
        InvalidArgument: the statement is neither, or the values do not go with it.
    """
    if isinstance(statement, str):
        return _text(statement, params)
    if not isinstance(statement, Executable) and not hasattr(statement, "__clause_element__"):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{quoted(statement)} is no SQL text and no statement of SQLAlchemy's")
    if params is None or isinstance(params, Mapping):
        return statement, params
    rows = _mappings(params)
    if rows is None:
        raise InvalidArgument(f"params={quoted(params)} must be a dict, or a list of dicts; tuples are for SQL text")
    return statement, rows


def _text(sql: str, params: Parameters | None) -> tuple[Executable, Values]:
    if params is None:
        return text(as_text(sql)), None
    if isinstance(params, Mapping):
        return text(named(sql, params)), params
    if not isinstance(params, list | tuple):
        raise InvalidArgument(f"params={quoted(params)} must be a dict, a tuple of values, or a list of either")
    rows = _mappings(params)
    if rows:
        return text(named(sql, set(rows[0]).intersection(*rows[1:]))), rows
    is_many = isinstance(params, list) and params and isinstance(params[0], list | tuple)
    wanted, names = numbered(sql)
    values = [_by_name(names, row) for row in (params if is_many else [params])]
    return text(wanted), values if is_many else values[0]


def _by_name(names: tuple[str, ...], values: Sequence[Any]) -> dict[str, Any]:
    if len(values) != len(names):
        raise InvalidArgument(f"the statement has {len(names)} placeholder(s), ? or %s, for {len(values)} value(s)")
    return dict(zip(names, values, strict=True))


def _mappings(params: Sequence[Any]) -> list[Mapping[str, Any]] | None:
    """The mappings that a list or tuple consists of; None where it is neither, or has anything else."""
    rows: list[Any] = list(params) if isinstance(params, list | tuple) else [params]
    return rows if all(isinstance(row, Mapping) for row in rows) else None


def completed(session: Session, statement: Executable, params: Values, options: dict[str, Any]) -> Result[Any]:
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


_UNSIGNED = 32  # MySQL's flag of a column
_BINARY = 63  # MySQL's number of the collation of bytes


def result_columns(driver_connection: Any) -> tuple[ResultColumn, ...]:
    """The columns of the statement that a driver's connection executed last; both drivers keep them in one place."""
    return tuple(
        ResultColumn(
            field.name, field.type_code, bool(field.flags & _UNSIGNED), field.charsetnr == _BINARY, field.scale
        )
        for field in driver_connection._result.fields  # noqa: SLF001  # the versions are pinned
    )
