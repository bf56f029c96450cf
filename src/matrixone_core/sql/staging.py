"""Staging tables: rows wait there for a table with keys, and are checked on their way (server-facts 17, 18)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.literals import Part, Value, dotted, identifier
from matrixone_core.operation import Command, Reply, Statement

NUMBER = "matrixone_row"  # of a staging table that knows its rows' order

# what hex() shows of UTF-8
UTF8 = "^([0-7][0-9A-F]|(C[2-9A-F]|D[0-9A-F])[89AB][0-9A-F]|E[0-9A-F]([89AB][0-9A-F]){2}|F[0-4]([89AB][0-9A-F]){3})*$"

Names = tuple[str, ...]


class Conflict(StrEnum):
    """What becomes of a row whose primary or unique key another row has."""

    ERROR = "error"
    SKIP = "skip"
    REPLACE = "replace"
    UPDATE = "update"
    UNCHECKED = "unchecked"


class Kept(StrEnum):
    """Which of the rows that have a key in common are taken."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True)
class CreateStaging(Command):
    """A table without keys that has columns of another one.

    Args:
        name: its name, one or two parts.
        like: the other table.
        columns: those that are as in the other table.
        own: those that are not: their names and types.
        numbered: whether its rows are numbered as they come.
    """

    name: Names
    like: Names
    columns: Names
    own: tuple[tuple[str, str], ...] = ()
    numbered: bool = False

    def parts(self) -> Iterator[Part]:
        yield f"CREATE TABLE {dotted(self.name)}"
        own = [f"{identifier(column)} {written}" for column, written in self.own]
        if self.numbered:
            own.append(f"{identifier(NUMBER)} BIGINT AUTO_INCREMENT PRIMARY KEY")
        if own:
            yield f" ({', '.join(own)})"
        if self.columns:
            yield f" AS SELECT {', '.join(map(identifier, self.columns))} FROM {dotted(self.like)} LIMIT 0"


@dataclass(frozen=True)
class DropTable(Command):
    """DROP TABLE."""

    name: Names
    if_exists: bool = True

    def parts(self) -> Iterator[Part]:
        yield f"DROP TABLE {'IF EXISTS ' if self.if_exists else ''}{dotted(self.name)}"


@dataclass(frozen=True)
class Assignment:
    """A column of the target, and what it is given.

    Args:
        column: the target's column.
        value: an SQL expression of the caller's; None for the staged column of the same name.
        nulls: texts of the staged column that mean NULL.
    """

    column: str
    value: str | None = None
    nulls: Names = ()

    def parts(self) -> Iterator[Part]:
        """The expression."""
        if self.value is not None:
            yield f"({self.value})"
            return
        yield "NULLIF(" * len(self.nulls)
        yield identifier(self.column)
        for text in self.nulls:
            yield ", "
            yield Value(text)
            yield ")"


@dataclass(frozen=True)
class InsertStaged(Statement[int]):
    """INSERT of staged rows into their table; the answer is the affected count (server-facts 44).

    Args:
        table: the target.
        staging: where the rows are.
        columns: what is inserted.
        conflict: what becomes of rows whose key is there already.
        update: for `Conflict.UPDATE`, the columns that the old row takes from the new one.
        kept: which of the staged rows that have a key in common are taken.
        keys: those keys; for other than `Kept.ALL` the staging table is to be numbered.
    """

    table: Names
    staging: Names
    columns: tuple[Assignment, ...]
    conflict: Conflict = Conflict.ERROR
    update: Names = ()
    kept: Kept = Kept.ALL
    keys: tuple[Names, ...] = ()

    refusal: ClassVar[type[ServerError]] = LoadFailed
    _verbs: ClassVar[dict[Conflict, str]] = {Conflict.SKIP: "INSERT IGNORE", Conflict.REPLACE: "REPLACE"}

    def parts(self) -> Iterator[Part]:
        names = ", ".join(identifier(assignment.column) for assignment in self.columns)
        yield f"{self._verbs.get(self.conflict, 'INSERT')} INTO {dotted(self.table)} ({names}) SELECT "
        before = ""
        for assignment in self.columns:
            yield before
            yield from assignment.parts()
            before = ", "
        yield f" FROM {dotted(self.staging)} s"
        yield from self._kept()
        if self.conflict is Conflict.UPDATE:
            updates = ", ".join(f"{identifier(c)}=VALUES({identifier(c)})" for c in self.update)
            yield f" ON DUPLICATE KEY UPDATE {updates}"

    def _kept(self) -> Iterator[str]:
        if self.kept is Kept.ALL:
            return
        for at, key in enumerate(self.keys):
            yield f" LEFT JOIN {_extremes(self.staging, key, self.kept, at)} d{at} ON {_same('s', f'd{at}_', key)}"
        beyond = "<" if self.kept is Kept.LAST else ">"
        yield " WHERE "
        yield " AND ".join(
            f"(d{at}_n IS NULL OR NOT s.{identifier(NUMBER)} {beyond} d{at}_n)" for at in range(len(self.keys))
        )

    def parse(self, reply: Reply, /) -> int:
        return reply.count


def _extremes(staging: Names, key: Names, kept: Kept, at: int) -> str:
    """The last or first number for each key that rows have in common."""
    extreme = "max" if kept is Kept.LAST else "min"
    columns = ", ".join(f"{identifier(c)} AS d{at}_{n}" for n, c in enumerate(key))
    return f"(SELECT {columns}, {extreme}({identifier(NUMBER)}) AS d{at}_n {_doubled(staging, key)})"


def _same(table: str, prefix: str, key: Names) -> str:
    return " AND ".join(f"{table}.{identifier(c)} = {prefix}{n}" for n, c in enumerate(key))


def _not_null(key: Names) -> str:
    return " AND ".join(f"{identifier(c)} IS NOT NULL" for c in key)


@dataclass(frozen=True)
class CheckStaged(Statement[int]):
    """How many staged rows have what the server would change, or never give back, without a word.

    Args:
        staging: where the rows are.
        whole: columns that are to be whole numbers.
        texts: columns that are to be UTF-8 (server-facts 25).
    """

    staging: Names
    whole: Names
    texts: Names

    def parts(self) -> Iterator[Part]:
        flaws = [f"{identifier(column)} <> floor({identifier(column)})" for column in self.whole]
        yield f"SELECT count(*) AS n FROM {dotted(self.staging)} WHERE {' OR '.join(flaws)}"
        for at, column in enumerate(self.texts):
            yield f"{' OR ' if at or flaws else ''}NOT (hex({identifier(column)}) REGEXP "
            yield Value(UTF8)
            yield ")"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class Surplus(Statement[int]):
    """How many rows a table has beyond the first of each key; NULLs are left aside, as in a unique key."""

    table: Names
    key: Names

    def parts(self) -> Iterator[Part]:
        yield f"SELECT sum(d.n) AS n FROM (SELECT count(*) - 1 AS n {_doubled(self.table, self.key)}) d"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"] or 0)


@dataclass(frozen=True)
class FirstDouble(Statement[tuple[Any, ...] | None]):
    """The values of one key that more than one row of a table has, or None."""

    table: Names
    key: Names

    def parts(self) -> Iterator[Part]:
        yield f"SELECT {', '.join(map(identifier, self.key))} {_doubled(self.table, self.key)} LIMIT 1"

    def parse(self, reply: Reply, /) -> tuple[Any, ...] | None:
        return tuple(reply.rows[0][column] for column in self.key) if reply.rows else None


def _doubled(table: Names, key: Names) -> str:
    columns = ", ".join(map(identifier, key))
    return f"FROM {dotted(table)} WHERE {_not_null(key)} GROUP BY {columns} HAVING count(*) > 1"


@dataclass(frozen=True)
class CountMatches(Statement[int]):
    """How many staged rows have a key that a row of the table has."""

    table: Names
    staging: Names
    keys: tuple[Names, ...]

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {dotted(self.staging)} s"
        for at, key in enumerate(self.keys):
            on = " AND ".join(f"t{at}.{identifier(c)} = s.{identifier(c)}" for c in key)
            yield f" LEFT JOIN {dotted(self.table)} t{at} ON {on}"
        found = " OR ".join(f"t{at}.{identifier(key[0])} IS NOT NULL" for at, key in enumerate(self.keys))
        yield f" WHERE {found}"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])
