"""Snapshots: a copy-on-write fork of each database concerned, kept under a hidden name (server-facts 34-36)."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from .engine import Engine
from .errors import internal
from .tokens import Kind, Reader, Token
from .values import quoted

TABLE = """CREATE TABLE IF NOT EXISTS mo_catalog.mo_snapshots (
    snapshot_id VARCHAR(36) NOT NULL, sname VARCHAR(64) NOT NULL PRIMARY KEY, ts BIGINT, level VARCHAR(16),
    account_name VARCHAR(300), database_name TEXT, table_name TEXT, obj_id BIGINT UNSIGNED, kind VARCHAR(32))"""
HIDDEN = "__mo_snapshot_"  # the forked databases begin with this
FORK_SETTLES = 15  # seconds after which a fork can be dropped at once (measured: 5 to 9)
SYSTEM = frozenset({"information_schema", "mo_catalog", "mysql", "oceanbase"})
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
    """What stands behind CREATE SNAPSHOT."""
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
    """What stands behind DROP SNAPSHOT."""
    if_exists = read.take("IF", "EXISTS")
    name = read.name()
    read.end()
    return DropSnapshot(name, if_exists)


def parse_show(read: Reader) -> ShowSnapshots:
    """What stands behind SHOW SNAPSHOTS."""
    where = ""
    if read.take("WHERE") and (first := read.current):
        where = read.sql[first.start :].rstrip("; \n")
    return ShowSnapshots(where)


class Snapshots:
    """The snapshots of the server's one account."""

    def __init__(self, engine: Engine, stopping: threading.Event) -> None:
        self._engine = engine
        self._stopping = stopping
        with engine.session() as cursor:
            cursor.execute(TABLE)
            cursor.execute("SELECT replace(snapshot_id, '-', '') FROM mo_catalog.mo_snapshots")
            rows: Any = cursor.fetchall()
            kept = tuple(_fork(identity, "") for (identity,) in rows)
            for database in _databases(cursor):  # left by a run before this one
                if database.startswith(HIDDEN) and not database.startswith(kept):
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")

    def create(self, statement: CreateSnapshot) -> None:
        """Carry out CREATE SNAPSHOT."""
        name = statement.name.lower()
        if re.search(r"[\s'\"`]", name):
            raise internal("invalid input")
        with self._engine.session() as cursor:
            if _found(cursor, name):
                if statement.if_not_exists:
                    return
                raise internal(f"snapshot {name} already exists")
            databases = self._concerned(cursor, statement)
            identity = uuid.uuid4()
            moment = time.time_ns()
            for database in databases:
                cursor.execute(f"FORK DATABASE {quoted(database)} TO {quoted(_fork(identity.hex, database))}")
            cursor.execute(
                "INSERT INTO mo_catalog.mo_snapshots VALUES (%s, %s, %s, %s, %s, %s, %s, 0, 'user')",
                (str(identity), name, moment, statement.level, ACCOUNT, statement.database, statement.table),
            )

    def drop(self, statement: DropSnapshot) -> None:
        """Carry out DROP SNAPSHOT; its data goes later, as the engine makes who drops a young fork wait for seconds."""
        name = statement.name.lower()
        with self._engine.session() as cursor:
            identity = _found(cursor, name)
            if identity is None:
                if statement.if_exists:
                    return
                raise internal(f"snapshot {name} does not exist")
            cursor.execute("DELETE FROM mo_catalog.mo_snapshots WHERE sname = %s", (name,))
            forks = [database for database in _databases(cursor) if database.startswith(_fork(identity, ""))]
        threading.Thread(target=self._forget, args=(forks,), daemon=True, name=f"drop snapshot {name}").start()

    def database_then(self, name: str, database: str) -> str:
        """The hidden database that holds what *database* held when the snapshot was taken."""
        with self._engine.session() as cursor:
            identity = _found(cursor, name.lower())
            if identity is None:
                raise internal(f"find 0 snapshot records by name({name}), expect only 1")
            fork = _fork(identity, database)
            if fork not in _databases(cursor):
                raise internal(f"the snapshot {name} does not hold the database {database}")
            return fork

    def _forget(self, forks: Sequence[str]) -> None:
        if self._stopping.wait(FORK_SETTLES):
            return
        try:
            with self._engine.session() as cursor:
                for fork in forks:
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(fork)}")
        except pymysql.Error:
            return  # the server is stopping; a fork that nobody can name is in nobody's way

    @staticmethod
    def _concerned(cursor: pymysql.cursors.Cursor, statement: CreateSnapshot) -> list[str]:
        everything = _databases(cursor)
        if statement.level in {"cluster", "account"}:
            return [name for name in everything if name not in SYSTEM and not name.startswith(HIDDEN)]
        if statement.database not in everything:
            raise internal(f"database {statement.database} does not exist")
        if statement.table:
            cursor.execute(f"SHOW TABLES FROM {quoted(statement.database)} LIKE %s", (statement.table,))
            if not cursor.fetchone():
                raise internal(f"table {statement.database}.{statement.table} does not exist")
        return [statement.database]


def reads_past(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Where a statement says `{snapshot='name'}`: the position of the brace among the tokens, and the name."""
    return [
        (at, tokens[at + 3].value)
        for at in range(len(tokens) - 4)
        if tokens[at].says("{")
        and tokens[at + 1].says("SNAPSHOT")
        and tokens[at + 2].says("=")
        and tokens[at + 3].kind is Kind.STRING
        and tokens[at + 4].says("}")
    ]


def _fork(identity: str, database: str) -> str:
    return f"{HIDDEN}{identity}_{database}"


def _databases(cursor: pymysql.cursors.Cursor) -> list[str]:
    cursor.execute("SHOW DATABASES")
    rows: Any = cursor.fetchall()
    return [row[0] for row in rows]


def _found(cursor: pymysql.cursors.Cursor, name: str) -> str | None:
    """The identity of the snapshot called *name*, as it stands in the names of its forks."""
    cursor.execute("SELECT snapshot_id FROM mo_catalog.mo_snapshots WHERE sname = %s", (name,))
    row: Any = cursor.fetchone()
    return row[0].replace("-", "") if row else None
