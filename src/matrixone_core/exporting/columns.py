"""The columns of what is exported, and what their types need so that a load of the file gets the same values.

The server writes some types wrongly without an error, and others not at all (server-facts 82). Such columns of a table
are written as texts or numbers. Those of a query are refused, as nothing can be put around a query that has an order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.mysql import BIT

from matrixone_core import result_columns as codes
from matrixone_core.errors import InvalidArgument, NotSupported, ServerError
from matrixone_core.execution import result_columns
from matrixone_core.exporting.source import Source, query_of_table
from matrixone_core.fragments import quote_name
from matrixone_core.loading.table import Column, Kind, fetch_table
from matrixone_core.messages import show
from matrixone_core.on_connection import run_translated
from matrixone_core.result_columns import ResultColumn
from matrixone_core.sql.export import Query, SelectNothing
from matrixone_core.steps import Op

_AS_TEXT, _AS_NUMBER = "CAST({} AS CHAR)", "CAST({} AS UNSIGNED)"
_IN_ARRAY = "CAST(json_array({0}) AS CHAR)"  # CAST of a text alone takes its quotes off, and json_quote writes no JSON
_AS_JSON_TEXT = f"json_extract(json_array(substring({_IN_ARRAY}, 2, char_length({_IN_ARRAY}) - 2)), '$[0]')"
# a text of a JSON column is written as JSON text, which is what loads take a text for; JSON's null so differs from NULL
_AS_LOADABLE_JSON = f"CASE WHEN json_type({{0}}) IN ('STRING', 'NULL') THEN {_AS_JSON_TEXT} ELSE {{0}} END"
DUPLICATE_COLUMN = 1060  # MySQL's number
_NOT_IN_QUERIES = {"csv": {codes.BIT}, "parquet": {codes.BIT}, "jsonline": set[int]()}


@dataclass(frozen=True)
class Exported:
    """What is written.

    Args:
        query: the query of it.
        columns: the columns' names.
        assignments: the columns that a load has to convert, with the expressions for it.
        base64: the columns whose bytes are in base64.
        has_timestamps: whether there are values that depend on the session's time zone.
        is_table: whether they are all rows of one table, which the server can count at no cost.
    """

    query: Query
    columns: tuple[str, ...]
    assignments: Mapping[str, str]
    base64: tuple[str, ...] = ()
    has_timestamps: bool = False
    is_table: bool = False

    @property
    def load_options(self) -> dict[str, Any]:
        """What a load has to know of the columns."""
        found: dict[str, Any] = {"base64": list(self.base64)} if self.base64 else {}
        return {**found, "set": dict(self.assignments)} if self.assignments else found


def plan_columns(source: Source, form: str) -> Op[Exported]:
    """What is written of a source.

    Args:
        source: the source.
        form: the format.

    Raises:
        InvalidArgument: two columns have one name.
        NotSupported: the server would write a column of the query wrongly, or not at all.
        ServerError: it refuses the query.
    """
    if source.table:
        try:
            table = yield from fetch_table(source.table)
        except ServerError:  # a view, or the user may not see the definition
            pass
        else:
            wanted = [found for name in source.columns if (found := table.column(name))] or table.columns
            _check_vectors(wanted, form)
            return _of_table(source.table, wanted, form)
    try:
        columns = yield from run_translated(partial(_described, query=source.query))
    except ServerError as error:
        if error.code != DUPLICATE_COLUMN and "ambiguous column reference" not in str(error):
            raise
        raise InvalidArgument(
            f"two columns of the query have one name: {error}; name them by AS, or label()"
        ) from error
    check_names([column.name for column in columns])
    for column in columns:
        too_large = form == "parquet" and column.type_code == codes.LONGLONG and column.is_unsigned
        if column.type_code in _NOT_IN_QUERIES[form] or too_large:
            name = quote_name(column.name)
            cast = (_AS_TEXT if too_large else _AS_NUMBER).format(name)
            raise NotSupported(
                f"the server writes some values of the column {show(column.name)} wrongly to {form} files; select"
                f" {cast} AS {name}, or export the table"
            )
    return of_result(source.query, columns, form)


def declare_vectors(source: Source) -> Op[Query]:
    """The query of a source, with the types of a table's vectors: the server's reply does not tell them from texts.

    Args:
        source: the source; a query of SQLAlchemy's says itself what has vectors.
    """
    if not source.table:
        return source.query
    try:
        table = yield from fetch_table(source.table)
    except ServerError:  # a view, or the user may not see the definition
        return source.query
    vectors = {column.name: column.type for column in table.columns if column.kind is Kind.VECTOR}
    return replace(source.query, clause=source.query.clause.columns(**vectors)) if vectors else source.query


def of_result(query: Query, columns: Sequence[ResultColumn], form: str) -> Exported:
    """What is written of a query whose columns are known."""
    return Exported(
        query,
        tuple(column.name for column in columns),
        {
            column.name: _AS_NUMBER.format(quote_name(column.name))
            for column in columns
            if column.type_code == codes.BIT
        },
        tuple(column.name for column in columns if form == "jsonline" and column.has_bytes),
        any(column.type_code == codes.TIMESTAMP for column in columns),
    )


def check_names(names: Sequence[str]) -> None:
    """See that no two columns have one name.

    Raises:
        InvalidArgument: two have.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidArgument(f"two columns of the query are called {show(twice[0])}; name them by AS, or label()")


def _described(connection: Connection, query: Query) -> tuple[ResultColumn, ...]:
    connection.execute(SelectNothing(query).__clause_element__()).close()
    return result_columns(connection.connection.driver_connection)


def _check_vectors(columns: Sequence[Column], form: str) -> None:
    vectors = [column.name for column in columns if column.kind is Kind.VECTOR and form == "parquet"]
    if vectors:
        raise NotSupported(
            f"the server writes no vectors to Parquet, and {show(vectors[0])} has some; export to CSV or JSON lines,"
            " or by export.to_file"
        )


def _of_table(names: tuple[str, ...], columns: Sequence[Column], form: str) -> Exported:
    expressions: list[str] = []
    assignments: dict[str, str] = {}
    for column in columns:
        name = quote_name(column.name)
        expression = _expression(column, form).format(name)
        expressions.append(name if expression == name else f"{expression} AS {name}")
        if isinstance(column.type, BIT):
            assignments[column.name] = _AS_NUMBER.format(name)
    return Exported(
        query_of_table(names, expressions),
        tuple(column.name for column in columns),
        assignments,
        tuple(column.name for column in columns if form == "jsonline" and column.kind is Kind.BYTES),
        any(column.kind is Kind.TIMESTAMP for column in columns),
        is_table=True,
    )


def _expression(column: Column, form: str) -> str:
    """What is selected of a column, with `{}` for its name."""
    kind: Any = column.type
    if isinstance(kind, BIT):
        return _AS_TEXT.format(_AS_NUMBER) if form == "parquet" else _AS_NUMBER
    if column.kind is Kind.JSON and form == "jsonline":
        return _AS_LOADABLE_JSON
    if column.kind is Kind.YEAR and form != "csv":
        return _AS_TEXT
    if form == "parquet" and (column.kind is Kind.DATALINK or _is_large(column)):
        return _AS_TEXT
    return "{}"


def _is_large(column: Column) -> bool:
    """Whether a column's numbers may be more than a signed one of 64 bits."""
    return column.sql_type.upper().startswith("BIGINT") and "UNSIGNED" in column.sql_type.upper()
