"""information_schema, and those of mo_catalog's tables that list the same, as a MatrixOne server has them.

Queries stand in the place of their names. As views of the engine they would be a hindrance: it works on what depends on
views in the background, and a server that is killed then makes no definition any more when it is started again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import lru_cache

from matrixone_local.engine.scratch import PREFIX
from matrixone_local.sql.ddl import Name
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.references import has_alias
from matrixone_local.sql.tokens import Statement
from matrixone_local.sql.type_names import MARK
from matrixone_local.translation.index_catalog import COMPOSITE, KEYLESS, Catalogue

_OF_INDEXES = re.compile(r"\b(?:columns|mo_columns|statistics|table_constraints|mo_indexes)\b", re.IGNORECASE)
NOTHING = Catalogue()
# The columns of a table of indexes, by `indexes.IndexColumn`.
_OF_INDEX = ["db", "tab", "name", "type", "visible", "remark", "col", "pos", "nullable", "algo", "table_type", "params"]
_KINDS: dict[str, str] = dict.fromkeys(("visible", "pos", "parts", "width"), "INT")
_WITHOUT_KEYS = "('information_schema', 'mysql', 'mo_catalog')"
_SHOWN = f"LEFT(table_schema, {len(PREFIX)}) <> '{PREFIX}' AND table_schema <> 'oceanbase'"
_COLUMN_SHOWN = f"LEFT(column_name, {len(PREFIX)}) <> '{PREFIX}'"
_MARKED = f"LEFT(column_comment, {len(MARK)}) = '{MARK}'"
_MARKED_TYPE = f"SUBSTRING_INDEX(SUBSTR(column_comment, {len(MARK) + 1}), ';', 1)"
# A column's type in small letters, without the widths of integers.
_TYPE = (
    f"CASE WHEN {_MARKED} THEN {_MARKED_TYPE} WHEN column_type LIKE 'tinyint(1)%' THEN 'bool'"
    " WHEN data_type LIKE 'VECTOR%' THEN REPLACE(LOWER(column_type), 'vector', 'vecf32')"
    " WHEN data_type LIKE '%text' THEN 'text' WHEN data_type LIKE '%blob' THEN 'blob'"
    " WHEN data_type LIKE '%int' THEN CONCAT(data_type, IF(column_type LIKE '%unsigned%', ' unsigned', ''))"
    " ELSE column_type END"
)
_BASE = f"UPPER(SUBSTRING_INDEX({_TYPE}, '(', 1))"
_BITS = (
    "CASE data_type WHEN 'tinyint' THEN 8 WHEN 'smallint' THEN 16 WHEN 'bigint' THEN 64 WHEN 'int' THEN 32"
    " WHEN 'mediumint' THEN 32 ELSE 0 END"
)
_FULL_TYPE = (  # as DESCRIBE tells it: in capitals, always with a length
    f"CASE WHEN LOCATE('(', {_TYPE}) THEN CONCAT({_BASE}, SUBSTR({_TYPE}, LOCATE('(', {_TYPE})))"
    f" ELSE CONCAT({_BASE}, '(', IF({_BASE} = 'BOOL', 0, {_BITS}), ')') END"
)
_IS_TEXT = "data_type IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext')"
_DEFAULT = (
    "CASE WHEN column_default IS NULL OR generation_expression <> '' THEN NULL"
    " WHEN column_default LIKE 'CURRENT_TIMESTAMP(%' THEN LOWER(column_default)"
    " WHEN column_default LIKE 'CURRENT_TIMESTAMP%' THEN 'current_timestamp()'"
    f" WHEN {_BASE} = 'BOOL' THEN IF(column_default = '0', 'false', 'true')"
    f" WHEN {_IS_TEXT} OR data_type IN ('enum', 'set', 'binary', 'varbinary', 'date', 'datetime', 'timestamp', 'time')"
    " THEN CONCAT('\\'', REPLACE(REPLACE(column_default, '\\\\', '\\\\\\\\'), '\\'', '\\'\\''), '\\'')"
    " WHEN column_default LIKE '-%' THEN CONCAT('(', column_default, ')') ELSE column_default END"
)
_WIDTH = f"CAST(SUBSTRING_INDEX(SUBSTRING_INDEX({_TYPE}, '(', -1), ')', 1) AS SIGNED)"
_LENGTH = (
    f"CASE WHEN {_BASE} IN ('CHAR', 'VARCHAR') THEN {{}} * {_WIDTH}"
    f" WHEN {_BASE} IN ('BINARY', 'VARBINARY') THEN {_WIDTH} WHEN {_BASE} IN ('TEXT', 'BLOB') THEN 0 END"
)
_CHARACTERS = f"IF({_BASE} IN ('CHAR', 'VARCHAR', 'TEXT', 'BLOB', 'DATALINK'), {{}}, NULL)"
# The columns of information_schema.columns: what they are of the engine's, and of the hidden key.
_COLUMNS = {
    **{name: (name, name) for name in ("table_catalog", "table_schema", "table_name")},
    "column_name": ("column_name COLLATE utf8mb4_bin", f"IF(parts = 0, '{KEYLESS}', '{COMPOSITE}')"),
    "ordinal_position": ("CAST(ordinal_position AS SIGNED)", "width + 1"),
    "column_default": (_DEFAULT, "NULL"),
    "is_nullable": ("is_nullable", "'NO'"),
    "data_type": (_BASE, "IF(parts = 0, 'BIGINT UNSIGNED', 'VARCHAR')"),
    "character_maximum_length": (_LENGTH.format(1), "IF(parts = 0, NULL, 65535)"),
    "character_octet_length": (_LENGTH.format(4), "IF(parts = 0, NULL, 262140)"),
    "numeric_precision": ("IF(data_type = 'decimal', numeric_precision, NULL)", "NULL"),
    "numeric_scale": ("IF(data_type = 'decimal', numeric_scale, NULL)", "NULL"),
    "datetime_precision": ("IF(data_type = 'datetime', datetime_precision, NULL)", "NULL"),
    "character_set_name": (_CHARACTERS.format("'utf8'"), "IF(parts = 0, NULL, 'utf8')"),
    "collation_name": (_CHARACTERS.format("'utf8_bin'"), "IF(parts = 0, NULL, 'utf8_bin')"),
    "column_type": (_FULL_TYPE, "IF(parts = 0, 'BIGINT UNSIGNED(0)', 'VARCHAR(65535)')"),
    "column_key": ("IFNULL(k.kind, '')", "'PRI'"),
    "extra": ("IF(extra LIKE '%on update%', '', extra)", "IF(parts = 0, 'auto_increment', '')"),
    "privileges": ("'select,insert,update,references'", "'select,insert,update,references'"),
    "column_comment": (
        f"CASE WHEN {_MARKED} THEN SUBSTR(column_comment, LOCATE(';', column_comment) + 1) ELSE column_comment END",
        "''",
    ),
    "generation_expression": ("generation_expression", "''"),
    "srs_id": ("srs_id", "NULL"),
}

# What a snapshot tells of the definitions in it, by the table of information_schema: columns and what they are.
DEFINITIONS: Mapping[str, Mapping[str, str]] = {
    "columns": {
        "table_name": "table_name",
        **{name: _COLUMNS[name][0] for name in ("column_name", "column_default", "column_comment")},
    },
    "views": {"table_name": "table_name", "view_definition": "view_definition"},
}

# The columns of information_schema.tables: what a MatrixOne server says of its own tables.
_IS_TABLE = f"table_type = 'BASE TABLE' AND table_schema NOT IN {_WITHOUT_KEYS}"
_TABLES = {
    **{name: name for name in ("table_catalog", "table_schema", "table_name", "table_type")},
    "engine": f"CASE WHEN {_IS_TABLE} THEN 'Tae' WHEN table_type <> 'VIEW' THEN engine END",
    "version": f"CAST(IF({_IS_TABLE}, 10, version) AS SIGNED)",
    "row_format": f"IF({_IS_TABLE}, 'Compressed', row_format)",
    **{name: name for name in ("table_rows", "avg_row_length", "data_length", "max_data_length", "index_length")},
    **{name: name for name in ("data_free", "auto_increment", "create_time", "update_time", "check_time")},
    "table_collation": "'utf8mb4_0900_ai_ci'",
    "checksum": "checksum",
    "create_options": f"IF({_IS_TABLE}, '', create_options)",
    "table_comment": "IF(table_type = 'VIEW', '', table_comment)",
}

# The columns of a row for each connection, as a MatrixOne server has them (conformance/questions). What
# the engine does not know is an empty text, as it is on a server for a connection that runs nothing.
_PROCESS = {
    "node_id": "'local'",
    "conn_id": "id",
    "session_id": "''",
    "account": "'sys'",
    "user": "user",
    "host": "host",
    "db": "IFNULL(db, '')",
    "session_start": "''",
    "command": "IF(command = 'Sleep', '', CONCAT('COM_', UPPER(command)))",
    "info": "IFNULL(info, '')",
    "txn_id": "''",
    "statement_id": "''",
    "statement_type": "''",
    "query_type": "''",
    "sql_source_type": "IF(info IS NULL, '', 'external_sql')",
    "query_start": "IF(info IS NULL, '', SUBTIME(NOW(6), SEC_TO_TIME(time)))",
    "client_host": "host",
    "role": "''",
    "proxy_host": "''",
}
PROCESS_TITLES = tuple(_PROCESS)
PROCESSES = (  # the engine's root is the relay itself, which keeps connections of its own
    f"SELECT {', '.join(f'{value} AS {name}' for name, value in _PROCESS.items())} FROM information_schema.processlist"  # noqa: S608  # constants
    " WHERE user <> 'root'"
)


def values_as_table(values: Sequence[Sequence[str | int | None]], columns: Sequence[str]) -> str:
    """A table of values, which the engine reads from one text, so that the statement stays the same for it."""
    paths = ", ".join(f"{name} {_KINDS.get(name, 'VARCHAR(4096)')} PATH '$[{at}]'" for at, name in enumerate(columns))
    rows_json = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return f"JSON_TABLE({literal(rows_json)}, '$[*]' COLUMNS ({paths}))"


def _indexes(catalogue: Catalogue, shown: str, *, aliases: bool) -> str:
    """A query for a row for each column of each index of the tables that the client may see."""
    values = [astuple(one)[:-1] for one in catalogue.columns if aliases or not one.is_alias]
    rows = values_as_table(values, _OF_INDEX)
    return (
        f"SELECT i.*, i.name COLLATE utf8mb4_bin AS index_name FROM {rows} i JOIN information_schema.tables t"  # noqa: S608  # constants and literals
        f" ON t.table_schema = i.db AND t.table_name = i.tab WHERE {shown}"
    )


def _columns(catalogue: Catalogue, of_tables: str, of_columns: str) -> str:
    """A query for information_schema.columns; a table without a key of one column has a hidden one more."""
    own = ", ".join(f"{put} AS {name}" for name, (put, _) in _COLUMNS.items())
    hidden = ", ".join(f"{put} AS {name}" for name, (_, put) in _COLUMNS.items())
    single = {(database, table) for database, table, parts, _ in catalogue.keys if parts == 1}
    kinds = {
        (one.database, one.table, one.column): "UNI"
        for one in catalogue.columns
        if not one.is_alias and one.type != "PRIMARY"
    }
    for one in catalogue.columns:
        if one.type == "PRIMARY" and (one.database, one.table) in single:
            kinds[one.database, one.table, one.column] = "PRI"
    keyed = values_as_table([(*name, kind) for name, kind in kinds.items()], ["db", "tab", "col", "kind"])
    others = values_as_table([one for one in catalogue.keys if one[2] != 1], ["db", "tab", "parts", "width"])
    return (
        f"SELECT {own} FROM information_schema.columns c LEFT JOIN {keyed} k ON k.db = c.table_schema"  # noqa: S608  # constants and literals
        f" AND k.tab = c.table_name AND k.col = c.column_name WHERE {of_columns}"
        f" UNION ALL SELECT {hidden} FROM {others} k JOIN information_schema.tables c"
        f" ON c.table_schema = k.db AND c.table_name = k.tab WHERE {of_tables} AND table_schema NOT IN {_WITHOUT_KEYS}"
    )


@lru_cache(8)
def _queries(dropped: Sequence[Name], catalogue: Catalogue) -> Mapping[tuple[str, str], str]:
    """What takes the place of a table, by its database and name in capitals."""
    databases = "".join(f" AND table_schema <> {literal(name[0])}" for name in dropped if len(name) == 1)
    tables = "".join(
        f" AND NOT (table_schema = {literal(name[0])} AND table_name = {literal(name[1])})"
        for name in dropped
        if len(name) == 2
    )
    of_databases = f"{_SHOWN}{databases}"
    of_tables = f"{of_databases}{tables}"
    of_columns = f"{of_tables} AND {_COLUMN_SHOWN}"
    indexes = _indexes(catalogue, of_tables, aliases=False)
    with_aliases = _indexes(catalogue, of_tables, aliases=True)
    asked = {
        "SCHEMATA": of_databases.replace("table_schema", "schema_name"),
        **dict.fromkeys(("TABLES", "VIEWS", "PARTITIONS"), of_tables),
        "REFERENTIAL_CONSTRAINTS": of_tables.replace("table_schema", "constraint_schema"),
        "CHECK_CONSTRAINTS": of_databases.replace("table_schema", "constraint_schema"),
        "KEY_COLUMN_USAGE": "1 = 0",  # is empty on a MatrixOne server
    }
    found = {name: f"SELECT * FROM information_schema.{name} WHERE {which}" for name, which in asked.items()}  # noqa: S608  # constants and literals
    shown = ", ".join(f"{put} AS {name.upper()}" for name, put in _TABLES.items())
    found["TABLES"] = f"SELECT {shown} FROM information_schema.tables WHERE {of_tables}"  # noqa: S608  # constants and literals
    found["PROCESSLIST"] = PROCESSES
    found["COLUMNS"] = _columns(catalogue, of_tables, of_columns)
    found["STATISTICS"] = (
        "SELECT 'def' AS table_catalog, db AS table_schema, tab AS table_name,"  # noqa: S608  # constants and literals
        " IF(type IN ('PRIMARY', 'UNIQUE'), 0, 1) AS non_unique, db AS index_schema, index_name,"
        " pos AS seq_in_index, col AS column_name, 'A' AS collation, 0 AS cardinality, NULL AS sub_part,"
        " NULL AS packed, nullable, algo AS index_type, '' AS comment, remark AS index_comment,"
        f" IF(visible = 1, 'YES', 'NO') AS is_visible, NULL AS expression FROM ({indexes}) i"
    )
    found["TABLE_CONSTRAINTS"] = (
        "SELECT 'def' AS constraint_catalog, db AS constraint_schema, index_name AS constraint_name,"  # noqa: S608  # constants and literals
        " db AS table_schema, tab AS table_name, type AS constraint_type, 'YES' AS enforced"
        f" FROM ({with_aliases}) i"
    )
    kind = "CASE i.table_type WHEN 'VIEW' THEN 'v' ELSE 'r' END"
    numbered = (
        "JOIN oceanbase.__all_database d ON d.database_name = i.{}"
        " JOIN oceanbase.__all_table t ON t.database_id = d.database_id AND t.table_name = i.{}"
    )
    of_catalogue = {
        "MO_DATABASE": f"SELECT schema_name AS datname, 'def' AS dat_catalog_name FROM ({found['SCHEMATA']}) s",  # noqa: S608  # constants and literals
        "MO_TABLES": "SELECT t.table_id AS rel_id, i.table_name AS relname, table_schema AS reldatabase,"  # noqa: S608  # constants and literals
        f" t.database_id AS reldatabase_id, {kind} AS relkind, table_comment AS rel_comment,"
        f" create_time AS created_time FROM ({found['TABLES']}) i {numbered.format('table_schema', 'table_name')}",
        "MO_COLUMNS": "SELECT table_schema AS att_database, table_name AS att_relname, column_name AS attname,"  # noqa: S608  # constants and literals
        " ordinal_position AS attnum, column_type AS att_typ, column_default AS att_default,"
        f" column_comment AS att_comment FROM ({found['COLUMNS']}) c",
        "MO_INDEXES": "SELECT CRC32(CONCAT_WS('.', t.table_id, name, i.table_type)) AS id, t.table_id, t.database_id,"  # noqa: S608  # constants and literals
        " index_name AS name, type, algo, i.table_type AS algo_table_type, params AS algo_params,"
        " visible AS is_visible, 0 AS hidden, remark AS comment, col AS column_name, pos AS ordinal_position,"
        f" NULL AS options FROM ({with_aliases}) i {numbered.format('db', 'tab')}",
    }
    of_information = {("INFORMATION_SCHEMA", name): query for name, query in found.items()}
    return of_information | {("MO_CATALOG", name): query for name, query in of_catalogue.items()}


def mentions_indexes(sql: str) -> bool:
    """Whether a statement may be about a table here that tells of indexes."""
    return _OF_INDEXES.search(sql) is not None


def substitute_tables(statement: Statement, dropped: Sequence[Name] = (), catalogue: Catalogue = NOTHING) -> None:
    """Put the queries in the place of the tables' names.

    Args:
        statement: the statement.
        dropped: the tables and databases that are not listed, as the client's transaction has dropped them.
        catalogue: the keys of the tables.
    """
    queries, tokens = _queries(tuple(dropped), catalogue), statement.tokens
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
