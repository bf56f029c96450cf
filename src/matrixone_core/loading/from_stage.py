"""Loads of files in stages, which the server reads itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from matrixone_core import literals, patterns
from matrixone_core.errors import (
    InvalidArgument,
    LoadFailed,
    NotSupported,
    ServerError,
    StageFileNotFound,
    TransactionAborted,
)
from matrixone_core.loading import files, head, ledger
from matrixone_core.loading.compression import check_end, compression_of
from matrixone_core.loading.csv_rows import Row
from matrixone_core.loading.flow import limited, load, state_of
from matrixone_core.loading.job import Input, own_name
from matrixone_core.loading.json_rows import JsonRows
from matrixone_core.loading.order import Order
from matrixone_core.loading.plan import LoadPlan, planned
from matrixone_core.loading.report import LoadReport
from matrixone_core.loading.sifting import Lines, Sieve
from matrixone_core.loading.stage_file import ParquetPieces, Pieces
from matrixone_core.loading.target import may_stage
from matrixone_core.operation import Atomic, Clock, Op, Together, in_order
from matrixone_core.sql.external import CountJson, CreateExternal, JsonCount
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import Csv, Format, JsonLines, LoadData, Parquet
from matrixone_core.sql.staging import Conflict, DropTable
from matrixone_core.sql.table import LoadState

SMALL = 8 * 1024 * 1024  # bytes, up to which a second look at a file costs little
LARGE = 256 * 1024 * 1024  # bytes, from which on the server reads pieces of a file at once (server-facts 18)


def load_files(order: Order, stage: str, file: str | Sequence[str]) -> Op[LoadReport]:
    """Load files of a stage.

    Args:
        order: what is wanted.
        stage: the stage's name.
        file: a path in the stage, a pattern, or a list.
    """
    name = literals.stage_name(stage)
    return limited(order, _stage(order, name, files.named(name, file)))


def plan(order: Order, stage: str, file: str | Sequence[str]) -> Op[LoadPlan]:
    """What a load would do; arguments as of `load_files`."""
    name = literals.stage_name(stage)
    return (yield from limited(order, _planned(order, name, files.named(name, file))))


def _planned(order: Order, name: str, urls: tuple[str, ...]) -> Op[LoadPlan]:
    state, inputs = yield from _listed(order, name, urls)
    return (yield from planned(order, state, inputs, lambda: limited(order, _stage(order, name, urls))))


def _stage(order: Order, name: str, urls: Sequence[str]) -> Op[LoadReport]:
    began = yield from Clock()
    state, inputs = yield from _listed(order, name, urls)
    return (yield from load(order, state, inputs, began))


def _listed(order: Order, name: str, urls: Sequence[str]) -> Op[tuple[LoadState, tuple[Input, ...]]]:
    """What is known before a load, and its files."""
    state = yield from state_of(order, name, urls[0], _telling_offsets(order, urls))
    found = yield from files.found(name, urls, allow_empty=order.options.allow_empty)
    inputs = yield from _at_once(order, state, tuple(_input(order, state, url) for url in found))
    if isinstance(order.options.once, str) and len(inputs) > 1:
        raise InvalidArgument(f"once={order.options.once!r} is the key of one file, and there are {len(inputs)}")
    return state, inputs


def _at_once(order: Order, state: LoadState, ops: tuple[Op[Input], ...]) -> Op[tuple[Input, ...]]:
    """The files, of which something is read at once where that is needed; a session has one connection."""
    if state.revocable and len(ops) > 1 and (order.header or order.options.once):
        return (yield from Together(ops, order.options.concurrency))
    return (yield from in_order(ops))


def _telling_offsets(order: Order, urls: Sequence[str]) -> tuple[int, ...]:
    """What only a file has that is not small, or large, where that matters."""
    if len(urls) > 1 or patterns.is_pattern(urls[0]):
        return ()
    plain = isinstance(order.format, Csv) and compression_of(order.format, urls[0]) == "none"
    if order.options.conflict is Conflict.UNCHECKED:
        return (LARGE,) if plain else ()  # only CSV without compression is read in pieces
    return (SMALL, LARGE) if plain else (SMALL,)


def _input(order: Order, state: LoadState, url: str) -> Op[Input]:
    form, columns = order.format, order.columns
    yield from _checked_end(url, form)
    if order.header and isinstance(form, Csv):
        data, whole = yield from head.of_stage(url, form)
        columns = head.header_of(head.beginning(form, data, 1, whole=whole), url)
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    counted = _json_counted(order, url, form, state.now) if isinstance(form, JsonLines) else None
    entry = yield from _entry(order, state, url)
    sifted = Sieve(url, order.options) if order.options.skip_errors else None
    counted = None if sifted else counted  # the sieve sees every line
    return Input(
        url, url, form, columns, _as_it_is, _lines(url, form), sifted,
        _is_large(order, state), counted, entry,
    )  # fmt: skip


def _checked_end(url: str, form: Format) -> Op[None]:
    """See that a compressed file is whole, if it can be read (server-facts 9)."""
    try:
        yield from check_end(url, compression_of(form, url))
    except (LoadFailed, StageFileNotFound, TransactionAborted):
        raise
    except (ServerError, NotSupported):
        return


def _is_large(order: Order, state: LoadState) -> bool:
    return state.reached == (1 if order.options.conflict is Conflict.UNCHECKED else 2)


def _lines(url: str, form: Format) -> Lines:
    if isinstance(form, Parquet):
        return Lines(Csv(compression="none"), partial(ParquetPieces, url), unit="row")
    return Lines(form, lambda _names: Pieces(url, form))


def _entry(order: Order, state: LoadState, url: str) -> Op[Entry | None]:
    once = order.options.once
    if isinstance(once, str):
        return ledger.of_key(order.full_name(state), once)
    if not once or state.stage is None:
        return None
    return (yield from ledger.of_stage(order.full_name(state), state.stage, url, whole=order.options.whole_content))


def _json_counted(order: Order, url: str, form: JsonLines, now: int) -> Callable[[], Op[int]]:
    """Counts the lines: a malformed one ends the server's load without an error (server-facts 23)."""

    def count() -> Op[int]:
        if (yield from may_stage(order.names)):
            judged = yield from Atomic(_json_judged(own_name(order.names, now), url, form))
        else:
            judged = yield from _json_read(url, form)
        if judged.broken:
            raise LoadFailed(f"{url}: {judged.broken:,} of {judged.lines:,} lines are no JSON; no row was loaded")
        return judged.lines

    return count


def _json_judged(name: tuple[str, ...], url: str, form: JsonLines) -> Op[JsonCount]:
    yield from CreateExternal(name, url, Csv(0, "\x01", "\x02", compression=form.compression))
    judged = yield from CountJson(name)
    yield from DropTable(name)
    return judged


def _json_read(url: str, form: JsonLines) -> Op[JsonCount]:
    """The same for who may not make tables: the lines are read here."""
    rows, judged = JsonRows(form, ()), JsonCount(0, 0)
    pieces = Pieces(url, form)
    while (piece := (yield from pieces.next())) is not None:
        judged = _counted(judged, rows.feed(piece))
    return _counted(judged, rows.finish())


def _counted(judged: JsonCount, rows: Iterable[Row]) -> JsonCount:
    found = [row.broken is not None for row in rows]
    return JsonCount(judged.lines + len(found), judged.broken + sum(found))


def _as_it_is(statement: LoadData) -> Op[int]:
    return (yield from statement)
