"""Statements for looking ahead: the table that a file suggests, and keys that are there already."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part, Value, quote_name, quote_names
from matrixone_core.steps import Command, Reply, Statement


@dataclass(frozen=True)
class CreateTable(Command):
    """CREATE TABLE with columns of these types.

    Args:
        name: one or two names.
        columns: names and types as SQL writes them.
        primary_key: the columns of the primary key.
        if_not_exists: whether a table of this name is left as it is.
    """

    name: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    primary_key: tuple[str, ...] = ()
    if_not_exists: bool = False

    def parts(self) -> Iterator[Part]:
        lines = [f"  {quote_name(name)} {written}" for name, written in self.columns]
        if self.primary_key:
            lines.append(f"  PRIMARY KEY ({', '.join(map(quote_name, self.primary_key))})")
        written = ",\n".join(lines)
        yield f"CREATE TABLE {'IF NOT EXISTS ' if self.if_not_exists else ''}{quote_names(self.name)} (\n{written}\n)"


@dataclass(frozen=True)
class CountKeys(Statement[int]):
    """How many of some keys a table has.

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
