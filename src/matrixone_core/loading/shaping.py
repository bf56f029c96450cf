"""The table as a load needs it: created after the data, or with columns that only the data has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import quote_name
from matrixone_core.loading.inputs.schema_inference import FileColumn, lossless_values
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.run import LoadFacts
from matrixone_core.loading.table import Column, Table, parse_table
from matrixone_core.messages import show
from matrixone_core.sql.ddl import AddColumns, CreateTable
from matrixone_core.sql.load import Csv, JsonLines
from matrixone_core.sql.staging import Names
from matrixone_core.steps import Op, Statement

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShapedTable:
    """A load's table as it will be.

    Args:
        facts: what the server said, with that table.
        names: the names of the data's fields that go to it, None for one that is skipped.
        preparation: the statements that make the table so.
    """

    facts: LoadFacts
    names: tuple[str | None, ...]
    preparation: tuple[Statement[Any], ...] = ()


def shape_table(
    request: LoadRequest,
    facts: LoadFacts,
    names: tuple[str | None, ...],
    suggest: Callable[[], Op[Sequence[FileColumn]]],
) -> Op[ShapedTable]:
    """Say what has to be done to the table before the load.

    Args:
        request: what the caller wants.
        facts: what the server said.
        names: the names of the data's fields; empty where only the data tells.
        suggest: the data's columns, with the SQL types that its first rows suggest.

    Raises:
        InvalidArgument: the data has no columns that a table could be made of.
    """
    if facts.table is None:
        return _plan_creation(request, facts, names, (yield from suggest()))
    if request.options.extra_columns == "error" or request.assignments:
        return ShapedTable(facts, names)
    if request.options.extra_columns == "add":
        columns = _rename_columns(request, names, (yield from suggest()))
        return _plan_extension(request, facts, facts.table, names, columns)
    known = match_known_names(facts.table, names)
    return ShapedTable(facts, tuple(filter(None, known)) if isinstance(request.format, JsonLines) else known)


def match_known_names(table: Table | None, names: Sequence[str | None]) -> tuple[str | None, ...]:
    """Names with None in the place of those that the table does not have."""
    return tuple(None if name is None or table is None or table.column(name) is None else name for name in names)


def _rename_columns(
    request: LoadRequest, names: tuple[str | None, ...], found: Sequence[FileColumn]
) -> Sequence[FileColumn]:
    """The data's columns, as the caller or the header names fields of CSV; those that are skipped are left out."""
    if not isinstance(request.format, Csv) or not any(names):
        return found
    return [replace(column, name=name) for column, name in zip(found, names, strict=False) if name]


def _plan_creation(
    request: LoadRequest, facts: LoadFacts, names: tuple[str | None, ...], found: Sequence[FileColumn]
) -> ShapedTable:
    columns = _rename_columns(request, names, found)
    if not columns:
        raise InvalidArgument(
            f"create=True finds no columns in the data for {show(request.table_name)}; create it first"
        )
    types = _with_own_types(request, columns)
    types += tuple((name, "TEXT") for name in (request.file_column,) if name)
    types += tuple((name, "BIGINT") for name in (request.row_column,) if name)
    fields: tuple[str | None, ...] = names or tuple(column.name for column in columns)
    return ShapedTable(
        replace(facts, table=_table_of(request, request.names, types)), fields, (CreateTable(request.names, types),)
    )


def _plan_extension(
    request: LoadRequest,
    facts: LoadFacts,
    table: Table,
    names: tuple[str | None, ...],
    found: Sequence[FileColumn],
) -> ShapedTable:
    extra = [column for column in found if table.column(column.name) is None]
    if not extra:
        return ShapedTable(facts, names)
    types = _with_own_types(request, extra)
    added = _table_of(request, table.names, types)
    extended = replace(table, columns=(*table.columns, *added.columns))
    named = {name.lower() for name in names if name}
    fields = (*names, *(name for name, _ in types if name.lower() not in named))  # formats without names in order
    return ShapedTable(replace(facts, table=extended), fields, (AddColumns(table.names, types),))


def _with_own_types(request: LoadRequest, columns: Sequence[FileColumn]) -> Columns:
    own = {name.lower(): sql_type for name, sql_type in request.options.dtype}
    return tuple((column.name, own.get(column.name.lower(), column.type or "TEXT")) for column in columns)


def _table_of(request: LoadRequest, names: Names, columns: Columns) -> Table:
    """The table that CREATE TABLE with these columns makes; those whose types were inferred say what they keep."""
    lines = ",\n".join(f"  {quote_name(name)} {sql_type.lower()} DEFAULT NULL" for name, sql_type in columns)
    table = parse_table(names, f"CREATE TABLE {quote_name(names[-1])} (\n{lines}\n)")
    if not isinstance(request.format, Csv | JsonLines):
        return table  # Arrow's own types
    own = {name.lower() for name, _ in request.options.dtype} | {request.row_column}
    lossless = [None if name.lower() in own else lossless_values(sql_type) for name, sql_type in columns]
    return replace(table, columns=tuple(map(_with_pattern, table.columns, lossless)))


def _with_pattern(column: Column, lossless: str | None) -> Column:
    return replace(column, lossless=lossless)
