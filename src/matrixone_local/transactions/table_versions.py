"""Tables as they were before an open transaction changed them for good, for its rollback and for everybody else.

The engine commits a transaction to change a definition, and changes none of a table with rows that are not committed.
So what the transaction has changed is committed early, and hidden copies are stored of how it was: a rollback puts them
back, others read them until the transaction ends, and who wants to change such a table waits for it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

import pymysql

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.engine.scratch import DATABASE, ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.engine.table_copies import FORK_SETTLES, copy_or_fork, foreign_keys, is_referenced, is_small
from matrixone_local.errors import LOCK_TIMEOUT, internal_error
from matrixone_local.files.bulk_insert import Cancellable
from matrixone_local.sql.ddl import SchemaObject
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.references import put_table, table_references
from matrixone_local.sql.tokens import Statement, Token
from matrixone_local.transactions.undo_log import Undo

PATIENCE_SECONDS = 3.0  # for a table to be renamed
_CHANGES = ("INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME")
PREFIX = "kept_"  # how the hidden tables are called, followed by random digits
LOCK_POLL_SECONDS = 0.02

Table = tuple[str, str]

_LOCKED = (
    "SELECT DISTINCT lower(d.database_name), lower(t.table_name), p.id FROM oceanbase.__all_virtual_obj_lock l"
    " JOIN oceanbase.__all_virtual_processlist p ON p.trans_id = l.create_trans_id"
    " JOIN oceanbase.__all_tablet_to_table o ON o.tablet_id = l.obj_id"
    " JOIN oceanbase.__all_table t ON t.table_id = o.table_id AND t.table_type = 3"  # what is no index and the like
    " JOIN oceanbase.__all_database d ON d.database_id = t.database_id WHERE l.create_trans_id <> 0"
)


class Waiting(Cancellable, Protocol):
    """A client's connection."""

    @property
    def link(self) -> EngineConnection:
        """Its session."""
        ...


@dataclass(frozen=True)
class _Copy:
    """A table as it was.

    Args:
        owner: the number of the connection whose transaction changes it.
        hidden: where it is; "" until it is copied, as the table itself is the same until then.
        is_fork: whether it is a fork, which is not dropped at once.
    """

    owner: int
    hidden: str = ""
    is_fork: bool = False


class TableVersions:
    """The tables of a server that open transactions have changed for good.

    Args:
        engine: where they lie.
        hidden: drops the copies.
    """

    def __init__(self, engine: Engine, hidden: ScratchTables) -> None:
        self._engine = engine
        self._hidden = hidden
        self._copies: dict[Table, _Copy] = {}
        self._released = threading.Condition()
        with engine.session() as cursor:
            cursor.execute(f"SHOW TABLES FROM {DATABASE} LIKE '{PREFIX}%'")
            for (left,) in cursor.fetchall():  # their transactions were committed
                cursor.execute(f"DROP TABLE {DATABASE}.{quoted(left)}")

    def changed(self, connection_id: int) -> set[Table]:
        """The tables of which a connection's open transaction has changed rows."""
        return {table for table, holder in self._locked() if holder == connection_id}

    def is_small(self, table: Table) -> bool:
        """Whether a table has few rows.

        Raises:
            EngineError: there is no such table.
        """
        try:
            with self._engine.session() as cursor:
                return is_small(cursor, [table])
        except pymysql.MySQLError as error:
            raise EngineError(int(error.args[0]), "42S02", str(error.args[1])) from None

    def has_foreign_keys(self, table: Table) -> bool:
        """Whether a table has any, or is named in another's."""
        with self._engine.session() as cursor:
            return is_referenced(cursor, table) or bool(foreign_keys(cursor, table))

    def link(self) -> EngineConnection:
        """A session with the server's rights."""
        return self._engine.session_link()

    def _locked(self) -> list[tuple[Table, int]]:
        with closing(self.link()) as link:
            return [((str(db), str(name)), int(holder or 0)) for db, name, holder in link.query(_LOCKED).rows]

    def keep(self, table: Table, client: Waiting) -> Undo:
        """Keep a table as it is, without what the client's transaction has changed of it.

        Returns:
            What puts it back.

        Raises:
            EngineError: other transactions that have changed it did not end in time.
            SqlError: the client did not want to wait.
        """
        self._reserve(table, client)
        name = _new_name()
        hidden = f"{DATABASE}.{name}"
        try:
            with self._engine.session() as cursor:
                keys = foreign_keys(cursor, table)
                is_fork = copy_or_fork(cursor, table, (DATABASE, name), keys=False)
        except BaseException:
            self._release([table])
            raise
        self._copies[table] = _Copy(client.link.id, hidden, is_fork)
        where = ".".join(map(quoted, table))
        return Undo(
            (
                f"SELECT 1 FROM {hidden} LIMIT 0",  # noqa: S608  # a name of ours; it is missing once it was put back
                "SET foreign_key_checks = 0",
                f"DROP TABLE IF EXISTS {where}",
                f"RENAME TABLE {hidden} TO {where}",
                *(f"ALTER TABLE {where} ADD {key}" for key in keys),
            )
        )

    def replace(self, table: SchemaObject, hidden: SchemaObject, client: Waiting) -> int:
        """Give a table a hidden name, under which others read it, and put an empty one in its place; returns 0.

        Raises:
            EngineError: other transactions that have changed it did not end in time.
            SqlError: the client did not want to wait.
        """
        key = (table.name[0], table.name[1])
        self._reserve(key, client)
        try:
            self.rename(table, hidden)
            try:
                with self._engine.session() as cursor:
                    cursor.execute(f"CREATE TABLE {table.quoted} LIKE {hidden.quoted}")
            except BaseException:
                self.rename(hidden, table)
                raise
        except BaseException:
            self._release([key])
            raise
        self._copies[key] = _Copy(client.link.id, hidden.quoted)
        return 0

    def hidden(self, table: SchemaObject) -> SchemaObject:
        """A hidden name for a table that a transaction has dropped or emptied."""
        return replace(table, name=(DATABASE, _new_name()))

    def rename(self, table: SchemaObject, name: SchemaObject) -> int:
        """Give a table another name; returns 0, as no row is affected.

        Raises:
            EngineError: 1317, if somebody's open transaction has changed it.
        """
        with closing(self.link()) as link, closing(self.link()) as other:
            late = threading.Timer(PATIENCE_SECONDS, other.query, (f"KILL QUERY {link.id}",))
            late.start()
            try:
                return link.query(f"RENAME TABLE {table.quoted} TO {name.quoted}").affected
            finally:
                late.cancel()
                late.join()

    def _reserve(self, table: Table, client: Waiting) -> None:
        """Let others wait to change a table, once none of them has changed it."""
        for _ in lock_wait_ticks(client):
            if self._is_free(table, client.link):
                self._copies[table] = _Copy(client.link.id)
                if self._is_free(table, client.link):  # nobody was faster
                    return
                self._release([table])

    def _is_free(self, table: Table, link: EngineConnection) -> bool:
        return not any(name == table and holder != link.id for name, holder in self._locked())

    def _release(self, tables: Iterable[Table]) -> None:
        with self._released:
            for table in tables:
                del self._copies[table]
            self._released.notify_all()

    def release(self, owner: int) -> None:
        """A connection's transaction has ended: its tables are everybody's again."""
        released = {table: copy for table, copy in list(self._copies.items()) if copy.owner == owner}
        if released:
            self._release(released)
        for copy in released.values():
            self._hidden.drop_later(f"DROP TABLE IF EXISTS {copy.hidden}", after=FORK_SETTLES if copy.is_fork else 0)

    # -- everybody else -----------------------------------------------------------------------------------------

    def may_mention(self, sql: str) -> bool:
        """Whether a statement may be about one of them."""
        if not self._copies:
            return False
        small = sql.lower()
        return any(name in small for _, name in list(self._copies))

    def wait_for_lock(self, tokens: Sequence[Token], client: Waiting) -> None:
        """Wait until a statement may change what it changes.

        Args:
            tokens: its tokens.
            client: who sends it.

        Raises:
            EngineError: a transaction that has changed the table did not end in time.
            SqlError: the client did not want to wait.
        """
        if tokens and tokens[0].says(*_CHANGES):
            for reference in table_references(tokens):
                if not reference.reads:
                    self._wait(reference.within(client.link.database), client)

    def substitute_tables(self, statement: Statement, link: EngineConnection) -> Statement:
        """The statement with the copies in the place of tables that others have changed, where it reads them."""
        for reference in table_references(statement.tokens):
            copy = self._version_for_others(reference.within(link.database), link) if reference.reads else None
            if copy is not None and copy.hidden:
                put_table(statement, reference, copy.hidden)
        return statement.changed()

    def _version_for_others(self, table: Table, link: EngineConnection) -> _Copy | None:
        copy = self._copies.get(table)
        return copy if copy and copy.owner != link.id else None

    def _wait(self, table: Table, client: Waiting) -> None:
        with self._released:
            for _ in lock_wait_ticks(client, self._released.wait):
                if not self._version_for_others(table, client.link):
                    break


def _new_name() -> str:
    return f"{PREFIX}{secrets.token_hex(8)}"


def lock_wait_ticks(client: Waiting, sleep: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Goes on, with pauses, for as long as a client is ready to wait for locks.

    Raises:
        EngineError: it has waited long enough.
        SqlError: it was asked to stop.
    """
    yield
    patience = float(client.link.query("SELECT @@lock_wait_timeout").rows[0][0] or 0)
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if client.is_cancelled():
            raise internal_error("context canceled")
        sleep(LOCK_POLL_SECONDS)
        yield
    raise EngineError(LOCK_TIMEOUT, "HY000", "Lock wait timeout exceeded; try restarting transaction")
