"""Copies of tables: small ones row by row, large ones as the engine's forks.

A fork takes no time and no room, but whoever drops it, or what it was forked from, waits for seconds while it is young.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from typing import Any

import pymysql

from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.references import table_references
from matrixone_local.sql.tokens import Kind, tokenize

COPIED_TABLES, COPIED_ROWS = 20, 20_000  # more are forked: a table takes 40 ms to copy, 100,000 rows 0.5 s
ER_SNAPSHOT_TOO_NEW, NOT_YET_TRIES = 4344, 500  # the engine's error for a moment that it takes for the future
FORK_SETTLES = 15  # seconds after which a fork can be dropped at once (measured: 5 to 9)
_FOREIGN_KEY = re.compile(r",\n  (CONSTRAINT `(?:[^`]|``)+` FOREIGN KEY [^\n]*?) *(?=,?\n)")  # in SHOW CREATE TABLE


def is_small(cursor: pymysql.cursors.Cursor, tables: Sequence[tuple[str, str]]) -> bool:
    """Whether copying takes less than waiting for a fork would."""
    left = COPIED_ROWS
    for database, table in tables[: COPIED_TABLES + 1]:
        rows = f"SELECT 1 FROM {quoted(database)}.{quoted(table)} LIMIT {left + 1}"  # noqa: S608  # quoted
        cursor.execute(f"SELECT COUNT(*) FROM ({rows}) r")  # noqa: S608  # as above
        row: Any = cursor.fetchone()
        left -= row[0]
        if left < 0:
            return False
    return len(tables) <= COPIED_TABLES


def copy(
    cursor: pymysql.cursors.Cursor,
    source: tuple[str, str],
    target: tuple[str, str],
    moment: int | None = None,
    *,
    keys: bool = True,
) -> None:
    """Make a table with the rows of another, as they are or were.

    Args:
        cursor: the relay's own session.
        source: database and table.
        target: database and table.
        moment: nanoseconds since 1970; None for now.
        keys: whether it has the foreign keys as well.
    """
    old, new = (f"{quoted(database)}.{quoted(table)}" for database, table in (source, target))
    definition = _definition(cursor, source).replace(f"CREATE TABLE {quoted(source[1])}", f"CREATE TABLE {new}", 1)
    if not keys:
        definition = _FOREIGN_KEY.sub("", definition)
    cursor.execute("SET foreign_key_checks = 0")
    cursor.execute(f"USE {quoted(target[0])}")
    cursor.execute(definition.replace(f"REFERENCES {quoted(source[0])}.", f"REFERENCES {quoted(target[0])}."))
    cursor.execute(f"SHOW COLUMNS FROM {old}")
    rows: Any = cursor.fetchall()
    names = ", ".join(quoted(name) for name, _, _, _, _, extra in rows if "GENERATED" not in extra.upper())
    then = "" if moment is None else f" AS OF SNAPSHOT {moment}"
    for attempt in itertools.count():
        try:
            cursor.execute(f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}{then}")  # noqa: S608  # quoted
        except pymysql.MySQLError as error:
            if error.args[0] != ER_SNAPSHOT_TOO_NEW or attempt == NOT_YET_TRIES:
                raise
            time.sleep(0.002)  # the engine's clock is some milliseconds behind
        else:
            return


def copy_or_fork(
    cursor: pymysql.cursors.Cursor, source: tuple[str, str], target: tuple[str, str], *, keys: bool = True
) -> bool:
    """Copy a small table, or fork a large one, which has no foreign keys then; whether it was forked."""
    if is_small(cursor, [source]):
        copy(cursor, source, target, keys=keys)
        return False
    old, new = (f"{quoted(database)}.{quoted(table)}" for database, table in (source, target))
    cursor.execute(f"FORK TABLE {old} TO {new}")
    return True


def foreign_keys(cursor: pymysql.cursors.Cursor, table: tuple[str, str]) -> list[str]:
    """A table's foreign keys, each as ALTER TABLE … ADD takes it."""
    return _FOREIGN_KEY.findall(_definition(cursor, table))


def is_referenced(cursor: pymysql.cursors.Cursor, table: tuple[str, str]) -> bool:
    """Whether a foreign key of another table refers to a table."""
    return any(other != table for other in referrers(cursor, table))


def referrers(cursor: pymysql.cursors.Cursor, table: tuple[str, str]) -> list[tuple[str, str]]:
    """The tables whose foreign keys refer to a table, which may be the table itself."""
    cursor.execute(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.key_column_usage"
        " WHERE referenced_table_schema = %s AND referenced_table_name = %s",
        table,
    )
    rows: Any = cursor.fetchall()
    return [(database, name) for database, name in rows]


def copy_views(cursor: pymysql.cursors.Cursor, source: str, target: str, names: Sequence[str] | None = None) -> None:
    """Make a database's views, or those that are named, in another, where they read the tables of that one.

    A view that reads something that is not there is left out: it could not be read before either.
    """
    cursor.execute(f"USE {quoted(target)}")
    left = [_view(cursor, source, name, target) for name in (views(cursor, source) if names is None else names)]
    while left:
        failed = [definition for definition in left if not _is_made(cursor, definition)]
        if len(failed) == len(left):
            return
        left = failed  # a view may read one that comes behind it


def views(cursor: pymysql.cursors.Cursor, database: str) -> list[str]:
    """The names of a database's views."""
    cursor.execute(f"SHOW FULL TABLES FROM {quoted(database)} WHERE table_type = 'VIEW'")
    rows: Any = cursor.fetchall()
    return [row[0] for row in rows]


def _view(cursor: pymysql.cursors.Cursor, database: str, name: str, target: str) -> str:
    """What makes a view anew, on the tables of another database."""
    cursor.execute(f"SHOW CREATE VIEW {quoted(database)}.{quoted(name)}")
    row: Any = cursor.fetchone()
    sql = str(row[1])
    tokens = tokenize(sql)
    named = {reference.first for reference in table_references(tokens) if reference.database == database}
    for at in range(len(tokens) - 4, -1, -1):
        is_column = tokens[at + 1].says(".") and tokens[at + 3].says(".") and not tokens[at - 1].says(".")
        if tokens[at].kind is Kind.QUOTED and tokens[at].value == database and is_column:
            named.add(at)
    for at in sorted(named, reverse=True):
        sql = f"{sql[: tokens[at].start]}{quoted(target)}{sql[tokens[at].end :]}"
    return sql


def _is_made(cursor: pymysql.cursors.Cursor, definition: str) -> bool:
    try:
        cursor.execute(definition)
    except pymysql.MySQLError:
        return False
    return True


def _definition(cursor: pymysql.cursors.Cursor, table: tuple[str, str]) -> str:
    cursor.execute(f"SHOW CREATE TABLE {quoted(table[0])}.{quoted(table[1])}")
    row: Any = cursor.fetchone()
    return str(row[1])
