"""Definitions within a transaction: the engine's commit at once, a MatrixOne server's with it (server-facts 13).

What makes something is carried out at once over another session, and taken back by a rollback; what drops something is
hidden at once, and carried out after the commit. A dropped table whose name is wanted again is put aside until then.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import Enum

import pymysql

from .engine import Engine, EngineError, Link
from .errors import Refused, internal
from .hidden import DATABASE, UNCOMMITTED
from .references import table_references
from .tokens import Token
from .values import quoted

MISSING = frozenset({1049, 1146})  # no such database, no such table
NOBODY = "__mo_nobody"  # what no table is called
INTERRUPTED = 1317
DROPPED = "dropped_"  # how tables are called that were put aside, followed by random digits
PATIENCE_SECONDS = 3.0  # for a table to be put aside: nothing else waits for it than the transaction itself
_DEFINE = frozenset({"CREATE", "DROP", "ALTER", "TRUNCATE", "RENAME"})


@dataclass(frozen=True)
class Definition:
    """A table or database that a statement makes or drops.

    Args:
        verb: `CREATE` or `DROP`.
        kind: `TABLE` or `DATABASE`.
        name: one or two parts, in small letters, as names of tables are on a MatrixOne server.
        tolerant: IF [NOT] EXISTS was said.
    """

    verb: str
    kind: str
    name: tuple[str, ...]
    tolerant: bool = False

    def within(self, database: str) -> Definition:
        """The same with the database named."""
        if self.kind == "DATABASE" or len(self.name) == 2:
            return self
        return replace(self, name=(database.lower(), *self.name))

    @property
    def quoted(self) -> str:
        """Its name, as SQL has it."""
        return ".".join(map(quoted, self.name))

    @property
    def drop(self) -> str:
        """What drops it, if it is there."""
        return f"DROP {self.kind} IF EXISTS {self.quoted}"

    def renamed(self, other: Definition) -> str:
        """What gives a table the other's name."""
        return f"RENAME TABLE {self.quoted} TO {other.quoted}"

    def is_there(self, link: Link) -> bool:
        """Whether there is such a table or database."""
        what = "TABLES" if self.kind == "DATABASE" else "COLUMNS"
        try:
            link.query(f"SHOW {what} FROM {self.quoted}")
        except EngineError as error:
            if error.code in MISSING:
                return False
            raise
        return True


def transactional(tokens: Sequence[Token]) -> Definition | None:
    """The one table or database that a statement makes or drops, if that is all it does."""
    words = [token.text.upper() for token in tokens[:6]]
    if words[:1] not in (["CREATE"], ["DROP"]) or len(words) < 3:
        return None
    at = 2 if words[1] == "EXTERNAL" else 1
    kind = {"TABLE": "TABLE", "DATABASE": "DATABASE", "SCHEMA": "DATABASE"}.get(words[at])
    if kind is None:
        return None
    at += 1
    condition = ["IF", "NOT", "EXISTS"] if words[0] == "CREATE" else ["IF", "EXISTS"]
    tolerant = words[at : at + len(condition)] == condition
    at += len(condition) if tolerant else 0
    name = [tokens[at].value.lower()]
    if at + 2 < len(tokens) and tokens[at + 1].says("."):
        name.append(tokens[at + 2].value.lower())
        at += 2
    if words[0] == "DROP" and any(token.says(",") for token in tokens[at:]):
        return None
    return Definition(words[0], kind, tuple(name), tolerant)


def defines(tokens: Sequence[Token]) -> bool:
    """Whether the engine would commit the transaction to carry this out."""
    return len(tokens) > 1 and tokens[0].text.upper() in _DEFINE


class Journal:
    """What open transactions have made, for a server that does not live to take it back.

    A note goes with the transaction itself: it is struck in it, so that a commit commits that as well.

    Args:
        engine: where it is kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.session() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {UNCOMMITTED} (id BIGINT AUTO_INCREMENT PRIMARY KEY, statement TEXT)"
            )
            cursor.execute(f"SELECT statement FROM {UNCOMMITTED} ORDER BY id DESC")  # noqa: S608  # a constant
            for (undo,) in cursor.fetchall():
                _taken_back(undo, cursor)
            cursor.execute(f"DELETE FROM {UNCOMMITTED}")  # noqa: S608  # as above
            cursor.execute(f"SHOW TABLES FROM {DATABASE} LIKE '{DROPPED}%'")
            for (left,) in cursor.fetchall():  # their transactions were committed
                cursor.execute(f"DROP TABLE {DATABASE}.{quoted(left)}")

    def link(self) -> Link:
        """A session with the server's rights."""
        return self._engine.session_link()

    def note(self, undo: str) -> int:
        """Note what takes back what a transaction is about to do; returns the note's number."""
        with self._engine.session() as cursor:
            cursor.execute(f"INSERT INTO {UNCOMMITTED} (statement) VALUES (%s)", (undo,))  # noqa: S608  # a constant
            return cursor.lastrowid

    def put_aside(self, table: Definition) -> tuple[int, Definition]:
        """Give a table a hidden name.

        Returns:
            The number of the note that takes it back, and the table as it is called now.

        Raises:
            EngineError: `INTERRUPTED`, if an open transaction has changed it.
        """
        hidden = replace(table, name=(DATABASE, f"{DROPPED}{secrets.token_hex(8)}"))
        number = self.note(hidden.renamed(table))
        with closing(self.link()) as link, closing(self.link()) as other:
            late = threading.Timer(PATIENCE_SECONDS, other.query, (f"KILL QUERY {link.id}",))
            late.start()
            try:
                link.query(table.renamed(hidden))
            except EngineError:
                self.strike([number], link)
                raise
            finally:
                late.cancel()
                late.join()
        return number, hidden

    def strike(self, numbers: Sequence[int], link: Link) -> None:
        """Strike notes over a session: what they note is committed with its transaction, or is taken back already."""
        if numbers:
            link.query(f"DELETE FROM {UNCOMMITTED} WHERE id IN ({', '.join(map(str, numbers))})")  # noqa: S608  # numbers


def _taken_back(undo: str, cursor: pymysql.cursors.Cursor) -> None:
    try:
        cursor.execute(undo)
    except pymysql.MySQLError as error:
        if error.args[0] not in MISSING:  # the server had not come to what was noted
            raise


@dataclass(frozen=True)
class _Undo:
    """What takes a part of a transaction back.

    Args:
        statement: does it.
        gone: what is gone then, or None.
    """

    statement: str
    gone: Definition | None = None


class Definitions:
    """The definitions of one client's open transaction.

    Args:
        journal: where what is made is noted.
        aside: opens a session beside the client's, with its rights.
        gone: told what is dropped in the end.
    """

    def __init__(self, journal: Journal, aside: Callable[[], Link], gone: Callable[[Definition], None]) -> None:
        self._journal = journal
        self._notes: list[int] = []
        self._aside = aside
        self._gone = gone
        self._undo: list[_Undo] = []
        self._dropped: list[Definition] = []

    def __bool__(self) -> bool:
        return bool(self._undo or self._dropped)

    def make(self, definition: Definition, carry_out: Callable[[Link], int], *, again: bool) -> int:
        """Carry out what makes something.

        Args:
            definition: what it makes.
            carry_out: makes it, over the session that it is given.
            again: whether it may have the name of a table that the transaction has dropped.

        Returns:
            How many rows that affected.

        Raises:
            Refused: the transaction has dropped one of the same name, which cannot be put aside.
        """
        for one in self._dropped:
            if one.name == definition.name and one.kind == definition.kind:
                self._put_aside(one, again=again)
                break
        with closing(self._aside()) as aside:
            notes: list[int] = []
            if not definition.is_there(aside):  # what is there already is not to be taken back
                notes.append(self._journal.note(definition.drop))
            elif definition.tolerant:
                return 0
            try:
                affected = carry_out(aside)
            except BaseException:
                self._journal.strike(notes, aside)
                raise
        self._notes += notes
        self._undo.append(_Undo(definition.drop, definition))
        return affected

    def _put_aside(self, dropped: Definition, *, again: bool) -> None:
        """Give a dropped table another name until the transaction ends."""
        name = ".".join(dropped.name)
        refused = internal(
            f"the local server cannot make {name} again in the transaction that dropped it; COMMIT first"
        )
        if dropped.kind != "TABLE" or not again:
            raise refused
        try:
            note, hidden = self._journal.put_aside(dropped)
        except EngineError as error:
            raise (refused if error.code == INTERRUPTED else error) from None
        self._notes.append(note)
        self._undo.append(_Undo(hidden.renamed(dropped)))
        self._dropped[self._dropped.index(dropped)] = hidden

    def drop(self, definition: Definition) -> bool:
        """Hide what is dropped, and drop it when the transaction is committed.

        Returns:
            Whether there was something to drop.

        Raises:
            EngineError: the client may not drop it.
            Refused: there is no such table.
        """
        with closing(self._aside()) as aside:
            nobody = replace(definition, name=(*definition.name[:-1], NOBODY))
            aside.query(nobody.drop)  # asks for the right alone
            is_dropped = any(one.name == definition.name for one in self._dropped)
            there = not is_dropped and definition.is_there(aside)
        if not there:
            if definition.tolerant:
                return False
            raise Refused(1146, f"no such table {'.'.join(definition.name)}", "42S02")
        self._dropped.append(replace(definition, tolerant=False))
        return True

    def check(self, tokens: Sequence[Token], database: Callable[[], str]) -> None:
        """Refuse a statement about a table that the transaction has dropped."""
        hidden = {one.name for one in self._dropped}
        if not hidden:
            return
        for reference in table_references(tokens):
            name = ((reference.database or database()).lower(), reference.name.lower())
            if name in hidden and tokens[0].says("SELECT", "WITH", "("):
                raise Refused(1064, f'SQL parser error: table "{name[1]}" does not exist', "42000")
            if name in hidden:
                raise Refused(1146, f"no such table {'.'.join(name)}", "42S02")

    def commits(self, link: Link) -> None:
        """The transaction is about to be committed: what it made is there to stay if it is.

        Args:
            link: the transaction's session.
        """
        self._journal.strike(self._notes, link)

    def committed(self) -> None:
        """The transaction is committed: carry out what waited for it."""
        dropped, self._dropped, self._undo, self._notes = self._dropped, [], [], []
        if dropped:
            with closing(self._journal.link()) as link:
                self._carry_out([_Undo(one.drop, one) for one in dropped], link)

    def rolled_back(self) -> None:
        """The transaction is rolled back: take back what it made."""
        undo, self._undo, self._dropped = self._undo, [], []
        notes, self._notes = self._notes, []
        if undo or notes:
            with closing(self._journal.link()) as link:
                self._carry_out(undo[::-1], link)
                self._journal.strike(notes, link)

    def _carry_out(self, undo: Sequence[_Undo], link: Link) -> None:
        for one in undo:
            with suppress(EngineError):  # somebody else was first
                link.query(one.statement)
            if one.gone is not None:
                self._gone(one.gone)


class End(Enum):
    """How a statement may end a transaction."""

    COMMIT = "commit"
    ROLLBACK = "rollback"
    AUTOCOMMIT = "autocommit"  # commits where autocommit was off


def ends_transaction(tokens: Sequence[Token]) -> End | None:
    """How a statement ends the open transaction, if it does."""
    if tokens[0].says("ROLLBACK"):
        return End.ROLLBACK
    if tokens[0].says("COMMIT", "BEGIN") or (tokens[0].says("START") and tokens[1].says("TRANSACTION")):
        return End.COMMIT
    sets = tokens[0].says("SET") and any(
        token.text.lower().rpartition(".")[2].lstrip("@") == "autocommit" for token in tokens[1:]
    )
    return End.AUTOCOMMIT if sets else None
