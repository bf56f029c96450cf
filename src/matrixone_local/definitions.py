"""Definitions within a transaction: the engine's commit at once, a MatrixOne server's with it (server-facts 13).

What makes something is carried out at once over another session, and taken back by a rollback; what drops something is
hidden at once, and carried out after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import Enum

from .engine import Engine, EngineError, Link
from .errors import Refused, internal
from .hidden import UNCOMMITTED
from .references import table_references
from .tokens import Token
from .values import quoted

MISSING = frozenset({1049, 1146})  # no such database, no such table
NOBODY = "__mo_nobody"  # what no table is called
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
    def drop(self) -> str:
        """What drops it, if it is there."""
        return f"DROP {self.kind} IF EXISTS {'.'.join(map(quoted, self.name))}"

    def is_there(self, link: Link) -> bool:
        """Whether there is such a table or database."""
        what = "TABLES" if self.kind == "DATABASE" else "COLUMNS"
        try:
            link.query(f"SHOW {what} FROM {'.'.join(map(quoted, self.name))}")
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
                cursor.execute(undo)
            cursor.execute(f"DELETE FROM {UNCOMMITTED}")  # noqa: S608  # as above

    def note(self, definition: Definition) -> int:
        """Note what a transaction makes, before it does; returns the note's number."""
        with self._engine.session() as cursor:
            cursor.execute(f"INSERT INTO {UNCOMMITTED} (statement) VALUES (%s)", (definition.drop,))  # noqa: S608  # a constant
            return cursor.lastrowid

    def strike(self, numbers: Sequence[int], link: Link) -> None:
        """Strike notes over a session: what they note is committed with its transaction, or is taken back already."""
        if numbers:
            link.query(f"DELETE FROM {UNCOMMITTED} WHERE id IN ({', '.join(map(str, numbers))})")  # noqa: S608  # numbers


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
        self._made: list[Definition] = []
        self._dropped: list[Definition] = []

    def __bool__(self) -> bool:
        return bool(self._made or self._dropped)

    def make(self, definition: Definition, carry_out: Callable[[Link], int]) -> int:
        """Carry out what makes something.

        Args:
            definition: what it makes.
            carry_out: makes it, over the session that it is given.

        Returns:
            How many rows that affected.

        Raises:
            Refused: the transaction has dropped one of the same name.
        """
        if any(one.name == definition.name and one.kind == definition.kind for one in self._dropped):
            raise internal(
                f"the local server cannot make {'.'.join(definition.name)} again in the transaction that dropped it; "
                "COMMIT first"
            )
        with closing(self._aside()) as aside:
            notes: list[int] = []
            if not definition.is_there(aside):  # what is there already is not to be taken back
                notes.append(self._journal.note(definition))
            elif definition.tolerant:
                return 0
            try:
                affected = carry_out(aside)
            except BaseException:
                self._journal.strike(notes, aside)
                raise
        self._notes += notes
        self._made.append(definition)
        return affected

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
        dropped, self._dropped, self._made, self._notes = self._dropped, [], [], []
        if dropped:
            with closing(self._aside()) as aside:
                self._carry_out(dropped, aside)

    def rolled_back(self) -> None:
        """The transaction is rolled back: drop what it made."""
        made, self._made, self._dropped = self._made, [], []
        notes, self._notes = self._notes, []
        if made or notes:
            with closing(self._aside()) as aside:
                self._carry_out(made[::-1], aside)
                self._journal.strike(notes, aside)

    def _carry_out(self, definitions: Sequence[Definition], aside: Link) -> None:
        for definition in definitions:
            with suppress(EngineError):  # somebody else was first
                aside.query(definition.drop)
            self._gone(definition)


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
