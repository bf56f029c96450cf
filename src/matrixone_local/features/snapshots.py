"""Snapshots, what reads them, and what is made of them: CLONE and RESTORE (server-facts 34-36).

A snapshot is a hidden copy of each database concerned: small ones as they were at one moment, large ones as the
engine's forks, which take no time and no room but make whoever drops them, or what they were forked from, wait for
seconds while they are young.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from matrixone_local.engine.scratch import PREFIX, SYSTEM, ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.engine.table_copies import (
    FORK_SETTLES,
    copy,
    copy_or_fork,
    copy_views,
    is_small,
    referrers,
    views,
)
from matrixone_local.errors import SqlError, internal_error
from matrixone_local.features.pasted_names import as_recorded, refuse_pasted
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import Kind, Reader

TABLE = """CREATE TABLE IF NOT EXISTS mo_catalog.mo_snapshots (
    snapshot_id VARCHAR(36) NOT NULL, sname VARCHAR(64) NOT NULL PRIMARY KEY, ts BIGINT, level VARCHAR(16),
    account_name VARCHAR(300), database_name TEXT, table_name TEXT, obj_id BIGINT UNSIGNED, kind VARCHAR(32))"""
HIDDEN = f"{PREFIX}snapshot_"  # the copies' names begin with this
ACCOUNT = "sys"


@dataclass(frozen=True)
class CreateSnapshot:
    """CREATE SNAPSHOT [IF NOT EXISTS] name FOR CLUSTER | ACCOUNT [a] | DATABASE d | TABLE d t."""

    name: str
    level: str
    if_not_exists: bool = False
    database: str = ""
    table: str = ""


@dataclass(frozen=True)
class DropSnapshot:
    """DROP SNAPSHOT [IF EXISTS] name."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class ShowSnapshots:
    """SHOW SNAPSHOTS [WHERE …]; the condition is the client's own SQL."""

    where: str = ""

    @property
    def sql(self) -> str:
        """The same as a question to the engine; TIMESTAMP is in UTC."""
        rows = (
            "SELECT sname AS SNAPSHOT_NAME,"
            " TIMESTAMPADD(MICROSECOND, ts DIV 1000, '1970-01-01 00:00:00') AS `TIMESTAMP`,"
            " level AS SNAPSHOT_LEVEL, account_name AS ACCOUNT_NAME, database_name AS DATABASE_NAME,"
            " table_name AS TABLE_NAME FROM mo_catalog.mo_snapshots"
        )
        where = f" WHERE {self.where}" if self.where else ""
        return f"SELECT * FROM ({rows}) s{where} ORDER BY `TIMESTAMP` DESC"  # noqa: S608  # the client's own SQL


def parse_create(read: Reader) -> CreateSnapshot:
    """Parse what follows CREATE SNAPSHOT."""
    if_not_exists = read.take("IF", "NOT", "EXISTS")
    name = read.name()
    read.expect("FOR")
    database = table = ""
    level = read.next(Kind.WORD).text.lower()
    if level == "account" and (token := read.current) and not token.says(";"):
        read.name()
    elif level in {"database", "table"}:
        database = read.name()
        if level == "table":
            read.take(".")
            table = read.name()
    elif level not in {"cluster", "account"}:
        raise read.error()
    read.end()
    return CreateSnapshot(name, level, if_not_exists, database, table)


def parse_drop(read: Reader) -> DropSnapshot:
    """Parse what follows DROP SNAPSHOT."""
    if_exists = read.take("IF", "EXISTS")
    name = read.name()
    read.end()
    return DropSnapshot(name, if_exists)


def parse_show(read: Reader) -> ShowSnapshots:
    """Parse what follows SHOW SNAPSHOTS."""
    where = ""
    if read.take("WHERE") and (first := read.current):
        where = read.sql[first.start :].rstrip("; \n")
    return ShowSnapshots(where)


@dataclass(frozen=True)
class Clone:
    """CREATE TABLE x CLONE y [{snapshot='s'}] or CREATE DATABASE x CLONE y [{snapshot='s'}].

    Args:
        target: what is made, one or two names; one name and no table for a database.
        source: what it is made of.
        snapshot: as of when; None for now.
        of_table: whether it is a table.
        if_not_exists: whether a table that is there is left alone.
    """

    target: tuple[str, ...]
    source: tuple[str, ...]
    snapshot: str | None
    of_table: bool
    if_not_exists: bool = False


@dataclass(frozen=True)
class Restore:
    """RESTORE ACCOUNT a | DATABASE d | TABLE d.t {SNAPSHOT='name'}."""

    level: str
    names: tuple[str, ...]
    snapshot: str


def parse_clone(read: Reader) -> Clone:
    """Parse the rest of CREATE where a CLONE follows."""
    of_table = read.take("TABLE")
    if not of_table and not read.take("DATABASE"):
        raise read.error()
    if_not_exists = read.take("IF", "NOT", "EXISTS")
    target = _names(read)
    read.expect("CLONE")
    source = _names(read)
    snapshot = _braced(read) if read.looks("{") else None
    read.end()
    return Clone(target, source, snapshot, of_table, if_not_exists)


def parse_restore(read: Reader) -> Restore:
    """Parse what follows RESTORE."""
    level = read.next(Kind.WORD).text.lower()
    if level not in {"account", "database", "table"}:
        raise read.error()
    names = () if read.looks("{") else _names(read)
    if level == "table" and len(names) != 2:
        raise read.error()
    snapshot = _braced(read)
    read.end()
    return Restore(level, names, snapshot)


def _names(read: Reader) -> tuple[str, ...]:
    first = read.name()
    return (first, read.name()) if read.take(".") else (first,)


def _braced(read: Reader) -> str:
    read.expect("{", "SNAPSHOT", "=")
    name = read.string()
    read.expect("}")
    return name


class Snapshots:
    """The snapshots of the server's one account.

    Args:
        engine: where they lie.
        hidden: drops what is not needed any more.
    """

    def __init__(self, engine: Engine, hidden: ScratchTables) -> None:
        self._engine = engine
        self._hidden = hidden
        with engine.session() as cursor:
            cursor.execute(TABLE)
            cursor.execute("SELECT replace(snapshot_id, '-', '') FROM mo_catalog.mo_snapshots")
            rows: Any = cursor.fetchall()
            retained = tuple(_copy_name(identity, "") for (identity,) in rows)
            for database in databases(cursor):  # left by a run before this one
                if database.startswith(HIDDEN) and not database.startswith(retained):
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")

    def create(self, statement: CreateSnapshot) -> None:
        """Carry out CREATE SNAPSHOT."""
        name = statement.name.lower()
        if re.search(r"[\s'\"`]", name):
            raise internal_error("invalid input")
        with self._engine.session() as cursor:
            if _found(cursor, name):
                if statement.if_not_exists:
                    return
                raise internal_error(f"snapshot {name} already exists")
            concerned = _concerned(cursor, statement)
            if statement.table and "." in statement.database + statement.table:
                raise internal_error(f"invalid table name {statement.database}.{statement.table}")
            refuse_pasted("'", [statement.table])
            identity = uuid.uuid4()
            moment = time.time_ns()
            for database in concerned:
                wanted = [statement.table] if statement.table else tables(cursor, database)
                target = _copy_name(identity.hex, database)
                if is_small(cursor, [(database, table) for table in wanted]):
                    copy_then(cursor, database, wanted, target, moment)
                else:
                    cursor.execute(f"FORK DATABASE {quoted(database)} TO {quoted(target)}")
                if not statement.table:
                    copy_views(cursor, database, target)
            cursor.execute(
                "INSERT INTO mo_catalog.mo_snapshots VALUES (%s, %s, %s, %s, %s, %s, %s, 0, 'user')",
                (
                    str(identity),
                    name,
                    moment,
                    statement.level,
                    ACCOUNT,
                    as_recorded(statement.database),
                    as_recorded(statement.table),
                ),
            )

    def drop(self, statement: DropSnapshot) -> None:
        """Carry out DROP SNAPSHOT; its data goes later."""
        name = statement.name.lower()
        with self._engine.session() as cursor:
            identity = _found(cursor, name)
            if identity is None:
                if statement.if_exists:
                    return
                raise internal_error(f"snapshot {name} does not exist")
            cursor.execute("DELETE FROM mo_catalog.mo_snapshots WHERE sname = %s", (name,))
            for database in databases(cursor):
                if database.startswith(_copy_name(identity, "")):
                    self._hidden.drop_later(f"DROP DATABASE IF EXISTS {quoted(database)}", after=FORK_SETTLES)

    def database_then(self, name: str, database: str) -> str:
        """The hidden database that holds what *database* held when the snapshot was taken."""
        with self._engine.session() as cursor:
            identity = _identity(cursor, name)
            copy = _copy_name(identity, database)
            if copy not in databases(cursor):
                raise SqlError(1049, f"Unknown database {database}")
            return copy

    def databases_then(self, name: str) -> list[str]:
        """The databases that a snapshot holds."""
        with self._engine.session() as cursor:
            prefix = _copy_name(_identity(cursor, name), "")
            return [one.removeprefix(prefix) for one in databases(cursor) if one.startswith(prefix)]

    def clone(self, statement: Clone, database: str) -> None:
        """Carry out a CLONE.

        Args:
            statement: what to make of what.
            database: the database that names without one are looked for in.
        """
        if statement.of_table:
            source_database = statement.source[0] if len(statement.source) == 2 else database
            target = statement.target if len(statement.target) == 2 else (database, *statement.target)
        else:
            source_database, target = statement.source[0], statement.target
        if statement.snapshot is not None:
            if not statement.of_table:
                self._refuse_level(
                    statement.snapshot, "table", "cannot use a table-level snapshot to clone cluster/account/database"
                )
            source_database = self.database_then(statement.snapshot, source_database)
        with self._engine.session() as cursor:
            if statement.of_table:
                if (target[1] in tables(cursor, target[0])) and statement.if_not_exists:
                    return
                if statement.source[-1] not in tables(cursor, source_database):
                    missing = "-".join((*statement.source[:-1], statement.source[-1]))
                    raise SqlError(1064, f"SQL parser error: table {missing} does not exist", "42000")
                copy_or_fork(cursor, (source_database, statement.source[-1]), (target[0], target[1]))
            else:
                if target[0] in databases(cursor):
                    raise SqlError(1007, f"database {target[0]} already exists")  # IF NOT EXISTS or not
                refuse_pasted('"', [*tables(cursor, source_database), *views(cursor, source_database)])
                refill(cursor, source_database, target[0])

    def _refuse_level(self, name: str, level: str, words: str) -> None:
        with self._engine.session() as cursor:
            cursor.execute("SELECT 1 FROM mo_catalog.mo_snapshots WHERE sname = %s AND level = %s", (name, level))
            if cursor.fetchall():
                raise internal_error(words)

    def restore(self, statement: Restore) -> None:
        """Run RESTORE: replace what is there now by what was."""
        if statement.level == "database":
            self._refuse_level(statement.snapshot, "table", "can't restore db from table level snapshot")
        if statement.level == "account":
            for level in ("database", "table"):
                self._refuse_level(statement.snapshot, level, "can't restore account from db or table level snapshot")
        with self._engine.session() as cursor:
            identity = _identity(cursor, statement.snapshot)
            everything = databases(cursor)
            held = {name.removeprefix(_copy_name(identity, "")): name for name in everything}
            held = {database: copy for database, copy in held.items() if copy.startswith(_copy_name(identity, ""))}
            wanted = list(held) if statement.level == "account" else [statement.names[0]]
            for database in wanted:
                if database not in held:
                    words = f"databaseName({database}) does not match that of the snapshot"
                    self._refuse_level(statement.snapshot, "database", words)
                    raise SqlError(1049, f"Unknown database {database}")
            if statement.level == "table":
                database, table = statement.names
                if table not in tables(cursor, held[database]):
                    raise internal_error(f"table {table} not exists at snapshot {statement.snapshot}")
                refuse_pasted('"', [table])
                put_back(cursor, (held[database], table), (database, table))
                return
            for database in wanted:
                refuse_pasted('"', [*tables(cursor, held[database]), *views(cursor, held[database])])
            for database in wanted:
                refill(cursor, held[database], database)
            if statement.level == "account":
                for database in everything:
                    if is_users(database) and database not in held:
                        cursor.execute(f"DROP DATABASE {quoted(database)}")


def copy_then(cursor: pymysql.cursors.Cursor, source: str, tables: Sequence[str], target: str, moment: int) -> None:
    """Make a database of tables as they were at a moment, in nanoseconds since 1970."""
    cursor.execute(f"CREATE DATABASE {quoted(target)}")
    for table in tables:
        copy(cursor, (source, table), (target, table), moment)


def put_back(cursor: pymysql.cursors.Cursor, source: tuple[str, str], target: tuple[str, str]) -> None:
    """Give a table another's rows and definition; one that a foreign key refers to stays as it is (server-facts 63)."""
    if referrers(cursor, target):
        return
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(target[0])}")
    cursor.execute(f"DROP TABLE IF EXISTS {quoted(target[0])}.{quoted(target[1])}")
    copy_or_fork(cursor, source, target)


def refill(cursor: pymysql.cursors.Cursor, source: str, target: str) -> None:
    """Give a database another's tables and views in the place of its own; sessions that use it go on.

    Tables that another database's refer to stay as they are, and then those that refer to themselves do, too.
    """
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(target)}")
    fixed = _fixed(cursor, target)
    cursor.execute("SET foreign_key_checks = 0")
    for view in views(cursor, target):
        cursor.execute(f"DROP VIEW {quoted(target)}.{quoted(view)}")
    for table in tables(cursor, target):
        if table not in fixed:
            cursor.execute(f"DROP TABLE {quoted(target)}.{quoted(table)}")
    for table in tables(cursor, source):
        if table not in fixed:
            copy_or_fork(cursor, (source, table), (target, table))
    copy_views(cursor, source, target)


def _fixed(cursor: pymysql.cursors.Cursor, database: str) -> set[str]:
    """The tables of a database that restoring it leaves as they are (server-facts 63)."""
    found = {table: referrers(cursor, (database, table)) for table in tables(cursor, database)}
    outside = {table for table, by in found.items() if any(other != database for other, _ in by)}
    return outside | {table for table, by in found.items() if outside and (database, table) in by}


def _concerned(cursor: pymysql.cursors.Cursor, statement: CreateSnapshot) -> list[str]:
    """The databases that a snapshot is of."""
    everything = databases(cursor)
    if statement.level in {"cluster", "account"}:
        return [name for name in everything if is_users(name)]
    if statement.database not in everything:
        raise internal_error(f"database {statement.database} does not exist")
    if statement.table and statement.table not in tables(cursor, statement.database):
        raise internal_error(f"table {statement.database}.{statement.table} does not exist")
    return [statement.database]


def is_users(database: str) -> bool:
    """Whether a database is neither the server's own nor its engine's."""
    return database not in SYSTEM and not database.startswith(PREFIX)


def tables(cursor: pymysql.cursors.Cursor, database: str) -> list[str]:
    """The names of a database's tables, views excluded."""
    cursor.execute(f"SHOW FULL TABLES FROM {quoted(database)} WHERE table_type = 'BASE TABLE'")
    rows: Any = cursor.fetchall()
    return [row[0] for row in rows]


def _copy_name(identity: str, database: str) -> str:
    return f"{HIDDEN}{identity}_{database}"


def databases(cursor: pymysql.cursors.Cursor) -> list[str]:
    """The names of all databases."""
    cursor.execute("SHOW DATABASES")
    rows: Any = cursor.fetchall()
    return [row[0] for row in rows]


def _identity(cursor: pymysql.cursors.Cursor, name: str) -> str:
    identity = _found(cursor, name.lower())
    if identity is None:
        raise internal_error(f"find 0 snapshot records by name({name}), expect only 1")
    return identity


def _found(cursor: pymysql.cursors.Cursor, name: str) -> str | None:
    """The identity of the snapshot called *name*, as it is in the names of its forks."""
    cursor.execute("SELECT snapshot_id FROM mo_catalog.mo_snapshots WHERE sname = %s", (name,))
    row: Any = cursor.fetchone()
    return row[0].replace("-", "") if row else None
