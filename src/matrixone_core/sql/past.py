"""What tables were at an earlier moment, and statements that bring it back (server-facts 35, 63, 75)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matrixone_core.fragments import Part, Value, quote_name, quote_names
from matrixone_core.sql.moment import Past
from matrixone_core.sql.table import INTERNAL
from matrixone_core.steps import Command, Reply, Statement

SKIPS_DATABASE = "if_not_exists=True leaves it as it is"
_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
SYSTEM_DATABASES = frozenset(
    {"information_schema", "mo_catalog", "mo_debug", "mo_task", "mysql", "system", "system_metrics"}
)


@dataclass(frozen=True)
class ServerTime(Statement[str]):
    """A moment as the server's own clock shows it, in the zone that its process has (server-facts 75)."""

    seconds: str

    before: ClassVar[str] = "SET @matrixone_time_zone = @@time_zone, time_zone = 'SYSTEM'"
    after: ClassVar[str] = "SET time_zone = @matrixone_time_zone"

    def parts(self) -> Iterator[Part]:
        yield f"SELECT FROM_UNIXTIME({self.seconds}) AS moment"

    def parse(self, reply: Reply, /) -> str:
        return str(reply.rows[0]["moment"])


@dataclass(frozen=True)
class CurrentDatabase(Statement[str | None]):
    """The database of the connection, or None."""

    def parts(self) -> Iterator[Part]:
        yield "SELECT DATABASE() AS name"

    def parse(self, reply: Reply, /) -> str | None:
        return str(reply.rows[0]["name"] or "") or None  # a server says "" where there is none (server-facts 73)


@dataclass(frozen=True)
class TablesThen(Statement[dict[str, bool]]):
    """The names of a database's tables and views at an earlier moment, and whether each is a view.

    Args:
        database: the database.
        past: the moment; None for now.
    """

    database: str
    past: Past | None

    def parts(self) -> Iterator[Part]:
        yield f"SHOW FULL TABLES FROM {quote_name(self.database)}"
        if self.past is not None:
            yield from self.past.parts()

    def parse(self, reply: Reply, /) -> dict[str, bool]:
        pairs = sorted((row[f"Tables_in_{self.database}"], row["Table_type"]) for row in reply.rows)
        return {
            name: kind == "VIEW"
            for name, kind in pairs
            if kind in {"BASE TABLE", "VIEW"} and not name.startswith(INTERNAL)
        }


@dataclass(frozen=True)
class ChangedDefinitions(Statement[tuple[tuple[str, str], ...]]):
    """The views, and the columns of tables, whose definitions the server changes in a copy (server-facts 102).

    Each is the name of a view and nothing, or of a table and its column.

    Args:
        database: the database; None for that of the connection.
        past: the moment; None for now.
        table: the table alone; None for all tables and views.
    """

    database: str | None
    past: Past | None
    table: str | None = None

    def parts(self) -> Iterator[Part]:
        yield "SELECT table_name AS name, '' AS column_name, view_definition AS definition"
        yield from self._source("views")
        yield " AND INSTR(view_definition, "
        yield Value("\\")
        yield ") > 0 UNION ALL SELECT table_name, column_name, NULL"
        yield from self._source("columns")
        yield " AND (column_default LIKE "
        yield Value("'%''%'")  # a text with a quote; an expression is in brackets
        yield " OR INSTR(column_comment, "
        yield Value("\\")
        yield ") > 0)"

    def parse(self, reply: Reply, /) -> tuple[tuple[str, str], ...]:
        return tuple(
            sorted(
                (str(row["name"]), str(row["column_name"]))
                for row in reply.rows
                if row["definition"] is None or _is_changed(str(row["definition"]))
            )
        )

    def _source(self, table: str) -> Iterator[Part]:
        yield f" FROM information_schema.{table}"
        if self.past is not None:
            yield from self.past.parts()
        yield " WHERE table_schema = "
        yield "DATABASE()" if self.database is None else Value(self.database)
        if self.table is not None:
            yield " AND table_name = "
            yield Value(self.table)


@dataclass(frozen=True)
class DatabasesThen(Statement[tuple[str, ...]]):
    """The names of the databases at an earlier moment, the server's own left out."""

    past: Past

    def parts(self) -> Iterator[Part]:
        yield "SHOW DATABASES"
        yield from self.past.parts()

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        names = (str(row["Database"]) for row in reply.rows)
        return tuple(sorted(name for name in names if name not in SYSTEM_DATABASES))


@dataclass(frozen=True)
class TableIds(Statement[dict[tuple[str, str], int]]):
    """The server's number of each table, by database and name; a table that is restored gets a new one.

    Args:
        database: the database; None for all but the server's own.
    """

    database: str | None

    def parts(self) -> Iterator[Part]:
        yield "SELECT reldatabase, relname, rel_id FROM mo_catalog.mo_tables WHERE relkind = 'r'"
        if self.database is not None:
            yield " AND reldatabase = "
            yield Value(self.database.lower())

    def parse(self, reply: Reply, /) -> dict[tuple[str, str], int]:
        return {
            (row["reldatabase"], row["relname"]): int(row["rel_id"])
            for row in reply.rows
            if row["reldatabase"] not in SYSTEM_DATABASES and not row["relname"].startswith(INTERNAL)
        }


@dataclass(frozen=True)
class Referrers(Statement[tuple[tuple[str, str], ...]]):
    """The tables whose foreign keys refer to a table: database and name of each."""

    table: tuple[str, str]

    def parts(self) -> Iterator[Part]:
        yield "SELECT DISTINCT constraint_schema AS found_in, table_name AS name"
        yield " FROM information_schema.referential_constraints WHERE unique_constraint_schema = "
        yield Value(self.table[0])
        yield " AND referenced_table_name = "
        yield Value(self.table[1])

    def parse(self, reply: Reply, /) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((str(row["found_in"]), str(row["name"])) for row in reply.rows))


@dataclass(frozen=True)
class CountRows(Statement[int]):
    """How many rows a table has, or had."""

    table: tuple[str, str]
    past: Past | None = None

    def parts(self) -> Iterator[Part]:
        yield f"SELECT COUNT(*) AS counted FROM {quote_names(self.table)}"
        if self.past is not None:
            yield from self.past.parts()

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["counted"])


@dataclass(frozen=True)
class CountOrphans(Statement[int]):
    """How many rows of a table refer to a row that another table does not have.

    Args:
        child: the table with the foreign key.
        columns: its columns.
        parent: the table that the key refers to.
        keys: the columns there, in the same order.
    """

    child: tuple[str, str]
    columns: tuple[str, ...]
    parent: tuple[str, str]
    keys: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        pairs = list(zip(map(quote_name, self.columns), map(quote_name, self.keys), strict=True))
        on = " AND ".join(f"c.{column} = p.{key}" for column, key in pairs)
        wanted = " AND ".join(f"c.{column} IS NOT NULL" for column, _ in pairs)
        yield f"SELECT COUNT(*) AS counted FROM {quote_names(self.child)} c"
        yield f" LEFT JOIN {quote_names(self.parent)} p ON {on}"
        yield f" WHERE {wanted} AND p.{pairs[0][1]} IS NULL"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["counted"])


@dataclass(frozen=True)
class OutsideReferrers(Statement[tuple[tuple[str, str, str], ...]]):
    """The tables of other databases that refer to one: database and name of each, and the table it refers to."""

    database: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT DISTINCT constraint_schema AS found_in, table_name AS name, referenced_table_name AS parent"
        yield " FROM information_schema.referential_constraints WHERE unique_constraint_schema = "
        yield Value(self.database)
        yield " AND constraint_schema <> "
        yield Value(self.database)

    def parse(self, reply: Reply, /) -> tuple[tuple[str, str, str], ...]:
        return tuple(sorted((str(row["found_in"]), str(row["name"]), str(row["parent"])) for row in reply.rows))


@dataclass(frozen=True)
class CheckForeignKeys(Command):
    """SET foreign_key_checks, which also commits what the transaction has done so far.

    Args:
        enabled: whether the session checks foreign keys from now on.
    """

    enabled: bool

    def parts(self) -> Iterator[Part]:
        yield f"SET foreign_key_checks = {int(self.enabled)}"


@dataclass(frozen=True)
class EndTransaction(Command):
    """COMMIT or ROLLBACK.

    Args:
        word: one of the two.
    """

    word: str

    def parts(self) -> Iterator[Part]:
        yield self.word


@dataclass(frozen=True)
class DeleteRows(Command):
    """Delete all rows of a table.

    Without a condition the server truncates the table, which no rollback undoes while keys are not checked.

    Args:
        table: the table.
        column: any column of it.
    """

    table: tuple[str, str]
    column: str

    def parts(self) -> Iterator[Part]:
        column = quote_name(self.column)
        yield f"DELETE FROM {quote_names(self.table)} WHERE {column} IS NOT NULL OR {column} IS NULL"


@dataclass(frozen=True)
class InsertRowsThen(Command):
    """Insert the rows that a table had at an earlier moment."""

    table: tuple[str, str]
    columns: tuple[str, ...]
    past: Past

    def parts(self) -> Iterator[Part]:
        names = ", ".join(map(quote_name, self.columns))
        yield f"INSERT INTO {quote_names(self.table)} ({names}) SELECT {names} FROM {quote_names(self.table)}"
        yield from self.past.parts()


@dataclass(frozen=True)
class Restore(Command):
    """RESTORE of an account, a database or a table from a snapshot.

    Args:
        level: ACCOUNT, DATABASE or TABLE.
        names: the account, the database, or the database and the table.
        snapshot: the snapshot's name.
    """

    stays: ClassVar[bool] = True

    level: str
    names: tuple[str, ...]
    snapshot: str

    def parts(self) -> Iterator[Part]:
        yield f"RESTORE {self.level} {quote_names(self.names)}"
        yield from Past(self.snapshot).parts()


@dataclass(frozen=True)
class RestorePitr(Command):
    """RESTORE of a database or one of its tables to a time.

    Args:
        names: the database, or the database and the table.
        pitr: the name of the point-in-time recovery.
        time: the time in the server's zone, as text.
    """

    stays: ClassVar[bool] = True

    names: tuple[str, ...]
    pitr: str
    time: str

    def parts(self) -> Iterator[Part]:
        yield f"RESTORE DATABASE {quote_name(self.names[0])}"
        if len(self.names) > 1:
            yield f" TABLE {quote_name(self.names[1])}"
        yield f" FROM PITR {quote_name(self.pitr)} "
        yield Value(self.time)


@dataclass(frozen=True)
class CloneDatabase(Command):
    """CREATE DATABASE … CLONE."""

    target: str
    source: str
    past: Past | None = None

    def parts(self) -> Iterator[Part]:
        yield f"CREATE DATABASE {quote_name(self.target)} CLONE {quote_name(self.source)}"
        if self.past is not None:
            yield from self.past.parts()


@dataclass(frozen=True)
class CloneTable(Command):
    """CREATE TABLE … CLONE; with IF NOT EXISTS the server would add the rows to a table that is there."""

    target: tuple[str, ...]
    source: tuple[str, ...]
    past: Past | None = None

    def parts(self) -> Iterator[Part]:
        yield f"CREATE TABLE {quote_names(self.target)} CLONE {quote_names(self.source)}"
        if self.past is not None:
            yield from self.past.parts()


def _is_changed(view: str) -> bool:
    """Whether a view's text becomes another when each backslash is read once more, as in a text.

    What does not matter is an escape in a text that leaves neither a backslash nor a quote, such as that of a newline.
    """
    return re.search(r"""\\[\\'"]""", view) is not None or "\\" in _TEXT.sub("", view)
