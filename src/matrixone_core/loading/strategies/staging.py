"""The staging strategy: fill staging tables, find silent changes, INSERT … SELECT (server-facts 51)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from matrixone_core.errors import CommitUnknown, LoadFailed, MatrixOneError
from matrixone_core.loading.plan import Batch, LoadPlan, insert_of
from matrixone_core.loading.rejects import Rejects
from matrixone_core.loading.strategies.conflicts import resolve
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.fill import fill
from matrixone_core.loading.strategies.location import explain_refusal
from matrixone_core.loading.strategies.once import with_ledger
from matrixone_core.loading.strategies.rejection import RejectingInsert, store_rejects
from matrixone_core.loading.strategies.silent import JudgedRows, judge_rows
from matrixone_core.results import LoadedFile
from matrixone_core.server_errors import treat_unknown_as_lost
from matrixone_core.sql.staged_inserts import MAX_ROW_LOCKS, Conflict, DuplicatePolicy, InsertStaged
from matrixone_core.sql.staging import STAGING, RowRange
from matrixone_core.sql.table import TablesLike
from matrixone_core.steps import Atomic, Concurrently, Op, OutsideTransaction, read_clock, with_time_limit

T = TypeVar("T")
STEP_ROWS = MAX_ROW_LOCKS * 9 // 10  # inserted at once under lock='rows'; of a range the planner expects a little more
COMMIT_SECONDS = 10.0  # for a COMMIT that got no answer to end
LEFT_OVER_SECONDS = 24 * 3600  # after which a staging table's load is taken for dead
_BEFORE_ROWS = "the connection broke before the table was changed, and no row is loaded"


@dataclass(frozen=True)
class FilledBatch:
    """A filled staging table.

    Args:
        batch: what it is.
        files: how many rows each file has.
        judged: the rows that must not be inserted, and those that may be refused.
    """

    batch: Batch
    files: tuple[LoadedFile, ...]
    judged: JudgedRows

    @property
    def rows(self) -> int:
        """How many rows are staged."""
        return sum(file.rows for file in self.files)


def load_staged(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """Load files through staging tables, several at once.

    Raises:
        LoadFailed: the server refuses a row, or would change one silently.
        DuplicateKey: a row's key is in the table already, or twice in the files.
    """
    plan = context.plan
    if plan.stages_inside:
        return (yield from Atomic(_load_inside(context, plan.batches[0])))
    yield from treat_unknown_as_lost(iter(OutsideTransaction(_drop_left_over(context))), _BEFORE_ROWS)
    try:
        filled = yield from treat_unknown_as_lost(_fill_all(context), _BEFORE_ROWS)
        return (yield from Atomic(_insert_batches(context, filled)))
    finally:
        yield from _drop_outside(plan.batches)


def _fill_all(context: LoadContext) -> Op[tuple[FilledBatch, ...]]:
    plan = context.plan
    try:
        filled: tuple[FilledBatch, ...] = yield from Concurrently(
            tuple(iter(Atomic(_fill(context, batch))) for batch in plan.batches), plan.request.options.concurrency
        )
    except BaseException as error:
        if isinstance(error, CommitUnknown) or isinstance(error.__context__, CommitUnknown):
            for batch in plan.batches:
                yield from _await_commit(batch)
        raise
    return filled


def _await_commit(batch: Batch) -> Op[None]:
    """Wait until the transaction that creates a staging table has ended, though its COMMIT got no answer.

    A DROP does not see what is not committed yet, and the table would stay. A CREATE of the same name waits
    for it (server-facts 13).
    """
    with suppress(MatrixOneError):
        yield from OutsideTransaction(with_time_limit(iter(batch.create), COMMIT_SECONDS))


def _drop_outside(batches: Sequence[Batch]) -> Op[None]:
    """Drop staging tables whatever happened; a later load drops one that cannot be dropped now.

    A cancellation stops the DROP that it comes in, and that one is sent again: what follows is not cancelled.
    """
    left = list(batches)
    try:
        while left:
            yield from _drop(left[0])
            del left[0]
    except BaseException:
        for batch in left:
            yield from _drop(batch)
        raise


def _drop(batch: Batch) -> Op[None]:
    with suppress(MatrixOneError):
        yield from OutsideTransaction(iter(batch.drop))


def _drop_left_over(context: LoadContext) -> Op[None]:
    """Drop the staging tables of loads whose process died."""
    database = context.plan.request.names[:-1]
    for name in (yield from TablesLike(database, STAGING)):
        made = name.removeprefix(STAGING).partition("_")[0]
        if made.isdigit() and int(made) < context.plan.state.now - LEFT_OVER_SECONDS:
            yield from replace(context.plan.batches[0].drop, name=(*database, name))


def _load_inside(context: LoadContext, batch: Batch) -> Op[tuple[LoadedFile, ...]]:
    """All in one transaction, so that nothing can be left over.

    A session's transaction goes on after an error, so that the staging table is dropped within it.
    """
    try:
        files = yield from _insert_batches(context, ((yield from _fill(context, batch)),))
    except MatrixOneError:
        if not context.plan.state.owns_transaction:
            with suppress(MatrixOneError):
                yield from batch.drop
        raise
    yield from batch.drop
    return files


def _fill(context: LoadContext, batch: Batch) -> Op[FilledBatch]:
    yield from batch.create
    files: list[LoadedFile] = []
    for file in batch.files:
        began = yield from read_clock()
        rows = yield from fill(context, file, batch.load(file))
        files.append((yield from context.finish_file(LoadedFile(file.path, rows, rows), began)))
    judged = JudgedRows() if context.plan.checks_as_it_inserts else (yield from judge_rows(context, batch))
    return FilledBatch(batch, tuple(files), judged)


def _insert_batches(context: LoadContext, filled: Sequence[FilledBatch]) -> Op[tuple[LoadedFile, ...]]:
    for statement in context.plan.preparation:
        yield from statement
    files: list[LoadedFile] = []
    for batch in filled:
        files += yield from with_ledger(context, batch.batch.files[0], _insert(context, batch))
    return tuple(files)


def _insert(context: LoadContext, filled: FilledBatch) -> Op[tuple[LoadedFile, ...]]:
    plan, batch = context.plan, filled.batch
    rejects = context.rejects_of(batch.files[0])
    if rejects is not None:
        return ((yield from _insert_accepted(context, filled, rejects)),)
    insert = insert_of(plan, batch)
    if plan.conflict is Conflict.ERROR:
        count = yield from _insert_unchanged(context, batch, insert, filled.rows)
        if count != filled.rows:
            raise LoadFailed(f"{filled.rows:,} rows were staged, and {count:,} of them stored; no row was loaded")
        return filled.files
    resolution = yield from _explain_errors(context, batch, resolve(plan, batch, insert, filled.rows))
    affected: int = 0
    for statement in resolution.inserts:
        affected = yield from _insert_in_steps(context, batch, statement, filled.rows)
    return (resolution.complete(filled.files[0], filled.rows, affected),)


def _insert_unchanged(context: LoadContext, batch: Batch, insert: InsertStaged, rows: int) -> Op[int]:
    """INSERT all rows of a batch; returns their number.

    Rows that the server may change silently are left out at first. If there are any, they are looked at: one that it
    would change fails the load, and the others follow.

    Raises:
        LoadFailed: the server refuses a row, or would change one silently.
    """
    count = yield from _insert_in_steps(context, batch, insert, rows)
    if insert.condition and count < rows:
        yield from judge_rows(context, batch)
        count += yield from _insert_in_steps(context, batch, replace(insert, condition=batch.may_change), rows)
    return count


def _insert_accepted(context: LoadContext, filled: FilledBatch, rejects: Rejects) -> Op[LoadedFile]:
    """Insert the rows that the server accepts; the others are rejected."""
    plan, batch, rejecting = context.plan, filled.batch, RejectingInsert(context, filled.batch, rejects)
    read = filled.rows + rejects.count  # those are rows that were left out as the file was read
    yield from rejecting.leave_out(filled.judged.changed)
    doubtful, policies, affected = filled.judged.doubtful, list(_policies(plan)), 0
    while True:
        policy = policies.pop(0)
        if doubtful:
            first = replace(insert_of(plan, batch), policy=policy, keys=batch.mapping.keys)
            affected = yield from rejecting.insert_doubtful(first, doubtful)
        accepted = filled.rows - len(rejecting.refused)
        resolution = yield from resolve(plan, batch, insert_of(plan, batch), accepted)
        insert = resolution.inserts[0 if policies else -1]
        affected += yield from rejecting.insert_rest(insert, filled.rows)
        if resolution.duplicates and filled.rows - len(rejecting.refused) != accepted:
            raise LoadFailed(
                "a row was refused that others of the file share a key with, and it cannot be said which of them to"
                " take; mend the file"
            )
        if not policies or not resolution.duplicates:
            break
    yield from rejecting.report()
    rejects.check_share(read)
    yield from store_rejects(context, rejects)
    report = replace(filled.files[0], read=read, rejected=rejects.count)
    done = resolution.complete(report, filled.rows - len(rejecting.refused), affected)
    return replace(done, replaced=None, updated=None) if doubtful else done


def _policies(plan: LoadPlan) -> tuple[DuplicatePolicy, ...]:
    """Which of the rows that share a key are taken, one pass after another."""
    match plan.conflict:
        case Conflict.ERROR:
            return (DuplicatePolicy.ALL,)
        case Conflict.SKIP:
            return (DuplicatePolicy.FIRST,)
        case Conflict.UPDATE if plan.request.options.update:  # columns that are not updated are the first row's
            return (DuplicatePolicy.FIRST, DuplicatePolicy.LAST)
        case _:
            return (DuplicatePolicy.LAST,)


def _insert_in_steps(context: LoadContext, batch: Batch, insert: InsertStaged, rows: int) -> Op[int]:
    """INSERT staged rows.

    With `lock='rows'` no statement has enough rows for the server to lock the table (server-facts 52).
    """
    count = 0
    for step in _steps(context, insert, rows):
        count += yield from _explain_errors(context, batch, iter(step))
    return count


def _explain_errors(context: LoadContext, batch: Batch, op: Op[T]) -> Op[T]:
    """What reads staged rows; an error names the row that it is about, if that can be found."""
    try:
        return (yield from op)
    except LoadFailed as error:
        yield from explain_refusal(context, batch, error)
        paths = [file.path for file in batch.files]
        raise (error.about(paths[0]) if len(paths) == 1 else error) from error.__cause__


def _steps(context: LoadContext, insert: InsertStaged, rows: int) -> Iterator[InsertStaged]:
    if context.plan.request.options.lock != "rows":
        yield insert
        return
    for first in range(1, rows + 1, STEP_ROWS):
        yield replace(insert, rows=RowRange(first, first + STEP_ROWS - 1))
