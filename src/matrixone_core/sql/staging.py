"""Staging tables: rows wait there as texts until the server has judged them (server-facts 51).

Expressions are tuples of parts, so that statements stay values that can be compared. In them `s` is the staging table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from matrixone_core.fragments import Part, Value, quote_name, quote_names
from matrixone_core.steps import Command, Reply, Statement

STAGING = "matrixone_load_"  # what staging tables' names begin with; the server's time and random digits follow
ROW_NUMBER = "matrixone_row"  # the column that numbers a staging table's rows in the order of the file

Names: TypeAlias = tuple[str, ...]
Expression: TypeAlias = tuple[Part, ...]
Numbers: TypeAlias = tuple[int, ...]


def staged(column: str) -> str:
    """A column of the staging table, in an expression."""
    return f"s.{quote_name(column)}"


def join_parts(pieces: Iterable[Iterable[Part]], separator: str) -> Iterator[Part]:
    """Pieces of SQL with a separator between them."""
    before = ""
    for piece in pieces:
        if before:
            yield before
        yield from piece
        before = separator


@dataclass(frozen=True)
class CreateStaging(Command):
    """CREATE TABLE of a table without keys.

    Args:
        name: its name, one or two parts.
        columns: names and SQL types.
        numbered: whether its rows are numbered in the order in which they come.
    """

    name: Names
    columns: tuple[tuple[str, str], ...]
    numbered: bool = False

    def parts(self) -> Iterator[Part]:
        columns = [f"{quote_name(column)} {sql_type}" for column, sql_type in self.columns]
        if self.numbered:
            columns.insert(0, f"{quote_name(ROW_NUMBER)} BIGINT AUTO_INCREMENT")  # a key would cost a third of the LOAD
        yield f"CREATE TABLE {quote_names(self.name)} ({', '.join(columns)})"


@dataclass(frozen=True)
class RowRange:
    """Staged rows by their numbers, from the first to the last, but for some."""

    first: int
    last: int
    without: Numbers = ()

    @property
    def count(self) -> int:
        """How many rows there are at most."""
        return self.last - self.first + 1

    def condition(self) -> str:
        """The condition, in SQL."""
        between = f"{staged(ROW_NUMBER)} BETWEEN {self.first} AND {self.last}"
        inside = [number for number in self.without if self.first <= number <= self.last]
        return f"{between} AND {staged(ROW_NUMBER)} NOT IN ({_list_numbers(inside)})" if inside else between


@dataclass(frozen=True)
class RowNumbers:
    """Some staged rows by their numbers."""

    numbers: Numbers

    @property
    def count(self) -> int:
        """How many rows there are at most."""
        return len(self.numbers)

    def condition(self) -> str:
        """The condition, in SQL."""
        return f"{staged(ROW_NUMBER)} IN ({_list_numbers(self.numbers)})"


RowSet: TypeAlias = RowRange | RowNumbers


def _list_numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


@dataclass(frozen=True)
class DeleteStaged(Command):
    """DELETE of staged rows, by their numbers."""

    staging: Names
    numbers: Numbers

    def parts(self) -> Iterator[Part]:
        yield f"DELETE FROM {quote_names(self.staging)}"
        yield f" WHERE {quote_name(ROW_NUMBER)} IN ({_list_numbers(self.numbers)})"


@dataclass(frozen=True)
class StagedRow:
    """A row of a staging table.

    Args:
        number: its number; None where rows are not numbered.
        values: its columns' bytes in their order, None for NULL.
    """

    number: int | None
    values: tuple[bytes | None, ...]


@dataclass(frozen=True)
class SelectStaged(Statement[tuple[StagedRow, ...]]):
    """Staged rows that meet a condition, in hexadecimal, as they may be no text (server-facts 25).

    Args:
        staging: the staging table.
        columns: its columns that are wanted.
        conditions: expressions, one of which must be true.
        numbered: whether its rows are numbered.
        limit: how many rows at most.
        above: only rows with a greater number.
        numbers: those of the columns that are no texts, but numbers.
    """

    staging: Names
    columns: Names
    conditions: tuple[Expression, ...]
    numbered: bool
    limit: int
    above: int = 0
    numbers: Names = ()

    def parts(self) -> Iterator[Part]:
        number = staged(ROW_NUMBER) if self.numbered else "NULL"
        yield f"SELECT {number} AS n"
        for at, column in enumerate(self.columns):
            # hex() of a number is the number in hexadecimal
            text = f"CAST({staged(column)} AS CHAR)" if column in self.numbers else staged(column)
            yield f", hex({text}) AS v{at}"
        yield f" FROM {quote_names(self.staging)} s WHERE "
        if self.above:
            yield f"{number} > {self.above} AND "
        yield "("
        yield from join_parts(self.conditions, " OR ")
        yield ")"
        if self.numbered:
            yield f" ORDER BY {number}"
        yield f" LIMIT {self.limit}"

    def parse(self, reply: Reply, /) -> tuple[StagedRow, ...]:
        return tuple(
            StagedRow(
                None if row["n"] is None else int(row["n"]),
                tuple(
                    None if (text := row[f"v{at}"]) is None else bytes.fromhex(text) for at in range(len(self.columns))
                ),
            )
            for row in reply.rows
        )


def is_true(conditions: Iterable[Expression]) -> Expression:
    """Whether one of some conditions is true.

    With COALESCE the planner expects many rows; where it expects few, a million rows are locked one by one.
    """
    return ("COALESCE(", *join_parts(conditions, " OR "), ", FALSE)")


def matches(column: str, pattern: str) -> Expression:
    """Whether a staged column matches a regular expression."""
    return (f"{staged(column)} REGEXP ", Value(pattern))


def violates(column: str, pattern: str) -> Expression:
    """Whether a staged column, not being NULL, does not match a regular expression."""
    return (f"NOT ({staged(column)} REGEXP ", Value(pattern), ")")
