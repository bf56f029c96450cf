"""Point-in-time recovery: PITR, what restores by it, and the recovery windows (server-facts 75).

The engine keeps what rows were for half an hour, and longer while a PITR asks for it; of definitions it keeps none. So
a table can be restored as long as it is still there and its definition is the one that it had.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymysql

from matrixone_local.engine.scratch import PREFIX, ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.engine.table_copies import copy_views
from matrixone_local.errors import internal_error
from matrixone_local.features.pasted_names import as_recorded, refuse_pasted
from matrixone_local.features.point_in_time_statements import (
    UNIT_SECONDS,
    AlterPitr,
    CreatePitr,
    DropPitr,
    RestorePitr,
    ShowWindows,
)
from matrixone_local.features.snapshots import (
    ACCOUNT,
    copy_then,
    databases,
    is_users,
    put_back,
    refill,
    tables,
)
from matrixone_local.sql.quoting import quoted
from matrixone_local.translation.show import Answer

TABLE = """CREATE TABLE IF NOT EXISTS mo_catalog.mo_pitr (
    pitr_id VARCHAR(36), pitr_name VARCHAR(300) NOT NULL PRIMARY KEY, create_account BIGINT UNSIGNED,
    create_time BIGINT NOT NULL, modified_time BIGINT NOT NULL, level VARCHAR(10), account_id BIGINT UNSIGNED,
    account_name VARCHAR(300), database_name TEXT, table_name TEXT, obj_id BIGINT UNSIGNED,
    pitr_length TINYINT UNSIGNED, pitr_unit VARCHAR(10), pitr_status TINYINT UNSIGNED DEFAULT 1,
    pitr_status_changed_time BIGINT NOT NULL, kind VARCHAR(32) NOT NULL DEFAULT 'user')"""
HIDDEN = f"{PREFIX}pitr_"  # the databases that are filled with what was begin with this
_RETAINED_SECONDS = 1800  # by the engine, without any PITR
_MOST_SECONDS = (1 << 32) - 1


@dataclass(frozen=True)
class _Pitr:
    """One that was made.

    Args:
        name: its name.
        level: `account`, `database` or `table`.
        names: the database and the table that it is of.
        created: when it was made, in nanoseconds since 1970.
        seconds: how far it reaches back.
    """

    name: str
    level: str
    names: tuple[str, ...]
    created: int
    seconds: int

    def check(self, moment: int, names: Sequence[str]) -> None:
        """Refuse what it does not reach.

        Args:
            moment: the time to go back to, in nanoseconds since 1970.
            names: the database and the table to restore, or none.
        """
        now = time.time_ns()
        earliest = now - self.seconds * 1_000_000_000
        message = f"input timestamp {_moment_text(moment)}"
        if len(names) < len(self.names):
            level = ("account", "database", "table")[len(names)]
            raise internal_error(f"restore level {self.level} is not allowed for {level} restore")
        if tuple(names[: len(self.names)]) != self.names:
            what = f"database {names[0]}" if len(names) == 1 else f"table {'.'.join(names)}"
            raise internal_error(f"pitr {self.name} is not allowed to restore {what}")
        if moment <= self.created:
            raise internal_error(f"{message} is less than the pitr valid time {_moment_text(self.created)}")
        if moment < earliest:
            raise internal_error(f"{message} is less than the pitr range minest timestamp {_moment_text(earliest)}")
        if moment > now:
            raise internal_error(f"{message} is bigger than now timestamp {_moment_text(now)}")


class Pitrs:
    """The PITR of the server's one account.

    Args:
        engine: where they are.
        hidden: drops what is not needed any more.
    """

    def __init__(self, engine: Engine, hidden: ScratchTables) -> None:
        self._engine = engine
        self._hidden = hidden
        with engine.session() as cursor:
            cursor.execute(TABLE)
            for database in databases(cursor):  # left by a run before this one
                if database.startswith(HIDDEN):
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")
            self._keep(cursor)

    def create(self, statement: CreatePitr) -> None:
        """Carry out CREATE PITR."""
        name = statement.name.lower()
        with self._engine.session() as cursor:
            known = list(_all(cursor))
            if any(one.name == name for one in known):
                if statement.if_not_exists:
                    return
                raise internal_error(f"pitr {name} already exists")
            _check_there(cursor, statement.names)
            if any(one.level == statement.level and one.names == statement.names for one in known):
                raise internal_error(f"{_subject(statement.names)} already has a pitr")
            refuse_pasted("'", statement.names[1:])
            now, (database, table) = time.time_ns(), (*map(as_recorded, statement.names), "", "")[:2]
            values = (str(uuid.uuid4()), name, 0, now, now, statement.level, 0, ACCOUNT, database, table, 0)
            places = ", ".join(["%s"] * 14)
            cursor.execute(
                f"INSERT INTO mo_catalog.mo_pitr VALUES ({places}, %s, 'user')",  # noqa: S608  # placeholders
                (*values, statement.length, statement.unit, 1, now),
            )
            self._keep(cursor)

    def alter(self, statement: AlterPitr) -> None:
        """Carry out ALTER PITR."""
        with self._engine.session() as cursor:
            changed = cursor.execute(
                "UPDATE mo_catalog.mo_pitr SET pitr_length = %s, pitr_unit = %s, modified_time = %s"
                " WHERE pitr_name = %s",
                (statement.length, statement.unit, time.time_ns(), statement.name.lower()),
            )
            if not changed and not statement.if_exists:
                raise internal_error(f"pitr {statement.name.lower()} does not exist")
            self._keep(cursor)

    def drop(self, statement: DropPitr) -> None:
        """Carry out DROP PITR."""
        name = statement.name.lower()
        with self._engine.session() as cursor:
            dropped = cursor.execute("DELETE FROM mo_catalog.mo_pitr WHERE pitr_name = %s", (name,))
            if not dropped and not statement.if_exists:
                raise internal_error(f"pitr {name} does not exist")
            self._keep(cursor)

    def _keep(self, cursor: pymysql.cursors.Cursor) -> None:
        """Have the engine keep what rows were for as long as the PITR there are reach back."""
        longest = max((one.seconds for one in _all(cursor)), default=_RETAINED_SECONDS)
        cursor.execute(f"ALTER SYSTEM SET undo_retention = {min(max(longest, _RETAINED_SECONDS), _MOST_SECONDS)}")

    def restore(self, statement: RestorePitr) -> None:
        """Run RESTORE: replace what is there now by what was."""
        name = statement.pitr.lower()
        with self._engine.session() as cursor:
            pitr = next((one for one in _all(cursor) if one.name == name), None)
            if pitr is None:
                raise internal_error(f"pitr {name} does not exist")
            moment = _moment(statement.moment)
            pitr.check(moment, statement.names)
            wanted = [*statement.names[:1]] or [one for one in databases(cursor) if is_users(one)]
            then = {database: _then(cursor, database, moment) for database in wanted}
            for there, there_views in then.values():
                refuse_pasted('"', statement.names[1:] or [*there, *there_views])
            for database, (there, there_views) in then.items():
                self._go_back(cursor, database, there, there_views, statement.names[1:], moment)

    def _go_back(
        self,
        cursor: pymysql.cursors.Cursor,
        database: str,
        there: Sequence[str],
        there_views: Sequence[str],
        table: Sequence[str],
        moment: int,
    ) -> None:
        """Put a database back to a moment, or one table of it."""
        if table and table[0] not in there:
            message = f"database '{database}' table '{table[0]}' does not exists at timestamp: {_moment_text(moment)}"
            raise internal_error(message)
        hidden = f"{HIDDEN}{uuid.uuid4().hex}_{database}"
        try:
            copy_then(cursor, database, table or there, hidden, moment)
            if table:
                put_back(cursor, (hidden, table[0]), (database, table[0]))
                return
            copy_views(cursor, database, hidden, there_views)
            refill(cursor, hidden, database)
        except pymysql.MySQLError as error:
            raise internal_error(
                f"the local server cannot go back to {_moment_text(moment)}: {error.args[1]}"
            ) from None
        finally:
            self._hidden.drop_later(f"DROP DATABASE IF EXISTS {quoted(hidden)}")

    def windows(self, statement: ShowWindows) -> Answer:
        """What SHOW RECOVERY_WINDOW answers: for each table, the moments and spans that it can be restored to."""
        titles = ("RecoveryWindowLevel", "AccountName", "DatabaseName", "TableName", "RecoveryWindows")
        with self._engine.session() as cursor:
            _check_there(cursor, statement.names)
            cursor.execute("SELECT sname, ts, database_name, table_name FROM mo_catalog.mo_snapshots ORDER BY ts")
            snapshots: Any = cursor.fetchall()
            pitrs = list(_all(cursor))
            rows: list[tuple[str, ...]] = []
            for database in [*statement.names[:1]] or [one for one in databases(cursor) if is_users(one)]:
                for table in [*statement.names[1:]] or tables(cursor, database):
                    windows = [*_of_snapshots(snapshots, database, table), *_of_pitrs(pitrs, database, table)]
                    if windows:
                        rows.append((statement.level, ACCOUNT, database, table, f"[{', '.join(windows)}]"))
        return Answer(titles, rows)


def _all(cursor: pymysql.cursors.Cursor) -> Iterator[_Pitr]:
    cursor.execute(
        "SELECT pitr_name, level, database_name, table_name, create_time, pitr_length, pitr_unit"
        " FROM mo_catalog.mo_pitr"
    )
    rows: Any = cursor.fetchall()
    for name, level, database, table, created, length, unit in rows:
        names = tuple(one for one in (database, table) if one)
        yield _Pitr(name, level, names, created, length * UNIT_SECONDS[unit])


def _check_there(cursor: pymysql.cursors.Cursor, names: Sequence[str]) -> None:
    if names and names[0] not in databases(cursor):
        raise internal_error(f"database {names[0]} does not exist")
    if len(names) == 2 and names[1] not in tables(cursor, names[0]):
        raise internal_error(f"table {'.'.join(names)} does not exist")


def _subject(names: Sequence[str]) -> str:
    words = [f"{kind} `{name}`" for kind, name in zip(("database", "table"), names, strict=False)]
    return " ".join(words) or f"account `{ACCOUNT}`"


def _moment(text: str) -> int:
    """A text as nanoseconds since 1970, in the server's zone, which is UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise internal_error(f"invalid timestamp {text}") from None
    return int(parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()) * 1_000_000_000 + parsed.microsecond * 1000


def _moment_text(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def _instant_text(moment: int) -> str:
    return f"{_moment_text(moment)}.{moment % 1_000_000_000:09} +0000 UTC"


_HISTORY = """
    SELECT MAX(IF(h.schema_version <= %(moment)s AND h.is_deleted = 0, h.table_name, NULL)) AS was,
        MAX(t.table_name) AS name, MAX(h.table_type = 4) AS is_view, MAX(h.schema_version) > %(moment)s AS changed
    FROM oceanbase.__all_table_history h
    LEFT JOIN oceanbase.__all_table t ON t.table_id = h.table_id
    WHERE h.table_id IN (
        SELECT o.table_id FROM oceanbase.__all_table_history o
        JOIN oceanbase.__all_database d ON d.database_id = o.database_id
        WHERE d.database_name = %(database)s AND o.table_type IN (3, 4))
    GROUP BY h.table_id"""


def _then(cursor: pymysql.cursors.Cursor, database: str, moment: int) -> tuple[list[str], list[str]]:
    """The tables and the views that a database had at a moment.

    Raises:
        SqlError: it is not there, or one of them was dropped, emptied or changed since.
    """
    _check_there(cursor, [database])
    cursor.execute(_HISTORY, {"moment": moment // 1000, "database": database})
    rows: Any = cursor.fetchall()
    there_now = {name for _, name, _, _ in rows}  # a table that is changed may have another number
    found: tuple[list[str], list[str]] = [], []
    for was, _, is_view, changed in rows:
        if was is None:
            continue  # was made later
        if changed:
            what = "was changed" if was in there_now else "was dropped"
            raise internal_error(
                f"the local server cannot restore {'view' if is_view else 'table'} {database}.{was}, which {what} after"
                f" {_moment_text(moment)}; take a snapshot before a definition changes"
            )
        found[bool(is_view)].append(was)
    return found


def _of_snapshots(snapshots: Sequence[Any], database: str, table: str) -> Iterator[str]:
    for name, moment, of_database, of_table in snapshots:
        if of_database in {"", database} and of_table in {"", table}:
            yield f"{{'timestamp':'{_instant_text(moment)}', 'source':'snapshot', 'source_name':'{name}'}}"


def _of_pitrs(pitrs: Sequence[_Pitr], database: str, table: str) -> Iterator[str]:
    now = time.time_ns()
    for one in pitrs:
        if (database, table)[: len(one.names)] == one.names:
            start = _instant_text(max(one.created, now - one.seconds * 1_000_000_000))
            span = f"'start_time':'{start}', 'end_time':'{_instant_text(now)}'"
            yield f"{{{span}, 'source':'pitr', 'source_name':'{one.name}'}}"
