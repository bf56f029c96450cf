"""The plan of a load: a value that `planning` creates and the load executes, and the statements that it consists of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import Value
from matrixone_core.html import render_table
from matrixone_core.loading.formats.csv import CANONICAL
from matrixone_core.loading.inputs.files import ClientFile, InputFile, StageFile
from matrixone_core.loading.mapping import END, WHOLE, ColumnMapping
from matrixone_core.loading.request import LoadRequest, fields_of
from matrixone_core.loading.row_checks import doubtful_rows, silent_changes
from matrixone_core.loading.table import Kind, Table
from matrixone_core.results import BadRow
from matrixone_core.sql.ddl import DropTable
from matrixone_core.sql.load import ClientData, Csv, Format, LoadData
from matrixone_core.sql.staged_inserts import Conflict, InsertStaged
from matrixone_core.sql.staging import CreateStaging, Expression, Names, SelectStaged, is_true, staged
from matrixone_core.sql.table import LoadState
from matrixone_core.steps import Statement

SMALL_BYTES = 1024 * 1024  # a file up to this size is staged within the load's own transaction
MEDIUM_BYTES = 8 * 1024 * 1024  # from this size on, a second statement that reads the file pays off
LARGE_BYTES = 256 * 1024 * 1024  # from this size on, the server may read pieces of a file concurrently
MAX_CHECKED = 1000  # rows that the client checks at a time


class LoadStrategy(StrEnum):
    """How a load stores its rows.

    Members:
        LOAD_DATA: LOAD DATA into the table; the server checks no key.
        LOAD_THEN_CHECK: LOAD DATA of plain lines into an empty table, then a query for duplicate keys.
        STAGING_TABLE: LOAD DATA of texts into a staging table, then INSERT … SELECT, which checks each row.
        COUNT_DUPLICATES: LOAD DATA into the table, with duplicate keys counted before and after.
    """

    LOAD_DATA = "load_data"
    LOAD_THEN_CHECK = "load_then_check"
    STAGING_TABLE = "staging_table"
    COUNT_DUPLICATES = "count_duplicates"


@dataclass(frozen=True)
class Batch:
    """Files that share a staging table.

    Args:
        staging: name of the staging table.
        files: the files.
        mapping: the column of the table for each field.
        numbered: whether the staging table has row numbers.
    """

    staging: Names
    files: tuple[InputFile, ...]
    mapping: ColumnMapping
    numbered: bool

    @property
    def create(self) -> CreateStaging:
        """The statement that creates the staging table."""
        return CreateStaging(self.staging, self.mapping.columns, self.numbered)

    @property
    def drop(self) -> DropTable:
        """The statement that drops it."""
        return DropTable(self.staging)

    def load(self, file: InputFile) -> LoadData:
        """The statement that stages a file."""
        if isinstance(file, StageFile) and not file.through_client:
            return LoadData(file.path, self.staging, file.format, self._columns_of(file.format))
        order = fields_of(file.format, self.mapping.order) if isinstance(file, ClientFile) else self.mapping.order
        return LoadData(ClientData("rows.csv"), self.staging, sent_format(file), order)

    def _columns_of(self, form: Format) -> tuple[str | None, ...]:
        if isinstance(form, Csv):
            return self.mapping.order if self.mapping.end is None else (*self.mapping.order, END)
        return self.mapping.staged if self.numbered else ()  # the rows' number is in no file

    def silent_changes(self) -> SelectStaged | None:
        """Return the query for rows that the server may change silently; None if no column can have such a value."""
        conditions = self._silent_conditions
        return self._select(conditions) if conditions else None

    @property
    def may_change(self) -> Expression:
        """The SQL condition that the server may change a row silently; empty if no column can have such a value."""
        conditions = self._silent_conditions
        return is_true(conditions) if conditions else ()

    @property
    def _silent_conditions(self) -> tuple[Expression, ...]:
        return tuple(change.condition for change in silent_changes(self.mapping))

    def doubtful_rows(self) -> SelectStaged | None:
        """Return the query for rows that the server may refuse; None if no column has a condition for that."""
        conditions = doubtful_rows(self.mapping)
        return self._select(conditions) if conditions else None

    def json_rows(self, words: str) -> tuple[SelectStaged, ...]:
        """Return queries for rows with refused JSON, which no pattern finds: those quoted in an error, and the first.

        Args:
            words: the error's message; there is no query if it is not about JSON.
        """
        found = [staged(f.staged) for f in self.mapping.fields if f.column is not None and f.column.kind is Kind.JSON]
        if not found or "json text" not in words.lower():
            return ()
        named = tuple((f"length({value}) > 0 AND instr(", Value(words), f", {value}) > 0") for value in found)
        return self._select(named), self._select(tuple((f"{value} IS NOT NULL",) for value in found))

    def _select(self, conditions: tuple[Any, ...]) -> SelectStaged:
        numbers = tuple(field.staged for field in self.mapping.fields if field.sql_type == WHOLE)
        return SelectStaged(self.staging, self.mapping.staged, conditions, self.numbered, MAX_CHECKED, numbers=numbers)


def sent_format(file: InputFile) -> Csv:
    """Return the CSV format in which the client sends a file."""
    return file.format if isinstance(file, ClientFile) and isinstance(file.format, Csv) else CANONICAL


@dataclass(frozen=True)
class PlannedColumn:
    """A column of the files and the table's column that it is loaded into.

    Args:
        file: name of the file's column; None if the file has none for the table's column.
        found: SQL type inferred from the first values, or None.
        table: name of the table's column; None if the field is skipped.
        type: SQL type of the table's column, or None.
        problem: why the two do not match, or None.
    """

    file: str | None
    found: str | None
    table: str | None
    type: str | None
    problem: str | None = None


@dataclass(frozen=True)
class LoadPlan:
    """The plan of a load. `str()` describes it.

    Args:
        request: the caller's arguments.
        state: the server's answer to the query that precedes each load.
        target: the table; None if the load does not need its columns.
        inputs: the files to load.
        strategy: how the rows are stored.
        batches: the staging tables.
        preparation: statements that change the table first: CREATE TABLE, ADD COLUMN, TRUNCATE.
        columns: the columns of the first file and of the table side by side; only `plan()` fills them in.
        sampled: number of rows of the first file that `plan()` checked.
        conflicts: number of these rows whose key is already in the table.
        bad: the rows among them that do not fit.
    """

    request: LoadRequest = field(repr=False)
    state: LoadState = field(repr=False)
    target: Table | None = field(repr=False)
    inputs: tuple[InputFile, ...] = field(repr=False)
    strategy: LoadStrategy
    batches: tuple[Batch, ...] = field(default=(), repr=False)
    preparation: tuple[Statement[Any], ...] = ()
    columns: tuple[PlannedColumn, ...] = ()
    sampled: int = 0
    conflicts: int = 0
    bad: tuple[BadRow, ...] = ()
    _run: Callable[[], Any] | None = field(default=None, repr=False, compare=False)

    @property
    def table(self) -> str:
        """Name of the table: `table` or `database.table`."""
        return self.request.table_name

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of the files."""
        return tuple(file.path for file in self.inputs)

    @property
    def conflict(self) -> Conflict:
        """What the load does with a row whose key is already in the table."""
        return self.request.options.conflict or Conflict.ERROR

    @property
    def checks_as_it_inserts(self) -> bool:
        """Whether the INSERT leaves out rows that the server may change silently, so that its row count reveals them.

        This needs a plain INSERT, whose count is exact, and a transaction of its own, as a session cannot undo the
        INSERT alone.
        """
        collects = self.request.options.collects_rejects
        return self.conflict is Conflict.ERROR and self.state.owns_transaction and not collects

    @property
    def stages_inside(self) -> bool:
        """Whether the load's own transaction creates the staging table, which locks its rows: only for a small file."""
        return len(self.batches) == 1 and len(self.inputs) == 1 and is_small(self.inputs[0], self.state)

    @property
    def lock(self) -> str:
        """What the load locks until the commit: `rows`, or possibly the whole `table`."""
        by_rows = self.strategy is not LoadStrategy.STAGING_TABLE or self.stages_inside or not self._has_keys
        return "rows" if by_rows or self.request.options.lock == "rows" else "table"

    @property
    def _has_keys(self) -> bool:
        return self.target is not None and bool(self.target.keys)

    @property
    def sql(self) -> tuple[str, ...]:
        """The SQL statements, with secrets masked."""
        return tuple(map(str, self._statements()))

    def _statements(self) -> Iterator[Statement[Any]]:
        yield from self.preparation
        if not self.batches:
            yield from (direct_load(self, file) for file in self.inputs)
            return
        for batch in self.batches:
            yield batch.create
            yield from (batch.load(file) for file in batch.files)
        for batch in self.batches:
            yield insert_of(self, batch)
            yield batch.drop

    def run(self) -> Any:
        """Run the load; patterns are matched again. With the asyncio client, await the result.

        Returns:
            A `LoadReport`.

        Raises:
            InvalidArgument: `client.load_data.plan` did not create this plan.
            MatrixOneError: as for the load itself.
        """
        if self._run is None:
            raise InvalidArgument("this plan was not made by plan(); call client.load_data.plan(…)")
        return self._run()

    def __str__(self) -> str:
        count = f"{len(self.inputs)} file{'' if len(self.inputs) == 1 else 's'}"
        lines = [f"{count} -> {self.table}: {self.strategy}, locks {self.lock}", *(f"  {path}" for path in self.files)]
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

    def _repr_html_(self) -> str:
        """Return the plan as HTML for notebooks."""
        caption = f"{', '.join(self.files)} -> {self.table}: {self.strategy}, locks {self.lock}"
        rows = [(c.file, c.found, c.table, c.type, c.problem) for c in self.columns]
        return render_table(caption, ("column of the file", "found", "column", "type", "problem"), rows)


def insert_of(plan: LoadPlan, batch: Batch) -> InsertStaged:
    """Return the INSERT of a batch, before duplicate keys in the batch are known."""
    conflict = plan.conflict
    keys = batch.mapping.keys if conflict is Conflict.SKIP else ()
    unchanged: Expression = ("NOT ", *batch.may_change) if plan.checks_as_it_inserts and batch.may_change else ()
    return InsertStaged(
        plan.request.names, batch.staging, batch.mapping.assignments, conflict, update_columns(plan, batch), keys,
        condition=unchanged,
    )  # fmt: skip


def update_columns(plan: LoadPlan, batch: Batch) -> Names:
    """Return the columns that `on_conflict='update'` updates.

    Raises:
        InvalidArgument: all columns of the file are the key's.
    """
    if plan.conflict is not Conflict.UPDATE:
        return ()
    key_columns = {name for key in batch.mapping.keys for name in key.columns}
    update = plan.request.options.update or tuple(
        each.column for each in batch.mapping.assignments if each.column not in key_columns
    )
    if not update:
        raise InvalidArgument("on_conflict='update' has nothing to update: all columns of the file are the key's")
    return update


def direct_load(plan: LoadPlan, file: InputFile) -> LoadData:
    """Return the LOAD DATA of a file straight into the target."""
    request = plan.request
    is_sent = isinstance(file, ClientFile) or file.through_client
    listed = is_sent or (isinstance(file.format, Csv) and bool(request.columns or request.header))
    columns = (fields_of(file.format, file.names) if is_sent else file.names) if listed and any(file.names) else ()
    nulls = tuple(filter(None, file.names)) if len(request.nulls) == 1 else ()
    blanks_are_null = bool(nulls) and request.nulls == ("",)  # else a server would read blank numbers as 0
    may_be_cut = not is_sent and is_large(plan.state) and len(plan.inputs) == 1
    parallel = may_be_cut and request.is_unchecked and blanks_are_null  # server-facts 89
    source = ClientData("rows.csv") if is_sent else file.path
    form = sent_format(file) if is_sent else file.format
    return LoadData(source, request.names, form, columns, nulls, request.nulls[0] if nulls else "", parallel)


PROBED_BYTES = (SMALL_BYTES, MEDIUM_BYTES, LARGE_BYTES)  # offsets that a query checks: which are inside the file?


def is_small(file: InputFile, state: LoadState) -> bool:
    """Return whether a file is small enough to be staged in the load's own transaction."""
    return file.is_small if isinstance(file, ClientFile) else state.reached == 0


def is_medium(state: LoadState) -> bool:
    """Return whether the one file is large enough for a second statement that reads it."""
    return state.reached > 1


def is_large(state: LoadState) -> bool:
    """Return whether the server may read pieces of the one file concurrently."""
    return state.reached > len(PROBED_BYTES) - 1
