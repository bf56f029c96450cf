"""The ways a load can go: which one is taken, and how it goes (server-facts 17, 18).

`plain`      LOAD DATA, where no key is to be checked
`empty`      LOAD DATA into a table that has no rows, then a look for keys that more than one row has
`staging`    LOAD DATA into tables without keys, several at once, then INSERT … SELECT: locks only the rows
`external`   INSERT … SELECT from the files themselves: locks the target's whole key range
`compared`   LOAD DATA, and doubled keys counted before and after, for who may not make tables
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import TypeVar

from sqlalchemy import types

from matrixone_core.errors import (
    DuplicateKey,
    InvalidArgument,
    LoadFailed,
    LoadUnfinished,
    MatrixOneError,
    PermissionDenied,
    aborts,
)
from matrixone_core.loading.client_data import bad_row
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.ledger import Ledger, entered
from matrixone_core.loading.options import Options
from matrixone_core.loading.progress import span
from matrixone_core.loading.report import BadRow, LoadedFile
from matrixone_core.loading.sifting import Lines, Sieve, explained, first_bad, reader_of
from matrixone_core.loading.target import Table, reflected
from matrixone_core.operation import Aside, Atomic, Clock, Known, OnConnection, Op, Together, in_order
from matrixone_core.sql.external import CreateExternal, InsertExternal, JudgeLines, Judgement
from matrixone_core.sql.ledger import DeleteEntry, Entry, SetRows
from matrixone_core.sql.load import ClientData, Csv, Format, JsonLines, LoadData, Parquet, Source
from matrixone_core.sql.staging import (
    Assignment,
    CheckStaged,
    Conflict,
    CountMatches,
    CreateStaging,
    DropTable,
    FirstDouble,
    InsertStaged,
    Kept,
    Names,
    Surplus,
)
from matrixone_core.sql.table import LoadState, TablesLike

T = TypeVar("T")
STAGING = "matrixone_load_"  # followed by the server's time and random digits
NUMBER_TYPE = "DECIMAL(38,9)"  # has every whole number, and shows a fraction
UNTOLD = frozenset({20300, 20411})  # the server's numbers for what has to do with the place, not with a row
LEFT_OVER = 24 * 3600  # seconds after which a staging table is nobody's any more


class Way(StrEnum):
    """How a load goes."""

    PLAIN = "plain"
    EMPTY = "empty"
    STAGING = "staging"
    EXTERNAL = "external"
    COMPARED = "compared"

    def lock(self) -> str:
        """What it locks until its transaction ends."""
        return "table" if self is Way.EXTERNAL else "rows"


@dataclass(frozen=True)
class Input:
    """A file, or data of the client's.

    Args:
        path: what it is called in reports.
        source: what the statement reads.
        format: how it is written.
        columns: the columns in the file's order, None for a field to skip; empty for the table's own.
        carry: carries its LOAD DATA out.
        lines: how its rows can be told apart here; None where they cannot.
        sieve: keeps its bad rows, if the others are to be loaded.
        parallel: whether the server may read pieces of it at once.
        count: counts its rows, and fails where one is malformed, if the server would lose it without a word.
        entry: what the ledger knows it by, if it is to be loaded once.
        total: the length of the client's data, or None.
    """

    path: str
    source: Source
    format: Format
    columns: tuple[str | None, ...]
    carry: Callable[[LoadData], Op[int]]
    lines: Lines | None = None
    sieve: Sieve | None = None
    parallel: bool = False
    count: Callable[[], Op[int]] | None = None
    entry: Entry | None = None
    total: int | None = None


@dataclass(frozen=True)
class Job:
    """What is to be loaded, and how.

    Args:
        names: the table, one or two names.
        nulls: the texts that mean NULL.
        assigned: columns and the expressions that they get.
        options: the caller's.
        state: what the server told before.
        ledger: where loads are entered, if each file is loaded once.
        heard: is told of files as they are done.
    """

    names: Names
    nulls: Names
    assigned: tuple[tuple[str, str], ...]
    options: Options
    state: LoadState
    ledger: Ledger | None
    heard: Callable[[LoadedFile], Op[None]]


@dataclass(frozen=True)
class Layout:
    """Where the fields of a file go.

    Args:
        fields: the staged columns in the file's order.
        typed: those that have the type of the target's column.
        own: those that are staged as another type, and that: text, where an expression reads them or more than one
            text means NULL; a number with a fraction, where it is to be seen that there is none.
        whole: those that are to be whole numbers.
        texts: those with the table's type that are to be UTF-8.
        inserted: what the target is given.
        keys: the target's keys that the file decides on.
    """

    fields: tuple[str | None, ...]
    typed: Names
    own: tuple[tuple[str, str], ...]
    whole: Names
    texts: Names
    inserted: tuple[Assignment, ...]
    keys: tuple[Names, ...]


def layout(job: Job, table: Table, columns: Sequence[str | None], form: Format) -> Layout:
    """Where the fields of a file go.

    Raises:
        InvalidArgument: the table does not have a column, or one that cannot be given a value.
    """
    fields = tuple(columns) or tuple(column.name for column in table.columns if not column.computed)
    assigned = {name.lower() for name, _ in job.assigned}
    for name, _ in job.assigned:
        _settable(table, name)
    loaded = [name for name in fields if name is not None]
    unknown = [name for name in loaded if table.column(name) is None]
    if unknown and not job.assigned:
        has = ", ".join(column.name for column in table.columns)
        raise InvalidArgument(f"the table {'.'.join(table.names)!r} has no column {unknown[0]!r}; it has {has}")
    kept = [name for name in loaded if name not in unknown and name.lower() not in assigned]
    for name in kept:
        _settable(table, name)
    as_text = [name for name in loaded if name not in kept or len(job.nulls) > 1]
    whole = [name for name in kept if name not in as_text and not isinstance(form, Parquet) and _is_whole(table, name)]
    own = dict.fromkeys(as_text, "TEXT") | dict.fromkeys(whole, NUMBER_TYPE)
    if isinstance(form, JsonLines) and form.shape == "array":  # its values have places, not names
        own = {name: own.get(name) or _written(table, name) for name in loaded} if own else own
    inserted = (
        *(Assignment(name, nulls=job.nulls if name in as_text else ()) for name in kept),
        *(Assignment(name, expression) for name, expression in job.assigned),
    )
    given = {assignment.column.lower() for assignment in inserted}
    typed = tuple(name for name in loaded if name not in own)
    texts = tuple(name for name in typed if _is_text(table, name))
    return Layout(
        fields,
        typed,
        tuple((n, own[n]) for n in loaded if n in own),
        tuple(whole),
        texts,
        inserted,
        _decided(table, given),
    )


def _is_whole(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and isinstance(column.type, types.Integer)


def _is_text(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and isinstance(column.type, types.String) and not isinstance(column.type, types.Enum)


def _written(table: Table, name: str) -> str:
    column = table.column(name)
    return "TEXT" if column is None else column.written


def _settable(table: Table, name: str) -> None:
    column = table.column(name)
    if column is None:
        raise InvalidArgument(f"the table {'.'.join(table.names)!r} has no column {name!r}")
    if column.computed:
        raise InvalidArgument(f"the column {name!r} is computed by the server; leave it out of the file's columns")


def _decided(table: Table, given: set[str]) -> tuple[Names, ...]:
    """The keys that can be had twice: not those with a number that the server counts, nor a NULL by default."""

    def free(name: str) -> bool:
        column = table.column(name)
        return name.lower() not in given and column is not None and (
            column.automatic or (column.nullable and not column.default)
        )  # fmt: skip

    return tuple(key for key in table.keys if not any(free(name) for name in key))


def conflict_of(job: Job, keys: Sequence[Names]) -> Conflict:
    """What becomes of rows whose key is there already.

    Raises:
        InvalidArgument: what was asked for needs a key, and there is none.
    """
    asked = job.options.conflict
    if keys or asked in {None, Conflict.ERROR, Conflict.UNCHECKED}:
        return asked or Conflict.ERROR
    raise InvalidArgument(
        f"on_conflict={str(asked)!r} needs a primary or unique key that the loaded columns decide on, and"
        f" {'.'.join(job.names)!r} has none"
    )


def is_direct(job: Job, inputs: Sequence[Input]) -> bool:
    """Whether LOAD DATA can put the fields of all files where they belong."""
    if job.assigned or len(job.nulls) > 1 or (job.options.skip_errors and not job.state.revocable):
        return False
    return not any(form_needs_staging(one) for one in inputs)


def form_needs_staging(one: Input) -> bool:
    """Whether a file of a format in which columns are not listed shall fill only some columns."""
    return bool(one.columns) and not isinstance(one.format, Csv)


def chosen(job: Job, table: Table, inputs: Sequence[Input], *, may_stage: bool) -> Way:
    """The way to take.

    Raises:
        InvalidArgument: what is asked for does not go together.
        PermissionDenied: it would need a right that the user does not have.
    """
    keys = [key for one in inputs for key in layout(job, table, one.columns, one.format).keys]
    conflict, direct, lock = conflict_of(job, keys), is_direct(job, inputs), job.options.lock
    if conflict is Conflict.UNCHECKED or not keys:
        if direct and (len(inputs) == 1 or keys or not may_stage):
            return Way.PLAIN
        if keys:
            raise InvalidArgument(
                "on_conflict='unchecked' loads the fields as they are; set=, several null_values and columns= of JSON"
                " lines or Parquet go through INSERT, which checks keys"
            )
        return _staging(job, conflict, may_stage=may_stage)
    if not may_stage and direct and conflict is Conflict.ERROR:
        return Way.COMPARED
    if lock == "table" and may_stage and direct and _can_be_external(job, conflict, inputs):
        return Way.EXTERNAL
    alone = len(inputs) == 1 and job.state.revocable and not job.state.in_use
    if alone and direct and conflict is Conflict.ERROR and lock != "rows" and not _is_small(job, inputs[0]):
        return Way.EMPTY
    return _staging(job, conflict, may_stage=may_stage)


def _staging(job: Job, conflict: Conflict, *, may_stage: bool) -> Way:
    if may_stage:
        return Way.STAGING
    raise PermissionDenied(
        f"this load of {'.'.join(job.names)!r} needs a table of its own (on_conflict={str(conflict)!r}, set=, columns="
        " or several null_values), and the user may not create and drop tables in its database; on_conflict='error' and"
        " 'unchecked' of files that fit the table as they are need none"
    )


def _is_small(job: Job, one: Input) -> bool:
    """Whether staging, which shows more, costs little; of Parquet it shows no more."""
    return not job.state.reached and not isinstance(one.format, Parquet)


def _can_be_external(job: Job, conflict: Conflict, inputs: Sequence[Input]) -> bool:
    """Whether INSERT … SELECT from the files does the same; the order of rows is nobody's promise there."""
    files = all(isinstance(one.format, Csv) and not isinstance(one.source, ClientData) for one in inputs)
    return files and not job.nulls and conflict in {Conflict.ERROR, Conflict.SKIP}


def carried_out(
    job: Job, table: Table | None, inputs: Sequence[Input], way: Way
) -> Op[tuple[Way, tuple[LoadedFile, ...]]]:
    """Load files the way that was chosen; the table may be unknown for `Way.PLAIN`.

    Returns:
        The way that was gone, and what became of the files: files that are not regular are staged all the same.
    """
    if table is None or way is Way.PLAIN:
        return way, (yield from _plain(job, table, inputs))
    match way:
        case Way.EMPTY:
            return way, (yield from Atomic(_into_empty(job, table, inputs[0])))
        case Way.COMPARED:
            return way, (yield from Atomic(_compared(job, table, inputs)))
        case Way.EXTERNAL:
            return (yield from _external(job, table, inputs))
        case _:
            return way, (yield from _staged(job, table, inputs))


# -- LOAD DATA into the table itself ------------------------------------------------------------------------------


def _plain(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    if len(inputs) == 1 and job.ledger is None and inputs[0].sieve is None:
        return ((yield from _loaded(job, table, inputs[0])),)
    return (yield from Atomic(_one_after_another(job, table, inputs)))


def _one_after_another(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    files: list[LoadedFile] = []
    for one in inputs:
        try:
            files += yield from _once(job, [one], partial(_alone, partial(_loaded, job, table, one)))
        except MatrixOneError as error:
            raise _as_it_stays(job, error, begun=bool(files)) from error
    return tuple(files)


def _alone(op: Callable[[], Op[T]]) -> Op[tuple[T, ...]]:
    return ((yield from op()),)


def _once(
    job: Job, inputs: Sequence[Input], op: Callable[[], Op[tuple[LoadedFile, ...]]]
) -> Op[tuple[LoadedFile, ...]]:
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


def _as_it_stays(job: Job, error: MatrixOneError, *, begun: bool) -> MatrixOneError:
    """The error for a load that a session cannot take back by itself."""
    if job.state.revocable or not begun:
        return error
    return LoadUnfinished(f"{error}; rows of this load are in the session's transaction: roll it back")


def _loaded(job: Job, table: Table | None, one: Input) -> Op[LoadedFile]:
    began = yield from Clock()
    columns = one.columns if isinstance(one.format, Csv) else ()
    named = tuple(name for name in one.columns if name is not None)
    if table is not None and not one.columns:
        named = tuple(column.name for column in table.columns if not column.computed)
    statement = _load_data(job, one, job.names, columns, named)
    return (yield from _done(job, (yield from _read(job, table, one, statement)), began))


def _load_data(job: Job, one: Input, into: Names, columns: tuple[str | None, ...], named: Names) -> LoadData:
    nulls = named if len(job.nulls) == 1 else ()
    return LoadData(one.source, into, one.format, columns, nulls, job.nulls[0] if nulls else "", one.parallel)


def _read(job: Job, table: Table | None, one: Input, statement: LoadData) -> Op[LoadedFile]:
    with span("load file", ".".join(job.names), {"matrixone.load.file": one.path}):
        return (yield from _carried(job, table, one, statement))


def _carried(job: Job, table: Table | None, one: Input, statement: LoadData) -> Op[LoadedFile]:
    if one.sieve is not None and one.lines is not None and table is not None:
        fitting = fitting_of(job, table, one)
        if not statement.columns:
            statement = replace(statement, columns=tuple(fitting.names))
        reader = reader_of(one.lines.format, fitting.names)
        rows = yield from one.sieve.load(statement, one.lines.open(), reader, fitting)
        return LoadedFile(one.path, rows, rows + one.sieve.rejected, rejected=one.sieve.rejected)
    try:
        wanted = None if one.count is None else (yield from one.count())
        rows = yield from one.carry(statement)
    except LoadFailed as error:
        yield from _explain(job, table, [one], error)
        raise
    if wanted is not None and rows != wanted:
        raise LoadFailed(f"{one.path} has {wanted:,} rows, and the server loaded {rows:,} of them")
    return LoadedFile(one.path, rows, rows)


def _explain(job: Job, table: Table | None, inputs: Sequence[Input], error: LoadFailed) -> Op[None]:
    """Name the row that the server refused, if it can be found.

    Raises:
        LoadFailed: it was.
    """
    if error.row is not None or error.code in UNTOLD:
        return
    for one in inputs:
        row = yield from bad_row_of(job, table, one)
        if row is not None:
            raise explained(error, row) from error.__cause__


def fitting_of(job: Job, table: Table, one: Input) -> Fitting:
    """Tells which rows of a file fit."""
    names = layout(job, table, one.columns, one.format).fields
    assigned = {name.lower() for name, _ in job.assigned}
    columns = [None if name is None or name.lower() in assigned else table.column(name) for name in names]
    return Fitting(one.path, columns, names, job.nulls)


def bad_row_of(job: Job, table: Table | None, one: Input) -> Op[BadRow | None]:
    """The first row of a file that does not fit, if it can be found."""
    if one.lines is None or not one.lines.again:
        return None
    try:
        if table is None:
            table = yield from OnConnection(partial(reflected, names=job.names))
        fitting = fitting_of(job, table, one)
        return (yield from first_bad(one.lines.open(), reader_of(one.lines.format, fitting.names), fitting))
    except (MatrixOneError, OSError):  # what is to be raised is what happened before
        return None


def _done(job: Job, file: LoadedFile, began: float) -> Op[LoadedFile]:
    done = replace(file, seconds=(yield from Clock()) - began)
    yield from job.heard(done)
    return done


def _into_empty(job: Job, table: Table, one: Input) -> Op[tuple[LoadedFile, ...]]:
    return (yield from _once(job, [one], partial(_alone, partial(_loaded_and_looked_at, job, table, one))))


def _loaded_and_looked_at(job: Job, table: Table, one: Input) -> Op[LoadedFile]:
    loaded = yield from _loaded(job, table, one)
    for key in layout(job, table, one.columns, one.format).keys:
        double = yield from FirstDouble(job.names, key)
        if double is not None:
            raise _duplicate(key, double, f"more than one row of {one.path}, or one that came meanwhile, has it")
    return loaded


def _compared(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA checks no key; without a table of our own, the doubled keys are counted (server-facts 11, 17)."""
    keys = layout(job, table, inputs[0].columns, inputs[0].format).keys
    before = yield from _surplus(job.names, keys)
    files = yield from _one_after_another(job, table, inputs)
    after = yield from _surplus(job.names, keys)
    for key, old, new in zip(keys, before, after, strict=True):
        if new > old:
            error = _duplicate(key, None, f"{new - old:,} of the rows have one that another row has")
            raise _as_it_stays(job, error, begun=True)
    return files


def _surplus(table: Names, keys: Sequence[Names]) -> Op[list[int]]:
    return [*(yield from in_order(iter(Surplus(table, key)) for key in keys))]


def _duplicate(key: Names, values: tuple[object, ...] | None, why: str) -> DuplicateKey:
    entry = "" if values is None else f" {'-'.join(map(str, values))!r}"
    return DuplicateKey(f"duplicate entry{entry} for the key ({', '.join(key)}): {why}; no row was loaded", code=1062)


# -- through staging tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """Files that share a staging table."""

    staging: Names
    inputs: tuple[Input, ...]
    layout: Layout
    numbered: bool


def _staged(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    batches = _batches(job, table, inputs)
    at_once = min(job.options.concurrency, len(batches))
    if at_once == 1:
        return (yield from Atomic(_staged_within(job, table, batches)))
    yield from Known(("swept", job.names[:-1]), iter(Aside(_swept(job))))
    try:
        filled: tuple[tuple[LoadedFile, ...], ...] = yield from Together(
            tuple(iter(Atomic(_filled(job, table, batch))) for batch in batches), at_once
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
    layouts = [layout(job, table, one.columns, one.format) for one in inputs]
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


def own_name(table: Names, now: int) -> Names:
    """A name beside a table that nobody else has, and that tells when it was made."""
    return (*table[:-1], f"{STAGING}{now}_{secrets.token_hex(6)}")


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
            files += yield from _once(job, batch.inputs, staged)
        except MatrixOneError as error:
            if job.state.revocable:
                raise
            yield from DropTable(batch.staging)
            raise _as_it_stays(job, error, begun=bool(files)) from error
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
        statement = _load_data(job, one, batch.staging, columns, named)
        in_order = replace(statement, parallel=False) if batch.numbered else statement
        read = yield from _read(job, table, one, in_order)
        files.append((yield from _done(job, read, began)))
    yield from _seen_to(job, table, batch)
    return tuple(files)


def _seen_to(job: Job, table: Table, batch: Batch) -> Op[None]:
    """See that the server has changed nothing, and can give everything back.

    Raises:
        LoadFailed: it has, or cannot.
    """
    shape = batch.layout
    texts = () if job.state.reached or any(one.lines is None for one in batch.inputs) else shape.texts
    if (not shape.whole and not texts) or not (yield from CheckStaged(batch.staging, shape.whole, texts)):
        return
    for one in batch.inputs:
        row = yield from bad_row_of(job, table, one)
        if row is not None:
            raise bad_row(row)
    raise LoadFailed("a number for a column of whole numbers has a fraction, or a text is not UTF-8; no row was loaded")


def _inserted(
    job: Job, table: Table, batches: Sequence[Batch], filled: Sequence[tuple[LoadedFile, ...]]
) -> Op[tuple[LoadedFile, ...]]:
    files: list[LoadedFile] = []
    for batch, read in zip(batches, filled, strict=True):
        files += yield from _once(job, batch.inputs, partial(_batch_inserted, job, table, batch, read))
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
        yield from _explain(job, table, batch.inputs, error)
        raise


def _resolved(
    job: Job, table: Table, batch: Batch, insert: InsertStaged, file: LoadedFile, keys: tuple[Names, ...]
) -> Op[LoadedFile]:
    """Rows of one file whose keys may be there already, or more than once in the file."""
    surplus = max((yield from _surplus(batch.staging, keys)), default=0)
    ordered = bool(surplus) and batch.numbered
    if insert.conflict is Conflict.SKIP:
        first = replace(insert, kept=Kept.FIRST, keys=keys) if ordered else insert
        rows = yield from _stored(job, table, batch, first)
        return replace(file, rows=rows, skipped=file.rows - rows - surplus, duplicates=surplus)
    matches = yield from CountMatches(job.names, batch.staging, keys)
    last = replace(insert, kept=Kept.LAST, keys=keys) if ordered else insert
    kept = replace(file, rows=file.rows - surplus, duplicates=surplus)
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


# -- from the files themselves ------------------------------------------------------------------------------------


def _external(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[Way, tuple[LoadedFile, ...]]]:
    """Only where each line has as many fields as there are columns: surplus ones would be dropped (server-facts 21)."""
    judged: tuple[Judgement, ...] = yield from Together(
        tuple(_judged(job, table, one) for one in inputs), job.options.concurrency
    )
    if any(judgement.irregular for judgement in judged):
        return Way.STAGING, (yield from _staged(job, table, inputs))
    return Way.EXTERNAL, (yield from Atomic(_inserted_external(job, table, inputs, judged)))


def _judged(job: Job, table: Table, one: Input) -> Op[Judgement]:
    assert isinstance(one.format, Csv)  # noqa: S101  # `chosen` has seen to it
    name = own_name(job.names, job.state.now)
    fields = len(layout(job, table, one.columns, one.format).fields)
    return (yield from Atomic(_lines_judged(name, one.source, one.format, fields)))


def _lines_judged(name: Names, source: Source, form: Csv, fields: int) -> Op[Judgement]:
    yield from CreateExternal(name, source, Csv(form.ignore_lines, "\x01", "\x02", compression=form.compression))
    judgement = yield from JudgeLines(name, form, fields)
    yield from DropTable(name)
    return judgement


def _inserted_external(
    job: Job, table: Table, inputs: Sequence[Input], judged: Sequence[Judgement]
) -> Op[tuple[LoadedFile, ...]]:
    files: list[LoadedFile] = []
    for one, judgement in zip(inputs, judged, strict=True):
        files += yield from _once(job, [one], partial(_alone, partial(_from_file, job, table, one, judgement)))
    return tuple(files)


def _from_file(job: Job, table: Table, one: Input, judgement: Judgement) -> Op[LoadedFile]:
    began = yield from Clock()
    shape, name = layout(job, table, one.columns, one.format), own_name(job.names, job.state.now)
    yield from CreateExternal(name, one.source, one.format, tuple(_external_columns(table, shape)))
    conflict = conflict_of(job, shape.keys)
    columns = tuple(assignment.column for assignment in shape.inserted)
    rows = yield from InsertExternal(job.names, name, columns, skip=conflict is Conflict.SKIP)
    yield from DropTable(name)
    if conflict is Conflict.ERROR and rows != judgement.lines:
        raise LoadFailed(f"{one.path} has {judgement.lines:,} lines, and {rows:,} rows were stored; no row was loaded")
    skipped = judgement.lines - rows
    return (yield from _done(job, LoadedFile(one.path, rows, judgement.lines, skipped), began))


def _external_columns(table: Table, shape: Layout) -> Iterator[tuple[str, str]]:
    for at, name in enumerate(shape.fields):
        column = table.column(name) if name is not None else None
        yield (name or f"matrixone_skip{at}"), (column.written if column is not None else "TEXT")
