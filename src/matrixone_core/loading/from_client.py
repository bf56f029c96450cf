"""Loads of data that the client has, which is sent as CSV."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryFile
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import arrow, head, ledger, options, regular
from matrixone_core.loading.client_data import (
    PIECE,
    ClientPieces,
    Data,
    Held,
    Plain,
    Rewritten,
    Seen,
    Through,
    chunks_of,
    length_of,
    name_of,
    sampled,
)
from matrixone_core.loading.compression import compression_of
from matrixone_core.loading.csv_rows import CsvRows, Unit
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.flow import limited, load, state_of, table_of
from matrixone_core.loading.job import Input, Look, fitting
from matrixone_core.loading.json_rows import JsonRows
from matrixone_core.loading.options import Columns
from matrixone_core.loading.order import Order
from matrixone_core.loading.report import LoadReport
from matrixone_core.loading.sifting import Lines, Pieces, Sieve
from matrixone_core.loading.target import known
from matrixone_core.operation import Blocking, Chunks, Clock, NextChunk, Op, Sending
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import ClientData, Csv, Format, JsonLines
from matrixone_core.sql.staging import Conflict
from matrixone_core.sql.table import AskLoadState, LoadState


@dataclass(frozen=True)
class _Source:
    """Where rows come from.

    Args:
        data: what the caller gave.
        chunks: the same as text, piece by piece.
        plain: makes what becomes of the pieces first.
        afresh: begins anew with the pieces; None where they come only once.
        unit: what rows are counted by.
    """

    data: object
    chunks: Chunks
    plain: Callable[[], Through]
    afresh: Callable[[], Chunks] | None
    unit: Unit = "line"

    def lines(self, form: Csv | JsonLines, now: Pieces, *, skip_errors: bool) -> Lines:
        """How the rows can be told apart: as they are sent, if bad ones are left out, else once more."""
        afresh = self.afresh
        if skip_errors or afresh is None:
            return Lines(form, lambda _names: now, skip_errors, self.unit)
        return Lines(form, lambda _names: ClientPieces(afresh(), Held(self.plain())), unit=self.unit)


def of_text(order: Order, data: Data, encoding: str | None) -> Op[LoadReport]:
    """Load CSV or JSON lines.

    Args:
        order: what is wanted.
        data: the data.
        encoding: what it is written in, as Python calls it; None for bytes that are no text.
    """
    name, is_json = name_of(data), isinstance(order.format, JsonLines)
    names = order.columns or ((yield from _all_columns(order)) if is_json else ())
    decoded = options.encoding(encoding)
    if decoded == "utf-8" and order.options.skip_errors:
        decoded = None  # each row is seen to be UTF-8 by itself
    plain = partial(Plain, name, compression_of(order.format, name), decoded)
    afresh = isinstance(data, str | os.PathLike | bytes | bytearray | memoryview)
    source = _Source(data, chunks_of(data), plain, partial(chunks_of, data) if afresh else None)
    return (yield from limited(order, _sent(order, source, names)))


def of_parquet(order: Order, data: Data) -> Op[LoadReport]:
    """Load a Parquet file."""
    with ExitStack() as opened:
        file = yield from _seekable(data, opened)
        begin = partial(arrow.parquet_reader, file, name_of(data))
        return (yield from _of_batches(order, data, (yield from Blocking(begin)), begin))


def of_arrow(order: Order, data: object) -> Op[LoadReport]:
    """Load what speaks Arrow."""
    begin = partial(arrow.reader_of, data)
    reader = yield from Blocking(begin)
    is_kept = hasattr(data, "__len__")  # a reader gives what it has only once, and knows no length
    return (yield from _of_batches(order, data, reader, begin if is_kept else None))


def _of_batches(order: Order, data: object, reader: Any, again: Callable[[], Any] | None) -> Op[LoadReport]:
    names = arrow.names_of(reader, tuple(filter(None, order.columns)), name_of(data))
    plain = partial(Plain, name_of(data), "none", None)
    afresh = None if again is None else partial(_csv_of, again, names)
    source = _Source(data, arrow.csv_of(reader, names), plain, afresh, "row")
    return (yield from limited(order, _sent(order, source, names)))


def _csv_of(begin: Callable[[], Any], names: Sequence[str]) -> Iterator[bytes]:
    """Arrow data that is read from its beginning, when the first rows are asked for."""
    yield from arrow.csv_of(begin(), names)


def _all_columns(order: Order) -> Op[tuple[str, ...]]:
    """The table's columns that can be given a value."""
    state = yield from AskLoadState(order.names)
    table = yield from known(order.names, state.mark)
    return tuple(column.name for column in table.columns if not column.computed)


def _seekable(data: Data, opened: ExitStack) -> Op[Any]:
    """What pyarrow can read: a path, or a file that can be sought in."""
    if isinstance(data, str | os.PathLike) or hasattr(data, "seek"):
        return data
    file: Any = opened.enter_context((yield from Blocking(TemporaryFile)))
    chunks = chunks_of(data)
    while (piece := (yield from NextChunk(chunks))) is not None:
        yield from Blocking(partial(file.write, piece))
    yield from Blocking(partial(file.seek, 0))
    return file


def _sent(order: Order, source: _Source, names: Columns) -> Op[LoadReport]:
    """Load data, which is sent as CSV.

    Args:
        order: what is wanted.
        source: the data.
        names: the columns in the data's order.
    """
    began, data, chunks = (yield from Clock()), source.data, source.chunks
    name, names = name_of(data), tuple(names)
    form, json = _uncompressed(order.format), order.format if isinstance(order.format, JsonLines) else None
    first = Held(source.plain())
    if order.header:
        names = yield from _header(name, chunks, first, form)
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    else:
        piece = yield from NextChunk(chunks)  # what cannot be read at all is found before anything is sent
        if piece is not None:
            first.hold(piece)
    state = replace((yield from state_of(order)), reached=int(len(first.held) >= PIECE))
    look, flaw = yield from _flaw_of(order, state, name, names)
    sent: Through = first
    if json is not None:
        rows = JsonRows(json, tuple(filter(None, names)))
        sent = Held(Rewritten(name, first, rows, (lambda _row: None) if flaw is None else flaw.unheard))
    elif flaw is not None:
        sent = Seen(first, CsvRows(form, regular.here(form, flaw.kinds, order.nulls), source.unit), flaw.unheard)
    entry = None if not order.options.once else (yield from _entry(order, state, data))
    one = Input(
        name,
        ClientData("rows.csv"),
        form,
        names,
        lambda statement: iter(Sending(statement, chunks, sent)),
        source.lines(json or form, ClientPieces(chunks, first), skip_errors=order.options.skip_errors),
        Sieve(name, order.options) if order.options.skip_errors else None,
        entry=entry,
        total=(yield from Blocking(partial(length_of, data))),
        look=look,
    )
    report = yield from load(order, state, [one], began, lambda: first.read)
    return replace(report, files=(replace(report.files[0], bytes=first.passed),))


def _flaw_of(order: Order, state: LoadState, name: str, names: Columns) -> Op[tuple[Look, Fitting | None]]:
    """Tells flaws of rows as they are sent; not in a session, which a load that is broken off would end."""
    unchecked = order.options.conflict is Conflict.UNCHECKED
    if unchecked or order.options.skip_errors or not state.revocable:
        return Look.NONE, None
    table = yield from table_of(order, state)
    return Look.SENT, fitting(name, table, names, order.assigned, order.nulls)


def _uncompressed(form: Format) -> Csv:
    """The way the data is written when it is sent."""
    return replace(form, compression="none") if isinstance(form, Csv) else Csv(compression="none")


def _entry(order: Order, state: LoadState, data: object) -> Op[Entry]:
    once = order.options.once
    if isinstance(once, str):
        return ledger.of_key(order.full_name(state), once)
    if not isinstance(data, str | os.PathLike):
        raise InvalidArgument("once=True knows a file by its path; give data of another kind a key: once='…'")
    path: str = os.path.abspath(data)  # noqa: PTH100  # what the caller gave, as a text
    size, sample = yield from Blocking(partial(sampled, path, whole=order.options.whole_content))
    return ledger.of_bytes(order.full_name(state), path, size, sample)


def _header(name: str, chunks: Chunks, held: Held, form: Csv) -> Op[tuple[str | None, ...]]:
    while True:
        piece = yield from NextChunk(chunks)
        if piece is not None:
            held.hold(piece)
        rows = head.beginning(form, held.held, 1, whole=piece is None)
        if rows or piece is None:
            return head.header_of(rows, name)
