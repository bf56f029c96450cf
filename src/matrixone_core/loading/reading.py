"""One file's LOAD DATA: carried out, entered in the ledger if it is loaded once, its bad row named."""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from matrixone_core.errors import LoadFailed, LoadUnfinished, MatrixOneError, StageFileNotFound, aborts
from matrixone_core.loading.csv_rows import Row
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.job import Input, Job, fitting_of
from matrixone_core.loading.ledger import Ledger, entered
from matrixone_core.loading.progress import span
from matrixone_core.loading.report import BadRow, LoadedFile
from matrixone_core.loading.sifting import explained
from matrixone_core.loading.target import Table, reflected
from matrixone_core.operation import Clock, OnConnection, Op
from matrixone_core.sql.ledger import DeleteEntry, Entry, SetRows
from matrixone_core.sql.load import LoadData
from matrixone_core.sql.staging import Names

T = TypeVar("T")
UNREADABLE = (OSError, EOFError, ValueError, zlib.error)  # what is raised for a file that is not compressed as told
UNTOLD = frozenset({20300, 20411})  # the server's numbers for what has to do with the place, not with a row


def load_data(job: Job, one: Input, into: Names, columns: tuple[str | None, ...], named: Names) -> LoadData:
    """The statement that loads a file.

    Args:
        job: what is to be loaded.
        one: the file.
        into: the table.
        columns: where its fields go, in their order; empty for the table's own.
        named: the columns in which a text may mean NULL.
    """
    nulls = named if len(job.nulls) == 1 else ()
    return LoadData(one.source, into, one.format, columns, nulls, job.nulls[0] if nulls else "", one.parallel)


def read_file(job: Job, table: Table | None, one: Input, statement: LoadData) -> Op[LoadedFile]:
    """Load a file; without its bad rows, if they are to be sifted out.

    Raises:
        LoadFailed: a row does not fit, or the server lost some.
    """
    with span("load file", ".".join(job.names), {"matrixone.load.file": one.path}):
        return (yield from _carried(job, table, one, statement))


def _carried(job: Job, table: Table | None, one: Input, statement: LoadData) -> Op[LoadedFile]:
    if one.sieve is not None and table is not None:
        fitting = fitting_of(job, table, one)
        if not statement.columns:
            statement = replace(statement, columns=tuple(fitting.names))
        rows = yield from one.sieve.load(statement, one.lines, fitting)
        return LoadedFile(one.path, rows, rows + one.sieve.rejected, rejected=one.sieve.rejected)
    try:
        wanted = None if one.count is None else (yield from one.count())
        rows = yield from one.carry(statement)
    except LoadFailed as error:
        yield from explain(job, table, [one], error)
        raise error.about(one.path) from error.__cause__
    except StageFileNotFound as error:
        raise error.about(one.path) from error.__cause__
    if wanted is not None and rows != wanted:
        raise LoadFailed(f"{one.path} has {wanted:,} rows, and the server loaded {rows:,} of them")
    return LoadedFile(one.path, rows, rows)


def explain(job: Job, table: Table | None, inputs: Sequence[Input], error: LoadFailed) -> Op[None]:
    """Name the row that the server refused, if it can be found.

    Raises:
        LoadFailed: it was.
    """
    if error.row is not None or error.code in UNTOLD:
        return
    for one in inputs:
        row = yield from bad_row_of(job, table, one, Fitting.flaw)
        if row is not None:
            raise explained(error, row) from error.__cause__


def bad_row_of(
    job: Job,
    table: Table | None,
    one: Input,
    flaw: Callable[[Fitting, Row], BadRow | None],
    passed_over: re.Pattern[str] | None = None,
) -> Op[BadRow | None]:
    """The first row of a file that has a flaw, if it can be found.

    Args:
        job: what is to be loaded.
        table: the table, or None if it is still to be asked for.
        one: the file.
        flaw: tells it.
        passed_over: matches rows that have none.
    """
    if not one.lines.again:
        return None
    try:
        if table is None:
            table = yield from OnConnection(partial(reflected, names=job.names))
        fitting = fitting_of(job, table, one)
        return (yield from one.lines.first(fitting.names, partial(flaw, fitting), passed_over))
    except (MatrixOneError, *UNREADABLE):  # what is to be raised is what happened before
        return None


def done(job: Job, file: LoadedFile, began: float) -> Op[LoadedFile]:
    """A file that is loaded, with the time that it took; whoever wants to hear of it does."""
    timed = replace(file, seconds=(yield from Clock()) - began)
    yield from job.heard(timed)
    return timed


# -- once ---------------------------------------------------------------------------------------------------------


def alone(op: Callable[[], Op[T]]) -> Op[tuple[T, ...]]:
    """What an operation returns, by itself in a tuple."""
    return ((yield from op()),)


def once(job: Job, inputs: Sequence[Input], op: Callable[[], Op[tuple[LoadedFile, ...]]]) -> Op[tuple[LoadedFile, ...]]:
    """Load files, unless the ledger says that they were loaded; the entry is in the transaction of the rows."""
    entry = inputs[0].entry
    if job.ledger is None or entry is None:
        return (yield from op())
    is_new = yield from entered(job.ledger, entry)
    return (yield from _noted_in(job, job.ledger, entry, op) if is_new else _left_out(job, inputs[0]))


def _noted_in(
    job: Job, book: Ledger, entry: Entry, op: Callable[[], Op[tuple[LoadedFile, ...]]]
) -> Op[tuple[LoadedFile, ...]]:
    """Load a file that is entered, and note how many rows came of it."""
    try:
        files = yield from op()
    except MatrixOneError as error:
        if not job.state.revocable and not aborts(error):
            yield from DeleteEntry(book.name, entry.id)
        raise
    yield from SetRows(book.name, entry.id, files[0].rows)
    return (replace(files[0], bytes=entry.size if entry.size >= 0 else None),)


def _left_out(job: Job, one: Input) -> Op[tuple[LoadedFile, ...]]:
    file = LoadedFile(one.path, already_loaded=True)
    yield from job.heard(file)
    return (file,)


def as_it_stays(job: Job, error: MatrixOneError, *, begun: bool) -> MatrixOneError:
    """The error for a load that a session cannot take back by itself."""
    if job.state.revocable or not begun:
        return error
    return LoadUnfinished(f"{error}; rows of this load are in the session's transaction: roll it back")
