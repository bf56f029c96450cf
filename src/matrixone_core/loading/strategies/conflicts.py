"""Staged rows whose keys are in the table already, or more than once in the file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.plan import Batch, LoadPlan
from matrixone_core.results import LoadedFile
from matrixone_core.sql.staged_inserts import (
    Conflict,
    CountDuplicateRows,
    CountMatches,
    CountTaken,
    DuplicatePolicy,
    InsertStaged,
)
from matrixone_core.steps import Op


@dataclass(frozen=True)
class Resolution:
    """How rows that share keys are resolved.

    Args:
        inserts: the statements, in order.
        duplicates: how many rows are left out for another of the file.
        updated: how many rows of the table will change; None where the INSERT itself tells.
    """

    inserts: tuple[InsertStaged, ...]
    duplicates: int
    updated: int | None = None

    def complete(self, file: LoadedFile, read: int, affected: int) -> LoadedFile:
        """What the report says of a file, once the statements were executed.

        Args:
            file: the report so far.
            read: how many rows were staged and not refused.
            affected: how many rows the last statement affected.

        Raises:
            LoadFailed: REPLACE left rows out, as it does where a key is NULL.
        """
        taken = read - self.duplicates
        match self.inserts[-1].conflict:
            case Conflict.ERROR:
                return replace(file, rows=affected)
            case Conflict.SKIP:
                return replace(file, rows=affected, skipped=taken - affected, duplicates=self.duplicates)
            case Conflict.REPLACE if affected < taken:
                raise LoadFailed(f"{taken:,} rows were staged, and {affected:,} of them stored; no row was loaded")
            case Conflict.REPLACE:  # counts stored and removed rows (server-facts 44)
                return replace(file, rows=taken, duplicates=self.duplicates, replaced=affected - taken)
            case _:
                return replace(file, rows=taken, duplicates=self.duplicates, updated=self.updated)


def resolve(plan: LoadPlan, batch: Batch, insert: InsertStaged, read: int) -> Op[Resolution]:
    """Say which statements resolve the conflicts of a staged file.

    Args:
        plan: the load.
        batch: the file's staging table.
        insert: the INSERT of all its rows.
        read: how many rows it has.
    """
    if plan.conflict is Conflict.ERROR:
        return Resolution((insert,), 0)
    keys = batch.mapping.keys
    duplicates: int = 0
    for key in keys:
        duplicates = max(duplicates, (yield from CountDuplicateRows(batch.staging, key)))
    policy = DuplicatePolicy.FIRST if plan.conflict is Conflict.SKIP else DuplicatePolicy.LAST
    if duplicates and len(keys) > 1:
        duplicates = read - (yield from CountTaken(batch.staging, keys, policy))
    updated = (
        (yield from CountMatches(plan.request.names, batch.staging, keys)) if plan.conflict is Conflict.UPDATE else None
    )
    return Resolution(
        tuple(_inserts(plan, insert, batch, policy if duplicates else DuplicatePolicy.ALL)), duplicates, updated
    )


def _inserts(plan: LoadPlan, insert: InsertStaged, batch: Batch, policy: DuplicatePolicy) -> Iterator[InsertStaged]:
    keys = batch.mapping.keys if policy is not DuplicatePolicy.ALL else insert.keys
    if plan.conflict is Conflict.UPDATE and policy is not DuplicatePolicy.ALL and plan.request.options.update:
        # columns that are not updated are the first row's
        yield replace(insert, keys=keys, policy=DuplicatePolicy.FIRST)
    yield replace(insert, keys=keys, policy=policy)
