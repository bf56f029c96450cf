"""SELECT … INTO OUTFILE: rows to a new file as CSV, JSON lines or Parquet (server-facts 14, 33; conformance/export)."""

from __future__ import annotations

import base64
import importlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any, Protocol

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import SqlError, bad_cast, bad_configuration, bad_input, internal_error
from matrixone_local.files.bulk_insert import Cancellable
from matrixone_local.files.sources import Source, Sources
from matrixone_local.files.stores import Store
from matrixone_local.protocol import vectors
from matrixone_local.protocol.constants import ColumnType
from matrixone_local.protocol.floats import as_go_writes, without_exponent
from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.tokens import Kind, Reader, Token

BATCH_ROWS = 8_192  # rows that a server writes at once: no file ends between them
SPOOLED = 1 << 20
_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')  # in JSON blanks mean nothing but in texts
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}
_SUFFIXES = {
    ".csv": "csv", ".jsonl": "jsonline", ".jsonline": "jsonline", ".ndjson": "jsonline", ".parquet": "parquet",
}  # fmt: skip
_WORDS = ("FORMAT", "SPLITSIZE", "FIELDS", "COLUMNS", "LINES", "HEADER", "MAX_FILE_SIZE", "FORCE_QUOTE", "ESCAPED")
_NUMBERS = frozenset(
    {ColumnType.TINY, ColumnType.SHORT, ColumnType.LONG, ColumnType.INT24, ColumnType.LONGLONG, ColumnType.YEAR}
)
_FLOATS = frozenset({ColumnType.FLOAT, ColumnType.DOUBLE})
_NO_SCALE = 31  # decimals of a FLOAT or DOUBLE that was declared without
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
    options = _options(read)
    end = read.current.start if read.current else len(sql)
    options["format"] = _format(url, options.get("format"))
    return Outfile(url, f"{sql[: tokens[at].start]} {sql[end:]}".strip().rstrip(";"), **options)


def _format(url: str, given: str | None) -> str:
    """The format that was given, or that the suffix names; a suffix of another one is refused."""
    if given is not None and given not in {"csv", "jsonline", "parquet"}:
        raise bad_configuration(f"the format '{given}' is not supported")
    suffix = next((suffix for suffix in _SUFFIXES if url.lower().endswith(suffix)), None)
    if suffix is None:
        return given or "csv"
    if given not in {None, _SUFFIXES[suffix]}:
        raise internal_error(f"format '{given}' does not match file suffix '{suffix}'")
    return _SUFFIXES[suffix]


def _options(read: Reader) -> dict[str, Any]:
    """The options, each of which may be left out; a server knows one order."""
    options: dict[str, Any] = {}
    if read.take("FORMAT"):
        options["format"] = read.string().lower()
    if read.take("SPLITSIZE"):
        options["largest"] = _size(read.string())
    if read.take("FIELDS") or read.take("COLUMNS"):
        options |= _fields(read)
    if read.take("LINES"):
        read.expect("TERMINATED", "BY")
        options["line_end"] = read.string()
    if read.take("HEADER"):
        options["header"] = read.string().upper() == "TRUE"
    if read.take("MAX_FILE_SIZE"):
        options.setdefault("largest", int(read.next(Kind.NUMBER).text) * 1024)
    if read.take("FORCE_QUOTE"):
        options["forced"] = _names(read)
    if read.current is not None and read.current.says(*_WORDS):
        raise read.error()
    return options


def _fields(read: Reader) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if read.take("TERMINATED", "BY"):
        options["delimiter"] = read.string()
    elif read.current is None or not read.current.says("ENCLOSED"):
        raise read.error()
    if read.take("ENCLOSED", "BY"):
        options["quote"] = read.string()
    return options


def _names(read: Reader) -> frozenset[str]:
    read.expect("(")
    names: set[str] = set()
    while not read.take(")"):
        names.add(read.name().lower())
        read.take(",")
    return frozenset(names)


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

    def write(self, outfile: Outfile, client: Client, *, casts: bool) -> None:
        """Run the query in the client's session, and write what it gives; a rollback leaves the files.

        Args:
            outfile: the query and its files.
            client: who exports.
            casts: whether the query has casts, whose warnings are errors.

        Raises:
            SqlError: a file exists already, or cannot be written.
            EngineError: the engine refuses the query.
        """
        self._check_new(outfile.path(0))
        result = client.link.stream(outfile.query)
        columns = next(result)
        try:
            rows = _without_bad_casts(result, client.link) if casts else result
            for number, file in enumerate(_files(outfile, columns, rows)):
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


def _without_bad_casts(rows: Iterator[Row], link: EngineConnection) -> Iterator[Row]:
    """The rows; at their end what a server refuses is refused that the engine has cast with a warning."""
    yield from rows
    for _level, _code, words, *_ in link.query("SHOW WARNINGS").rows:
        if refused := bad_cast(words or ""):
            raise refused


def _exists(store: Store, path: str) -> SqlError:
    return SqlError(20406, f"file {store.display_path(path)} already exists")


def _files(outfile: Outfile, columns: Sequence[ResultColumn], rows: Iterator[Row]) -> Iterator[IO[bytes]]:
    """The files' contents; none of Parquet without a row, else at least one."""
    if outfile.format != "csv" and any(column.type is ColumnType.YEAR for column in columns):
        raise internal_error(f"unsupported type for {outfile.format} export: YEAR")
    if outfile.format == "parquet" and any(column.is_vector for column in columns):
        raise internal_error("unsupported type for parquet export: VECF32")
    if outfile.format == "parquet":
        yield from _parquet(columns, rows)
        return
    line = _csv_line if outfile.format == "csv" else _json_line
    titles = outfile.delimiter.join(column.name for column in columns) + outfile.line_end
    head = titles.encode() if outfile.header and outfile.format == "csv" else b""
    file, size = _begun(head), len(head)
    try:
        for batch in _batches(rows):
            data = "".join([line(outfile, columns, row) for row in batch]).encode("utf-8", "surrogateescape")
            if outfile.largest is not None and size + len(data) > outfile.largest:
                yield file
                file, size = _begun(head), len(head)
            file.write(data)
            size += len(data)
        yield file
    finally:  # also where a row is refused
        file.close()


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _begun(head: bytes) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115  # whoever saves it closes it
    file.write(head)
    return file


def _csv_line(outfile: Outfile, columns: Sequence[ResultColumn], row: Row) -> str:
    fields: list[str] = []
    for column, value in zip(columns, row, strict=True):
        is_forced = column.name in outfile.forced
        if value is None:
            fields.append(f"{outfile.quote}\\N{outfile.quote}" if is_forced else "\\N")
        elif column.type in _NUMBERS | _FLOATS | _DECIMALS | _MOMENTS | {ColumnType.BIT}:
            shown = _with_zeros(column, value) if column.type in _FLOATS else value
            fields.append(f"{outfile.quote}{shown}{outfile.quote}" if is_forced else shown)
        else:
            shown = vectors.as_served(value) if column.is_vector else _escaped(value, outfile.quote)
            fields.append(f"{outfile.quote}{shown}{outfile.quote}")
    return outfile.delimiter.join(fields) + outfile.line_end


def _with_zeros(column: ResultColumn, value: str) -> str:
    """A FLOAT or DOUBLE with all its zeros, those that the column has behind the point too."""
    return f"{Decimal(value):.{column.decimals}f}" if column.decimals < _NO_SCALE else without_exponent(value)


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
    if column.type in _FLOATS:
        return _json_number(value)
    if column.is_vector:
        return f"[{','.join(map(_json_number, vectors.numbers_of(value)))}]"
    if column.type in _NUMBERS:
        return value
    if column.type is ColumnType.JSON:
        return _BLANKS.sub(lambda found: found[1] or "", value)
    if column.type is ColumnType.BIT:
        return str(_number_of_bits(value))
    if _has_bytes(column):
        value = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
    return json.dumps(value, ensure_ascii=False)


def _json_number(value: str) -> str:
    return as_go_writes(value, least=-6, exponent_digits=1)


def _number_of_bits(value: str) -> int:
    return int.from_bytes(value.encode("utf-8", "surrogateescape"), "big")


def _has_bytes(column: ResultColumn) -> bool:
    """Whether a column's values are bytes, not text."""
    return column.is_binary and column.type not in _DECIMALS | _MOMENTS | {ColumnType.JSON, ColumnType.BIT}


def _parquet(columns: Sequence[ResultColumn], rows: Iterator[Row]) -> Iterator[IO[bytes]]:
    """The file of Parquet, which is never split; none without a row."""
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    schema = arrow.schema([(column.name, _arrow_type(arrow, column)) for column in columns])
    first = next(rows, None)
    if first is None:
        return
    file = _begun(b"")
    try:
        with parquet.ParquetWriter(file, schema) as writer:
            for batch in _batches(chain([first], rows)):
                writer.write_table(_table(arrow, schema, columns, batch))
        yield file
    finally:
        file.close()


def _table(arrow: Any, schema: Any, columns: Sequence[ResultColumn], rows: Sequence[Row]) -> Any:
    arrays: list[Any] = []
    for at, column in enumerate(columns):
        values: list[Any] = [row[at] for row in rows]
        if column.type is ColumnType.BIT:
            values = [None if value is None else str(_number_of_bits(value)) for value in values]
        kind = schema.field(at).type
        if arrow.types.is_binary(kind):
            encoded = [None if value is None else value.encode("utf-8", "surrogateescape") for value in values]
            arrays.append(arrow.array(encoded, kind))
        else:
            arrays.append(arrow.array(values, arrow.string()).cast(kind))
    return arrow.Table.from_arrays(arrays, schema=schema)


def _arrow_type(arrow: Any, column: ResultColumn) -> Any:
    """The type of a column in Parquet; decimals and moments are texts (server-facts 70)."""
    if column.type in _NUMBERS | {ColumnType.BIT}:
        is_long = column.type in {ColumnType.LONGLONG, ColumnType.BIT} or (
            column.type is ColumnType.LONG and column.is_unsigned
        )
        return arrow.int64() if is_long else arrow.int32()
    if column.type in _FLOATS:
        return arrow.float32() if column.type is ColumnType.FLOAT else arrow.float64()
    return arrow.binary() if _has_bytes(column) else arrow.string()
