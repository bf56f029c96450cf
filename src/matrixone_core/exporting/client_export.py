"""Exports to files of the client: rows are written as they arrive, and never held whole."""

import bz2
import codecs
import gzip
import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import IO, Any, Protocol, TypeAlias

from matrixone_core.errors import ConnectionLost, InvalidArgument
from matrixone_core.exporting.columns import check_names, of_result
from matrixone_core.exporting.conversions import Conversion, conversion_of
from matrixone_core.exporting.report import ExportedFile, ExportProgress, ExportReport
from matrixone_core.exporting.source import Source
from matrixone_core.exporting.writers.csv import CsvStyle
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.inputs.client_stream import name_of
from matrixone_core.messages import show
from matrixone_core.on_connection import hang_up
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import Block
from matrixone_core.stage_paths import stage_of_url
from matrixone_core.steps import Atomic, GetRuntime, Op, RunSync, emit, read_clock, report_progress, run_in_thread
from matrixone_core.whole_files import check_local_path, write_whole

BUFFERED = 64 * 1024  # bytes that are written at once
BETWEEN_EVENTS = 0.1  # seconds
_COMPRESSORS: Mapping[str, Callable[[IO[bytes]], Any]] = {
    "none": nullcontext,
    "gzip": partial(gzip.open, mode="wb"),
    "bz2": partial(bz2.open, mode="wb"),
}


class AsyncWriter(Protocol):
    """A file whose `write` is awaited: of aiofiles or anyio."""

    async def write(self, data: Any, /) -> Any:
        """Write bytes or text."""
        ...


ExportTarget: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | AsyncWriter


@dataclass(frozen=True)
class FileExport:
    """What a caller wants exported to a file.

    Args:
        source: what is exported.
        target: a path, or an open file.
        format: `csv`, `jsonline` or `parquet`.
        style: how CSV is written.
        progress: is given events; None for nobody.
        timeout: the seconds in which the first rows have to come; None for the client's limit.
    """

    source: Source
    target: ExportTarget
    format: str
    style: CsvStyle
    progress: Callable[[Any], Any] | None = None
    timeout: float | None = None


def export_to_file(export: FileExport) -> Op[ExportReport]:
    """Write the rows of a source to a file of the client.

    A path has the file once it is whole; a file of the name is replaced.
    """
    target = export.target
    if isinstance(target, str | os.PathLike):
        return (yield from _to_path(export, PurePath(os.fsdecode(target))))
    return (yield from _to_stream(export))


def check_target(target: object) -> str:
    """The name of a target.

    Raises:
        InvalidArgument: nothing can be written there.
    """
    if stage_of_url(target):
        raise InvalidArgument(f"target={show(str(target))} is a stage's; export.to_stage writes there")
    if isinstance(target, str | os.PathLike):
        name = check_local_path(os.fsdecode(target), "target")  # pyright: ignore[reportUnknownArgumentType]  # a path of any type
        if (compression := compression_of(None, name)) not in _COMPRESSORS:
            raise InvalidArgument(
                f"target={show(name)} would be compressed by {compression}; gzip and bz2 can be written"
            )
        return name
    if not callable(getattr(target, "write", None)):
        raise InvalidArgument(f"target={show(target)} must be a path, or a file that is open to write")
    return name_of(target)


def _to_path(export: FileExport, path: PurePath) -> Op[ExportReport]:
    machine = (yield from GetRuntime()).machine
    conversion = conversion_of(export.format, export.style)
    if (yield from run_in_thread(partial(machine.is_special, path))):  # a file would take its place
        raw = yield from run_in_thread(partial(machine.open_special, path))
        writing = yield from _write_opened(export, conversion, path, raw)
        return writing.report(export, writing.length)
    return (yield from write_whole(path, partial(_write_file, export, conversion, path)))


def _write_file(
    export: FileExport, conversion: Conversion, path: PurePath, unfinished: PurePath, raw: IO[bytes]
) -> Op[ExportReport]:
    """Write the rows to a file that gets the name *path* once it is whole."""
    writing = yield from _write_opened(export, conversion, path, raw)
    machine = (yield from GetRuntime()).machine
    size = yield from run_in_thread(partial(machine.size, unfinished))
    return writing.report(export, size or 0)


def _write_opened(export: FileExport, conversion: Conversion, path: PurePath, raw: IO[bytes]) -> "Op[_Writing]":
    """Write the rows to a file that is open, and close it."""
    opened = ExitStack()
    opened.enter_context(raw)
    try:
        file = opened.enter_context(_COMPRESSORS[compression_of(None, path.name)](raw))
        return (yield from _write(export, _Writing(conversion, str(path), partial(_write_to_file, file))))
    finally:
        yield from run_in_thread(opened.close)


def _to_stream(export: FileExport) -> Op[ExportReport]:
    stream: Any = export.target
    if _takes_text(stream) and export.format == "parquet":
        raise InvalidArgument(f"Parquet is no text; {name_of(stream)} must be open by 'wb'")
    send = partial(_write_to_stream, stream)
    writing = yield from _write(export, _Writing(conversion_of(export.format, export.style), name_of(stream), send))
    return writing.report(export, writing.length)


@dataclass
class _Writing:
    """An export that has begun.

    Args:
        conversion: makes the bytes of the rows.
        name: the file's.
        send: the operation that writes bytes.
        rows: how many rows were written.
        length: how many bytes were.
        began: when.
        ended: when.
        emitted: when the last event was.
        columns: the columns.
        pending: bytes that are not written yet.
    """

    conversion: Conversion
    name: str
    send: Callable[[bytes], Op[None]]
    rows: int = 0
    length: int = 0
    began: float = 0.0
    ended: float = 0.0
    emitted: float = 0.0
    columns: tuple[ResultColumn, ...] = ()
    pending: bytes = b""

    def report(self, export: FileExport, size: int) -> ExportReport:
        """What was done."""
        names = tuple(column.name for column in self.columns)
        options: dict[str, Any] = {"columns": list(names)}
        if export.format == "csv":
            options = export.style.load_options(names)
            options |= {"encoding": None} if any(column.has_bytes for column in self.columns) else {}
        options |= of_result(export.source.query, self.columns, export.format).load_options
        return ExportReport(
            (ExportedFile(self.name, size),), self.rows, self.ended - self.began, export.format, names,
            export.source.query.sql, None, options,
        )  # fmt: skip


def _write(export: FileExport, writing: _Writing) -> Op[_Writing]:
    writing.began = writing.emitted = yield from read_clock()
    yield from Atomic(_write_rows(export, writing))
    yield from _send(writing, (yield from run_in_thread(writing.conversion.writer.finish)), is_last=True)
    writing.ended = yield from read_clock()
    yield from report_progress(export.progress, _event(writing, writing.ended))
    return writing


def _write_rows(export: FileExport, writing: _Writing) -> Op[None]:
    stream = yield from writing.conversion.open_stream(export.source, export.timeout)
    columns = yield from RunSync(stream.open)
    try:
        check_names([column.name for column in columns])
        writing.columns = columns
        yield from _send(writing, (yield from run_in_thread(partial(writing.conversion.writer.begin, columns))))
        while rows := (yield from RunSync(stream.fetch)):
            yield from _write_batch(export, writing, rows)
    except BaseException:
        in_session = (yield from GetRuntime()).in_session
        with suppress(ConnectionLost):  # then it is closed already
            yield from RunSync(stream.skip_rest if in_session else hang_up)
        raise


def _write_batch(export: FileExport, writing: _Writing, rows: Sequence[Sequence[Any]] | Block) -> Op[None]:
    yield from _send(writing, (yield from writing.conversion.convert(rows)))
    writing.rows += len(rows)
    if export.progress is not None:
        now = yield from read_clock()
        if now - writing.emitted >= BETWEEN_EVENTS:
            writing.emitted = now
            yield from report_progress(export.progress, _event(writing, now))


def _event(writing: _Writing, now: float) -> ExportProgress:
    return ExportProgress(writing.name, writing.rows, writing.length, now - writing.began)


def _send(writing: _Writing, data: bytes, *, is_last: bool = False) -> Op[None]:
    writing.length += len(data)
    writing.pending += data
    if len(writing.pending) >= BUFFERED or (is_last and writing.pending):
        pending, writing.pending = writing.pending, b""
        yield from writing.send(pending)


def _write_to_file(file: Any, data: bytes) -> Op[None]:
    _ = yield from run_in_thread(partial(file.write, data))


def _write_to_stream(stream: Any, data: bytes) -> Op[None]:
    """Write to a file of the caller's; what `write` returns is awaited, where it can be."""
    try:
        content = data.decode() if _takes_text(stream) else data
    except UnicodeDecodeError:
        raise InvalidArgument(
            f"the rows have bytes that are no text; {name_of(stream)} must be open by 'wb', or export to JSON lines"
        ) from None
    yield from emit(stream.write, content)


def _takes_text(stream: Any) -> bool:
    """Whether a file of the caller's is one of text; what wraps one, of tempfile or aiofiles, has its encoding."""
    if isinstance(stream, io.TextIOBase | codecs.StreamWriter | codecs.StreamReaderWriter):
        return True
    return isinstance(getattr(stream, "encoding", None), str) and "b" not in str(getattr(stream, "mode", ""))
