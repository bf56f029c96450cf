"""The preview of a load: its plan, with the first rows of a file checked against the table."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import types

from matrixone_core.errors import ServerError
from matrixone_core.loading.formats.csv import Row
from matrixone_core.loading.inputs.files import StageFile
from matrixone_core.loading.inputs.schema_inference import FileColumn, Sample, sample_of
from matrixone_core.loading.inputs.transforms import format_row
from matrixone_core.loading.plan import LoadPlan, PlannedColumn
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.row_checks import plain_value
from matrixone_core.loading.run import LoadFacts, plan_load
from matrixone_core.loading.strategies.location import reason_of
from matrixone_core.loading.table import Column, Kind, Table
from matrixone_core.messages import show
from matrixone_core.results import BadRow
from matrixone_core.sql.load import Parquet
from matrixone_core.sql.plan import CountKeys, TryCast
from matrixone_core.steps import GetRuntime, Op, Statement

MAX_SAMPLED = 200  # rows that are checked
MAX_TRIED = 50  # values of these rows that the server casts
_CASTABLE = {
    Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.TIME, Kind.UUID, Kind.JSON,
}  # fmt: skip


@dataclass(frozen=True)
class InferredTable:
    """A table that was created with the columns of a file. `str()` gives its CREATE TABLE.

    Args:
        name: name of the table: `table` or `database.table`.
        columns: the columns of the file.
        sql: the CREATE TABLE statement.
    """

    name: str
    columns: tuple[FileColumn, ...]
    sql: str

    def __str__(self) -> str:
        return self.sql


def plan_with_sample(
    request: LoadRequest,
    facts: LoadFacts,
    files: Sequence[StageFile],
    preparation: tuple[Statement[Any], ...],
    again: Callable[[], Op[Any]],
) -> Op[LoadPlan]:
    """Plan a load, and check the first rows of its first file against the table.

    Args:
        request: the caller's arguments.
        facts: the server's answers about stage and table.
        files: the files.
        preparation: statements that change the table first.
        again: the operation that runs the load.
    """
    runtime = yield from GetRuntime()
    plan = yield from plan_load(request, facts, files, preparation)
    plan = replace(plan, _run=lambda: runtime.run(again()))
    if not files or facts.table is None:
        return plan
    file, table = files[0], facts.table
    sample = yield from sample_of(file.path, request.format, header=request.header, nulls=request.nulls)
    rows = sample.rows[:MAX_SAMPLED]
    conflicts: int = 0
    for key in table.keys:
        conflicts = max(conflicts, (yield from _count_conflicts(table, key, file, rows)))
    bad = yield from _bad_rows(table, file, rows)
    columns = _side_by_side(table, file, sample)
    return replace(plan, columns=columns, sampled=len(rows), conflicts=conflicts, bad=bad)


def _side_by_side(table: Table, file: StageFile, sample: Sample) -> tuple[PlannedColumn, ...]:
    by_name = isinstance(file.format, Parquet)
    found = {column.name.lower(): column for column in sample.columns}
    pairs: list[PlannedColumn] = []
    for at, name in enumerate(file.names):
        place = sample.columns[at] if at < len(sample.columns) else None
        named = found.get((name or "").lower())
        pairs.append(_pair(table, name, named if by_name or named is not None else place))
    surplus = sample.columns[len(file.names) :] if not by_name else ()
    problem = "the table has no column for it"
    return (*pairs, *(PlannedColumn(column.name, column.type, None, None, problem) for column in surplus))


def _pair(table: Table, name: str | None, file: FileColumn | None) -> PlannedColumn:
    column = None if name is None else table.column(name)
    kind = None if column is None else column.sql_type
    if file is None:
        return PlannedColumn(None, None, name, kind, "the file has no such column")
    return PlannedColumn(file.name, file.type, name, kind, None if column is None else _mismatch(file.type, column))


def _mismatch(found: str | None, column: Column) -> str | None:
    """Return why values of an inferred type do not fit a column, or None; the server converts similar types."""
    if found is None or found == "BIGINT" or isinstance(column.type, types.String | types.JSON):
        return None
    if isinstance(column.type, types.Integer) and found != "BOOL":
        return f"{found}, and the column needs whole numbers"
    if isinstance(column.type, types.Numeric) and not found.startswith(("DECIMAL", "DOUBLE")):
        return f"{found}, and the column needs numbers"
    return None


def _bad_rows(table: Table, file: StageFile, rows: Sequence[Row]) -> Op[tuple[BadRow, ...]]:
    """Return the sampled rows that do not fit, as far as the server can check single values."""
    bad: list[BadRow] = []
    tried: int = 0
    for row in rows:
        if row.broken is not None or len(row.fields) != len(file.names):
            shape = row.broken or f"{len(row.fields)} fields, and {len(file.names)} columns"
            bad.append(BadRow(file.path, row.line, None, None, shape, format_row(row.raw), row.unit))
            continue
        for name, field in zip(file.names, row.fields, strict=True):
            column = None if name is None else table.column(name)
            if column is None or tried >= MAX_TRIED:
                continue
            reason = _certain_problem(column, field.text)
            if reason is None and _is_doubtful(column, field.text):
                tried += 1
                reason = yield from _refusal(column, field.text or "")
            if reason is not None:
                bad.append(BadRow(file.path, row.line, name, field.text, reason, format_row(row.raw), row.unit))
                break
    return tuple(bad)


def _certain_problem(column: Column, text: str | None) -> str | None:
    is_null = text is None or (text == "" and column.kind not in {Kind.TEXT, Kind.BYTES})
    if is_null and not column.nullable and not column.auto_increment:
        return f"the column {show(column.name)} cannot be NULL"
    length: int | None = getattr(column.type, "length", None)
    if column.kind is Kind.TEXT and length is not None and len(text or "") > length:
        return f"too long: {len(text or ''):,} characters, and the column has {length:,}"
    return None


def _is_doubtful(column: Column, text: str | None) -> bool:
    if not text or column.kind not in _CASTABLE:
        return False
    pattern = plain_value(column)
    return pattern is None or re.fullmatch(pattern, text) is None


def _refusal(column: Column, text: str) -> Op[str | None]:
    try:
        yield from TryCast(text, column.sql_type)
    except ServerError as error:
        return reason_of(error)
    return None


def _count_conflicts(table: Table, key: Sequence[str], file: StageFile, rows: Sequence[Row]) -> Op[int]:
    names = [None if name is None else name.lower() for name in file.names]
    if any(name.lower() not in names for name in key):
        return 0
    places = [names.index(name.lower()) for name in key]
    keys = {tuple(row.fields[at].text for at in places) for row in rows if len(row.fields) == len(names)}
    complete = sorted(tuple(text for text in values if text is not None) for values in keys if None not in values)
    if not complete:
        return 0
    try:
        return (yield from CountKeys(table.names, tuple(key), tuple(complete)))
    except ServerError:  # one of the values does not fit the column; it is among the bad rows
        return 0
