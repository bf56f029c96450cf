"""Exports to files of stages, which the server writes.

A file of the storage appears once it is whole. The server replaces none, so that the new files get names of their own
first; it cannot rename one either, so that for a moment there is neither the old one nor the new one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from matrixone_core import patterns
from matrixone_core.errors import (
    MatrixOneError,
    NotSupported,
    ServerError,
    StageFileExists,
    StageFileNotFound,
    StatementTimeout,
)
from matrixone_core.exporting import options
from matrixone_core.exporting.columns import Exported, plan_columns
from matrixone_core.exporting.manifest import Manifest, manifest_path
from matrixone_core.exporting.report import ExportedFile, ExportProgress, ExportReport
from matrixone_core.exporting.row_counts import count_rows
from matrixone_core.exporting.source import Source
from matrixone_core.messages import show
from matrixone_core.sql.export import CountQueryRows, CsvOutput, Outfile, Output, ParquetOutput, SelectTimeZone
from matrixone_core.sql.files import RemoveFiles, SaveFile
from matrixone_core.stage_files import PROBED, is_there, put_in_place, size_by_probes
from matrixone_core.stage_paths import PureStagePath
from matrixone_core.steps import Atomic, Op, WithTicker, read_clock, report_progress, with_time_limit

READ_BACK = 4 * 1024**2  # bytes of files that are read for the number of their rows unless a caller says otherwise
LARGEST_REPLACEMENT = 1024**3  # bytes of a file that the server copies in its memory
TELLING = 1.0  # seconds between two events while the server writes


@dataclass(frozen=True)
class StageExport:
    """What a caller wants exported to a stage.

    Args:
        source: what is exported.
        path: the first file.
        output: the format.
        split_size: the bytes after which another file begins; None for one file.
        quotes_all: whether all values of CSV have quotes around them.
        overwrite: whether files that are there are replaced.
        manifest: whether a manifest is written.
        count: whether the rows are counted; None for where that takes no time to speak of.
        progress: is given events; None for nobody.
        timeout: the seconds that a statement may take; None for the client's limit.
    """

    source: Source
    path: PureStagePath
    output: Output
    split_size: int | None = None
    quotes_all: bool = False
    overwrite: bool = False
    manifest: bool = False
    count: bool | None = None
    progress: Callable[[Any], Any] | None = None
    timeout: float | None = None


Parts = dict[int, str]  # the names of an export's files, by their numbers


def export_to_stage(export: StageExport) -> Op[ExportReport]:
    """Write the rows of a source to files of a stage."""
    op = _export(export)
    return (yield from (op if export.timeout is None else with_time_limit(op, export.timeout)))


def _export(export: StageExport) -> Op[ExportReport]:
    began = yield from read_clock()
    old = yield from _find_parts(export)
    if (old or (export.manifest and (yield from is_there(manifest_path(export.path).url)))) and not export.overwrite:
        there = export.path.with_name(old[min(old)]) if old else manifest_path(export.path)
        raise StageFileExists(f"there is a file {there} already", remedy="overwrite=True replaces it")
    exported = yield from plan_columns(export.source, export.output.name)
    _check_header(export.output, exported.columns)
    output = _with_quotes(export, exported)
    target = export.path.with_name(f"{export.path.name}.{uuid4().hex[:8]}.new") if old else export.path
    statement = Outfile(exported.query, target.url, output, export.split_size)
    before = (yield from CountQueryRows(exported.query)) if _may_trust_table(export, exported) else None
    yield from _write(export, statement, target, began)
    try:
        parts = yield from _measure(export, target)
        rows = yield from _count(export, exported, parts, before)
        written = _Written(export, exported, statement, rows, began)
        report = None if old else (yield from _finish_new(written, parts))
    except BaseException as error:  # a time limit, for example
        yield from _remove_written(export, target, error)
        raise
    if report is None:
        report = yield from _finish_replaced(written, (yield from _replace_parts(export.path, old, parts)))
    yield from report_progress(export.progress, ExportProgress(export.path.url, rows, report.bytes, report.seconds))
    return report


@dataclass(frozen=True)
class _Written:
    """What the server has written.

    Args:
        export: the export.
        exported: what it has exported.
        statement: the statement that wrote it.
        rows: how many rows, or None where they are not counted.
        began: the clock as the export began.
    """

    export: StageExport
    exported: Exported
    statement: Outfile
    rows: int | None
    began: float


def _finish_new(written: _Written, files: Mapping[PureStagePath, int]) -> Op[ExportReport]:
    """The report of an export that replaced nothing; where it fails, no manifest stays, either."""
    export = written.export
    manifest = manifest_path(export.path).url
    try:
        if export.overwrite:
            yield from RemoveFiles(manifest)  # of earlier files, which are there no longer
        return (yield from _describe(written, files))
    except BaseException:
        if export.manifest:
            yield from RemoveFiles(manifest)
        raise


def _finish_replaced(written: _Written, files: Mapping[PureStagePath, int]) -> Op[ExportReport]:
    """The report of an export whose files have replaced others, and stay whatever happens."""
    try:
        return (yield from _describe(written, files))
    except BaseException as error:
        error.add_note(f"{written.export.path} has been replaced and is whole; only its manifest may be missing")
        raise


def _describe(written: _Written, files: Mapping[PureStagePath, int]) -> Op[ExportReport]:
    """The report of an export whose files are in their places, with its manifest written where one is wanted."""
    export, exported, output = written.export, written.exported, written.statement.output
    report = ExportReport(
        tuple(ExportedFile(path.url, size) for path, size in files.items()),
        written.rows,
        (yield from read_clock()) - written.began,
        output.name,
        exported.columns,
        str(replace(written.statement, url=export.path.url)),
        load_options={**load_options(output, exported.columns), **exported.load_options},
    )
    if not export.manifest:
        return report
    zone = (yield from SelectTimeZone()) if exported.has_timestamps else None
    return (yield from _with_manifest(export, report, files, zone))


def _may_trust_table(export: StageExport, exported: Exported) -> bool:
    """Whether the table's rows are counted, which says how many a large file has if nobody changes the table."""
    return exported.is_table and export.count is None and not isinstance(export.output, ParquetOutput)


def _count(
    export: StageExport, exported: Exported, parts: Mapping[PureStagePath, int], before: int | None
) -> Op[int | None]:
    """The rows that were written, or None where they are not counted.

    Args:
        export: the export.
        exported: what was written.
        parts: the files.
        before: how many rows the table had before, or None where it was not asked.
    """
    is_small = isinstance(export.output, ParquetOutput) or sum(parts.values()) <= READ_BACK
    if export.count or (is_small and export.count is None):
        return (yield from count_rows(export.output, parts))
    if before is None or before != (yield from CountQueryRows(exported.query)):
        return None
    return before


def _check_header(output: Output, columns: Iterable[str]) -> None:
    """See that a header names the columns: the server writes the names as they are, without quotes around them.

    Raises:
        NotSupported: a name would be read as several, as another one, or as a row.
    """
    if not isinstance(output, CsvOutput) or not output.header:
        return
    for name in columns:
        if output.delimiter in name or set(name) & {output.quote, "\\", "\r", "\n"}:
            raise NotSupported(
                f"the server writes no quotes around the name {show(name)} in a header, which would read as another;"
                " give header=False, or select the column AS another name"
            )


def _with_quotes(export: StageExport, exported: Exported) -> Output:
    if isinstance(export.output, CsvOutput) and export.quotes_all:
        return replace(export.output, quoted=exported.columns)
    return export.output


def load_options(output: Output, columns: tuple[str, ...]) -> dict[str, Any]:
    """The options with which a load reads what the server wrote (server-facts 70)."""
    if not isinstance(output, CsvOutput):
        return {"columns": list(columns)}
    return options.load_options_of_csv(
        columns,
        header=output.header,
        delimiter=output.delimiter,
        quote=output.quote,
        escape="\\",
        line_terminator=output.line_terminator,
    )


def _write(export: StageExport, statement: Outfile, target: PureStagePath, began: float) -> Op[None]:
    op = iter(statement)
    try:
        if export.progress is None:
            yield from op
        else:
            url = export.path.url
            yield from WithTicker(
                op, TELLING, lambda now: ExportProgress(url, None, None, now - began), export.progress
            )
    except BaseException as error:
        refused = isinstance(error, ServerError) and not isinstance(error, StatementTimeout)
        if not refused or target is not export.path or export.split_size is not None:
            yield from _remove_written(export, target, error)
        raise


def _remove_written(export: StageExport, target: PureStagePath, error: BaseException) -> Op[None]:
    """Remove what a failed export has written; where that fails too, its error says what may be there."""
    try:
        for name in (yield from _names_written(export, target)):
            yield from RemoveFiles(target.with_name(name).url)
    except MatrixOneError as second:
        error.add_note(f"{target.url} may be there, as it could not be removed: {second}")


def _names_written(export: StageExport, target: PureStagePath) -> Op[Iterable[str]]:
    return [target.name] if export.split_size is None else (yield from _parts_in_folder(target)).values()


def _find_parts(export: StageExport) -> Op[Parts]:
    """The files that are there, of those that the export might write or must replace."""
    if export.split_size is None and not export.overwrite:
        return {0: export.path.name} if (yield from is_there(export.path.url)) else {}
    return (yield from _parts_in_folder(export.path))


def _parts_in_folder(path: PureStagePath) -> Op[Parts]:
    names, _ = yield from patterns.list_folder(path.parent.folder_url, is_deep=False)
    found = re.compile(re.escape(path.name) + r"(?:\.([1-9]\d*))?")
    matches = [match for name in names if (match := found.fullmatch(name))]
    return dict(sorted((int(match[1] or 0), match[0]) for match in matches))


def _measure(export: StageExport, path: PureStagePath) -> Op[dict[PureStagePath, int]]:
    """The files that were written, with their lengths; the server writes none for Parquet without a row."""
    sizes: dict[PureStagePath, int] = {}
    for name in (yield from _names_written(export, path)):
        written = path.with_name(name)
        try:
            sizes[written] = yield from Atomic(size_by_probes(written.url, PROBED))  # one COMMIT for all its statements
        except StageFileNotFound:
            if export.output.name != "parquet":
                raise
    return sizes


def _replace_parts(path: PureStagePath, old: Parts, new: Mapping[PureStagePath, int]) -> Op[dict[PureStagePath, int]]:
    """Put new files in the place of old ones; those that have no new one are removed last.

    The old manifest, which says what the old files have, is removed first.
    """
    too_large = [spare for spare, size in new.items() if size > LARGEST_REPLACEMENT]
    if too_large:
        raise NotSupported(
            f"{too_large[0]} has the new content, and the server copies at most {LARGEST_REPLACEMENT:,} bytes to the"
            f" place of {path}, which is as it was; give a split_size, or export to a new name"
        )
    yield from RemoveFiles(manifest_path(path).url)
    files: dict[PureStagePath, int] = {}
    for number, (spare, size) in enumerate(new.items()):
        place = path.with_name(f"{path.name}.{number}" if number else path.name)
        yield from put_in_place(spare.url, place.url, size)
        files[place] = size
    for name in list(old.values()):
        stale = path.with_name(name)
        if stale not in files:
            yield from RemoveFiles(stale.url)
    return files


def _with_manifest(
    export: StageExport, report: ExportReport, files: Mapping[PureStagePath, int], zone: str | None
) -> Op[ExportReport]:
    path = manifest_path(export.path)
    manifest = Manifest(
        report.format,
        tuple(file.name for file in files),
        tuple(files.values()),
        report.rows,
        report.columns,
        report.load_options,
        zone,
    )
    yield from SaveFile(path.url, manifest.dump())
    return replace(report, manifest=path.url)
