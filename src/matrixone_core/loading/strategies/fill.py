"""Filling tables: one file's LOAD DATA, read by the server from its stage or sent by the client."""

from dataclasses import replace

from matrixone_core.errors import LoadFailed, StageFileNotFound
from matrixone_core.loading.inputs.files import ClientFile, InputFile, StageFile
from matrixone_core.loading.inputs.readers import decoder_of, row_reader
from matrixone_core.loading.inputs.stage_reader import StageBytes
from matrixone_core.loading.inputs.transforms import Transform
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.location import explain_shape
from matrixone_core.monitoring.telemetry import span
from matrixone_core.sql.ddl import DropTable, Truncate
from matrixone_core.sql.external import CountOtherLines, CreateExternal
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
        if file.pattern is not None:
            return (yield from _read_matching_lines(context, file, file.pattern, statement))
        return (yield from statement)
    except StageFileNotFound as error:
        raise error.about(file.path) from error.__cause__
    except LoadFailed as error:
        if context.plan.request.options.collects_rejects and not isinstance(file.format, Parquet):
            # a row of another shape fails the server's LOAD DATA; read here, it is rejected by itself
            return (yield from send_stage_file(context, file, _text_format(file), _resend(context, file)))
        yield from explain_shape(context, file, error)
        raise error.about(file.path) from error.__cause__


def _read_matching_lines(context: LoadContext, file: StageFile, pattern: str, statement: LoadData) -> Op[int]:
    """Load a file while another connection sees whether the server can be trusted with all of its lines."""
    name = (*statement.table[:-1], f"{statement.table[-1]}_lines")
    check: Op[bool] = iter(Atomic(all_lines_match(name, file, pattern)))
    rows, all_match = yield from Concurrently((iter(statement), check), 2, first_in_transaction=True)
    if all_match:
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
    ignored = file.format.ignore_lines if isinstance(file.format, Csv) else 0
    form = replace(RAW_LINES, ignore_lines=ignored, compression=file.format.compression)
    yield from CreateExternal(name, file.path, form)
    count = yield from CountOtherLines(name, pattern)
    yield from DropTable(name)
    return count == 0


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
    decoder = decoder_of(file.path, form, None if rejects else "utf-8")  # with rejects, each row is judged by itself
    reader = row_reader(plan.request, plan.target, form, file.names, passes_lines=False)
    through = Transform(file.path, decoder, reader, len(file.names), canonical=True, rejects=rejects)
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
