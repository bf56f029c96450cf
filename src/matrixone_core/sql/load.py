"""Load statements (server-facts 17-29)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.literals import Part, Value, braces, identifier
from matrixone_core.operation import Reply, Statement
from matrixone_core.secrets import Credentials


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
class S3Object:
    """A file in a bucket, without a stage (server-facts 29).

    Args:
        bucket: the bucket's name.
        key: the file's path in it.
        credentials: by the names that a stage's have.
    """

    bucket: str
    key: str
    credentials: Credentials


Source: TypeAlias = str | S3Object  # a `stage://` URL, an absolute path of the server's machine, or an object
_S3_OPTIONS = (
    ("endpoint", "ENDPOINT"),
    ("access_key_id", "AWS_KEY_ID"),
    ("secret_access_key", "AWS_SECRET_KEY"),
    ("region", "AWS_REGION"),
    ("provider", "PROVIDER"),
)


@dataclass(frozen=True)
class LoadCsv(Statement[int]):
    """LOAD DATA of one CSV file; the answer is the number of rows.

    Args:
        source: the file.
        table: the target, one or two names.
        options: how the file is written.
    """

    source: Source
    table: tuple[str, ...]
    options: CsvOptions = CsvOptions()

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        options = self.options
        yield "LOAD DATA "
        yield from self._source(self.source)
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

    def _source(self, source: Source) -> Iterator[Part]:
        if isinstance(source, S3Object):
            yield "URL s3option "
            yield from braces(self._s3_options(source))
        elif self.options.compression is None:
            yield "INFILE "
            yield Value(source)
        else:
            yield "INFILE "
            yield from braces([("filepath", source), ("compression", self.options.compression), ("format", "csv")])

    def _s3_options(self, source: S3Object) -> Iterator[tuple[str, str]]:
        yield "bucket", source.bucket
        yield "filepath", source.key
        for option, credential in _S3_OPTIONS:
            if credential in source.credentials:
                yield option, source.credentials[credential]
        if self.options.compression is not None:
            yield "compression", self.options.compression

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
