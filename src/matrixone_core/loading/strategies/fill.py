"""Filling tables: one file's LOAD DATA, read by the server from its stage or sent by the client."""

from dataclasses import replace

from matrixone_core.errors import LoadFailed, StageFileNotFound
from matrixone_core.loading.inputs.files import ClientFile, InputFile, StageFile
from matrixone_core.loading.inputs.readers import decoder_of, row_reader
from matrixone_core.loading.inputs.stage_reader import StageBytes
from matrixone_core.loading.inputs.transforms import Transform, pass_through
from matrixone_core.loading.plan import is_medium
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.line_checks import (
    all_lines_match,
    may_end_with_return,
    no_line_ends_with_return,
)
from matrixone_core.loading.strategies.location import explain_shape
from matrixone_core.monitoring.telemetry import span
from matrixone_core.sql.ddl import Truncate
from matrixone_core.sql.load import Csv, JsonLines, LoadData, Parquet
from matrixone_core.sql.staging import Names
from matrixone_core.steps import Atomic, Concurrently, Op, SendLocalData, transform

SENT_BYTES = 4 * 1024 * 1024  # sent by one statement where a stage's file passes through the client


def fill(context: LoadContext, file: InputFile, statement: LoadData) -> Op[int]:
    """Execute one file's LOAD DATA; returns the number of rows.

    Args:
        context: the load.
        file: the file.
        statement: the statement, for the data as the file gives it or as the client sends it.

    Raises:
        LoadFailed: a row cannot be read, or the server refused one.
        StageFileNotFound: there is no such file.
    """
    table = context.plan.table
    with span(f"load file {table}", {"db.collection.name": table, "matrixone.load.file": file.path}):
        if isinstance(file, ClientFile):
            return (yield from _send_client_data(context, file, statement))
        if file.through_client and not isinstance(file.format, Parquet):
            return (yield from send_stage_file(context, file, _text_format(file), statement))
        return (yield from _have_server_read(context, file, statement))


def _have_server_read(context: LoadContext, file: StageFile, statement: LoadData) -> Op[int]:
    try:
        check = _check_lines(context, file, (*statement.table[:-1], f"{statement.table[-1]}_lines"))
        if check is None:
            return (yield from statement)
        return (yield from _read_and_check(context, file, statement, check))
    except StageFileNotFound as error:
        raise error.about(file.path) from error.__cause__
    except LoadFailed as error:
        if _is_read_here(context, file, error):
            return (yield from send_stage_file(context, file, _text_format(file), _resend(context, file)))
        yield from explain_shape(context, file, error)
        raise error.about(file.path) from error.__cause__


def _is_read_here(context: LoadContext, file: StageFile, error: LoadFailed) -> bool:
    """Whether a file that the server cannot read is read by the client."""
    if isinstance(file.format, Parquet) or not context.plan.batches:
        return False
    # a row of another shape fails the server's LOAD DATA; read here, it is rejected by itself
    return context.plan.request.options.collects_rejects or "slice bounds out of range" in str(error)


def _check_lines(context: LoadContext, file: StageFile, name: Names) -> Op[bool] | None:
    """What sees whether the server can be trusted with all lines of a file; None where it can.

    Args:
        context: the load.
        file: the file.
        name: what an external table over it may be called.
    """
    if file.pattern is not None:
        return all_lines_match(name, file, file.pattern)
    form, plan = file.format, context.plan
    if plan.batches and isinstance(form, Csv) and may_end_with_return(form, file.names, plan.target):
        return no_line_ends_with_return(name, file, form, asks_first=not is_medium(plan.state))
    return None


def _read_and_check(context: LoadContext, file: StageFile, statement: LoadData, check: Op[bool]) -> Op[int]:
    """Load a file if the server can be trusted with its lines; of a larger one another connection sees it meanwhile."""
    state = context.plan.state
    if not state.owns_transaction or not is_medium(state):
        if (yield from check):
            return (yield from statement)
    else:
        rows, is_right = yield from Concurrently((iter(statement), iter(Atomic(check))), 2, first_in_transaction=True)
        if is_right:
            return int(rows)
        yield from Truncate(statement.table)
    return (yield from send_stage_file(context, file, _text_format(file), _resend(context, file)))


def _resend(context: LoadContext, file: StageFile) -> LoadData:
    batch = next(batch for batch in context.plan.batches if file in batch.files)
    return batch.load(replace(file, through_client=True))


def _send_client_data(context: LoadContext, file: ClientFile, statement: LoadData) -> Op[int]:
    try:
        context.lines[file.path] = file.lines
        return (yield from SendLocalData(statement, file.chunks, file.transform))
    except LoadFailed as error:
        yield from explain_shape(context, file, error)
        raise error.about(file.path) from error.__cause__


def send_stage_file(context: LoadContext, file: StageFile, form: Csv | JsonLines, statement: LoadData) -> Op[int]:
    """Read a stage's file here and send its rows, some MiB at a time; returns their number.

    Args:
        context: the load.
        file: the file.
        form: how it is written.
        statement: LOAD DATA of client data in the canonical form.
    """
    plan, rejects = context.plan, context.rejects_of(file)
    is_any = rejects is not None or isinstance(form, Csv)  # what is no UTF-8 is found in the rows, each by itself
    decoder = decoder_of(file.path, form, None if is_any else "utf-8")
    reader = row_reader(plan.request, plan.target, form, file.names, passes_lines=False)
    through = Transform(file.path, decoder, reader, len(file.names), rejects=rejects)
    context.lines[file.path] = through.lines
    pieces, rows, waiting = StageBytes(file.path), 0, bytearray()
    piece: bytes | None = b""
    while piece is not None:
        piece = yield from pieces.next()
        waiting += yield from transform(through, piece)
        if waiting and (piece is None or len(waiting) >= SENT_BYTES):
            rows += yield from _send(statement, bytes(waiting))
            waiting.clear()
    return rows


def _text_format(file: StageFile) -> Csv | JsonLines:
    assert not isinstance(file.format, Parquet)  # noqa: S101  # Parquet is never read here
    return file.format


def _send(statement: LoadData, data: bytes) -> Op[int]:
    return (yield from SendLocalData(statement, iter([data]), pass_through))
