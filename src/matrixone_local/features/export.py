"""SELECT … INTO OUTFILE: rows to a new file as CSV, JSON lines or Parquet (server-facts 14, 33; conformance/export)."""

from __future__ import annotations

import base64
import importlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Protocol

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import SqlError, bad_configuration, bad_input
from matrixone_local.files.bulk_insert import Cancellable
from matrixone_local.files.sources import Source, Sources
from matrixone_local.files.stores import Store
from matrixone_local.protocol.packets import ColumnType, ResultColumn
from matrixone_local.sql.tokens import Kind, Reader, Token

GROUP_ROWS = 10_000  # rows of a Parquet row group
SPOOLED = 1 << 20
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}
_NUMBERS = frozenset(
    {ColumnType.TINY, ColumnType.SHORT, ColumnType.LONG, ColumnType.INT24, ColumnType.LONGLONG, ColumnType.YEAR}
)
_FLOATS = frozenset({ColumnType.FLOAT, ColumnType.DOUBLE})
_DECIMALS = frozenset({ColumnType.DECIMAL, ColumnType.NEWDECIMAL})
_MOMENTS = frozenset({ColumnType.DATE, ColumnType.TIME, ColumnType.DATETIME, ColumnType.TIMESTAMP})
Row = Sequence[str | None]


@dataclass(frozen=True)
class Outfile:
    """An INTO OUTFILE clause.

    Args:
        url: the file; `%d` or `%05d` in it means a number from 0 on.
        query: the statement without the clause.
        format: `csv`, `jsonline` or `parquet`.
        delimiter: the text between fields.
        quote: the character around texts.
        line_end: what ends a line.
        header: whether a first line has the titles.
        forced: the columns whose values are quoted whatever their type.
        largest: the size in bytes at which another file begins; None for one file.
    """

    url: str
    query: str
    format: str = "csv"
    delimiter: str = ","
    quote: str = '"'
    line_end: str = "\n"
    header: bool = True
    forced: frozenset[str] = field(default_factory=frozenset[str])
    largest: int | None = None

    def over(self, query: str) -> Outfile:
        """The same for another query."""
        return replace(self, query=query)

    def path(self, number: int) -> str:
        """The URL of the file with this number."""
        if re.search(r"%0?\d*d", self.url):
            return re.sub(r"%0?\d*d", lambda found: found[0] % number, self.url)
        return f"{self.url}.{number}" if number else self.url


def find(tokens: Sequence[Token]) -> int | None:
    """Where a statement says INTO OUTFILE."""
    for at in range(len(tokens) - 2):
        if tokens[at].says("INTO") and tokens[at + 1].says("OUTFILE") and tokens[at + 2].kind is Kind.STRING:
            return at
    return None


def parse(sql: str, tokens: list[Token], at: int) -> Outfile:
    """The clause that begins there; a FROM may follow it."""
    read = Reader(sql, tokens)
    read.at = at + 2
    url = read.string()
    options: dict[str, Any] = {}
    while _option(read, options):
        pass
    end = read.current.start if read.current else len(sql)
    if options.get("format", "csv") not in {"csv", "jsonline", "parquet"}:
        raise bad_configuration(f"the format '{options['format']}' is not supported")
    return Outfile(url, f"{sql[: tokens[at].start]} {sql[end:]}".strip().rstrip(";"), **options)


def _option(read: Reader, options: dict[str, Any]) -> bool:
    """Read one option, if there is one."""
    if read.take("FORMAT"):
        options["format"] = read.string().lower()
    elif read.take("FIELDS") or read.take("COLUMNS"):
        if not _field_clause(read, options):
            raise read.error()
        while _field_clause(read, options):
            pass
    elif read.take("LINES"):
        read.expect("TERMINATED", "BY")
        options["line_end"] = read.string()
    elif read.take("HEADER"):
        options["header"] = read.string().upper() == "TRUE"
    elif read.take("MAX_FILE_SIZE"):
        options["largest"] = int(read.next(Kind.NUMBER).text)
    elif read.take("SPLITSIZE"):
        options["largest"] = _size(read.string())
    elif read.take("FORCE_QUOTE"):
        read.expect("(")
        names: set[str] = set()
        while not read.take(")"):
            names.add(read.name().lower())
            read.take(",")
        options["forced"] = frozenset(names)
    else:
        return False
    return True


def _field_clause(read: Reader, options: dict[str, Any]) -> bool:
    if read.take("TERMINATED", "BY"):
        options["delimiter"] = read.string()
    elif read.take("OPTIONALLY", "ENCLOSED", "BY") or read.take("ENCLOSED", "BY"):
        options["quote"] = read.string()
    else:
        return False
    return True


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([KMG]?B?)", text.strip().upper())
    if not found:
        raise bad_input(f"the size '{text}' must be a number, with K, M or G behind it")
    return int(found[1]) * _UNITS[found[2]]


class Client(Cancellable, Protocol):
    """Who exports."""

    @property
    def link(self) -> EngineConnection:
        """The session whose rows are written."""
        ...


class Exports:
    """Writes them.

    Args:
        sources: what knows where files lie.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def write(self, outfile: Outfile, client: Client) -> None:
        """Run the query in the client's session, and write what it gives; a rollback leaves the files.

        Raises:
            SqlError: a file exists already, or cannot be written.
            EngineError: the engine refuses the query.
        """
        self._check_new(outfile.path(0))
        result = client.link.stream(outfile.query)
        columns = next(result)
        try:
            for number, file in enumerate(_files(outfile, columns, result)):
                with file:
                    self._save(outfile.path(number), file)
        finally:
            result.close()

    def _check_new(self, url: str) -> None:
        store, path = self._sources.at(Source(url))
        if store.exists(path):
            raise _exists(store, path)

    def _save(self, url: str, file: IO[bytes]) -> None:
        store, path = self._sources.at(Source(url))
        file.seek(0)
        if not store.write(path, file):
            raise _exists(store, path)


def _exists(store: Store, path: str) -> SqlError:
    return SqlError(20406, f"file {store.display_path(path)} already exists")


def _files(outfile: Outfile, columns: Sequence[ResultColumn], rows: Iterator[Row]) -> Iterator[IO[bytes]]:
    """The files' contents, at least one."""
    if outfile.format == "parquet":
        yield _parquet(columns, rows)
        return
    line = _csv_line if outfile.format == "csv" else _json_line
    titles = outfile.delimiter.join(column.name for column in columns) + outfile.line_end
    head = titles.encode() if outfile.header and outfile.format == "csv" else b""
    file, size = _begun(head), len(head)
    for row in rows:
        data = line(outfile, columns, row).encode("utf-8", "surrogateescape")
        if outfile.largest is not None and size > len(head) and size + len(data) > outfile.largest:
            yield file
            file, size = _begun(head), len(head)
        file.write(data)
        size += len(data)
    yield file


def _begun(head: bytes) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115  # whoever saves it closes it
    file.write(head)
    return file


def _csv_line(outfile: Outfile, columns: Sequence[ResultColumn], row: Row) -> str:
    fields: list[str] = []
    for column, value in zip(columns, row, strict=True):
        bare = column.type in _NUMBERS | _FLOATS | _DECIMALS | _MOMENTS and column.name.lower() not in outfile.forced
        if value is None:
            fields.append("\\N")
        elif bare:
            fields.append(value)
        else:
            fields.append(f"{outfile.quote}{_escaped(value, outfile.quote)}{outfile.quote}")
    return outfile.delimiter.join(fields) + outfile.line_end


def _escaped(value: str, quote: str) -> str:
    """A text with its backslashes doubled, and its quotes (server-facts 70)."""
    value = value.replace("\\", "\\\\")
    return value.replace(quote, quote * 2) if quote and quote != "\\" else value


def _json_line(_outfile: Outfile, columns: Sequence[ResultColumn], row: Row) -> str:
    """A line as Go writes it: names in their order, `<`, `>` and `&` escaped."""
    found = {column.name: _json_value(column, value) for column, value in zip(columns, row, strict=True)}
    fields = [f"{json.dumps(name, ensure_ascii=False)}:{found[name]}" for name in sorted(found)]
    return f"{{{','.join(fields)}}}\n".translate({ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"})


def _json_value(column: ResultColumn, value: str | None) -> str:
    if value is None:
        return "null"
    if column.type in _NUMBERS | _FLOATS | {ColumnType.JSON}:
        return value
    if _has_bytes(column):
        value = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
    return json.dumps(value, ensure_ascii=False)


def _has_bytes(column: ResultColumn) -> bool:
    """Whether a column's values are bytes, not text."""
    return column.is_binary and column.type not in _DECIMALS | _MOMENTS | {ColumnType.JSON}


def _parquet(columns: Sequence[ResultColumn], rows: Iterator[Row]) -> IO[bytes]:
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    schema = arrow.schema([(column.name, _arrow_type(arrow, column)) for column in columns])
    file = _begun(b"")
    with parquet.ParquetWriter(file, schema) as writer:
        group: list[Row] = []
        for row in rows:
            group.append(row)
            if len(group) == GROUP_ROWS:
                writer.write_table(_table(arrow, schema, columns, group))
                group = []
        writer.write_table(_table(arrow, schema, columns, group))
    return file


def _table(arrow: Any, schema: Any, columns: Sequence[ResultColumn], rows: Sequence[Row]) -> Any:
    arrays: list[Any] = []
    for at in range(len(columns)):
        values = [row[at] for row in rows]
        kind = schema.field(at).type
        if arrow.types.is_binary(kind):
            encoded = [None if value is None else value.encode("utf-8", "surrogateescape") for value in values]
            arrays.append(arrow.array(encoded, kind))
        else:
            arrays.append(arrow.array(values, arrow.string()).cast(kind))
    return arrow.Table.from_arrays(arrays, schema=schema)


def _arrow_type(arrow: Any, column: ResultColumn) -> Any:
    """The type of a column in Parquet; decimals and moments are texts (server-facts 70)."""
    if column.type in _NUMBERS:
        is_long = column.type is ColumnType.LONGLONG or (column.type is ColumnType.LONG and column.is_unsigned)
        return arrow.int64() if is_long else arrow.int32()
    if column.type in _FLOATS:
        return arrow.float32() if column.type is ColumnType.FLOAT else arrow.float64()
    return arrow.binary() if _has_bytes(column) else arrow.string()
