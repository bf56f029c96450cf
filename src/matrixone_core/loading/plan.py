"""Looking ahead: what a load would do, without doing it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from sqlalchemy import types

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import ways
from matrixone_core.loading.csv_rows import Row
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.flow import job_within, table_of, way_of
from matrixone_core.loading.job import Input, Job, fitting_of, layout
from matrixone_core.loading.order import Order
from matrixone_core.loading.report import BadRow, LoadedFile
from matrixone_core.loading.schema import FileColumn, Sample, sample_of
from matrixone_core.loading.target import Column, Table
from matrixone_core.operation import (
    Aside,
    Atomic,
    Known,
    Limited,
    Op,
    Reply,
    Runner,
    Statement,
    Step,
    Together,
    interpreted,
)
from matrixone_core.sql.external import IrregularLines
from matrixone_core.sql.ledger import EnteredIds
from matrixone_core.sql.load import Parquet
from matrixone_core.sql.plan import CountKeys
from matrixone_core.sql.staging import FirstDouble
from matrixone_core.sql.table import LoadState, TablesLike
from matrixone_core.stage_files import size_of

MOST_SAMPLED = 200  # rows whose keys are looked for
MOST_READ = 8 * 1024 * 1024  # bytes of a Parquet file, which is read whole


@dataclass(frozen=True)
class PlannedColumn:
    """A column of the files beside the one of the table that it goes to.

    Args:
        file: the file's column, or None.
        found: the SQL type that its first values suggest, or None.
        table: the table's column, or None where the field is skipped.
        type: the type of the table's column, or None.
        problem: why they do not go together, or None.
    """

    file: str | None
    found: str | None
    table: str | None
    type: str | None
    problem: str | None = None


@dataclass(frozen=True)
class LoadPlan:
    """What a load would do. Its text shows it.

    Args:
        table: the table, as `table` or `database.table`.
        files: the files that would be loaded, as they are now.
        way: how: `plain`, `empty`, `staging`, `external` or `compared`.
        lock: what would be locked: `rows` or `table`.
        sql: the statements, secrets masked.
        columns: the columns of the first file and of the table side by side.
        sampled: how many rows of the first file were looked at.
        conflicts: how many of these have a key that the table has already.
        bad: those of them that do not fit.
    """

    table: str
    files: tuple[str, ...]
    way: str
    lock: str
    sql: tuple[str, ...]
    columns: tuple[PlannedColumn, ...]
    sampled: int
    conflicts: int
    bad: tuple[BadRow, ...]
    _run: Callable[[], Any] = field(repr=False, compare=False)

    def run(self) -> Any:
        """Carry the load out, with the files that there are then.

        Returns:
            A `LoadReport`; for the asyncio client, await it.

        Raises:
            MatrixOneError: as the load itself.
        """
        return self._run()

    def __str__(self) -> str:
        count = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        lines = [f"{count} -> {self.table}: {self.way}, locks {self.lock}", *(f"  {file}" for file in self.files)]
        rows = [("file", "found", "table", "type", "")]
        rows += [(c.file or "-", c.found or "", c.table or "-", c.type or "", c.problem or "") for c in self.columns]
        widths = [*(max(len(row[at]) for row in rows) for at in range(4)), 0]
        lines += ["  ".join(f"{t:<{width}}" for t, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if self.sampled:
            lines.append(
                f"of the first {self.sampled:,} rows {self.conflicts:,} have keys that the table has, and"
                f" {len(self.bad):,} do not fit"
            )
        lines += [f"  {row}" for row in self.bad[:5]]
        return "\n".join([*lines, *(f"{statement};" for statement in self.sql)])


@dataclass(frozen=True)
class InferredTable:
    """A table that was made after a file.

    Args:
        name: as `table` or `database.table`.
        columns: the columns that the file has.
        sql: the statement that made it.
    """

    name: str
    columns: tuple[FileColumn, ...]
    sql: str

    def __str__(self) -> str:
        return self.sql


def planned(order: Order, state: LoadState, inputs: Sequence[Input], again: Callable[[], Op[Any]]) -> Op[LoadPlan]:
    """The plan of a load.

    Args:
        order: what is wanted.
        state: what is known.
        inputs: the files.
        again: the load itself.
    """
    run = yield from Runner()
    names = ".".join(order.names)
    if not inputs:
        return LoadPlan(names, (), "plain", "rows", (), (), 0, 0, (), lambda: run(again()))
    table = yield from table_of(order, state)
    job = job_within(order, state, _unheard)
    way, looked = yield from way_of(job, table, inputs)
    sample = yield from sample_of(inputs[0].path, order.format, header=order.header)
    if isinstance(order.format, Parquet):
        sample = replace(sample, rows=(yield from _first_rows(job, table, inputs[0])))
    columns, bad = _compared(job, table, inputs[0], sample)
    conflicts = 0
    for key in layout(job, table, inputs[0]).keys:
        conflicts = max(conflicts, (yield from _conflicts(job, table, key, inputs[0], sample)))
    sql: list[str] = []
    _rehearse(ways.carried_out(job, table, looked, way), sql.append)
    paths = tuple(one.path for one in inputs)
    return LoadPlan(
        names, paths, str(way), way.lock(), tuple(sql), columns, len(sample.rows[:MOST_SAMPLED]), conflicts, bad,
        lambda: run(again()),
    )  # fmt: skip


def _first_rows(job: Job, table: Table, one: Input) -> Op[tuple[Row, ...]]:
    """The rows of a Parquet file that is not too long to be read for a plan; none, where they cannot be told apart."""
    if (yield from size_of(one.path)) > MOST_READ:
        return ()
    names = fitting_of(job, table, one).names
    pieces, reader = one.lines.open(names), one.lines.reader(names)
    try:
        piece = yield from pieces.next()
    except InvalidArgument:  # what the file has is told by its columns
        return ()
    return tuple(islice(reader.feed(piece or b""), MOST_SAMPLED))


def _unheard(_file: LoadedFile) -> Op[None]:
    yield from ()


def _compared(
    job: Job, table: Table, one: Input, sample: Sample
) -> tuple[tuple[PlannedColumn, ...], tuple[BadRow, ...]]:
    """The columns side by side, and the sampled rows that do not fit."""
    fitting = fitting_of(job, table, one)
    by_name = isinstance(one.format, Parquet)
    found = {column.name.lower(): column for column in sample.columns}
    pairs: list[PlannedColumn] = []
    for at, name in enumerate(fitting.names):
        place = sample.columns[at] if at < len(sample.columns) else None
        file = found.get((name or "").lower()) if by_name or (name or "").lower() in found else place
        pairs.append(_pair(table, name, file))
    surplus = sample.columns[len(fitting.names) :] if not by_name else ()
    pairs += [
        PlannedColumn(column.name, column.type, None, None, "the table has no column for it") for column in surplus
    ]
    return tuple(pairs), tuple(_bad(fitting, sample))


def _pair(table: Table, name: str | None, file: FileColumn | None) -> PlannedColumn:
    column = None if name is None else table.column(name)
    kind = None if column is None else column.written
    if file is None:
        return PlannedColumn(None, None, name, kind, "the file has no such column")
    return PlannedColumn(file.name, file.type, name, kind, None if column is None else _mismatch(file.type, column))


def _mismatch(found: str | None, column: Column) -> str | None:
    """Why values of the type that was found do not go into a column, or None; the server reads what looks alike."""
    if found is None or found == "BIGINT" or isinstance(column.type, types.String | types.JSON):
        return None
    if isinstance(column.type, types.Integer) and found != "BOOL":
        return f"{found} where whole numbers are wanted"
    if isinstance(column.type, types.Numeric) and not found.startswith(("DECIMAL", "DOUBLE")):
        return f"{found} where numbers are wanted"
    return None


def _bad(fitting: Fitting, sample: Sample) -> list[BadRow]:
    flaws = [fitting.flaw(row) for row in sample.rows[:MOST_SAMPLED]]
    return [flaw for flaw in flaws if flaw is not None]


def _conflicts(job: Job, table: Table, key: Sequence[str], one: Input, sample: Sample) -> Op[int]:
    names = [None if name is None else name.lower() for name in fitting_of(job, table, one).names]
    if any(name.lower() not in names for name in key):
        return 0
    places = [names.index(name.lower()) for name in key]
    rows = [row.fields for row in sample.rows[:MOST_SAMPLED] if len(row.fields) == len(names)]
    keys = {tuple(fields[at].text for at in places) for fields in rows}
    whole = sorted(tuple(text for text in values if text is not None) for values in keys if None not in values)
    return (yield from CountKeys(table.names, tuple(key), tuple(whole))) if whole else 0


class _Zeros:
    """A row in which every number is nought."""

    def __getitem__(self, column: str) -> int:
        return 0


def _rehearse(op: Op[Any], note: Callable[[str], object]) -> None:
    """Note the statements of an operation, each answered as if there were nothing to find."""

    def perform(step: Step[Any]) -> Op[Any]:
        yield from ()
        match step:
            case Statement():
                note(str(step))
                nothing = isinstance(step, FirstDouble | TablesLike | EnteredIds | IrregularLines)
                return step.parse(Reply(() if nothing else (_Zeros(),)))
            case Atomic() | Aside() | Limited() | Known():
                return (yield from interpreted(step.op, perform))
            case Together():
                results: list[Any] = []
                for inner in step.ops:
                    results.append((yield from interpreted(inner, perform)))  # noqa: PERF401  # a comprehension cannot yield
                return tuple(results)
            case _:
                return 0.0  # what time it is

    list(interpreted(op, perform))  # asks nobody, and so is over at once
