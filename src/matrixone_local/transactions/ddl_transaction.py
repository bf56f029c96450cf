"""Definitions within a transaction: the engine's commit at once, a MatrixOne server's with it (server-facts 13).

What makes something runs at once over another session, and taken back by a rollback; what drops a table or
database is hidden at once, and dropped after the commit. What changes a table runs at once as well, after
a copy was stored of how it was (`table_versions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import SqlError, internal_error
from matrixone_local.sql.ddl import NO_SUCH_OBJECT, UNUSED_TABLE, Name, SchemaObject
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.references import table_references
from matrixone_local.sql.tokens import Token
from matrixone_local.transactions.table_versions import Table, TableVersions, Waiting
from matrixone_local.transactions.undo_log import Undo, UndoLog

INTERRUPTED = 1317


class TransactionalDdl:
    """The definitions of one client's open transaction.

    Args:
        undo_log: where what takes them back is noted.
        table_versions: keeps tables as they were.
        connection: opens a session beside the client's, with its rights.
        on_dropped: receives what is dropped in the end.
    """

    def __init__(
        self,
        journal: UndoLog,
        versions: TableVersions,
        connection: Callable[[], EngineConnection],
        on_dropped: Callable[[SchemaObject], None],
    ) -> None:
        self._journal = journal
        self._versions = versions
        self._open_connection = connection
        self._on_dropped = on_dropped
        self._entry_ids: list[int] = []
        self._undo: list[Undo] = []
        self._touched: set[Name] = set()  # what a rollback takes back already
        self._dropped: list[SchemaObject] = []

    def __bool__(self) -> bool:
        return bool(self._undo or self._dropped)

    @property
    def dropped(self) -> tuple[Name, ...]:
        """The names of the tables and databases that the transaction has dropped, and that are still there."""
        return tuple(one.name for one in self._dropped)

    def are_open(self, link: EngineConnection) -> bool:
        """Whether the client's transaction is open."""
        return link.in_transaction or bool(self)

    # -- what makes, drops and changes something ----------------------------------------------------------------

    def make(
        self, definition: SchemaObject, carry_out: Callable[[EngineConnection], int], client: Waiting, *, again: bool
    ) -> int:
        """Carry out what makes a table or a database.

        Args:
            definition: what it makes.
            carry_out: makes it, over the session that it is given.
            client: whose transaction it is.
            again: whether it may have the name of a table that the transaction has dropped.

        Returns:
            How many rows that affected.

        Raises:
            SqlError: the transaction has dropped one of the same name, which cannot be renamed.
        """
        for one in self._dropped:
            if one.name == definition.name and one.kind == definition.kind:
                self._rename_dropped(one, client, again=again)
                break
        with closing(self._open_connection()) as connection:
            if _is_there(definition, connection):
                return 0 if definition.if_exists else carry_out(connection)  # is refused
            return self._with_undo(Undo((definition.drop,), definition), lambda: carry_out(connection), connection)

    def drop(self, definitions: Sequence[SchemaObject]) -> None:
        """Hide what is dropped, and drop it when the transaction is committed.

        Raises:
            EngineError: the client may not drop it.
            SqlError: there is no such table.
        """
        with closing(self._open_connection()) as connection:
            for definition in definitions:
                nobody = replace(definition, name=(*definition.name[:-1], UNUSED_TABLE))
                connection.query(nobody.drop)  # asks for the right alone
            there = [one for one in definitions if not self._has_dropped(one) and _is_there(one, connection)]
        missing = [one for one in definitions if one not in there and not one.if_exists]
        if missing:
            raise SqlError(1146, f"no such table {'.'.join(missing[0].name)}", "42S02")
        self._dropped += [replace(one, if_exists=False) for one in there]

    def change(
        self, touched: Iterable[SchemaObject], carry_out: Callable[[EngineConnection], int], client: Waiting
    ) -> int:
        """Carry out what changes tables and views, makes and drops views, or gives tables other names.

        Args:
            touched: what may be there before or afterwards.
            carry_out: changes it, over the session that it is given.
            client: whose transaction it is.

        Returns:
            How many rows that affected.

        Raises:
            EngineError: other transactions that have changed one of the tables did not end in time.
            SqlError: the transaction has dropped one of them.
        """
        touched = list(touched)
        for one in touched:
            if self._has_dropped(one):
                raise SqlError(1146, f"no such table {'.'.join(one.name)}", "42S02")
        self.settle([one.name for one in touched if one.kind == "TABLE"], client)
        with closing(self._open_connection()) as connection:
            for one in touched:
                self._keep(one, connection, client)
            return carry_out(connection)

    def empty(self, table: SchemaObject, carry_out: Callable[[EngineConnection], int], client: Waiting) -> int:
        """Run TRUNCATE: delete few rows; replace a table of many by a new one until the transaction ends.

        Args:
            table: the table.
            carry_out: empties it, over the session that it is given.
            client: whose transaction it is.

        Returns:
            How many rows that affected, which is none.

        Raises:
            EngineError: there is no such table, or as for `change`.
            SqlError: the transaction has dropped it.
        """
        if not self._has_dropped(table) and self._versions.is_small(_table(table)):
            client.link.query(f"DELETE FROM {table.quoted}")  # noqa: S608  # quoted
            return 0
        self.settle([table.name], client)
        if table.name in self._touched or self._has_dropped(table) or self._versions.has_foreign_keys(_table(table)):
            return self.change([table], carry_out, client)
        hidden = self._versions.hidden(table)
        there = f"SELECT 1 FROM {hidden.quoted} LIMIT 0"  # noqa: S608  # a name of ours; missing once it was put back
        back = Undo((there, table.drop, f"RENAME TABLE {hidden.quoted} TO {table.quoted}"))
        with closing(self._open_connection()) as connection:
            nobody = replace(table, name=(table.database, UNUSED_TABLE))
            connection.query(nobody.drop)  # asks for the right alone
            self._with_undo(back, lambda: self._versions.replace(table, hidden, client), connection)
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
        if not client.link.in_transaction:  # to ask the engine what it has changed takes some milliseconds
            return
        changed = self._versions.changed(client.link.id)
        if not changed if tables is None else changed.isdisjoint(tables):
            return
        with closing(self._open_connection()) as connection:
            for table in sorted(changed):
                self._keep(SchemaObject("TABLE", table), connection, client)
        begins = client.link.autocommit
        client.link.query("COMMIT")
        if begins:
            client.link.query("BEGIN")

    def _keep(self, definition: SchemaObject, connection: EngineConnection, client: Waiting) -> None:
        """Have a rollback bring back what is there now, or drop what will be."""
        if definition.name in self._touched:
            return
        if not _is_there(definition, connection):
            undo = Undo((definition.drop,), definition)
        elif definition.kind == "VIEW":
            shown = connection.query(f"SHOW CREATE VIEW {definition.quoted}").rows[0][1]
            undo = Undo((definition.drop, f"USE {quoted(definition.database)}", str(shown)))
        else:
            undo = self._versions.keep(_table(definition), client)
        self._note(undo)
        self._touched.add(definition.name)

    def _note(self, undo: Undo) -> None:
        self._entry_ids.append(self._journal.note(undo))
        self._undo.append(undo)

    def _with_undo(self, undo: Undo, carry_out: Callable[[], int], link: EngineConnection) -> int:
        """Carry something out after what takes it back was noted."""
        number = self._journal.note(undo)
        try:
            affected = carry_out()
        except BaseException:
            self._journal.delete_entries([number], link)
            raise
        self._entry_ids.append(number)
        self._undo.append(undo)
        if undo.dropped is not None:
            self._touched.add(undo.dropped.name)
        return affected

    def _rename_dropped(self, dropped: SchemaObject, client: Waiting, *, again: bool) -> None:
        """Give a dropped table another name until the transaction ends."""
        refused = internal_error(
            f"the local server cannot make {'.'.join(dropped.name)} again in the transaction that dropped it now;"
            " COMMIT first"
        )
        if dropped.kind != "TABLE" or not again:
            raise refused
        self.settle([dropped.name], client)
        hidden = self._versions.hidden(dropped)
        back = Undo((f"RENAME TABLE {hidden.quoted} TO {dropped.quoted}",))
        try:
            with closing(self._open_connection()) as connection:
                self._with_undo(back, lambda: self._versions.rename(dropped, hidden), connection)
        except EngineError as error:
            raise (refused if error.code == INTERRUPTED else error) from None
        self._dropped[self._dropped.index(dropped)] = hidden

    # -- what the transaction sees ------------------------------------------------------------------------------

    def _has_dropped(self, definition: SchemaObject) -> bool:
        return definition.name in self.dropped

    def check(self, tokens: Sequence[Token], database: Callable[[], str]) -> None:
        """Refuse a statement about a table that the transaction has dropped."""
        hidden = set(self.dropped)
        if not hidden:
            return
        for reference in table_references(tokens):
            name = reference.within(database())
            if name in hidden and tokens[0].says("SELECT", "WITH", "("):
                raise SqlError(1064, f'SQL parser error: table "{name[1]}" does not exist', "42000")
            if name in hidden:
                raise SqlError(1146, f"no such table {'.'.join(name)}", "42S02")

    # -- its end ------------------------------------------------------------------------------------------------

    def commits(self, link: EngineConnection) -> None:
        """The transaction is about to be committed: what it made is there to stay if it is.

        Args:
            link: the transaction's session.
        """
        self._journal.delete_entries(self._entry_ids, link)

    def committed(self, client: Waiting) -> None:
        """The transaction is committed: carry out what waited for it."""
        dropped, self._dropped = self._dropped, []
        self._forget()
        if dropped:
            with closing(self._versions.link()) as link:
                self._carry_out([Undo((one.drop,), one) for one in dropped], link)
        self._versions.release(client.link.id)

    def abort(self, client: Waiting) -> None:
        """Roll the whole transaction back, as a deadlock or a lock timeout does (server-facts 15)."""
        client.link.query("ROLLBACK")
        self.rolled_back(client)

    def rolled_back(self, client: Waiting) -> None:
        """The transaction is rolled back: take back what it made and changed."""
        undo, notes, self._dropped = self._undo, self._entry_ids, []
        self._forget()
        if undo:
            with closing(self._versions.link()) as link:
                self._carry_out(undo[::-1], link)
                self._journal.delete_entries(notes, link)
        self._versions.release(client.link.id)

    def _forget(self) -> None:
        self._undo, self._entry_ids, self._touched = [], [], set()

    def _carry_out(self, undo: Sequence[Undo], link: EngineConnection) -> None:
        for one in undo:
            with suppress(EngineError):  # somebody else was first
                for statement in one.statements:
                    link.query(statement)
            if one.dropped is not None:
                self._on_dropped(one.dropped)


def _table(definition: SchemaObject) -> Table:
    return definition.name[0], definition.name[1]


def _is_there(definition: SchemaObject, link: EngineConnection) -> bool:
    """Whether there is such a table, view or database."""
    parts = "TABLES" if definition.kind == "DATABASE" else "COLUMNS"
    try:
        link.query(f"SHOW {parts} FROM {definition.quoted}")
    except EngineError as error:
        if error.code in NO_SUCH_OBJECT:
            return False
        raise
    return True
