"""INSERT … SELECT of staged rows into their table, and questions about the keys that rows share (server-facts 51)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.fragments import Part, quote_name, quote_names
from matrixone_core.sql.staging import ROW_NUMBER, Expression, Names, RowRange, RowSet, join_parts, staged
from matrixone_core.steps import Reply, Statement

MAX_ROW_LOCKS = 20_000  # rows; where the planner expects more, their table is locked as a whole (server-facts 52)

_EXTREME = "matrixone_extreme"
_NUMBER = "matrixone_number"


class Conflict(StrEnum):
    """What happens to a row whose primary or unique key another row has."""

    ERROR = "error"
    SKIP = "skip"
    REPLACE = "replace"
    UPDATE = "update"
    UNCHECKED = "unchecked"


class DuplicatePolicy(StrEnum):
    """Which of the staged rows that share a key are taken."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True)
class Assignment:
    """A column of the target, and the expression that it gets."""

    column: str
    value: Expression


@dataclass(frozen=True)
class Key:
    """A key of the target, and its values in the staging table.

    Args:
        columns: the target's columns.
        values: an expression for each, cast to the column's own type.
    """

    columns: Names
    values: tuple[Expression, ...]


@dataclass(frozen=True)
class InsertStaged(Statement[int]):
    """INSERT of staged rows into their table; the answer is the affected count (server-facts 44).

    Args:
        table: the target.
        staging: the staging table.
        assignments: what the target's columns get.
        conflict: what happens to a row whose key is there already.
        update: for `Conflict.UPDATE`, the columns that the old row takes from the new one.
        keys: the target's keys; only where conflicts are resolved.
        policy: which of the staged rows that share a key are taken; other than ALL needs numbered rows.
        rows: the rows to insert; None for all of them.
        condition: which of them, in SQL; empty for all.
        is_alone: whether the other rows must not fail the statement: without a LIMIT the server evaluates CHECK
            constraints before WHERE, for every staged row (server-facts 104).
    """

    table: Names
    staging: Names
    assignments: tuple[Assignment, ...]
    conflict: Conflict = Conflict.ERROR
    update: Names = ()
    keys: tuple[Key, ...] = ()
    policy: DuplicatePolicy = DuplicatePolicy.ALL
    rows: RowSet | None = None
    condition: Expression = ()
    is_alone: bool = False

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        verb = "REPLACE" if self.conflict is Conflict.REPLACE else "INSERT"
        columns = ", ".join(quote_name(each.column) for each in self.assignments)
        yield f"{verb} INTO {quote_names(self.table)} ({columns}) "
        if self._looks_like_few:
            yield from self._select_for_many()
        else:
            yield from self._select()
        if self.is_alone and self.rows is not None:
            yield f" LIMIT {self.rows.count}"
        if self.conflict is Conflict.UPDATE:
            updates = ", ".join(f"{quote_name(name)}=VALUES({quote_name(name)})" for name in self.update)
            yield f" ON DUPLICATE KEY UPDATE {updates}"

    @property
    def _looks_like_few(self) -> bool:
        """Whether the planner may expect few rows where there are many.

        It expects that a condition behind a join leaves one row of twenty, and that all row numbers are one of ten.
        """
        match self.rows:
            case None:
                return bool(self.keys) and (self.conflict is Conflict.SKIP or self.policy is not DuplicatePolicy.ALL)
            case RowRange(first, last):
                return last - first >= MAX_ROW_LOCKS
            case _:
                return False

    def _select_for_many(self) -> Iterator[Part]:
        """The rows, and none of all staged rows, which the planner expects to be most of them.

        Where it expects few, the rows are locked one by one, however many there are (server-facts 52).
        """
        yield "SELECT * FROM ("
        yield from self._select()
        yield " UNION ALL SELECT "
        yield from self._values()
        yield f" FROM {quote_names(self.staging)} s WHERE {staged(ROW_NUMBER)} <> {staged(ROW_NUMBER)}) u"

    def _select(self) -> Iterator[Part]:
        yield "SELECT "
        yield from self._values()
        yield f" FROM {quote_names(self.staging)} s"
        yield from self._joins()
        yield from self._conditions()

    def _values(self) -> Iterator[Part]:
        names = (f" AS matrixone_value{at}" if self._looks_like_few else "" for at in range(len(self.assignments)))
        yield from join_parts(((*each.value, name) for each, name in zip(self.assignments, names, strict=True)), ", ")

    def _joins(self) -> Iterator[Part]:
        for at, key in enumerate(self.keys):
            if self.conflict is Conflict.SKIP:
                yield from _join_target(self.table, key, at)
            if self.policy is not DuplicatePolicy.ALL:
                yield from _extremes(self.staging, key, self.policy, at)

    def _conditions(self) -> Iterator[Part]:
        conditions: list[Expression] = [] if self.rows is None else [(self.rows.condition(),)]
        if self.conflict is Conflict.SKIP:
            conditions += [(f"t{at}.{_key_name(0)} IS NULL",) for at in range(len(self.keys))]
        if self.policy is not DuplicatePolicy.ALL:
            conditions += [(_is_taken(self.policy, at),) for at in range(len(self.keys))]
        if self.condition:
            conditions.append(self.condition)
        if conditions:
            yield " WHERE "
            yield from join_parts(conditions, " AND ")

    def parse(self, reply: Reply, /) -> int:
        return reply.count


def _join_target(table: Names, key: Key, at: int) -> Iterator[Part]:
    """A join with the target's row of the same key; its columns have names that no expression of the caller's reads."""
    columns = ", ".join(f"{quote_name(name)} AS {_key_name(place)}" for place, name in enumerate(key.columns))
    yield f" LEFT JOIN (SELECT {columns} FROM {quote_names(table)}) t{at} ON "
    yield from join_parts(((f"t{at}.{_key_name(place)} = ", *value) for place, value in enumerate(key.values)), " AND ")


def _key_name(place: int) -> str:
    return f"matrixone_key{place}"


def _extremes(staging: Names, key: Key, policy: DuplicatePolicy, at: int) -> Iterator[Part]:
    """A join with the first or last row number of each key that staged rows share."""
    extreme = "max" if policy is DuplicatePolicy.LAST else "min"
    yield f" LEFT JOIN (SELECT {_key_names(key)}, {extreme}({_NUMBER}) AS {_EXTREME}"
    yield from _select_shared_keys(staging, key, f", {staged(ROW_NUMBER)} AS {_NUMBER}")
    yield f") d{at} ON "
    yield from join_parts(((*value, f" = d{at}.{_key_name(place)}") for place, value in enumerate(key.values)), " AND ")


def _is_taken(policy: DuplicatePolicy, at: int) -> str:
    beyond = "<" if policy is DuplicatePolicy.LAST else ">"
    return f"(d{at}.{_EXTREME} IS NULL OR NOT {staged(ROW_NUMBER)} {beyond} d{at}.{_EXTREME})"


def _select_shared_keys(table: Names, key: Key, more: str = "") -> Iterator[Part]:
    """FROM to HAVING of a query for the keys that more than one row has; a key with NULL in it is never shared."""
    yield " FROM (SELECT "
    yield from join_parts(((*value, f" AS {_key_name(place)}") for place, value in enumerate(key.values)), ", ")
    yield f"{more} FROM {quote_names(table)} s) k WHERE "
    yield " AND ".join(f"{_key_name(place)} IS NOT NULL" for place in range(len(key.values)))
    yield f" GROUP BY {_key_names(key)} HAVING count(*) > 1"


def _key_names(key: Key) -> str:
    return ", ".join(map(_key_name, range(len(key.values))))


@dataclass(frozen=True)
class CountDuplicateRows(Statement[int]):
    """How many rows a table has beyond the first of each key.

    Args:
        table: a staging table, or the target.
        key: the key; for the target its columns are the values.
    """

    table: Names
    key: Key

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield "SELECT sum(d.n) AS n FROM (SELECT count(*) - 1 AS n"
        yield from _select_shared_keys(self.table, self.key)
        yield ") d"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"] or 0)


@dataclass(frozen=True)
class FirstDuplicateKey(Statement[tuple[Any, ...] | None]):
    """The values of one key that more than one row has, or None; arguments as of `CountDuplicateRows`."""

    table: Names
    key: Key

    def parts(self) -> Iterator[Part]:
        yield f"SELECT {_key_names(self.key)}"
        yield from _select_shared_keys(self.table, self.key)
        yield " LIMIT 1"

    def parse(self, reply: Reply, /) -> tuple[Any, ...] | None:
        return tuple(reply.rows[0][_key_name(place)] for place in range(len(self.key.values))) if reply.rows else None


@dataclass(frozen=True)
class CountMatches(Statement[int]):
    """How many staged rows have a key that a row of the target has."""

    table: Names
    staging: Names
    keys: tuple[Key, ...]

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {quote_names(self.staging)} s"
        for at, key in enumerate(self.keys):
            yield from _join_target(self.table, key, at)
        found = " OR ".join(f"t{at}.{_key_name(0)} IS NOT NULL" for at in range(len(self.keys)))
        yield f" WHERE {found}"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class CountTaken(Statement[int]):
    """How many staged rows are left when those that share a key with another are left out.

    Args:
        staging: the staging table.
        keys: the target's keys.
        policy: which of the rows that share a key are taken.
    """

    staging: Names
    keys: tuple[Key, ...]
    policy: DuplicatePolicy

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {quote_names(self.staging)} s"
        for at, key in enumerate(self.keys):
            yield from _extremes(self.staging, key, self.policy, at)
        yield f" WHERE {' AND '.join(_is_taken(self.policy, at) for at in range(len(self.keys)))}"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])
