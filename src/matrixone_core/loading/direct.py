"""Ways straight into the table: LOAD DATA, or INSERT … SELECT from the files themselves (server-facts 17, 18, 21)."""

from collections.abc import Iterator, Sequence
from functools import partial

from matrixone_core.errors import DuplicateKey, LoadFailed, MatrixOneError, StageFileNotFound
from matrixone_core.loading.job import Input, Job, Layout, conflict_of, layout, own_name
from matrixone_core.loading.reading import alone, as_it_stays, done, explain, load_data, once, read_file
from matrixone_core.loading.report import LoadedFile
from matrixone_core.loading.target import Table
from matrixone_core.operation import Clock, Op, in_order
from matrixone_core.sql.external import CountRows, CreateExternal, InsertExternal
from matrixone_core.sql.load import Csv
from matrixone_core.sql.staging import Conflict, DropTable, FirstDouble, Names, Surplus


def one_after_another(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA of each file, keys unchecked."""
    files: list[LoadedFile] = []
    for one in inputs:
        try:
            files += yield from once(job, [one], partial(alone, partial(loaded, job, table, one)))
        except MatrixOneError as error:
            raise as_it_stays(job, error, begun=bool(files)) from error
    return tuple(files)


def loaded(job: Job, table: Table | None, one: Input) -> Op[LoadedFile]:
    """LOAD DATA of one file, keys unchecked."""
    began = yield from Clock()
    columns = one.columns if isinstance(one.format, Csv) else ()
    named = tuple(name for name in one.columns if name is not None)
    if table is not None and not one.columns:
        named = tuple(column.name for column in table.columns if not column.computed)
    statement = load_data(job, one, job.names, columns, named)
    return (yield from done(job, (yield from read_file(job, table, one, statement)), began))


def into_empty(job: Job, table: Table, one: Input) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA into a table without rows, then a look for keys that more than one row has."""
    return (yield from once(job, [one], partial(alone, partial(_loaded_and_looked_at, job, table, one))))


def _loaded_and_looked_at(job: Job, table: Table, one: Input) -> Op[LoadedFile]:
    file = yield from loaded(job, table, one)
    for key in layout(job, table, one).keys:
        double = yield from FirstDouble(job.names, key)
        if double is not None:
            raise _duplicate(key, double, f"more than one row of {one.path}, or one that came meanwhile, has it")
    return file


def compared(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA, and the doubled keys counted before and after, without a table of our own (server-facts 11, 17)."""
    keys = layout(job, table, inputs[0]).keys
    before = yield from surplus(job.names, keys)
    files = yield from one_after_another(job, table, inputs)
    after = yield from surplus(job.names, keys)
    for key, old, new in zip(keys, before, after, strict=True):
        if new > old:
            error = _duplicate(key, None, f"{new - old:,} of the rows have one that another row has")
            raise as_it_stays(job, error, begun=True)
    return files


def surplus(table: Names, keys: Sequence[Names]) -> Op[list[int]]:
    """How many rows a table has beyond the first of each key."""
    return [*(yield from in_order(iter(Surplus(table, key)) for key in keys))]


def _duplicate(key: Names, values: tuple[object, ...] | None, why: str) -> DuplicateKey:
    entry = "" if values is None else f" {'-'.join(map(str, values))!r}"
    return DuplicateKey(f"duplicate entry{entry} for the key ({', '.join(key)}): {why}; no row was loaded", code=1062)


def from_files(job: Job, table: Table, inputs: Sequence[Input]) -> Op[tuple[LoadedFile, ...]]:
    """INSERT … SELECT from files whose lines are all regular: surplus fields would be dropped (server-facts 21)."""
    files: list[LoadedFile] = []
    for one in inputs:
        files += yield from once(job, [one], partial(alone, partial(_from_file, job, table, one)))
    return tuple(files)


def _from_file(job: Job, table: Table, one: Input) -> Op[LoadedFile]:
    began = yield from Clock()
    shape, name = layout(job, table, one), own_name(job.names, job.state.now)
    skips = conflict_of(job, shape.keys) is Conflict.SKIP
    yield from CreateExternal(name, one.source, one.format, tuple(_external_columns(table, shape)))
    lines = (yield from CountRows(name)) if skips else None
    columns = tuple(assignment.column for assignment in shape.inserted)
    try:
        rows = yield from InsertExternal(job.names, name, columns, skip=skips)
    except LoadFailed as error:
        yield from explain(job, table, [one], error)
        raise error.about(one.path) from error.__cause__
    except StageFileNotFound as error:
        raise error.about(one.path) from error.__cause__
    yield from DropTable(name)
    read = rows if lines is None else lines
    return (yield from done(job, LoadedFile(one.path, rows, read, read - rows), began))


def _external_columns(table: Table, shape: Layout) -> Iterator[tuple[str, str]]:
    for at, name in enumerate(shape.fields):
        column = table.column(name) if name is not None else None
        yield (name or f"matrixone_skip{at}"), (column.written if column is not None else "TEXT")
