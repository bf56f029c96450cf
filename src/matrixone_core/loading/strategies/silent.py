"""Staged rows in which INSERT would change a value silently (server-facts 51)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matrixone_core.loading.inputs.transforms import raise_bad_row
from matrixone_core.loading.mapping import StagedField
from matrixone_core.loading.plan import MAX_CHECKED, Batch
from matrixone_core.loading.row_checks import SilentChange, silent_changes
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.location import describe
from matrixone_core.sql.staging import SelectStaged, StagedRow
from matrixone_core.steps import Op

MAX_DOUBTFUL = 10 * MAX_CHECKED  # rows that are tried before the others


@dataclass(frozen=True)
class SilentlyChanged:
    """A staged row with a value that INSERT would change silently."""

    row: StagedRow
    field: StagedField
    reason: str


@dataclass(frozen=True)
class JudgedRows:
    """What was found in the rows of a staging table.

    Args:
        changed: the rows that INSERT would change silently, all of them.
        doubtful: where bad rows are collected: rows that the server may refuse; some may be missing.
    """

    changed: tuple[SilentlyChanged, ...] = ()
    doubtful: tuple[StagedRow, ...] = ()


def judge_rows(context: LoadContext, batch: Batch) -> Op[JudgedRows]:
    """Find the rows that must not be inserted, and those that may be refused.

    Raises:
        LoadFailed: INSERT would change one silently, and bad rows are not collected.
    """
    collects = context.plan.request.options.collects_rejects
    question, changes = batch.doubtful_rows() if collects else batch.silent_changes(), silent_changes(batch.mapping)
    changed: list[SilentlyChanged] = []
    doubtful: list[StagedRow] = []
    while question is not None:
        rows = yield from question
        for row in rows:
            found = _change_in(batch, changes, row)
            if found is not None:
                changed.append(found)
            elif len(doubtful) < MAX_DOUBTFUL:
                doubtful.append(row)
        if changed and not collects:
            first = changed[0]
            raise_bad_row((yield from describe(context, batch, first.row, first.field, first.reason)))
        question = _next_question(question, changes, rows)
    return JudgedRows(tuple(changed), tuple(doubtful) if collects else ())


def _next_question(
    question: SelectStaged, changes: Sequence[SilentChange], rows: Sequence[StagedRow]
) -> SelectStaged | None:
    """What is asked once as many rows as one question may find were judged."""
    if len(rows) < MAX_CHECKED:
        return None
    if rows[-1].number is not None:
        return replace(question, above=rows[-1].number)
    exact = tuple(change.exact for change in changes)
    return None if question.conditions == exact else replace(question, conditions=exact)


def _change_in(batch: Batch, changes: Sequence[SilentChange], row: StagedRow) -> SilentlyChanged | None:
    for change in changes:
        reason = change.reason(row.values[batch.mapping.fields.index(change.field)])
        if reason is not None:
            return SilentlyChanged(row, change.field, reason)
    return None
