"""External tables: files read as if they were tables (server-facts 18-21)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.literals import Part, Value, dotted, identifier
from matrixone_core.operation import Command, Reply, Statement
from matrixone_core.sql.load import Format, Source, line_parts, source_parts

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
        columns = ", ".join(f"{identifier(name)} {written}" for name, written in self.columns)
        yield f"CREATE EXTERNAL TABLE {dotted(self.name)} ({columns}) "
        yield from source_parts(self.source, self.format)
        yield from line_parts(self.format)


@dataclass(frozen=True)
class IrregularLines(Statement[tuple[bytes, ...]]):
    """The raw lines that a regular expression does not match.

    Args:
        table: an external table of raw lines.
        pattern: the expression.
        limit: how many are wanted at most.
    """

    table: tuple[str, ...]
    pattern: str
    limit: int

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        line = identifier(LINE)  # in hexadecimal, as it may be no text (server-facts 25)
        yield f"SELECT hex({line}) AS raw FROM {dotted(self.table)} WHERE NOT ({line} REGEXP "
        yield Value(self.pattern)
        yield f") LIMIT {self.limit}"

    def parse(self, reply: Reply, /) -> tuple[bytes, ...]:
        return tuple(bytes.fromhex(row["raw"]) for row in reply.rows)


@dataclass(frozen=True)
class CountRows(Statement[int]):
    """How many rows a table has."""

    table: tuple[str, ...]

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM {dotted(self.table)}"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class JsonCount:
    """What the raw lines of a file of JSON lines show.

    Args:
        lines: how many there are.
        broken: how many of them are no JSON.
    """

    lines: int
    broken: int


@dataclass(frozen=True)
class CountJson(Statement[JsonCount]):
    """How many raw lines there are, and how many of them are no JSON; empty lines are none."""

    table: tuple[str, ...]

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        line = identifier(LINE)
        yield f"SELECT count(*) AS n, sum(CASE WHEN json_valid({line}) = 1 THEN 0 ELSE 1 END) AS broken FROM "
        yield f"{dotted(self.table)} WHERE trim({line}) <> ''"

    def parse(self, reply: Reply, /) -> JsonCount:
        return JsonCount(int(reply.rows[0]["n"]), int(reply.rows[0]["broken"] or 0))


@dataclass(frozen=True)
class InsertExternal(Statement[int]):
    """INSERT of the rows of an external table; the answer is their number.

    Args:
        table: the target.
        external: the external table.
        columns: those of both.
        skip: whether rows whose key is there already are left out.
    """

    table: tuple[str, ...]
    external: tuple[str, ...]
    columns: tuple[str, ...]
    skip: bool = False

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        columns = ", ".join(map(identifier, self.columns))
        yield f"INSERT {'IGNORE ' if self.skip else ''}INTO {dotted(self.table)} ({columns})"
        yield f" SELECT {columns} FROM {dotted(self.external)}"

    def parse(self, reply: Reply, /) -> int:
        return reply.count
