"""Loads of the client's data, which the client converts to CSV and sends."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import format_options
from matrixone_core.loading.formats.arrow import open_reader, select_columns
from matrixone_core.loading.formats.arrow_csv import batches_to_csv
from matrixone_core.loading.formats.arrow_types import sql_columns
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.formats.csv import CANONICAL, Unit
from matrixone_core.loading.formats.parquet import open_parquet
from matrixone_core.loading.inputs.client_stream import (
    Data,
    begin_with,
    chunks_of,
    compressed_name_of,
    digest_of_file,
    is_rereadable,
    length_of,
    name_of,
    open_path,
)
from matrixone_core.loading.inputs.files import ClientFile
from matrixone_core.loading.inputs.header import check_header, first_rows
from matrixone_core.loading.inputs.readers import row_reader
from matrixone_core.loading.inputs.schema_inference import FileColumn, sample_text
from matrixone_core.loading.inputs.transforms import Decoder, Transform, pass_through
from matrixone_core.loading.ledger import entry_for_bytes, entry_for_key
from matrixone_core.loading.mapping import default_names
from matrixone_core.loading.plan import SMALL_BYTES
from matrixone_core.loading.rejects import Rejects
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.run import LoadFacts, fetch_facts, load, with_timeout
from matrixone_core.loading.shaping import shape_table
from matrixone_core.loading.table import Kind, Table
from matrixone_core.machine import LocalPath, Machine
from matrixone_core.results import LoadReport
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import Csv, Format, JsonLines
from matrixone_core.steps import Chunks, GetRuntime, Op, in_order, next_chunk, read_clock, run_in_thread, transform


@dataclass(frozen=True)
class ClientSource:
    """The client's data for a load.

    Args:
        data: the caller's data.
        machine: the client's machine, which opens paths.
        begin: function that begins to read the data; it receives the current table if its rows depend on the table.
        decoder: function that creates a new decoder; it returns None if the data needs none.
        unit: what row numbers count: lines or rows.
        is_utf8: whether the decoder checks that all of the data is text.
    """

    data: object
    machine: Machine
    begin: Callable[[Table | None], Chunks]
    decoder: Callable[[], Decoder | None]
    unit: Unit = "line"
    is_utf8: bool = False


def load_text(request: LoadRequest, data: Data, encoding: str | None) -> Op[LoadReport]:
    """Load CSV or JSON lines.

    Args:
        request: the caller's request.
        data: the data.
        encoding: Python's name of the data's encoding. None leaves the bytes as they are.
    """
    name = format_options.encoding(encoding)
    compressed = compression_of(request.format.compression, compressed_name_of(data))
    machine = (yield from GetRuntime()).machine
    source = ClientSource(
        data,
        machine,
        lambda _: chunks_of(data, machine, name or "utf-8"),
        partial(
            Decoder, name_of(data), compressed, None if name == "utf-8" and request.options.collects_rejects else name
        ),
        is_utf8=name is not None,
    )
    return (yield from with_timeout(request, _load(request, source)))


def load_parquet(request: LoadRequest, data: Data) -> Op[LoadReport]:
    """Load a Parquet file."""
    machine = (yield from GetRuntime()).machine
    with ExitStack() as opened:
        file = yield from _seekable(data, machine, opened)
        begin = partial(open_parquet, file, name_of(data), max_unpacked_bytes=request.options.max_unpacked_bytes)
        return (yield from _load_batches(request, data, begin))


def load_arrow(request: LoadRequest, data: object) -> Op[LoadReport]:
    """Load Arrow data, or data that can be converted to it."""
    return (yield from _load_batches(request, data, partial(open_reader, data, tuple(filter(None, request.columns)))))


def _load_batches(request: LoadRequest, data: object, begin: Callable[[], Any]) -> Op[LoadReport]:
    reader = yield from run_in_thread(begin)
    names = select_columns(reader.schema, tuple(filter(None, request.columns)), name_of(data))
    once = replace(request, columns=names)
    machine = (yield from GetRuntime()).machine
    source = ClientSource(data, machine, partial(_rows_of, reader, names, name_of(data)), _no_decoder, "row")
    types = tuple(FileColumn(name, kind) for name, kind in sql_columns(reader.schema))
    return (yield from with_timeout(request, _load(once, source, types)))


def _rows_of(reader: Any, names: Sequence[str], path: str, table: Table | None) -> Chunks:
    """Convert Arrow data to CSV; bytes for a UUID column become text."""
    columns = {name: table.column(name) for name in names} if table is not None else {}
    uuids = {name for name, column in columns.items() if column is not None and column.kind is Kind.UUID}
    return batches_to_csv(reader, names, name=path, uuids=uuids)


def _no_decoder() -> None:
    """Return None: Arrow data is converted to text as it is read."""


def _seekable(data: Data, machine: Machine, opened: ExitStack) -> Op[Any]:
    """Return a file that can be sought in, for pyarrow."""
    if isinstance(data, str | os.PathLike):
        return opened.enter_context((yield from run_in_thread(partial(open_path, data, machine))))
    if hasattr(data, "seek"):
        return data
    file = opened.enter_context((yield from run_in_thread(machine.open_temporary)))
    chunks = chunks_of(data, machine)
    while (piece := (yield from next_chunk(chunks))) is not None:
        yield from run_in_thread(partial(file.write, piece))
    yield from run_in_thread(partial(file.seek, 0))
    return file


def _load(request: LoadRequest, source: ClientSource, types: Sequence[FileColumn] = ()) -> Op[LoadReport]:
    """Load data, sent as CSV.

    Args:
        request: the caller's request.
        source: the data.
        types: the columns of the data with their inferred SQL types; empty if the data has no types.
    """
    began = yield from read_clock()
    known = (yield from fetch_facts(request)) if source.unit == "row" else None
    chunks = source.begin(None if known is None else known.table)
    head = yield from _read_head(chunks, source.decoder())  # text that cannot be read is found before anything is sent
    facts = known or (yield from fetch_facts(request))
    form, names = request.format, request.columns
    if request.header and isinstance(form, Csv):
        names = check_header(first_rows(form, head.data, 1, is_all=head.is_all), name_of(source.data))
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    if not names and facts.table is not None:
        names = default_names(request, facts.table)
    shaped = yield from shape_table(request, facts, names, partial(_suggest, request, head, types))
    rejects = Rejects(name_of(source.data), request.options) if request.options.collects_rejects else None
    through = _transform(request, shaped.facts, source, shaped.names, form, rejects)
    rereadable = source.unit == "line" and (
        yield from run_in_thread(partial(is_rereadable, source.data, source.machine))
    )
    file = ClientFile(
        path=name_of(source.data),
        format=choose_sent_format(form, source.unit),
        names=shaped.names,
        chunks=begin_with(head.pieces, chunks),
        transform=through,
        lines=through.lines,
        entry=(yield from _entry(request, facts, source)),
        total=(yield from run_in_thread(partial(length_of, source.data, source.machine))),
        is_small=head.is_all,
        reread=partial(_read_again, source) if rereadable else None,
        unit=source.unit,
        rejects=rejects,
        is_utf8=source.is_utf8,
    )
    if head.is_all:  # a row that cannot be read is found before anything is sent
        sent = yield from in_order(transform(through, piece) for piece in (*head.pieces, None))
        file = replace(file, chunks=iter(sent), transform=pass_through)
    report = yield from load(request, shaped.facts, [file], began, partial(_bytes_read, through), shaped.preparation)
    return replace(report, files=(replace(report.files[0], bytes=through.read),))


def _bytes_read(through: Transform) -> int:
    return through.read


@dataclass(frozen=True)
class Head:
    """The beginning of the data.

    Args:
        data: the decoded text.
        pieces: the pieces that were read.
        is_all: whether these are all of the data.
    """

    data: bytes
    pieces: Sequence[bytes]
    is_all: bool


def _read_head(chunks: Chunks, decoder: Decoder | None) -> Op[Head]:
    data, pieces = b"", list[bytes]()
    piece: bytes | None = b""
    while piece is not None and len(data) < SMALL_BYTES:
        piece = yield from next_chunk(chunks)
        pieces += [] if piece is None else [piece]
        data += (piece or b"") if decoder is None else (yield from transform(decoder.feed, piece))
    return Head(data, pieces, piece is None)


def _suggest(request: LoadRequest, head: Head, types: Sequence[FileColumn]) -> Op[Sequence[FileColumn]]:
    """Return the columns of the data, with SQL types inferred from its first rows."""
    if types:
        return types
    suggest = partial(sample_text, "<data>", request.format, head.data)
    sample = yield from run_in_thread(partial(suggest, is_all=head.is_all, header=request.header, nulls=request.nulls))
    return sample.columns


def choose_sent_format(form: Format, unit: Unit) -> Csv:
    """Return the CSV format in which data is sent: unchanged if the server reads it correctly, else canonical."""
    if isinstance(form, Csv) and unit == "line" and form.line_terminator in {None, "\n"}:
        return replace(form, compression="none", ignore_lines=0)
    return CANONICAL


def _transform(
    request: LoadRequest,
    facts: LoadFacts,
    source: ClientSource,
    names: Sequence[str | None],
    form: Format,
    rejects: Rejects | None,
) -> Transform:
    path = name_of(source.data)
    if source.unit == "row" or not isinstance(form, Csv | JsonLines):
        return Transform(path, source.decoder(), None, len(names))
    sent = choose_sent_format(form, source.unit)
    reader = row_reader(request, facts.table, form, names, passes_lines=sent is not CANONICAL)
    delimiter = None if sent is CANONICAL else sent.delimiter
    return Transform(path, source.decoder(), reader, len(names), delimiter=delimiter, rejects=rejects)


def _read_again(source: ClientSource) -> tuple[Chunks, Callable[[bytes | None], bytes]]:
    decoder = source.decoder()
    return source.begin(None), decoder.feed if decoder is not None else pass_through


def _entry(request: LoadRequest, facts: LoadFacts, source: ClientSource) -> Op[Entry | None]:
    once = request.options.once
    if not once:
        return None
    if isinstance(once, str):
        return entry_for_key(facts.full_name(request), once)
    if not isinstance(source.data, str | os.PathLike):
        raise InvalidArgument("once=True identifies a file by its path; give other data a key: once='…'")
    machine, given = source.machine, cast("LocalPath", source.data)  # pyright: ignore[reportUnknownMemberType]  # a path of any type
    path = yield from run_in_thread(partial(machine.absolute, given))
    size, sample = yield from run_in_thread(
        partial(digest_of_file, path, machine, whole=request.options.hash_whole_file)
    )
    return entry_for_bytes(facts.full_name(request), path, size, sample)
