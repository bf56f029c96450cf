"""Leaving bad rows out: a row is bad if the server refuses it, and there is no second opinion.

A failed statement leaves the transaction open and its rows out (server-facts 15). So rows that may be refused are tried
by themselves, and where other rows are refused as well, ranges of rows are halved until each bad row is found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from matrixone_core.errors import DuplicateKey, LoadFailed, TableNotFound
from matrixone_core.loading.plan import MAX_CHECKED, Batch
from matrixone_core.loading.rejects import Rejects
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.location import as_csv, find_refused_field, lines_of, reason_of
from matrixone_core.loading.strategies.silent import SilentlyChanged
from matrixone_core.results import BadRow
from matrixone_core.sql.rejects import ROWS_AT_ONCE, CreateRejects, InsertRejects
from matrixone_core.sql.staged_inserts import DuplicatePolicy, InsertStaged
from matrixone_core.sql.staging import DeleteStaged, Numbers, RowNumbers, RowRange, RowSet, SelectStaged, StagedRow
from matrixone_core.steps import Op, OutsideTransaction

TRIED_PARTS = 64  # in which they are tried
MAX_SEARCHED = 20_000  # bad rows, from which on something else than rows is taken to be wrong
ROW_ERROR_CODES = frozenset(
    {20101, 20102, 20203, 20301, 1105, 1264, 1265, 1292, 1366, 1406, 1452, 1690, 3819, 3140, 20307}
)


@dataclass
class RejectingInsert:
    """Inserts the staged rows of one file that the server accepts.

    Args:
        context: the load.
        batch: the file's staging table.
        rejects: where bad rows are noted.

    Attributes:
        found: the bad rows that are not handed over yet, by their numbers.
        refused: the numbers of all bad rows.
    """

    context: LoadContext
    batch: Batch
    rejects: Rejects
    found: dict[int, BadRow] = field(default_factory=dict[int, BadRow])
    refused: set[int] = field(default_factory=set[int])
    _known: dict[int, StagedRow] = field(default_factory=dict[int, StagedRow])

    def leave_out(self, changed: Sequence[SilentlyChanged]) -> Op[None]:
        """Leave out rows that the server would change silently."""
        for each in changed:
            value = each.row.values[self.batch.mapping.fields.index(each.field)]
            self._note(each.row, each.field.name or None, value, each.reason)
        yield from self._delete([each.row.number or 0 for each in changed])
        if self.rejects.is_exceeded(len(self.found)):
            yield from self.report()

    def insert_doubtful(self, insert: InsertStaged, rows: Sequence[StagedRow]) -> Op[int]:
        """Insert the rows that may be refused, as far as they are not; returns the affected count.

        They come before the others, and a refused one leaves the staging table: of rows that share a key, the first or
        the last of those that are good has to be taken.
        """
        self._known = {row.number or 0: row for row in rows}
        affected = 0
        backwards = insert.policy is DuplicatePolicy.LAST
        for part in _parts(tuple(self._known), TRIED_PARTS, backwards=backwards):
            affected += yield from self._insert(insert, RowNumbers(part))
        if insert.policy is DuplicatePolicy.ALL:
            yield from self._delete(sorted(self.refused & self._known.keys()))
        return affected

    def insert_rest(self, insert: InsertStaged, last: int) -> Op[int]:
        """Insert all rows that were not tried before; returns the affected count."""
        tried = tuple(number for number in self._known if number not in self.refused)
        return (yield from self._insert(insert, RowRange(1, last, tried) if tried else None, last))

    def _insert(self, insert: InsertStaged, rows: RowSet | None, last: int = 0) -> Op[int]:
        try:
            return (yield from replace(insert, rows=rows, is_alone=True))
        except DuplicateKey:
            raise
        except LoadFailed as error:
            if error.code not in ROW_ERROR_CODES or len(self.refused) > MAX_SEARCHED:
                raise
            refusal = error
        halves = _halves(rows or RowRange(1, last))
        if not halves:
            yield from self._refuse(insert, rows or RowRange(1, last), refusal)
            return 0
        affected = 0
        for half in reversed(halves) if insert.policy is DuplicatePolicy.LAST else halves:
            affected += yield from self._insert(insert, half)
        return affected

    def _refuse(self, insert: InsertStaged, rows: RowSet, error: LoadFailed) -> Op[None]:
        number = rows.first if isinstance(rows, RowRange) else rows.numbers[0]
        mapping = self.batch.mapping
        row = self._known.get(number) or (yield from self._select(number))
        found = find_refused_field(mapping, row, error)
        value = None if found is None else row.values[mapping.fields.index(found)]
        self._note(row, None if found is None else found.name, value, reason_of(error))
        if insert.policy is not DuplicatePolicy.ALL or number not in self._known:
            yield from self._delete((number,))
        if self.rejects.is_exceeded(len(self.found)):
            yield from self.report()

    def _select(self, number: int) -> Op[StagedRow]:
        conditions = ((RowNumbers((number,)).condition(),),)
        staged = self.batch.mapping.staged
        return (yield from SelectStaged(self.batch.staging, staged, conditions, numbered=True, limit=1))[0]

    def _delete(self, numbers: Sequence[int]) -> Op[None]:
        """Delete staged rows; those that were committed on another connection, so that DROP TABLE need not wait."""
        for at in range(0, len(numbers), MAX_CHECKED):
            delete = DeleteStaged(self.batch.staging, tuple(numbers[at : at + MAX_CHECKED]))
            yield from delete if self.context.plan.stages_inside else OutsideTransaction(iter(delete))

    def _note(self, row: StagedRow, column: str | None, value: bytes | None, reason: str) -> None:
        """Note a bad row."""
        text = None if value is None else value.decode("utf-8", "backslashreplace")
        file = self.batch.files[0]
        self.refused.add(row.number or 0)
        self.found[row.number or 0] = BadRow(file.path, None, column, text, reason, as_csv(row), file.unit)

    def report(self) -> Op[None]:
        """Say in which lines the bad rows are, and hand them over.

        Raises:
            LoadFailed: there are more than may be.
        """
        lines = yield from lines_of(self.context, self.batch, tuple(self.found))
        for number, row in sorted(self.found.items()):
            self.rejects.add(replace(row, line=lines.get(number)))
        self.found.clear()


def store_rejects(context: LoadContext, rejects: Rejects) -> Op[None]:
    """Put bad rows into the table that the caller names, in the transaction of the good ones."""
    table = context.plan.request.options.rejects
    for at in range(0, len(rejects.rows) if table is not None else 0, ROWS_AT_ONCE):
        insert = InsertRejects(table or (), tuple(rejects.rows[at : at + ROWS_AT_ONCE]))
        try:
            yield from insert
        except TableNotFound:
            yield from OutsideTransaction(iter(CreateRejects(insert.name)))
            yield from insert


def _parts(numbers: Sequence[int], count: int, *, backwards: bool) -> Iterator[Numbers]:
    """Numbers in *count* parts of about one size, each in order; the parts in order, or from the last on."""
    ordered = sorted(numbers)
    size = max(1, -(-len(ordered) // max(count, 1)))
    places = range(0, len(ordered), size)
    for at in reversed(places) if backwards else places:
        yield tuple(ordered[at : at + size])


def _halves(rows: RowSet) -> tuple[RowSet, ...]:
    """Two halves of some rows; none of a single row."""
    if isinstance(rows, RowNumbers):
        middle = len(rows.numbers) // 2
        return (RowNumbers(rows.numbers[:middle]), RowNumbers(rows.numbers[middle:])) if middle else ()
    if rows.first >= rows.last:
        return ()
    middle = (rows.first + rows.last) // 2
    return RowRange(rows.first, middle, rows.without), RowRange(middle + 1, rows.last, rows.without)
