"""The way through staging tables: LOAD DATA into tables without keys, then INSERT … SELECT (server-facts 18)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from matrixone_core.errors import InvalidArgument, LoadFailed, MatrixOneError
from matrixone_core.loading.client_data import bad_row
from matrixone_core.loading.direct import surplus
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.job import STAGING, Input, Job, Layout, conflict_of, layout, own_name
from matrixone_core.loading.looking import beside
from matrixone_core.loading.reading import as_it_stays, bad_row_of, done, explain, load_data, once, read_file
from matrixone_core.loading.report import LoadedFile
from matrixone_core.loading.target import Table
from matrixone_core.operation import Aside, Atomic, Clock, Known, Op, Together
from matrixone_core.sql.load import Csv
from matrixone_core.sql.staging import (
    CheckStaged,
    Conflict,
    CountMatches,
    CreateStaging,
    DropTable,
    InsertStaged,
    Kept,
    Names,
)
from matrixone_core.sql.table import TablesLike

LEFT_OVER = 24 * 3600  # seconds after which a staging table is nobody's any more


@dataclass(frozen=True)
class Batch:
    """Files that share a staging table."""

    staging: Names
    inputs: tuple[Input, ...]
    layout: Layout
    numbered: bool


def staged(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    """Load files through staging tables, several at once.

    Raises:
        Unproven: the server has looked through a file and found a line that is not regular.
        LoadFailed: a row does not fit.
        DuplicateKey: a row's key is there already, or twice in the files.
    """
    batches = _batches(job, table, inputs)
    atonce = min(job.options.concurrency, len(batches))
    if atonce == 1:
        return (yield from Atomic(beside(job, table, inputs, _staged_within(job, table, batches))))
    yield from Known(("swept", job.names[:-1]), iter(Aside(_swept(job))))
    try:
        filled: tuple[tuple[LoadedFile, ...], ...] = yield from Together(
            tuple(iter(Atomic(_filled(job, table, batch))) for batch in batches), atonce
        )
        return (yield from Atomic(_inserted(job, table, batches, filled)))
    finally:
        for batch in batches:
            yield from _dropped_aside(batch.staging)


def _dropped_aside(staging: Names) -> Op[None]:
    """Drop a staging table whatever happened; one that cannot be is swept by a later load."""
    with suppress(MatrixOneError):
        yield from Aside(iter(DropTable(staging)))


def _batches(job: Job, table: Table, inputs: Sequence[Input]) -> list[Batch]:
    """Which files share a staging table: neighbours, where nothing has to be told of each file by itself."""
    layouts = [layout(job, table, one) for one in inputs]
    conflict = conflict_of(job, [key for each in layouts for key in each.keys])
    shared = conflict in {Conflict.ERROR, Conflict.UNCHECKED} and len(set(layouts)) == 1 and job.ledger is None
    count = min(job.options.concurrency, len(inputs)) if shared else len(inputs)
    bounds = [len(inputs) * at // count for at in range(count + 1)]
    numbered = conflict not in {Conflict.ERROR, Conflict.UNCHECKED}
    return [
        Batch(
            own_name(job.names, job.state.now),
            tuple(inputs[begin:end]),
            layouts[begin],
            # the columns of other formats are the table's, so that there can be none more
            numbered and isinstance(inputs[begin].format, Csv),
        )
        for begin, end in pairwise(bounds)
    ]


def _swept(job: Job) -> Op[None]:
    """Drop what loads whose process died have left."""
    database = job.names[:-1]
    for name in (yield from TablesLike(database, STAGING)):
        made = name.removeprefix(STAGING).partition("_")[0]
        if made.isdigit() and int(made) < job.state.now - LEFT_OVER:
            yield from DropTable((*database, name))


def _staged_within(job: Job, table: Table, batches: Sequence[Batch]) -> Op[tuple[LoadedFile, ...]]:
    """All in one transaction, so that nothing can be left over.

    In a session the transaction goes on after an error: the staging table is dropped within it.
    """
    files: list[LoadedFile] = []
    for batch in batches:

        def staged(batch: Batch = batch) -> Op[tuple[LoadedFile, ...]]:
            filled = yield from _filled(job, table, batch)
            return (yield from _batch_inserted(job, table, batch, filled))

        try:
            files += yield from once(job, batch.inputs, staged)
        except MatrixOneError as error:
            if job.state.revocable:
                raise
            yield from DropTable(batch.staging)
            raise as_it_stays(job, error, begun=bool(files)) from error
        yield from DropTable(batch.staging)
    return tuple(files)


def _filled(job: Job, table: Table, batch: Batch) -> Op[tuple[LoadedFile, ...]]:
    shape = batch.layout
    yield from CreateStaging(batch.staging, table.names, shape.typed, shape.own, batch.numbered)
    files: list[LoadedFile] = []
    for one in batch.inputs:
        began = yield from Clock()
        columns = shape.fields if isinstance(one.format, Csv) else ()
        named = tuple(name for name in shape.fields if name is not None)
        statement = load_data(job, one, batch.staging, columns, named)
        in_order = replace(statement, parallel=False) if batch.numbered else statement
        read = yield from read_file(job, table, one, in_order)
        files.append((yield from done(job, read, began)))
    yield from _seen_to(job, table, batch)
    return tuple(files)


def _seen_to(job: Job, table: Table, batch: Batch) -> Op[None]:
    """See that the server has changed nothing, and can give everything back.

    Raises:
        LoadFailed: it has, or cannot.
    """
    shape = batch.layout
    seen = bool(shape.whole or shape.texts)
    if not seen or not (yield from CheckStaged(batch.staging, shape.whole, shape.texts)):
        return
    for one in batch.inputs:
        row = yield from bad_row_of(job, table, one, Fitting.unheard)
        if row is not None:
            raise bad_row(row)
    raise LoadFailed("a number for a column of whole numbers has a fraction, or a text is not UTF-8; no row was loaded")


def _inserted(
    job: Job, table: Table, batches: Sequence[Batch], filled: Sequence[tuple[LoadedFile, ...]]
) -> Op[tuple[LoadedFile, ...]]:
    files: list[LoadedFile] = []
    for batch, read in zip(batches, filled, strict=True):
        files += yield from once(job, batch.inputs, partial(_batch_inserted, job, table, batch, read))
    return tuple(files)


def _batch_inserted(job: Job, table: Table, batch: Batch, files: tuple[LoadedFile, ...]) -> Op[tuple[LoadedFile, ...]]:
    conflict, keys = conflict_of(job, batch.layout.keys), batch.layout.keys
    insert = InsertStaged(job.names, batch.staging, batch.layout.inserted, conflict)
    read = sum(file.rows for file in files)
    if conflict in {Conflict.ERROR, Conflict.UNCHECKED}:
        count = yield from _stored(job, table, batch, replace(insert, conflict=Conflict.ERROR))
        if count != read:
            raise LoadFailed(f"{read:,} rows were read, and {count:,} of them stored; no row was loaded")
        return files
    return ((yield from _resolved(job, table, batch, insert, files[0], keys)),)


def _stored(job: Job, table: Table, batch: Batch, insert: InsertStaged) -> Op[int]:
    """Insert staged rows; an error says which of them it is about, if that can be found."""
    try:
        return (yield from insert)
    except LoadFailed as error:
        yield from explain(job, table, batch.inputs, error)
        raise


def _resolved(
    job: Job, table: Table, batch: Batch, insert: InsertStaged, file: LoadedFile, keys: tuple[Names, ...]
) -> Op[LoadedFile]:
    """Rows of one file whose keys may be there already, or more than once in the file."""
    beyond = max((yield from surplus(batch.staging, keys)), default=0)
    ordered = bool(beyond) and batch.numbered
    if insert.conflict is Conflict.SKIP:
        first = replace(insert, kept=Kept.FIRST, keys=keys) if ordered else insert
        rows = yield from _stored(job, table, batch, first)
        return replace(file, rows=rows, skipped=file.rows - rows - beyond, duplicates=beyond)
    matches = yield from CountMatches(job.names, batch.staging, keys)
    last = replace(insert, kept=Kept.LAST, keys=keys) if ordered else insert
    kept = replace(file, rows=file.rows - beyond, duplicates=beyond)
    if insert.conflict is Conflict.REPLACE:
        yield from _stored(job, table, batch, last)
        return replace(kept, replaced=matches)
    update = job.options.update or tuple(
        assignment.column for assignment in insert.columns if not any(assignment.column in key for key in keys)
    )
    if not update:
        raise InvalidArgument("on_conflict='update' has nothing to update: all columns of the file are the key's")
    if ordered and job.options.update:  # columns that are not updated are the first row's
        yield from _stored(job, table, batch, replace(insert, kept=Kept.FIRST, keys=keys, update=update))
    yield from _stored(job, table, batch, replace(last, update=update))
    return replace(kept, updated=matches)
