"""The caller's own statements, for SQLAlchemy: their text, execution options and results."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import CursorResult, Dialect, Executable, Result, TextClause, TypeDecorator, text
from sqlalchemy.orm import Session
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.types import TypeEngine

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import as_text
from matrixone_core.messages import show
from matrixone_core.names import snapshot_name
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import RowPackets
from matrixone_core.setting_checks import time_limit, whole_number
from matrixone_core.sql.moment import Past
from matrixone_core.sql.placeholders import check_no_placeholders, has_several_statements, named, numbered

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Any]  # by name; by place; a list of either for many executions
Values: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None  # as SQLAlchemy takes them
BATCH_ROWS = 65_536  # of a record batch at most, unless the caller says otherwise
# execution options
TIMEOUT = "timeout"  # a statement's time limit in seconds
SNAPSHOT = "snapshot"  # the name of the snapshot that a statement reads
TIMESTAMP = "timestamp"  # the moment that it reads, a datetime with a time zone
PACKETS = "matrixone_packets"  # where the packets of its rows go, instead of being made into rows


def timeout_options(seconds: float | None) -> dict[str, Any]:
    """Return execution options with a time limit in seconds; None keeps the default.

    Raises:
        InvalidArgument: it is not a number of more than zero.
    """
    return {} if seconds is None else {TIMEOUT: time_limit(seconds)}


def past_of(options: Mapping[str, Any]) -> Past | None:
    """Return the moment in execution options that a statement reads, or None for the present.

    Raises:
        InvalidArgument: there is no such moment.
    """
    snapshot, moment = options.get(SNAPSHOT), options.get(TIMESTAMP)
    if snapshot is None and moment is None:
        return None
    if snapshot is not None and moment is None:
        return Past(snapshot_name(snapshot))
    if snapshot is not None:
        raise InvalidArgument("give snapshot= or timestamp=, not both: a statement reads one moment")
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidArgument(f"timestamp={show(moment)} must be a datetime with a time zone")
    utc = moment.astimezone(UTC).replace(tzinfo=None)  # whatever the session's time zone is
    return Past(time=utc.isoformat(" ", "microseconds"))


def options_of_past(past: Past) -> dict[str, Any]:
    """Return execution options with which a statement reads a moment; the inverse of `past_of`."""
    if past.snapshot:
        return {SNAPSHOT: past.snapshot}
    return {TIMESTAMP: datetime.fromisoformat(past.time).replace(tzinfo=UTC)}


def check_reads(statement: object) -> None:
    """Check that a statement can read the past.

    Raises:
        InvalidArgument: it is a text, in which tables are not looked for, or writes.
    """
    if isinstance(statement, str | TextClause | TextualSelect):
        raise InvalidArgument(
            "snapshot= and timestamp= are for statements of SQLAlchemy's, whose tables are known; in SQL text write "
            "the moment behind each table, before its alias: FROM t {snapshot = 'name'} AS a, or {timestamp = '…'}, "
            "the time in UTC"
        )
    if isinstance(statement, UpdateBase | ExecutableDDLElement):
        raise InvalidArgument("snapshot= and timestamp= are for statements that read; the past cannot be written")


_NO_ROWS = "the statement gives no rows; use execute() for what only writes"


def check_gives_rows(statement: object) -> None:
    """Check that a statement does not only write.

    Raises:
        InvalidArgument: it is one.
    """
    if isinstance(statement, UpdateBase | ExecutableDDLElement):
        raise InvalidArgument(_NO_ROWS)


def check_gave_rows(packets: RowPackets) -> None:
    """Check that a reply has columns.

    Raises:
        InvalidArgument: it has none.
    """
    if not packets.fields:
        raise InvalidArgument(_NO_ROWS)


def options_for(
    statement: object, timeout: float | None, snapshot: str | None, timestamp: datetime | None
) -> dict[str, Any]:
    """Return the execution options of a statement.

    Args:
        statement: as the caller gave it.
        timeout: its time limit in seconds; None keeps the default.
        snapshot: the snapshot that it reads, or None.
        timestamp: the moment that it reads, or None.

    Raises:
        InvalidArgument: that cannot be.
    """
    past: dict[str, Any] = {SNAPSHOT: snapshot, TIMESTAMP: timestamp}
    if past_of(past) is None:
        return timeout_options(timeout)
    check_reads(statement)
    return timeout_options(timeout) | past


def as_statement(statement: str | Executable, params: Parameters | None) -> tuple[Executable, Values]:
    """Return the caller's statement for SQLAlchemy, and its values.

    Args:
        statement: SQL text, or any statement of SQLAlchemy's. Text without parameters is sent as it is, and has no
            placeholder.
        params: the values: a mapping for the `:name`s of a text, a tuple for each `?` or `%s`, or a list of either.

    Raises:
        InvalidArgument: the statement is neither, or the values do not go with it.
    """
    if isinstance(statement, str):
        return _text(statement, params)
    if not isinstance(statement, Executable) and not hasattr(statement, "__clause_element__"):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{show(statement)} is no SQL text and no statement of SQLAlchemy's")
    if params is None or isinstance(params, Mapping):
        return statement, params
    rows = _mappings(params)
    if rows is None:
        raise InvalidArgument(f"params={show(params)} must be a dict, or a list of dicts; tuples are for SQL text")
    return statement, rows


def check_one_statement(statement: object) -> None:
    """Check that a text is one statement: of several a server runs all, and only the first one's rows would be read.

    Args:
        statement: SQL text, or a statement of SQLAlchemy's.

    Raises:
        InvalidArgument: it is several.
    """
    clause = statement.element if isinstance(statement, TextualSelect) else statement
    sql = clause.text if isinstance(clause, TextClause) else clause
    if isinstance(sql, str) and has_several_statements(sql):
        from matrixone_core.monitoring.query_text import show_sql  # noqa: PLC0415  # clients need it for this error alone

        raise InvalidArgument(
            f"{show_sql(sql)} has several statements, and the rows of one can be read; send one at a time"
        )


def _text(sql: str, params: Parameters | None) -> tuple[Executable, Values]:
    if params is None:
        check_no_placeholders(sql)
        return text(as_text(sql)), None
    if isinstance(params, Mapping):
        return text(named(sql, params)), params
    if not isinstance(params, list | tuple):
        raise InvalidArgument(f"params={show(params)} must be a dict, a tuple of values, or a list of either")
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
    """Return the mappings in a list or tuple; None if it is neither, or has other items."""
    rows: list[Any] = list(params) if isinstance(params, list | tuple) else [params]
    return rows if all(isinstance(row, Mapping) for row in rows) else None


def execute_in_session(session: Session, statement: Executable, params: Values, options: dict[str, Any]) -> Result[Any]:
    """Execute a statement in a session, and read the whole result, so that it outlives the session."""
    result: Result[Any] = session.execute(statement, params, execution_options=options)
    if isinstance(result, CursorResult) and not result.returns_rows:
        return result
    try:
        return result.freeze()()
    except NotImplementedError:  # an ORM bulk statement without RETURNING: SQLAlchemy's result of nothing
        return result


def note_statement(packets: RowPackets, sql: str, context: Any) -> None:
    """Keep what is known of a statement before it is sent.

    Args:
        packets: where the packets of its rows go.
        sql: the statement.
        context: what surrounds it.
    """
    packets.sql = sql
    compiled = context.compiled
    if compiled is not None:
        # private, and of both versions of SQLAlchemy: a result that is made into rows goes by them
        columns, packets.is_ordered = compiled._result_columns, compiled._ordered_columns  # noqa: SLF001  # as said
        packets.types = [(one.keyname, _stored(one.type, context.dialect)) for one in columns]


def _stored(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the database's type for a type."""
    implementation = kind.dialect_impl(dialect)
    return implementation.impl_instance if isinstance(implementation, TypeDecorator) else implementation


def check_rows(name: str, rows: object) -> None:
    """Check that an argument is a number of rows.

    Raises:
        InvalidArgument: it is none.
    """
    whole_number(rows, name, "rows", least=1)


def streaming(batch: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the execution options for reading a result *batch* rows at a time.

    Raises:
        InvalidArgument: that cannot be.
    """
    check_rows("batch", batch)
    return {"yield_per": batch, **options}


def result_columns(driver_connection: Any) -> tuple[ResultColumn, ...]:
    """The columns of the statement that a driver's connection executed last; both drivers keep them in one place."""
    return tuple(map(ResultColumn.of_field, driver_connection._result.fields))  # noqa: SLF001  # the versions are pinned
