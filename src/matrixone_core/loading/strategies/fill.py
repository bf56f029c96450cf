"""Filling tables: one file's LOAD DATA, read by the server from its stage or sent by the client."""

from contextlib import suppress
from dataclasses import replace

from matrixone_core.errors import LoadFailed, ServerError, StageFileNotFound
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.inputs.files import ClientFile, InputFile, StageFile
from matrixone_core.loading.inputs.readers import decoder_of, row_reader
from matrixone_core.loading.inputs.stage_reader import StageBytes
from matrixone_core.loading.inputs.transforms import Transform
from matrixone_core.loading.plan import is_medium
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.location import explain_shape
from matrixone_core.loading.table import Kind
from matrixone_core.monitoring.telemetry import span
from matrixone_core.sql.ddl import DropTable, Truncate
from matrixone_core.sql.external import LINE, CountLinesWithEnd, CountOtherLines, CreateExternal
from matrixone_core.sql.files import MayContain
from matrixone_core.sql.load import RAW_LINES, Csv, JsonLines, LoadData, Parquet
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
    if context.plan.batches and _may_end_in_return(context, file):
        return _no_value_ends_in_return(name, file, asks_first=not is_medium(context.plan.state))
    return None


def _may_end_in_return(context: LoadContext, file: StageFile) -> bool:
    """Whether the last value of a line may be a text that ends with a carriage return, which the server loses."""
    form, target = file.format, context.plan.target
    if not isinstance(form, Csv) or form.line_terminator == "\r" or form.trailing_delimiter:
        return False
    name = next(reversed(file.names), "")
    column = target.column(name) if name and target is not None else None
    return name is not None and (column is None or column.kind in {Kind.TEXT, Kind.BYTES})


def _no_value_ends_in_return(name: Names, file: StageFile, *, asks_first: bool) -> Op[bool]:
    """Whether no line ends with a carriage return and a quote (server-facts 84).

    Args:
        name: what an external table over the file may be called.
        file: the file.
        asks_first: whether it may be so small that one function sees all of it.
    """
    form = _text_format(file)
    end = "\r" + (form.quote if isinstance(form, Csv) else "")
    if asks_first and compression_of(form.compression, file.path) == "none":
        with suppress(ServerError):  # of a file that the server only loads from
            if not (yield from MayContain(file.path, end)):
                return True
    yield from _create_raw_lines(name, file, "BLOB")
    count = yield from CountLinesWithEnd(name, end)
    yield from DropTable(name)
    return count == 0


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


def all_lines_match(name: Names, file: InputFile, pattern: str) -> Op[bool]:
    """Whether all raw lines of a stage's file match a regular expression.

    Args:
        name: what the external table over the file is called meanwhile.
        file: the file.
        pattern: the expression.
    """
    yield from _create_raw_lines(name, file)
    count = yield from CountOtherLines(name, pattern)
    yield from DropTable(name)
    return count == 0


def _create_raw_lines(name: Names, file: InputFile, sql_type: str = "TEXT") -> Op[None]:
    """Create an external table whose rows are the raw lines of a stage's file."""
    ignored = file.format.ignore_lines if isinstance(file.format, Csv) else 0
    form = replace(RAW_LINES, ignore_lines=ignored, compression=file.format.compression)
    yield from CreateExternal(name, file.path, form, ((LINE, sql_type),))


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
    return (yield from SendLocalData(statement, iter([data]), _pass_through))


def _pass_through(piece: bytes | None) -> bytes:
    return piece or b""
