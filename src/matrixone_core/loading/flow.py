"""What every load does, wherever its rows come from: ask, choose a way, go it, report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from matrixone_core import stages
from matrixone_core.errors import (
    LoadFailed,
    MatrixOneError,
    PermissionDenied,
    ServerError,
    StageDisabled,
    StageFileNotFound,
    StageNotFound,
    TableNotFound,
    TransactionAborted,
)
from matrixone_core.loading import ledger, progress, ways
from matrixone_core.loading.job import Input, Job, Look, Way
from matrixone_core.loading.order import Order
from matrixone_core.loading.report import LoadedFile, LoadReport
from matrixone_core.loading.target import Table, known, may_stage
from matrixone_core.operation import (
    Aside,
    Clock,
    Known,
    Limited,
    Op,
    Sending,
    Statement,
    Step,
    Together,
    Watched,
    in_order,
    interpreted,
    within,
)
from matrixone_core.sql.rejects import CreateRejects
from matrixone_core.sql.table import AskLoadState, LoadState
from matrixone_core.stage_files import reached

T = TypeVar("T")


def state_of(order: Order, stage: str | None = None, file: str = "", offsets: tuple[int, ...] = ()) -> Op[LoadState]:
    """What has to be asked before a load, in one question where the user may read the catalogue.

    Args:
        order: what is wanted.
        stage: the stage to load from, or None.
        file: the URL of the file.
        offsets: those of which it matters whether they lie in it.

    Raises:
        StageNotFound, StageDisabled: it is not there, or not to be used.
        TableNotFound: there is no such table.
    """
    table = None if order.is_plain else order.names
    if stage is None:
        return (yield from AskLoadState(table))
    try:
        state = yield from _asked(AskLoadState(table, stage, file, offsets))
    except PermissionDenied:
        state = replace((yield from AskLoadState(table)), stage=(yield from stages.find(stage)))
    except StageFileNotFound as error:
        raise error.about(file) from error.__cause__
    if state.stage is None:
        raise StageNotFound(f"there is no stage {stage!r}")
    if not state.stage.enabled:  # the server itself never looks (server-facts 8)
        raise StageDisabled(f"the stage {stage!r} is disabled; client.stage.alter({stage!r}, enable=True)")
    return state


def _asked(question: AskLoadState) -> Op[LoadState]:
    """The answer; where a file cannot be read like that, how long it is is asked by itself."""
    try:
        return (yield from question)
    except (PermissionDenied, StageFileNotFound, StageNotFound, TableNotFound, TransactionAborted):
        raise
    except ServerError:
        if not question.offsets:
            raise
    state = yield from replace(question, offsets=())
    return replace(state, reached=(yield from _reached(question)))


def _reached(question: AskLoadState) -> Op[int]:
    """How many of the offsets lie in the file; none where it cannot be read, but may be loaded (server-facts 9)."""
    try:
        return (yield from reached(question.file, question.offsets))
    except (PermissionDenied, StageFileNotFound, StageNotFound, TransactionAborted):
        raise
    except ServerError:
        return 0


def load(
    order: Order, state: LoadState, inputs: Sequence[Input], began: float, passed: Callable[[], int] = int
) -> Op[LoadReport]:
    """Load files, and report.

    Args:
        order: what is wanted.
        state: what is known.
        inputs: the files.
        began: when it began.
        passed: how many bytes of the client's data were read by now.

    Raises:
        LoadFailed: a row does not fit, or with `atomic=False` a file could not be loaded; `.report` says which.
        DuplicateKey: a row's key is there already, or another row of the load has it.
    """
    if not inputs:
        return LoadReport(".".join(order.names), (), (yield from Clock()) - began)
    telling = progress.Telling(
        ".".join(order.names),
        tuple(one.path for one in inputs),
        inputs[0].total,
        passed,
        progress.receiver(order.options.progress),
    )
    yield from telling.begun()
    op = _reported(order, state, inputs, began, telling)
    try:
        if telling.receive is None:
            report = yield from op
        else:
            report = yield from Watched(op, progress.OFTEN, telling.look, telling.receive)
    except BaseException as error:
        yield from telling.ended(None, error, (yield from Clock()) - began)
        raise
    yield from telling.ended(report, None, report.seconds)
    if report.failed:
        raise _some_failed(report)
    return report


def _reported(
    order: Order, state: LoadState, inputs: Sequence[Input], began: float, telling: progress.Telling
) -> Op[LoadReport]:
    names = ".".join(order.names)
    with progress.span("load", names, {"matrixone.load.files": len(inputs)}):
        table = None if order.is_plain else (yield from table_of(order, state))
        job = yield from job_of(order, state, telling.file_read)
        if order.options.rejects is not None:
            yield from Known(
                ("rejects", order.options.rejects), iter(Aside(iter(CreateRejects(order.options.rejects))))
            )
        sql: list[str] = []
        way, done = yield from noted(_loaded(job, table, inputs), sql.append)
    return LoadReport(
        names,
        tuple(done[one.path] for one in inputs),
        (yield from Clock()) - began,
        str(way),
        way.lock(),
        tuple(sql),
        tuple(row for one in inputs if one.sieve is not None for row in one.sieve.kept),
    )


def job_of(order: Order, state: LoadState, heard: Callable[[LoadedFile], Op[None]]) -> Op[Job]:
    """What is to be done, for the ways; the ledger is made, if there is to be one."""
    if order.options.once:
        yield from ledger.made(order.names, order.options)
    return job_within(order, state, heard)


def job_within(order: Order, state: LoadState, heard: Callable[[LoadedFile], Op[None]]) -> Job:
    """What is to be done, for the ways."""
    book = ledger.of(order.names, order.options) if order.options.once else None
    return Job(order.names, order.nulls, order.assigned, order.options, state, book, heard)


def _loaded(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[Way, dict[str, LoadedFile]]]:
    """Load what was not loaded before; the way taken, and what became of each file."""
    before = yield from _entered_before(job, inputs)
    left = [one for one in inputs if one.path not in before]
    if not left:
        return Way.PLAIN, before
    if job.options.atomic:
        way, looked = yield from way_of(job, table, left)
        way, files = yield from ways.carried_out(job, table, looked, way)
    else:
        way, files = yield from _each(job, table, left)
    return way, before | {file.path: file for file in files}


def _entered_before(job: Job, inputs: Sequence[Input]) -> Op[dict[str, LoadedFile]]:
    """The files that need not be read, as the ledger has them."""
    if job.ledger is None:
        return {}
    entries = {one.entry.id: one.path for one in inputs if one.entry is not None}
    ids = yield from ledger.already(job.ledger, tuple(entries))
    return {entries[one]: LoadedFile(entries[one], already_loaded=True) for one in ids}


def table_of(order: Order, state: LoadState) -> Op[Table]:
    """The table."""
    return (yield from known(order.names, state.mark))


def way_of(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[Way, tuple[Input, ...]]]:
    """The way to take, and the files, which know where they are looked at.

    Whether the user may make tables is asked only where one would be made.
    """
    if table is None:
        return Way.PLAIN, tuple(inputs)
    way = ways.chosen(job, table, inputs, may_stage=True)
    looked = ways.with_looks(job, inputs, way, may_stage=True)
    makes_tables = way in {Way.STAGING, Way.EXTERNAL} or any(one.look is Look.SERVER for one in looked)
    if makes_tables and not (yield from may_stage(table.names)):
        way = ways.chosen(job, table, inputs, may_stage=False)
        looked = ways.with_looks(job, inputs, way, may_stage=False)
    return way, looked


def _each(job: Job, table: Table | None, inputs: Sequence[Input]) -> Op[tuple[Way, tuple[LoadedFile, ...]]]:
    """Each file by itself: all of it or nothing, and the next one whatever became of it."""
    if len(inputs) > 1:
        job = replace(job, state=replace(job.state, in_use=True))
    way, looked = Way.PLAIN, list[Input]()
    for one in inputs:
        way, (known,) = yield from way_of(job, table, [one])
        looked.append(known)
    ops = tuple(_tried(job, table, one, way) for one in looked)
    if job.state.revocable:
        return way, (yield from Together(ops, job.options.concurrency))
    return way, (yield from in_order(ops))  # a session has one connection


def _tried(job: Job, table: Table | None, one: Input, way: Way) -> Op[LoadedFile]:
    began = yield from Clock()
    try:
        return (yield from ways.carried_out(job, table, [one], way))[1][0]
    except MatrixOneError as error:
        seconds = (yield from Clock()) - began
        return LoadedFile(one.path, seconds=seconds, error=f"{type(error).__name__}: {error}")


def _some_failed(report: LoadReport) -> LoadFailed:
    first = report.failed[0]
    error = LoadFailed(
        f"{len(report.failed)} of {len(report.files)} files could not be loaded, the others are; {first.path}:"
        f" {first.error}; .report has all of them"
    )
    error.report = report
    return error


def limited(order: Order, op: Op[T]) -> Op[T]:
    """An operation each of whose statements may take as long as was told."""
    seconds = order.options.timeout
    return op if seconds is None else iter(Limited(op, seconds))


def noted(op: Op[Any], note: Callable[[str], object]) -> Op[Any]:
    """An operation whose statements are noted as they are carried out, secrets masked."""

    def perform(step: Step[Any]) -> Op[Any]:
        if isinstance(step, Statement | Sending):
            note(str(step))
        return (yield from within(step, lambda inner: noted(inner, note)))

    return interpreted(op, perform)
