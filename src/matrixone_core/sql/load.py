"""LOAD DATA, and what it reads: sources and formats (server-facts 17-29)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.fragments import Part, Value, braces, quote_name, quote_names
from matrixone_core.secrets import Credentials
from matrixone_core.sql.stage import Stage
from matrixone_core.steps import Reply, Statement


@dataclass(frozen=True)
class Csv:
    """How a CSV file is written.

    Args:
        ignore_lines: how many lines at its beginning are no rows.
        delimiter: the text between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; None for none, as RFC 4180 has it.
        line_terminator: what ends a line; None for a line feed, with or without a carriage return before it.
        compression: `none`, `gzip` or `bz2`; None means that the file's suffix decides.
        trailing_delimiter: whether a delimiter ends each line.
    """

    ignore_lines: int = 0
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    line_terminator: str | None = None
    compression: str | None = None
    trailing_delimiter: bool = False

    name: ClassVar[str] = "csv"


@dataclass(frozen=True)
class JsonLines:
    """A file with one JSON value a line.

    Args:
        shape: `object`, with the columns' names as keys, or `array`, in the columns' order.
        compression: as of `Csv`.
        base64: the columns whose texts are bytes in base64; the server does not decode them.
    """

    shape: str = "object"
    compression: str | None = None
    base64: tuple[str, ...] = ()

    name: ClassVar[str] = "jsonline"


@dataclass(frozen=True)
class Parquet:
    """A Parquet file, whose columns have names."""

    compression: None = None

    name: ClassVar[str] = "parquet"


Format: TypeAlias = Csv | JsonLines | Parquet
# texts that no line has, or begins with, so that a line is one field; what follows a delimiter would go unread
RAW_LINES = Csv(delimiter="\x01matrixone line\x01", quote="\x02")


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


@dataclass(frozen=True)
class ClientData:
    """What the client sends when it is asked (server-facts 28).

    Args:
        name: what it is called in messages; nothing is opened by it.
    """

    name: str


# a `stage://` URL or an absolute path of the server's machine; an object; data of the client
Source: TypeAlias = str | S3Object | ClientData
_S3_OPTIONS = (
    ("endpoint", "ENDPOINT"),
    ("access_key_id", "AWS_KEY_ID"),
    ("secret_access_key", "AWS_SECRET_KEY"),
    ("region", "AWS_REGION"),
    ("provider", "PROVIDER"),
)


def locate(stage: Stage, path: str) -> Source:
    """A file of a stage by the stage's location, without the stage.

    Args:
        stage: the stage.
        path: the file's path in it.
    """
    url = stage.below(path)
    scheme, _, place = url.partition("://")
    if scheme == "s3":
        bucket, _, key = place.partition("/")
        return S3Object(bucket, key, stage.credentials or Credentials())
    return place if scheme == "file" else url


@dataclass(frozen=True)
class LoadData(Statement[int]):
    """LOAD DATA of one file; the answer is the number of rows. It checks no key (server-facts 17).

    Args:
        source: the file.
        table: the target, one or two names.
        format: how the file is written.
        columns: the table's columns in the file's order, None for a field to skip; empty for the table's own order.
        nulls: columns whose fields mean NULL where they are the text `null_value`.
        null_value: that text.
        parallel: whether the server may read pieces of the file at once, and so in any order.
    """

    source: Source
    table: tuple[str, ...]
    format: Format = Csv()
    columns: tuple[str | None, ...] = ()
    nulls: tuple[str, ...] = ()
    null_value: str = ""
    parallel: bool = False

    refusal: ClassVar[type[ServerError]] = LoadFailed

    def parts(self) -> Iterator[Part]:
        yield "LOAD DATA "
        yield from source_parts(self.source, self.format)
        yield f" INTO TABLE {quote_names(self.table)}"
        yield from line_parts(self.format)
        if self.columns:
            yield f" ({', '.join(_fields(self.columns))})"
        yield from self._nulls()
        if self.parallel:
            yield " PARALLEL 'TRUE'"

    def _nulls(self) -> Iterator[Part]:
        """The one form of SET that the server carries out (server-facts 20)."""
        before = " SET "
        for column in self.nulls:
            yield f"{before}{quote_name(column)}=NULLIF({quote_name(column)}, "
            yield Value(self.null_value)
            yield ")"
            before = ", "

    def parse(self, reply: Reply, /) -> int:
        return reply.count


def source_parts(source: Source, form: Format) -> Iterator[Part]:
    """Where a file is and of what kind, as LOAD DATA and CREATE EXTERNAL TABLE say it."""
    match source:
        case S3Object():
            yield "URL s3option "
            yield from braces(_s3_pairs(source, form))
        case ClientData():
            yield "LOCAL INFILE "
            yield Value(source.name)
        case str() if isinstance(form, Csv) and form.compression is None:
            yield "INFILE "
            yield Value(source)
        case _:
            yield "INFILE "
            yield from braces([("filepath", source), *_kind(form)])


def line_parts(form: Format) -> Iterator[Part]:
    """How the lines of a CSV file are to be read; nothing for other formats."""
    if not isinstance(form, Csv):
        return
    yield " FIELDS TERMINATED BY "
    yield Value(form.delimiter)
    yield " ENCLOSED BY "
    yield Value(form.quote)
    yield " ESCAPED BY "
    yield Value(form.escape or "")  # without the clause the server takes a backslash (server-facts 54)
    if form.line_terminator is not None:
        yield " LINES TERMINATED BY "
        yield Value(form.line_terminator)
    if form.ignore_lines:
        yield f" IGNORE {form.ignore_lines} LINES"


def _kind(form: Format) -> Iterator[tuple[str, str]]:
    if form.compression is not None:
        yield "compression", form.compression
    yield "format", form.name
    if isinstance(form, JsonLines):
        yield "jsondata", form.shape


def _s3_pairs(source: S3Object, form: Format) -> Iterator[tuple[str, str]]:
    yield "bucket", source.bucket
    yield "filepath", source.key
    for option, credential in _S3_OPTIONS:
        if credential in source.credentials:
            yield option, source.credentials[credential]
    if isinstance(form, Csv):
        if form.compression is not None:
            yield "compression", form.compression
    else:
        yield from _kind(form)


def _fields(columns: Sequence[str | None]) -> Iterator[str]:
    for position, column in enumerate(columns):
        yield f"@skip{position}" if column is None else quote_name(column)
