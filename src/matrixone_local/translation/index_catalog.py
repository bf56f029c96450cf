"""The indexes of all tables as a MatrixOne server lists them; the engine lists the parts of some alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pymysql

from matrixone_local.engine.scratch import PREFIX
from matrixone_local.engine.seekdb import Engine
from matrixone_local.sql.quoting import quoted
from matrixone_local.translation.show_create_table import SpecialIndex, special_indexes

KEYLESS, COMPOSITE = "__mo_fake_pk_col", "__mo_cpkey_col"  # the column that is the key where no single one is
# The tables that an index consists of on a MatrixOne server, each of which it lists.
_TABLES_OF = {
    "fulltext": ("",),
    "ivfflat": ("metadata", "centroids", "entries"),
    "hnsw": ("hnsw_meta", "hnsw_index"),
}
_LAST_CHANGE = "SELECT MAX(schema_version) FROM oceanbase.__all_ddl_operation"
_SHOWN = f"LEFT(d.database_name, {len(PREFIX)}) <> '{PREFIX}' AND d.database_name <> 'oceanbase' AND t.table_type = 3"
_OF_DATABASE = "JOIN oceanbase.__all_database d ON d.database_id = t.database_id"
_OF_INDEX = "JOIN oceanbase.__all_table i ON i.data_table_id = t.table_id AND i.table_type = 5"
_INDEX_NAME = "SUBSTR(i.table_name, 7 + INSTR(SUBSTR(i.table_name, 7), '_'))"  # behind `__idx_<number>_`
_PUBLIC = f"c.is_hidden = 0 AND LEFT(c.column_name, {len(PREFIX)}) <> '{PREFIX}'"
_KEYS = f"""
    SELECT d.database_name, t.table_name, 'PRIMARY', 'PRIMARY', 1, '', c.column_name, c.rowkey_position, ''
    FROM oceanbase.__all_table t {_OF_DATABASE} JOIN oceanbase.__all_column c ON c.table_id = t.table_id
    WHERE {_SHOWN} AND c.rowkey_position > 0 AND {_PUBLIC}
    UNION ALL
    SELECT d.database_name, t.table_name, {_INDEX_NAME}, IF(i.index_type IN (2, 4, 7), 'UNIQUE', 'MULTIPLE'),
        IF(i.index_attributes_set & 1, 0, 1), i.comment, c.column_name, c.index_position, IF(c.nullable = 1, 'YES', '')
    FROM oceanbase.__all_table t {_OF_DATABASE} {_OF_INDEX}
    JOIN oceanbase.__all_column c ON c.table_id = i.table_id
    WHERE {_SHOWN} AND i.index_type < 11 AND c.index_position > 0 AND {_PUBLIC}
    ORDER BY 1, 2, 3, 8"""  # noqa: S608  # constants
_TABLES = f"""
    SELECT d.database_name, t.table_name, COUNT(*) FROM oceanbase.__all_table t {_OF_DATABASE}
    JOIN oceanbase.__all_column c ON c.table_id = t.table_id WHERE {_SHOWN} AND {_PUBLIC} GROUP BY 1, 2"""  # noqa: S608  # constants
_SPECIAL = f"""
    SELECT DISTINCT d.database_name, t.table_name FROM oceanbase.__all_table t {_OF_DATABASE} {_OF_INDEX}
    WHERE {_SHOWN} AND i.index_type >= 11 AND i.index_type <> 39"""  # noqa: S608  # constants


@dataclass(frozen=True)
class IndexColumn:
    """A column of an index, in the order of `information`'s columns of indexes.

    Args:
        database: the table's.
        table: its name.
        name: the index's.
        type: `PRIMARY`, `UNIQUE`, `MULTIPLE` or `FULLTEXT`.
        visible: 1 or 0.
        comment: the index's.
        column: the column's name.
        position: in the index, from 1.
        nullable: `YES` or nothing.
        algorithm: of an index for full text or vectors.
        table_type: which of the tables that make the index on a MatrixOne server it is.
        parameters: as JSON.
        is_alias: whether it is the key that ends the index, which some lists leave out.
    """

    database: str
    table: str
    name: str
    type: str
    visible: int
    comment: str
    column: str
    position: int
    nullable: str
    algorithm: str = ""
    table_type: str = ""
    parameters: str = ""
    is_alias: bool = False


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What a server's tables have for keys.

    Args:
        columns: the columns of all indexes.
        keys: a database, a table, and how many columns its primary key and the table have.
    """

    columns: tuple[IndexColumn, ...] = ()
    keys: tuple[tuple[str, str, int, int], ...] = ()


class Indexes:
    """The indexes of a server.

    Args:
        engine: where they are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._read: tuple[object, Catalogue] = (None, Catalogue())

    def catalogue(self) -> Catalogue:
        """Those of all tables, as they are now."""
        with self._lock, self._engine.session() as cursor:
            cursor.execute(_LAST_CHANGE)
            last = cursor.fetchone()
            if self._read[0] != last:
                self._read = last, _catalogue(cursor)
            return self._read[1]


def _catalogue(cursor: pymysql.cursors.Cursor) -> Catalogue:
    cursor.execute(_KEYS)
    rows: Any = cursor.fetchall()
    columns = [IndexColumn(*row) for row in rows]
    primary: dict[tuple[str, str], list[str]] = {}
    for one in columns:
        if one.type == "PRIMARY":
            primary.setdefault((one.database, one.table), []).append(one.column)
    cursor.execute(_TABLES)
    tables: Any = cursor.fetchall()
    keys = tuple((database, table, len(primary.get((database, table), ())), count) for database, table, count in tables)
    aliases = list(_aliases(columns, primary))
    cursor.execute(_SPECIAL)
    named: Any = cursor.fetchall()
    special = [one for database, table in named for one in _special(cursor, database, table)]
    return Catalogue((*columns, *aliases, *special), keys)


def _aliases(columns: list[IndexColumn], primary: dict[tuple[str, str], list[str]]) -> Iterator[IndexColumn]:
    """What ends each index that is not unique: the table's key."""
    for _, of_index in groupby(columns, key=lambda one: (one.database, one.table, one.name)):
        *_, last = of_index
        if last.type == "MULTIPLE":
            names = primary.get((last.database, last.table), [])
            key = KEYLESS if not names else names[0] if len(names) == 1 else COMPOSITE
            yield replace(last, column=f"__mo_alias_{key}", position=last.position + 1, nullable="", is_alias=True)


def _special(cursor: pymysql.cursors.Cursor, database: str, table: str) -> Iterator[IndexColumn]:
    """The columns of a table's indexes for full text and vectors."""
    where = f"{quoted(database)}.{quoted(table)}"
    try:
        cursor.execute(f"SHOW CREATE TABLE {where}")
        created: Any = cursor.fetchone()
        cursor.execute(f"SHOW COLUMNS FROM {where}")
    except pymysql.MySQLError:
        return  # it was dropped meanwhile
    columns: Any = cursor.fetchall()
    nullable = {name: "YES" if null == "YES" else "" for name, _, null, *_ in columns}
    for index in special_indexes(str(created[1])):
        yield from _listed(index, database, table, nullable)


def _listed(index: SpecialIndex, database: str, table: str, nullable: dict[str, str]) -> Iterator[IndexColumn]:
    kind = "FULLTEXT" if index.algorithm == "fulltext" else "MULTIPLE"
    for table_type in _TABLES_OF[index.algorithm]:
        for position, column in enumerate(index.columns, 1):
            shown = database, table, index.name, kind, 1, index.comment, column, position, nullable.get(column, "")
            yield IndexColumn(*shown, index.algorithm, table_type, index.parameters_json)
