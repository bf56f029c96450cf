"""External tables: files read as if they were tables (server-facts 18-21)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.fragments import Part, Value, quote_name, quote_names
from matrixone_core.sql.load import Format, Source, line_parts, source_parts
from matrixone_core.steps import Command, Reply, Statement

LINE = "line"


@dataclass(frozen=True)
class CreateExternal(Command):
    """CREATE EXTERNAL TABLE over a file.

    Args:
        name: its name, one or two parts.
        source: the file.
        format: how it is written.
        columns: names and types as SQL writes them; by default one column with the raw line, for a CSV format whose
            delimiter and quote no line has.
    """

    name: tuple[str, ...]
    source: Source
    format: Format
    columns: tuple[tuple[str, str], ...] = ((LINE, "TEXT"),)

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        columns = ", ".join(f"{quote_name(name)} {written}" for name, written in self.columns)
        yield f"CREATE EXTERNAL TABLE {quote_names(self.name)} ({columns}) "
        yield from source_parts(self.source, self.format)
        yield from line_parts(self.format)


@dataclass(frozen=True)
class CountLines(Statement[int]):
    """How many raw lines are as a condition says; empty lines are none.

    Args:
        table: an external table of raw lines.
        condition: the condition, as of `unlike` and `ends_with`.
    """

    table: tuple[str, ...]
    condition: tuple[Part, ...]

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {quote_names(self.table)} WHERE "
        yield from self.condition

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


def unlike(pattern: str) -> tuple[Part, ...]:
    """The condition that a line does not match a regular expression."""
    return f"NOT ({quote_name(LINE)} REGEXP ", Value(pattern), ")"


def ends_with(text: str) -> tuple[Part, ...]:
    """The condition that a line ends with a text."""
    return f"{quote_name(LINE)} LIKE ", Value("%" + re.sub(r"([%_\\])", r"\\\1", text))
