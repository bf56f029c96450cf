"""Plan a load: a pure function from the caller's request and the server's answers to a `LoadPlan`."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from matrixone_core.errors import InvalidArgument, LoadFailed, PermissionDenied
from matrixone_core.loading.inputs.files import InputFile, StageFile
from matrixone_core.loading.mapping import ColumnMapping, map_columns
from matrixone_core.loading.plan import Batch, LoadPlan, LoadStrategy, is_small
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.table import Table
from matrixone_core.messages import show
from matrixone_core.sql.ddl import Truncate
from matrixone_core.sql.staged_inserts import Conflict
from matrixone_core.sql.staging import STAGING, Names
from matrixone_core.sql.table import LoadState
from matrixone_core.steps import Statement


def make_plan(
    request: LoadRequest,
    state: LoadState,
    target: Table | None,
    inputs: Sequence[InputFile],
    *,
    can_create_tables: bool,
    token: str,
    preparation: tuple[Statement[Any], ...] = (),
) -> LoadPlan:
    """Plan a load.

    Args:
        request: the caller's request.
        state: the server's answer to the query before the load.
        target: the table as it will be after `preparation`; None if the load does not need its columns.
        inputs: the files.
        can_create_tables: whether the user may create tables in the target's database.
        token: text that makes the names of staging tables unique.
        preparation: statements that change the table first.

    Raises:
        InvalidArgument: options contradict each other or the table.
        LoadFailed: `mode='fail'`, and the table has rows.
        PermissionDenied: the load needs a staging table, which the user may not create.
    """
    if request.options.mode == "fail" and state.in_use:
        raise LoadFailed(f"the table {show(request.table_name)} has rows, and mode='fail' loads only into an empty one")
    if request.options.mode == "replace":
        preparation = (*preparation, Truncate(request.names))
    plan = LoadPlan(request, state, target, tuple(inputs), LoadStrategy.LOAD_DATA, preparation=preparation)
    if not inputs or target is None or (request.is_unchecked and not request.options.collects_rejects):
        return plan
    mappings = _map_files(request, target, inputs)
    _check_conflict(request, mappings)
    if can_create_tables:
        return replace(
            plan, strategy=LoadStrategy.STAGING_TABLE, batches=_batches(request, state, inputs, mappings, token)
        )
    if _needs_staging(request, inputs):
        raise PermissionDenied(
            f"this load of {show(request.table_name)} needs a staging table, and the user may not create and drop"
            " tables in its database; on_conflict='error' and 'unchecked' of CSV files that fit the table as they are"
            " need none"
        )
    return replace(plan, strategy=LoadStrategy.COUNT_DUPLICATES)


def _map_files(request: LoadRequest, target: Table, inputs: Sequence[InputFile]) -> list[ColumnMapping]:
    """Return the mapping of each file; files of one kind share one."""
    if request.file_column or not all(isinstance(file, StageFile) for file in inputs):
        return [map_columns(request, target, file) for file in inputs]
    mappings: dict[InputFile, ColumnMapping] = {}
    kinds = [replace(file, path="", entry=None) for file in inputs]
    for kind, file in zip(kinds, inputs, strict=True):
        if kind not in mappings:
            mappings[kind] = map_columns(request, target, file)
    return [mappings[kind] for kind in kinds]


def _check_conflict(request: LoadRequest, mappings: Sequence[ColumnMapping]) -> None:
    conflict = request.options.conflict
    if conflict is Conflict.UNCHECKED:
        raise InvalidArgument(
            "on_conflict='unchecked' is the server's own LOAD DATA, which cannot leave rows out; on_error='skip' and"
            " validate=True need checked rows"
        )
    if conflict in {None, Conflict.ERROR} or any(mapping.keys for mapping in mappings):
        return
    raise InvalidArgument(
        f"on_conflict={show(str(conflict))} needs a primary or unique key that the loaded columns decide, and"
        f" {show(request.table_name)} has none"
    )


def _needs_staging(request: LoadRequest, inputs: Sequence[InputFile]) -> bool:
    options = request.options
    resolves = options.conflict not in {None, Conflict.ERROR}
    rewrites = bool(request.assignments or request.file_column or request.row_column) or len(request.nulls) > 1
    reshapes = any(
        isinstance(file, StageFile) and (file.through_client or (file.format.name != "csv" and bool(request.columns)))
        for file in inputs
    )
    return resolves or rewrites or reshapes or options.collects_rejects


def _batches(
    request: LoadRequest, state: LoadState, inputs: Sequence[InputFile], mappings: Sequence[ColumnMapping], token: str
) -> tuple[Batch, ...]:
    """Group neighbouring files that share a staging table, if the load needs no counts of single files.

    In a session all of them do: it has one connection, and one INSERT that fails leaves its transaction as it was.
    """
    options = request.options
    resolves = options.conflict not in {None, Conflict.ERROR}
    names_rows = len(inputs) == 1 and inputs[0].unit == "row" and is_small(inputs[0], state)  # in an error, cheaply
    wanted = options.collects_rejects or options.lock == "rows" or request.row_column is not None
    numbered = resolves or wanted or names_rows
    alike = all(mapping is mappings[0] or _are_alike(mapping, mappings[0]) for mapping in mappings)
    shared = alike and options.atomic and not (numbered or options.once or request.file_column)
    tables = options.concurrency if state.owns_transaction else 1
    count = min(tables, len(inputs)) if shared else len(inputs)
    bounds = [len(inputs) * at // count for at in range(count + 1)]
    return tuple(
        Batch(staging_name(request.names, f"{token}_{at}"), tuple(inputs[begin:end]), mappings[begin], numbered)
        for at, (begin, end) in enumerate(pairwise(bounds))
    )


def _are_alike(one: ColumnMapping, other: ColumnMapping) -> bool:
    """Return whether files of two mappings can share a staging table."""
    return (one.order, one.fields, one.assignments, one.is_utf8) == (
        other.order, other.fields, other.assignments, other.is_utf8,
    )  # fmt: skip


def staging_name(table: Names, token: str) -> Names:
    """Return the name of a staging table in the target's database."""
    return (*table[:-1], f"{STAGING}{token}")
