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
class CountOtherLines(Statement[int]):
    """How many raw lines do not match a regular expression; empty lines are none.

    Args:
        table: an external table of raw lines.
        pattern: the expression.
    """

    table: tuple[str, ...]
    pattern: str

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        line = quote_name(LINE)
        yield f"SELECT count(*) AS n FROM {quote_names(self.table)} WHERE NOT ({line} REGEXP "
        yield Value(self.pattern)
        yield ")"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class CountLinesWithEnd(Statement[int]):
    """How many raw lines end with a text.

    Args:
        table: an external table of raw lines.
        end: the text.
    """

    table: tuple[str, ...]
    end: str

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {quote_names(self.table)} WHERE {quote_name(LINE)} LIKE "
        yield Value("%" + re.sub(r"([%_\\])", r"\\\1", self.end))

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])
