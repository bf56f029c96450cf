"""information_schema, and those of mo_catalog's tables that list the same, as a MatrixOne server has them.

Queries stand in the place of their names. As views of the engine they would be in the way: it works on what depends on
views in the background, and a server that is killed then makes no definition any more when it is started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from .column_types import MARK
from .ddl import Name
from .hidden import PREFIX
from .references import has_alias
from .tokens import Statement
from .values import literal

_SHOWN = f"LEFT(table_schema, {len(PREFIX)}) <> '{PREFIX}' AND table_schema <> 'oceanbase'"
_COLUMN_SHOWN = f"LEFT(column_name, {len(PREFIX)}) <> '{PREFIX}'"
_MARKED = f"LEFT(column_comment, {len(MARK)}) = '{MARK}'"
_MARKED_TYPE = f"SUBSTRING_INDEX(SUBSTR(column_comment, {len(MARK) + 1}), ';', 1)"
# The engine's columns of information_schema.columns, some of them in MatrixOne's words.
_COLUMNS = {
    **dict.fromkeys(("table_catalog", "table_schema", "table_name", "column_name", "ordinal_position"), ""),
    **dict.fromkeys(("column_default", "is_nullable"), ""),
    "data_type": f"CASE WHEN {_MARKED} THEN UPPER(SUBSTRING_INDEX({_MARKED_TYPE}, '(', 1))"
    " WHEN column_type LIKE 'tinyint(1)%' THEN 'BOOL' WHEN data_type LIKE 'VECTOR%' THEN 'VECF32'"
    " ELSE UPPER(data_type) END",
    **dict.fromkeys(("character_maximum_length", "character_octet_length", "numeric_precision", "numeric_scale"), ""),
    **dict.fromkeys(("datetime_precision", "character_set_name", "collation_name"), ""),
    "column_type": f"CASE WHEN {_MARKED} THEN {_MARKED_TYPE} WHEN column_type LIKE 'tinyint(1)%' THEN 'bool'"
    " WHEN data_type LIKE 'VECTOR%' THEN REPLACE(LOWER(column_type), 'vector', 'vecf32') ELSE column_type END",
    **dict.fromkeys(("column_key", "extra", "privileges"), ""),
    "column_comment": f"CASE WHEN {_MARKED} THEN SUBSTR(column_comment, LOCATE(';', column_comment) + 1)"
    " ELSE column_comment END",
    **dict.fromkeys(("generation_expression", "srs_id"), ""),
}


@lru_cache(8)
def _queries(dropped: Sequence[Name]) -> Mapping[tuple[str, str], str]:
    """What stands in the place of a table, by its database and name in capitals."""
    databases = "".join(f" AND table_schema <> {literal(name[0])}" for name in dropped if len(name) == 1)
    tables = "".join(
        f" AND NOT (table_schema = {literal(name[0])} AND table_name = {literal(name[1])})"
        for name in dropped
        if len(name) == 2
    )
    of_databases = f"{_SHOWN}{databases}"
    of_tables = f"{of_databases}{tables}"
    of_columns = f"{of_tables} AND {_COLUMN_SHOWN}"
    columns = ", ".join(f"{put} AS {name}" if put else name for name, put in _COLUMNS.items())
    asked = {
        "SCHEMATA": ("*", of_databases.replace("table_schema", "schema_name")),
        **dict.fromkeys(("TABLES", "VIEWS", "PARTITIONS", "TABLE_CONSTRAINTS"), ("*", of_tables)),
        "REFERENTIAL_CONSTRAINTS": ("*", of_tables.replace("table_schema", "constraint_schema")),
        "CHECK_CONSTRAINTS": ("*", of_databases.replace("table_schema", "constraint_schema")),
        **dict.fromkeys(("STATISTICS", "KEY_COLUMN_USAGE"), ("*", of_columns)),
        "COLUMNS": (columns, of_columns),
    }
    found = {
        name: f"SELECT {what} FROM information_schema.{name} WHERE {which}"  # noqa: S608  # constants, and literals
        for name, (what, which) in asked.items()
    }
    kind = "CASE table_type WHEN 'VIEW' THEN 'v' ELSE 'r' END"
    catalogue = {
        "MO_DATABASE": f"SELECT schema_name AS datname, 'def' AS dat_catalog_name FROM ({found['SCHEMATA']}) s",  # noqa: S608  # constants
        "MO_TABLES": f"SELECT table_name AS relname, table_schema AS reldatabase, {kind} AS relkind,"  # noqa: S608  # constants
        f" table_comment AS rel_comment, create_time AS created_time FROM ({found['TABLES']}) t",
        "MO_COLUMNS": "SELECT table_schema AS att_database, table_name AS att_relname, column_name AS attname,"  # noqa: S608  # constants
        " ordinal_position AS attnum, column_type AS att_typ, column_default AS att_default,"
        f" column_comment AS att_comment FROM ({found['COLUMNS']}) c",
    }
    of_information = {("INFORMATION_SCHEMA", name): query for name, query in found.items()}
    return of_information | {("MO_CATALOG", name): query for name, query in catalogue.items()}


def read_in(statement: Statement, dropped: Sequence[Name] = ()) -> None:
    """Put the queries in the place of the tables' names.

    Args:
        statement: the statement.
        dropped: the tables and databases that are not told of, as the client's transaction has dropped them.
    """
    queries, tokens = _queries(tuple(dropped)), statement.tokens
    for at in range(len(tokens) - 2):
        if tokens[at + 1].said != ".":
            continue
        query = queries.get((tokens[at].value.upper(), tokens[at + 2].value.upper()))
        if query is None:
            continue
        name = tokens[at + 2].value.lower()
        qualifies = at + 3 < len(tokens) and tokens[at + 3].says(".")  # a column
        alias = "" if has_alias(tokens, at + 2) else f" AS {name}"
        put = name if qualifies else f"({query}){alias}"
        statement.put(tokens[at].start, tokens[at + 2].end, put)
