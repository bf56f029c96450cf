"""What every load does, wherever its rows come from: ask, plan, execute, report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, TypeVar

from matrixone_core import catalog
from matrixone_core.errors import (
    DuplicateKey,
    LoadFailed,
    MatrixOneError,
    NotSupported,
    PermissionDenied,
    ServerError,
    StageDisabled,
    StageFileNotFound,
    StageNotFound,
    TableNotFound,
    TransactionAborted,
)
from matrixone_core.loading.inputs.files import InputFile
from matrixone_core.loading.ledger import fetch_loaded_ids, ledger_for
from matrixone_core.loading.monitoring import observer
from matrixone_core.loading.plan import LoadPlan, LoadStrategy
from matrixone_core.loading.planning import make_plan
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.direct import load_counting_duplicates, load_data
from matrixone_core.loading.strategies.fast_path import load_into_empty
from matrixone_core.loading.strategies.staging import load_staged
from matrixone_core.loading.strategies.unfinished import undone_with_session
from matrixone_core.loading.table import Table, can_create_tables, fetch_table
from matrixone_core.messages import show
from matrixone_core.monitoring.telemetry import span
from matrixone_core.results import LoadedFile, LoadReport
from matrixone_core.sql.files import RemoveFiles
from matrixone_core.sql.staged_inserts import MAX_ROW_LOCKS, Conflict
from matrixone_core.sql.table import LoadState, SelectLoadState
from matrixone_core.stage_files import count_reached
from matrixone_core.steps import (
    Atomic,
    Concurrently,
    Op,
    OutsideTransaction,
    SendLocalData,
    Statement,
    Step,
    WithTicker,
    in_order,
    map_nested_ops,
    map_steps,
    read_clock,
    with_time_limit,
)

T = TypeVar("T")


@dataclass(frozen=True)
class LoadFacts:
    """What the server said before a load.

    Args:
        state: the stage, the table's rows, the time.
        table: the table; None where nothing has to be known of it, or where there is none yet.
    """

    state: LoadState
    table: Table | None

    def full_name(self, request: LoadRequest) -> str:
        """The table as `database.table`, which names it from anywhere."""
        names = request.names if len(request.names) > 1 else (self.state.database or "", *request.names)
        return ".".join(names).lower()


def fetch_facts(
    request: LoadRequest, stage: str | None = None, file: str = "", offsets: tuple[int, ...] = ()
) -> Op[LoadFacts]:
    """Ask what has to be known before a load.

    Args:
        request: what the caller wants.
        stage: the stage to load from, or None.
        file: the URL of a file of it.
        offsets: those of which it matters whether they lie in the file.

    Raises:
        StageNotFound, StageDisabled: there is no such stage, or it must not be used.
        TableNotFound: there is no such table, and `create` was not given.
    """
    try:
        state = yield from _fetch_state(request.names, stage, file, offsets)
        return LoadFacts(state, (yield from fetch_table(request.names)))
    except TableNotFound as error:
        if not request.options.create:
            raise error.with_remedy(_CREATE) from error.__cause__
    return LoadFacts(replace((yield from _fetch_state(None, stage, file, offsets)), in_use=False), None)


_CREATE = "create=True creates it from what is in the file; a table of another database is named 'database.table'"


def _fetch_state(
    table: tuple[str, ...] | None, stage: str | None, file: str, offsets: tuple[int, ...]
) -> Op[LoadState]:
    if stage is None:
        return (yield from SelectLoadState(table))
    try:
        state = yield from _query_state(SelectLoadState(table, stage, file, offsets))
    except PermissionDenied:
        state = replace((yield from SelectLoadState(table)), stage=(yield from catalog.find(stage)))
    except StageFileNotFound as error:
        raise error.about(file) from error.__cause__
    if state.stage is None:
        raise StageNotFound(f"there is no stage {show(stage)}")
    if not state.stage.enabled:  # the server itself never looks (server-facts 8)
        raise StageDisabled(f"the stage {show(stage)} is disabled")
    return state


def _query_state(question: SelectLoadState) -> Op[LoadState]:
    """The answer; where the file cannot be read like that, its size is asked for by itself."""
    try:
        return (yield from question)
    except (PermissionDenied, StageFileNotFound, StageNotFound, TableNotFound, TransactionAborted):
        raise
    except ServerError:
        if not question.offsets:
            raise
    state = yield from replace(question, offsets=())
    return replace(state, reached=(yield from _count_offsets_inside(question)))


def _count_offsets_inside(question: SelectLoadState) -> Op[int]:
    """How many of the offsets lie in the file; none where it cannot be read, but may be loaded (server-facts 9)."""
    try:
        return (yield from count_reached(question.file, question.offsets))
    except (PermissionDenied, StageFileNotFound, StageNotFound, TransactionAborted):
        raise
    except ServerError:
        return 0


def plan_load(
    request: LoadRequest,
    facts: LoadFacts,
    inputs: Sequence[InputFile],
    preparation: tuple[Statement[Any], ...] = (),
) -> Op[LoadPlan]:
    """Plan a load; whether the user may create tables is asked only where a staging table would be used.

    Args:
        request: what the caller wants.
        facts: what the server said; the table is as it will be after `preparation`.
        inputs: the files.
        preparation: what is done to the table first.
    """
    plan = make_plan(
        request, facts.state, facts.table, inputs,
        can_create_tables=True, token=f"{facts.state.now}_{token_hex(6)}", preparation=preparation,
    )  # fmt: skip
    if plan.batches and not (yield from can_create_tables(request.names)):
        # Python 3.11's tracer misses what follows an error that was thrown into a generator
        return make_plan(  # pragma: no cover
            request, facts.state, facts.table, inputs, can_create_tables=False, token="", preparation=preparation
        )
    return plan


def load(
    request: LoadRequest,
    facts: LoadFacts,
    inputs: Sequence[InputFile],
    began: float,
    read_bytes: Callable[[], int] = int,
    preparation: tuple[Statement[Any], ...] = (),
) -> Op[LoadReport]:
    """Load files, and report.

    Args:
        request: what the caller wants.
        facts: what the server said.
        inputs: the files.
        began: when it began.
        read_bytes: how many bytes of the client's data were read by now.
        preparation: what is done to the table first.

    Raises:
        LoadFailed: the server refused a row, or with `atomic=False` a file could not be loaded; `.report` says which.
        DuplicateKey: a row's key is in the table already, or another row of the load has it.
    """
    if not inputs:
        return LoadReport(request.table_name, (), (yield from read_clock()) - began)
    watcher = observer.LoadObserver(
        request.table_name,
        tuple(file.path for file in inputs),
        getattr(inputs[0], "total", None),
        read_bytes,
        (yield from observer.find_receiver(request.options.progress)),
    )
    yield from watcher.started()
    op = _execute(request, facts, inputs, began, watcher, preparation)
    try:
        if watcher.receive is None:
            report = yield from op
        else:
            report = yield from WithTicker(op, observer.POLL_SECONDS, watcher.poll, watcher.receive)
    except BaseException as error:
        yield from watcher.finished(None, error, (yield from read_clock()) - began)
        raise
    yield from watcher.finished(report, None, report.seconds)
    if report.failed:
        raise _some_failed(report)
    return report


def _execute(
    request: LoadRequest,
    facts: LoadFacts,
    inputs: Sequence[InputFile],
    began: float,
    watcher: observer.LoadObserver,
    preparation: tuple[Statement[Any], ...],
) -> Op[LoadReport]:
    table = request.table_name
    with span(f"load {table}", {"db.collection.name": table, "matrixone.load.files": len(inputs)}):
        if not facts.state.owns_transaction:
            _check_session(request)
        before = yield from _fetch_loaded_before(request, inputs)
        left = [file for file in inputs if file.path not in before]
        plan = yield from plan_load(request, facts, left, preparation)
        context = LoadContext(plan, ledger_for(request.names, request.options), watcher.file_loaded)
        sql: list[str] = []
        done = before | (yield from record_statements(_load_new(context), sql.append))
        yield from _purge(request, facts.state, inputs, done)
    return LoadReport(
        request.table_name,
        tuple(done[file.path] for file in inputs),
        (yield from read_clock()) - began,
        str((*context.strategies, plan.strategy)[0]),
        "rows" if context.strategies else _lock_taken(plan, done),
        tuple(sql),
        tuple(row for rejects in context.rejects.values() for row in rejects.in_order),
    )


def _check_session(request: LoadRequest) -> None:
    """Refuse what a session could not undo.

    Raises:
        NotSupported: it is asked for.
    """
    if request.options.purge:
        raise NotSupported(
            "purge=True removes files, which a session's rollback could not bring back; remove them after the commit"
        )
    if request.options.validate:
        raise NotSupported(
            "validate=True rolls its transaction back, and with it the session's; validate outside of the session"
        )


def _lock_taken(plan: LoadPlan, done: dict[str, LoadedFile]) -> str:
    """What was locked: the server locks up to 20,000 rows one by one (server-facts 52)."""
    few = all(file.read <= MAX_ROW_LOCKS for file in done.values())
    return "rows" if few else plan.lock


def _fetch_loaded_before(request: LoadRequest, inputs: Sequence[InputFile]) -> Op[dict[str, LoadedFile]]:
    """The files that need not be read, as the ledger has them."""
    ledger = ledger_for(request.names, request.options)
    if ledger is None:
        return {}
    entries = {file.entry.id: file.path for file in inputs if file.entry is not None}
    ids = yield from fetch_loaded_ids(ledger, tuple(entries))
    return {entries[each]: LoadedFile(entries[each], already_loaded=True) for each in ids}


def _load_new(context: LoadContext) -> Op[dict[str, LoadedFile]]:
    """Load the files of a plan, all of them or each by itself; what became of them."""
    plan = context.plan
    if not plan.inputs:
        return {}
    if plan.request.options.atomic:
        files = yield from _validate(context) if plan.request.options.validate else _load_all(context)
        return {file.path: file for file in files}
    if plan.preparation:
        yield from Atomic(in_order(map(iter, plan.preparation)))
        context = replace(context, plan=replace(plan, preparation=()))
    ops = tuple(_load_or_report(context, file) for file in plan.inputs)
    if plan.state.owns_transaction:
        files = yield from Concurrently(ops, plan.request.options.concurrency)
    else:  # a session has one connection
        files = yield from in_order(ops)
    return {file.path: file for file in files}


def _load_all(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """Load files; what a session cannot undo is an error of its own."""
    op = _load_naming_files(context)
    return (yield from op if context.plan.state.owns_transaction else undone_with_session(context.plan, op))


def _load_naming_files(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """Load files; the error for a doubled key names the file, of several the table, and the remedy."""
    try:
        return (yield from _load_by_strategy(context))
    except DuplicateKey as error:
        plan = context.plan
        named = error.about(plan.inputs[0].path if len(plan.inputs) == 1 else plan.request.table_name)
        raise (named.with_remedy(_SKIP_OR_REPLACE) if _takes_duplicates(plan) else named) from error.__cause__


_SKIP_OR_REPLACE = "on_conflict='skip', 'replace' or 'update' takes rows whose keys are there already"


def _takes_duplicates(plan: LoadPlan) -> bool:
    """Whether another `on_conflict` would load what has doubled keys; it needs a staging table."""
    return plan.conflict is Conflict.ERROR and plan.strategy is LoadStrategy.STAGING_TABLE


def _load_by_strategy(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    match context.plan.strategy:
        case LoadStrategy.STAGING_TABLE:
            return (yield from load_into_empty(context)) or (yield from load_staged(context))
        case LoadStrategy.COUNT_DUPLICATES:
            return (yield from load_counting_duplicates(context))
        case _:
            return (yield from load_data(context))


class _RollBack(Exception):
    """Ends a transaction that only finds bad rows, carrying what was found."""

    def __init__(self, files: tuple[LoadedFile, ...]) -> None:
        super().__init__()
        self.files = files


def _validate(context: LoadContext) -> Op[tuple[LoadedFile, ...]]:
    """Load, and roll back; what is reported is what would have been rejected."""
    try:
        yield from Atomic(_load_and_roll_back(context))
    except _RollBack as done:
        return tuple(replace(file, rows=0) for file in done.files)
    raise AssertionError("unreachable")  # pragma: no cover


def _load_and_roll_back(context: LoadContext) -> Op[None]:
    raise _RollBack((yield from _load_all(context)))


def _load_or_report(context: LoadContext, file: InputFile) -> Op[LoadedFile]:
    """Load one file by itself; an error becomes a part of the report."""
    began = yield from read_clock()
    plan = context.plan
    batches = tuple(batch for batch in plan.batches if file in batch.files)
    alone = replace(context, plan=replace(plan, inputs=(file,), batches=batches))
    try:
        return (yield from _load_all(alone))[0]
    except MatrixOneError as error:
        seconds = (yield from read_clock()) - began
        return LoadedFile(file.path, seconds=seconds, error=f"{type(error).__name__}: {error}")


def _purge(
    request: LoadRequest, state: LoadState, inputs: Sequence[InputFile], done: dict[str, LoadedFile]
) -> Op[None]:
    if not request.options.purge or state.stage is None:
        return
    for file in inputs:
        if done[file.path].error is None:
            yield from OutsideTransaction(iter(RemoveFiles(file.path)))


def _some_failed(report: LoadReport) -> LoadFailed:
    first = report.failed[0]
    error = LoadFailed(
        f"{len(report.failed)} of {len(report.files)} files could not be loaded, the others are; {first.path}:"
        f" {first.error}; .report has all of them"
    )
    error.report = report
    return error


def with_timeout(request: LoadRequest, op: Op[T]) -> Op[T]:
    """An operation each of whose statements may take as long as the caller said."""
    seconds = request.options.timeout
    return op if seconds is None else with_time_limit(op, seconds)


def record_statements(op: Op[T], note: Callable[[str], object]) -> Op[T]:
    """An operation whose statements are noted as they are executed, secrets masked."""

    def perform(step: Step[Any]) -> Op[Any]:
        if isinstance(step, Statement | SendLocalData):
            note(str(step))
        return (yield from map_nested_ops(step, lambda inner: record_statements(inner, note)))

    return map_steps(op, perform)
