"""LOAD DATA straight into the target: as it is, or with duplicate keys counted, as it checks none (server-facts 17)."""

from collections.abc import Sequence
from dataclasses import replace

from matrixone_core.errors import DuplicateKey
from matrixone_core.fragments import quote_name
from matrixone_core.loading.inputs.files import InputFile
from matrixone_core.loading.plan import LoadPlan, direct_load
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.fill import fill
from matrixone_core.loading.strategies.once import with_ledger
from matrixone_core.loading.strategies.proof import prove
from matrixone_core.results import LoadedFile
from matrixone_core.sql.staged_inserts import CountDuplicateRows, Key
from matrixone_core.sql.staging import Names
from matrixone_core.steps import Atomic, Op, in_order, read_clock


def load_data(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA of each file, keys unchecked, all of them in one transaction."""
    return (yield from Atomic(_load_files(context)))


def _load_files(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    for statement in context.plan.preparation:
        yield from statement
    files: list[LoadedFile] = []
    for file in context.plan.inputs:
        files += yield from with_ledger(context, file, _load_file(context, file))
    return tuple(files)


def _load_file(context: LoadContext, file: InputFile) -> Op[tuple[LoadedFile, ...]]:
    began = yield from read_clock()
    rows = yield from fill(context, file, direct_load(context.plan, file))
    return ((yield from context.finish_file(LoadedFile(file.path, rows, rows), began)),)


def load_counting_duplicates(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """LOAD DATA, and the rows that share a key counted before and after, without a table of our own.

    Raises:
        DuplicateKey: there are more of them afterwards.
    """
    return (yield from Atomic(_load_between_counts(context)))


def _load_between_counts(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    proven = yield from in_order(prove(context.plan, file) for file in context.plan.inputs)
    keys = target_keys(context.plan)
    before = yield from _count(context.plan.request.names, keys)
    files = yield from _load_files(replace(context, plan=replace(context.plan, inputs=proven)))
    after = yield from _count(context.plan.request.names, keys)
    for key, old, new in zip(keys, before, after, strict=True):
        if new > old:
            raise _duplicate_key(key, new - old)
    return files


def target_keys(plan: LoadPlan) -> tuple[Key, ...]:
    """The target's keys, with the columns themselves as values."""
    names = () if plan.target is None else plan.target.keys
    return tuple(Key(key, tuple((f"s.{quote_name(name)}",) for name in key)) for key in names)


def _count(table: Names, keys: Sequence[Key]) -> Op[list[int]]:
    counts: list[int] = []
    for key in keys:
        counts.append((yield from CountDuplicateRows(table, key)))  # noqa: PERF401  # a comprehension cannot yield
    return counts


def _duplicate_key(key: Key, count: int) -> DuplicateKey:
    """The error for a key that more than one row has."""
    return DuplicateKey(
        f"duplicate entry for the key ({', '.join(key.columns)}): {count:,} of the rows have one that another row has;"
        " no row was loaded",
        code=1062,
    )
