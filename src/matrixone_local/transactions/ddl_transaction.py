"""Definitions within a transaction: the engine's commit at once, a MatrixOne server's with it (server-facts 13).

What makes something is carried out at once over another session, and taken back by a rollback; what drops a table or
database is hidden at once, and carried out after the commit. What changes a table is carried out at once as well, after
a copy was kept of how it was (`kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace

from matrixone_local.engine.seekdb import EngineError, Link
from matrixone_local.errors import Refused, internal
from matrixone_local.sql.ddl import MISSING, NOBODY, Definition, Name
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.references import table_references
from matrixone_local.sql.tokens import Token
from matrixone_local.transactions.table_versions import Kept, Table, Waiting
from matrixone_local.transactions.undo_log import Journal, Undo

INTERRUPTED = 1317


class Definitions:
    """The definitions of one client's open transaction.

    Args:
        journal: where what takes them back is noted.
        kept: keeps tables as they were.
        aside: opens a session beside the client's, with its rights.
        gone: told what is dropped in the end.
    """

    def __init__(
        self, journal: Journal, kept: Kept, aside: Callable[[], Link], gone: Callable[[Definition], None]
    ) -> None:
        self._journal = journal
        self._kept = kept
        self._aside = aside
        self._gone = gone
        self._notes: list[int] = []
        self._undo: list[Undo] = []
        self._touched: set[Name] = set()  # what a rollback takes back already
        self._dropped: list[Definition] = []

    def __bool__(self) -> bool:
        return bool(self._undo or self._dropped)

    @property
    def dropped(self) -> tuple[Name, ...]:
        """The names of the tables and databases that the transaction has dropped, and that are still there."""
        return tuple(one.name for one in self._dropped)

    def are_open(self, link: Link) -> bool:
        """Whether the client's transaction is open."""
        return link.in_transaction or bool(self)

    # -- what makes, drops and changes something ----------------------------------------------------------------

    def make(self, definition: Definition, carry_out: Callable[[Link], int], client: Waiting, *, again: bool) -> int:
        """Carry out what makes a table or a database.

        Args:
            definition: what it makes.
            carry_out: makes it, over the session that it is given.
            client: whose transaction it is.
            again: whether it may have the name of a table that the transaction has dropped.

        Returns:
            How many rows that affected.

        Raises:
            Refused: the transaction has dropped one of the same name, which cannot be put aside.
        """
        for one in self._dropped:
            if one.name == definition.name and one.kind == definition.kind:
                self._put_aside(one, client, again=again)
                break
        with closing(self._aside()) as aside:
            if _is_there(definition, aside):
                return 0 if definition.tolerant else carry_out(aside)  # is refused
            return self._noted(Undo((definition.drop,), definition), lambda: carry_out(aside), aside)

    def drop(self, definitions: Sequence[Definition]) -> None:
        """Hide what is dropped, and drop it when the transaction is committed.

        Raises:
            EngineError: the client may not drop it.
            Refused: there is no such table.
        """
        with closing(self._aside()) as aside:
            for definition in definitions:
                nobody = replace(definition, name=(*definition.name[:-1], NOBODY))
                aside.query(nobody.drop)  # asks for the right alone
            there = [one for one in definitions if not self._has_dropped(one) and _is_there(one, aside)]
        missing = [one for one in definitions if one not in there and not one.tolerant]
        if missing:
            raise Refused(1146, f"no such table {'.'.join(missing[0].name)}", "42S02")
        self._dropped += [replace(one, tolerant=False) for one in there]

    def change(self, touched: Iterable[Definition], carry_out: Callable[[Link], int], client: Waiting) -> int:
        """Carry out what changes tables and views, makes and drops views, or gives tables other names.

        Args:
            touched: what may be there before or afterwards.
            carry_out: changes it, over the session that it is given.
            client: whose transaction it is.

        Returns:
            How many rows that affected.

        Raises:
            EngineError: other transactions that have changed one of the tables did not end in time.
            Refused: the transaction has dropped one of them.
        """
        touched = list(touched)
        for one in touched:
            if self._has_dropped(one):
                raise Refused(1146, f"no such table {'.'.join(one.name)}", "42S02")
        self.settle([one.name for one in touched if one.kind == "TABLE"], client)
        with closing(self._aside()) as aside:
            for one in touched:
                self._keep(one, aside, client)
            return carry_out(aside)

    def empty(self, table: Definition, carry_out: Callable[[Link], int], client: Waiting) -> int:
        """Carry out TRUNCATE: few rows are deleted, a table of many gives way to a new one until the transaction ends.

        Args:
            table: the table.
            carry_out: empties it, over the session that it is given.
            client: whose transaction it is.

        Returns:
            How many rows that affected, which is none.

        Raises:
            EngineError: there is no such table, or as for `change`.
            Refused: the transaction has dropped it.
        """
        if not self._has_dropped(table) and self._kept.is_small(_table(table)):
            client.link.query(f"DELETE FROM {table.quoted}")  # noqa: S608  # quoted
            return 0
        self.settle([table.name], client)
        if table.name in self._touched or self._has_dropped(table) or self._kept.has_foreign_keys(_table(table)):
            return self.change([table], carry_out, client)
        hidden = self._kept.hidden(table)
        there = f"SELECT 1 FROM {hidden.quoted} LIMIT 0"  # noqa: S608  # a name of ours; missing once it was put back
        back = Undo((there, table.drop, f"RENAME TABLE {hidden.quoted} TO {table.quoted}"))
        with closing(self._aside()) as aside:
            nobody = replace(table, name=(table.database, NOBODY))
            aside.query(nobody.drop)  # asks for the right alone
            self._noted(back, lambda: self._kept.replace(table, hidden, client), aside)
        self._touched.add(table.name)
        return 0

    def settle(self, tables: Iterable[Name] | None, client: Waiting) -> None:
        """See to it that the transaction has no uncommitted rows in these tables, which the engine would not change.

        Args:
            tables: databases and names, in small letters; None for all tables.
            client: whose transaction it is.

        Raises:
            EngineError: as for `change`.
        """
        changed = self._kept.changed(client.link.id)
        if not changed if tables is None else changed.isdisjoint(tables):
            return
        with closing(self._aside()) as aside:
            for table in sorted(changed):
                self._keep(Definition("TABLE", table), aside, client)
        begins = client.link.autocommit
        client.link.query("COMMIT")
        if begins:
            client.link.query("BEGIN")

    def _keep(self, definition: Definition, aside: Link, client: Waiting) -> None:
        """Have a rollback bring back what is there now, or drop what will be."""
        if definition.name in self._touched:
            return
        if not _is_there(definition, aside):
            undo = Undo((definition.drop,), definition)
        elif definition.kind == "VIEW":
            shown = aside.query(f"SHOW CREATE VIEW {definition.quoted}").rows[0][1]
            undo = Undo((definition.drop, f"USE {quoted(definition.database)}", str(shown)))
        else:
            undo = self._kept.keep(_table(definition), client)
        self._note(undo)
        self._touched.add(definition.name)

    def _note(self, undo: Undo) -> None:
        self._notes.append(self._journal.note(undo))
        self._undo.append(undo)

    def _noted(self, undo: Undo, carry_out: Callable[[], int], link: Link) -> int:
        """Carry something out after what takes it back was noted."""
        number = self._journal.note(undo)
        try:
            affected = carry_out()
        except BaseException:
            self._journal.strike([number], link)
            raise
        self._notes.append(number)
        self._undo.append(undo)
        if undo.gone is not None:
            self._touched.add(undo.gone.name)
        return affected

    def _put_aside(self, dropped: Definition, client: Waiting, *, again: bool) -> None:
        """Give a dropped table another name until the transaction ends."""
        refused = internal(
            f"the local server cannot make {'.'.join(dropped.name)} again in the transaction that dropped it now;"
            " COMMIT first"
        )
        if dropped.kind != "TABLE" or not again:
            raise refused
        self.settle([dropped.name], client)
        hidden = self._kept.hidden(dropped)
        back = Undo((f"RENAME TABLE {hidden.quoted} TO {dropped.quoted}",))
        try:
            with closing(self._aside()) as aside:
                self._noted(back, lambda: self._kept.rename(dropped, hidden), aside)
        except EngineError as error:
            raise (refused if error.code == INTERRUPTED else error) from None
        self._dropped[self._dropped.index(dropped)] = hidden

    # -- what the transaction sees ------------------------------------------------------------------------------

    def _has_dropped(self, definition: Definition) -> bool:
        return definition.name in self.dropped

    def check(self, tokens: Sequence[Token], database: Callable[[], str]) -> None:
        """Refuse a statement about a table that the transaction has dropped."""
        hidden = set(self.dropped)
        if not hidden:
            return
        for reference in table_references(tokens):
            name = reference.within(database())
            if name in hidden and tokens[0].says("SELECT", "WITH", "("):
                raise Refused(1064, f'SQL parser error: table "{name[1]}" does not exist', "42000")
            if name in hidden:
                raise Refused(1146, f"no such table {'.'.join(name)}", "42S02")

    # -- its end ------------------------------------------------------------------------------------------------

    def commits(self, link: Link) -> None:
        """The transaction is about to be committed: what it made is there to stay if it is.

        Args:
            link: the transaction's session.
        """
        self._journal.strike(self._notes, link)

    def committed(self, client: Waiting) -> None:
        """The transaction is committed: carry out what waited for it."""
        dropped, self._dropped = self._dropped, []
        self._forget()
        if dropped:
            with closing(self._kept.link()) as link:
                self._carry_out([Undo((one.drop,), one) for one in dropped], link)
        self._kept.let_go(client.link.id)

    def rolled_back(self, client: Waiting) -> None:
        """The transaction is rolled back: take back what it made and changed."""
        undo, notes, self._dropped = self._undo, self._notes, []
        self._forget()
        if undo:
            with closing(self._kept.link()) as link:
                self._carry_out(undo[::-1], link)
                self._journal.strike(notes, link)
        self._kept.let_go(client.link.id)

    def _forget(self) -> None:
        self._undo, self._notes, self._touched = [], [], set()

    def _carry_out(self, undo: Sequence[Undo], link: Link) -> None:
        for one in undo:
            with suppress(EngineError):  # somebody else was first
                for statement in one.statements:
                    link.query(statement)
            if one.gone is not None:
                self._gone(one.gone)


def _table(definition: Definition) -> Table:
    return definition.name[0], definition.name[1]


def _is_there(definition: Definition, link: Link) -> bool:
    """Whether there is such a table, view or database."""
    parts = "TABLES" if definition.kind == "DATABASE" else "COLUMNS"
    try:
        link.query(f"SHOW {parts} FROM {definition.quoted}")
    except EngineError as error:
        if error.code in MISSING:
            return False
        raise
    return True
