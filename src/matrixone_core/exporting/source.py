"""What is exported: a table, a model, a SELECT, or SQL text with parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Executable, Select, Table, TextClause
from sqlalchemy.exc import ArgumentError, CompileError
from sqlalchemy.orm import lazyload
from sqlalchemy.sql.dml import UpdateBase

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.errors import InvalidArgument
from matrixone_core.execution import Parameters, Values, as_statement, check_one_statement
from matrixone_core.fragments import as_text, quote_name, quote_names
from matrixone_core.messages import show
from matrixone_core.names import table_name
from matrixone_core.sql.export import Query
from matrixone_core.targets import Target, table_names, table_of

ExportSource: TypeAlias = Target | Executable  # a table, a model, a SELECT of SQLAlchemy's, or SQL text

_COMMENT = r"/\*.*?\*/|--[^\n]*\n|\#[^\n]*\n"
_SELECTS = re.compile(rf"(?:\s|\(|{_COMMENT})*(SELECT|WITH|VALUES|TABLE)\b(?=[^.`\w])", re.IGNORECASE | re.DOTALL)
_OTHER_STATEMENTS = re.compile(
    rf"""(?:\s|\(|{_COMMENT})*(?:ALTER|ANALYZE|BEGIN|CALL|COMMIT|CREATE|DELETE|DESC|DESCRIBE|DROP|EXECUTE|EXPLAIN|GRANT|INSERT
    |KILL|LOAD|LOCK|PREPARE|RENAME|REPLACE|RESTORE|REVOKE|ROLLBACK|SET|SHOW|TRUNCATE|UNLOCK|UPDATE|USE)\s""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_KINDS = "give the name of a table, a model, a select() or the text of a SELECT"


@dataclass(frozen=True)
class Source:
    """What is exported.

    Args:
        query: all of its rows.
        table: the table's names, if it is one.
        columns: the columns of that table that are wanted; empty for all.
    """

    query: Query
    table: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def resolve_source(source: ExportSource, params: Parameters | None) -> Source:
    """What a caller wants exported.

    Args:
        source: as the caller gave it.
        params: the values for the parameters of a query.

    Raises:
        InvalidArgument: it is nothing that can be exported, or the parameters are not those of the query.
    """
    if isinstance(source, str) and _SELECTS.match(source.strip()):
        return Source(_query_of_text(source.strip(), params))
    if isinstance(source, str):
        if _OTHER_STATEMENTS.match(source):
            raise InvalidArgument(f"source={show(source)} is neither the name of a table nor a SELECT; {_KINDS}")
        names, columns = table_name(source), tuple[str, ...]()
    elif isinstance(source, Table) or (isinstance(source, type) and hasattr(source, "__table__")):
        table = table_of(source)
        names, columns = table_names(table), tuple(column.name for column in table.columns)
    else:
        return Source(_query_of_clause(source, params))
    if params or not isinstance(params, Mapping | Sequence | None) or isinstance(params, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"params={show(params)} belong to a query, and the source is a table")
    return Source(query_of_table(names, [quote_name(column) for column in columns]), names, columns)


def query_of_table(names: tuple[str, ...], expressions: Sequence[str]) -> Query:
    """The query of a table's rows.

    Args:
        names: the table's.
        expressions: what is selected, as SQL; nothing for all columns.
    """
    sql = f"SELECT {', '.join(expressions) or '*'} FROM {quote_names(names)}"  # noqa: S608  # the names are quoted
    return Query(TextClause(as_text(sql)), sql)


def _query_of_text(source: str, params: Parameters | None) -> Query:
    check_one_statement(source)
    sql = source.rstrip("; \t\r\n")
    statement, values = as_statement(sql, params)
    return Query(_bound(statement, _one(values)), sql)


def _one(values: Values) -> Mapping[str, Any]:
    """The values of one execution.

    Raises:
        InvalidArgument: they are those of several.
    """
    if values is not None and not isinstance(values, Mapping):
        raise InvalidArgument(f"params={show(values)} must be the values of one execution: a dict, or a tuple")
    return values or {}


def _query_of_clause(source: Any, params: Parameters | None) -> Query:
    found: Any = getattr(source, "__clause_element__", lambda: source)()
    selects = isinstance(found, TextClause) or getattr(found, "is_select", False)
    if not selects or isinstance(found, UpdateBase):
        raise InvalidArgument(f"source={show(source)} cannot be exported; {_KINDS}")
    if issubclass(type(found), Select):  # of a model the columns, and not those of what its relationships load with it
        found = found.options(lazyload("*"))
    check_one_statement(found)
    clause = _bound(found, _one(as_statement(found, params)[1]))
    return Query(clause, _shown(clause))


def _bound(clause: Any, params: Mapping[str, Any]) -> Any:
    """The statement with its values.

    Raises:
        InvalidArgument: it has no parameter of a name, or no value for one.
    """
    if not isinstance(clause, TextClause):
        return clause.params(dict(params)) if params else clause
    try:
        bound: Any = clause.bindparams(**params)
    except ArgumentError as error:
        raise InvalidArgument(f"params={show(sorted(params))} has a name that is not in the query: {error}") from None
    missing = [name for name, parameter in bound._bindparams.items() if parameter.required]  # noqa: SLF001  # SQLAlchemy checks it only when it sends
    if missing:
        raise InvalidArgument(f"the query's parameters have no value: {', '.join(missing)}; give them as params")
    return bound


def _shown(clause: Any) -> str:
    """The statement for people, without its values."""
    try:
        return str(clause.compile(dialect=MatrixOneDialect_pymysql(paramstyle="named")))
    except CompileError as error:
        raise InvalidArgument(f"the query cannot be written as SQL: {error}") from error
