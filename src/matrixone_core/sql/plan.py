"""Queries for the plan of a load: keys that already exist, and casts of single values."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part, Value, quote_name, quote_names
from matrixone_core.steps import Command, Reply, Statement


@dataclass(frozen=True)
class CountKeys(Statement[int]):
    """Count how many of some keys a table has.

    Args:
        table: one or two names.
        key: the key's columns.
        values: the keys.
    """

    table: tuple[str, ...]
    key: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {quote_names(self.table)} WHERE "
        for at, values in enumerate(self.values):
            yield " OR (" if at else "("
            for n, (column, value) in enumerate(zip(self.key, values, strict=True)):
                yield f"{' AND ' if n else ''}{quote_name(column)}="
                yield Value(value)
            yield ")"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class TryCast(Command):
    """A cast whose refusal says why a text is no value of a type.

    Args:
        text: the text.
        sql_type: the type as SQL writes it.
    """

    text: str
    sql_type: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT CAST("
        yield Value(self.text)
        yield f" AS {self.sql_type}) AS value"
