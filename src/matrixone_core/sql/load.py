"""Load statements (server-facts 17-29)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.literals import Part, Value, identifier
from matrixone_core.operation import Reply, Statement


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV file is written.

    Args:
        ignore_lines: how many lines at its beginning are no rows.
        delimiter: the character between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; None for the server's default, a backslash.
        line_terminator: what ends a line; None for a line feed, with or without a carriage return before it.
        columns: the table's columns in the file's order, None for a field to skip; empty for the table's own order.
        nulls: columns whose fields mean NULL where they are the text `null_value`.
        null_value: that text.
        compression: `none`, `gzip` or `bz2`; None tells by the file's suffix.
    """

    ignore_lines: int = 0
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    line_terminator: str | None = None
    columns: tuple[str | None, ...] = ()
    nulls: tuple[str, ...] = ()
    null_value: str = ""
    compression: str | None = None


@dataclass(frozen=True)
class LoadCsv(Statement[int]):
    """LOAD DATA of one CSV file in a stage; the answer is the number of rows.

    Args:
        path: the file, as a `stage://` URL.
        table: the target, one or two names.
        options: how the file is written.
    """

    path: str
    table: tuple[str, ...]
    options: CsvOptions = CsvOptions()

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        options = self.options
        yield "LOAD DATA INFILE "
        yield from self._source()
        yield f" INTO TABLE {_dotted(self.table)} FIELDS TERMINATED BY "
        yield Value(options.delimiter)
        yield " ENCLOSED BY "
        yield Value(options.quote)
        if options.escape is not None:
            yield " ESCAPED BY "
            yield Value(options.escape)
        if options.line_terminator is not None:
            yield " LINES TERMINATED BY "
            yield Value(options.line_terminator)
        if options.ignore_lines:
            yield f" IGNORE {options.ignore_lines} LINES"
        if options.columns:
            yield f" ({', '.join(_fields(options.columns))})"
        yield from self._nulls()

    def _source(self) -> Iterator[Part]:
        if self.options.compression is None:
            yield Value(self.path)
            return
        yield "{'filepath'="
        yield Value(self.path)
        yield ", 'compression'="
        yield Value(self.options.compression)
        yield ", 'format'='csv'}"

    def _nulls(self) -> Iterator[Part]:
        """The one form of SET that the server carries out (server-facts 20)."""
        before = " SET "
        for column in self.options.nulls:
            yield f"{before}{identifier(column)}=NULLIF({identifier(column)}, "
            yield Value(self.options.null_value)
            yield ")"
            before = ", "

    def parse(self, reply: Reply, /) -> int:
        return reply.count


@dataclass(frozen=True)
class ColumnNames(Statement[tuple[str, ...]]):
    """The names of a table's columns, in order; none if there is no such table."""

    table: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield "SELECT column_name AS name FROM information_schema.columns WHERE table_schema="
        # the server keeps names in lower case (server-facts 37)
        yield Value(self.table[0].lower()) if len(self.table) == 2 else "DATABASE()"
        yield " AND table_name="
        yield Value(self.table[-1].lower())
        yield " ORDER BY ordinal_position"

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        return tuple(row["name"] for row in reply.rows)


def _dotted(table: Sequence[str]) -> str:
    return ".".join(map(identifier, table))


def _fields(columns: Sequence[str | None]) -> Iterator[str]:
    for position, column in enumerate(columns):
        yield f"@skip{position}" if column is None else identifier(column)
