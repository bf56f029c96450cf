"""Statements that create, alter, empty and drop tables."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part, quote_name, quote_names
from matrixone_core.steps import Command


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
class AddColumns(Command):
    """ALTER TABLE ADD COLUMN, which a rollback undoes (server-facts 67).

    Args:
        table: one or two names.
        columns: names and SQL types.
    """

    table: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]

    def parts(self) -> Iterator[Part]:
        added = ", ".join(f"ADD COLUMN {quote_name(name)} {sql_type}" for name, sql_type in self.columns)
        yield f"ALTER TABLE {quote_names(self.table)} {added}"


@dataclass(frozen=True)
class Truncate(Command):
    """TRUNCATE TABLE, which a rollback undoes (server-facts 67).

    The server pastes the name into a statement of its own, and does so for a DELETE without a condition (server-facts
    98): a name that would not survive that is given to a DELETE with one.
    """

    name: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        table = quote_names(self.name)
        is_pasted = not any(character in name for name in self.name for character in '"\\`')
        yield f"TRUNCATE TABLE {table}" if is_pasted else f"DELETE FROM {table} WHERE TRUE"


@dataclass(frozen=True)
class DropTable(Command):
    """DROP TABLE."""

    name: tuple[str, ...]
    if_exists: bool = True

    def parts(self) -> Iterator[Part]:
        yield f"DROP TABLE {'IF EXISTS ' if self.if_exists else ''}{quote_names(self.name)}"
