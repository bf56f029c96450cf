"""Temporary tables, which the engine has not: tables of a hidden database, by names that one connection alone knows.

They stay until they are dropped or the connection ends, whether the transaction that created them commits or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.engine.scratch import ScratchTables
from matrixone_local.errors import SqlError
from matrixone_local.sql.ddl import NO_SUCH_OBJECT, UNUSED_TABLE, named, names
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.references import put_table, table_references
from matrixone_local.sql.tokens import Reader, Statement, Token
from matrixone_local.translation.show import Answer, Value


class TemporaryTables:
    """The temporary tables of one connection.

    Args:
        hidden: where they lie.
        connection: opens a session beside the client's, with its rights.
    """

    def __init__(self, hidden: ScratchTables, connection: Callable[[], EngineConnection]) -> None:
        self._hidden = hidden
        self._open_connection = connection
        self._tables: dict[tuple[str, ...], str] = {}

    def may_mention(self, sql: str) -> bool:
        """Whether a statement may be about one of them."""
        if not self._tables:
            return False
        small = sql.lower()
        return any(name[-1] in small for name in self._tables)

    def create(self, sql: str, tokens: list[Token], database: str) -> int:
        """Carry out CREATE TEMPORARY TABLE.

        Args:
            sql: the statement, in the engine's words.
            tokens: its tokens.
            database: the client's.

        Returns:
            How many rows it has.

        Raises:
            EngineError: the client may not make tables, or the definition cannot be read.
            SqlError: there is a temporary one of this name.
        """
        read = Reader(sql, tokens)
        read.expect("CREATE", "TEMPORARY", "TABLE")
        if_exists = read.take("IF", "NOT", "EXISTS")
        table = named(read, "TABLE").within(database)
        if table.name in self._tables:
            if if_exists:
                return 0
            raise SqlError(1050, f"table {table.name[-1]} already exists", "42S01")
        rest = sql[tokens[read.at - 1].end :]
        hidden = self._hidden.temporary_table()
        with closing(self._open_connection()) as connection:
            _check_right(table.database, connection)
            affected = connection.query(f"CREATE TABLE {hidden}{rest}").affected
        self._tables[table.name] = hidden
        return affected

    def drop(self, sql: str, tokens: list[Token], database: str) -> bool:
        """Carry out DROP [TEMPORARY] TABLE, if it is about temporary ones.

        Args:
            sql: any definition.
            tokens: its tokens.
            database: the client's.

        Returns:
            Whether it was.

        Raises:
            SqlError: some of the tables are not temporary ones.
        """
        read = Reader(sql, tokens)
        alone = read.take("DROP", "TEMPORARY", "TABLE")
        if not alone and not read.take("DROP", "TABLE"):
            return False
        if_exists = read.take("IF", "EXISTS")
        tables = [table.within(database) for table in names(read, "TABLE")]
        others = [table for table in tables if table.name not in self._tables]
        if others and not alone and len(others) == len(tables):
            return False
        if others and not (alone and if_exists):
            raise SqlError(1146, f"no such table {'.'.join(others[0].name)}", "42S02")
        for table in tables:
            if table not in others:
                self._hidden.drop_later(f"DROP TABLE {self._tables.pop(table.name)}")
        return True

    def named_in(self, statement: Statement, database: str) -> Statement:
        """The statement with the names of the hidden tables in the place of the temporary ones'."""
        tokens = statement.tokens
        makes_a_table = tokens[0].says("CREATE") and not any(token.says("INDEX") for token in tokens[1:3])
        for reference in table_references(tokens):
            if makes_a_table and not reference.reads:
                continue
            hidden = self._tables.get(reference.within(database))
            if hidden is not None:
                put_table(statement, reference, hidden)
        return statement.changed()

    def restore_names(self, answer: Answer) -> Answer:
        """A description with the names that the client knows."""
        rows = [list(row) for row in answer.rows]
        for name, hidden in self._tables.items():
            bare = hidden.partition(".")[2]
            rows = [[_with_name(one, bare, name[-1]) for one in row] for row in rows]
        return Answer(answer.titles, rows)

    def hidden(self, table: Sequence[str], database: str) -> tuple[str, ...]:
        """A table's name, or the hidden one of a temporary table."""
        found = self._tables.get((table[0].lower() if len(table) == 2 else database.lower(), table[-1].lower()))
        return tuple(found.split(".")) if found else tuple(table)

    def close(self) -> None:
        """The connection ends, and the tables with it."""
        for hidden in self._tables.values():
            self._hidden.drop_later(f"DROP TABLE {hidden}")
        self._tables.clear()


def _with_name(cell: Value, hidden: str, name: str) -> Value:
    if cell == hidden:
        return name
    return cell.replace(quoted(hidden), quoted(name)) if isinstance(cell, str) else cell


def _check_right(database: str, link: EngineConnection) -> None:
    """Refuse who may make no tables in a database.

    Raises:
        EngineError: so it is.
    """
    nobody, either = (f"{quoted(database)}.{quoted(name)}" for name in (UNUSED_TABLE, f"{UNUSED_TABLE}_either"))
    try:
        link.query(f"CREATE TABLE {nobody} LIKE {either}")
    except EngineError as error:
        if error.code not in NO_SUCH_OBJECT:
            raise
