"""Operations that export rows to files of stages and of the client."""

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from matrixone_core.errors import InvalidArgument
from matrixone_core.execution import Parameters
from matrixone_core.exporting import options
from matrixone_core.exporting.client_export import ExportTarget, FileExport, check_target, export_to_file
from matrixone_core.exporting.options import ExportFormat, StageExportOptions
from matrixone_core.exporting.report import ExportReport
from matrixone_core.exporting.source import ExportSource, resolve_source
from matrixone_core.exporting.stage_export import StageExport, export_to_stage
from matrixone_core.exporting.writers.csv import CsvStyle
from matrixone_core.loading.format_options import LINE_ENDS
from matrixone_core.loading.options import check_choice
from matrixone_core.messages import show
from matrixone_core.names import check_text
from matrixone_core.setting_checks import flag, optional_flag, time_limit
from matrixone_core.sql.export import CsvOutput, JsonLinesOutput, Output, ParquetOutput
from matrixone_core.stage_paths import PureStagePath, stage_file, stage_of_url
from matrixone_core.steps import Op


def to_stage(
    source: ExportSource,
    stage: str,
    file: str,
    params: Parameters | None = None,
    *,
    format: ExportFormat | None = None,  # noqa: A002  # what a file's format is called
    header: bool = True,
    delimiter: str = ",",
    quote: str = '"',
    line_terminator: str = "\n",
    quote_all: bool = False,
    split_size: int | str | None = None,
    overwrite: bool = False,
    manifest: bool = False,
    count: bool | None = None,
    progress: Callable[[Any], Any] | None = None,
    timeout: float | None = None,
) -> Op[ExportReport]:
    r"""Export rows to a file of a stage. The server writes the file; no row is sent to the client.

    Args:
        source: a table (`table`, `database.table`, an ORM model, a `Table`), a `select()`, or the text of a SELECT.
        stage: name of the stage.
        file: path in the stage, such as `2024/users.csv`; missing folders are created.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        format: `csv`, `jsonline` or `parquet`; by default inferred from the file's suffix, else `csv`.
        header: whether the first line of a CSV file has the columns' names.
        delimiter: text between two fields of a CSV file.
        quote: character around texts in a CSV file.
        line_terminator: line end of a CSV file: `\n`, `\r\n` or `\r`.
        quote_all: whether to quote numbers, dates and times, too.
        split_size: size, in bytes or as `'64MB'`, at which the next file begins: `users.csv.1`, `users.csv.2`, …. The
            server ends a file only between batches of 8,192 rows, and never splits Parquet.
        overwrite: replace an earlier export: `users.csv`, `users.csv.1`, … and its manifest. The new files are first
            written under other names, and replace the old ones when they are complete.
        manifest: whether to write `users.csv.manifest.json`, too, from which `load_data.read_manifest_stage` loads the
            files again.
        count: whether the report has the number of rows. With True the client reads the files back and counts lines, or
            reads the footers of Parquet. By default it does so for up to 4 MiB; for a larger file of a table the report
            has the table's number of rows if it is the same before and after the export, else None.
        progress: function that receives an `ExportProgress` each second, and at the end. Its exceptions are logged.
        timeout: limit in seconds for each statement; by default the client's `timeout`.

    Returns:
        The files, and the number of rows if it is known.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        StageNotFound, TableNotFound: the stage or the table does not exist.
        StageFileExists: the file exists and `overwrite` is False; nothing was written.
        NotSupported: a session was used, whose rollback could not remove the file; or the server would write a column
            wrongly.
        ServerError: the server refused the query.
        StatementTimeout: a statement took longer than `timeout`.
    """
    form = options.format_of(format, check_text(file, "file"), server=True)
    if form == "parquet" and split_size is not None:
        raise InvalidArgument(f"split_size={show(split_size)} has no meaning for Parquet: the server never splits it")
    export = StageExport(
        resolve_source(source, params),
        stage_file(stage, file),
        _output(form, header=header, delimiter=delimiter, quote=quote, line_terminator=line_terminator),
        options.split_size_of(split_size),
        quotes_all=flag(quote_all, "quote_all"),
        overwrite=flag(overwrite, "overwrite"),
        manifest=flag(manifest, "manifest"),
        count=optional_flag(count, "count"),
        progress=options.progress_of(progress),
        timeout=None if timeout is None else time_limit(timeout),
    )
    return (yield from export_to_stage(export))


def to_file(
    source: ExportSource,
    target: ExportTarget,
    params: Parameters | None = None,
    *,
    format: ExportFormat | None = None,  # noqa: A002  # what a file's format is called
    header: bool = True,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    null_value: str = "",
    line_terminator: str = "\n",
    quote_all: bool = False,
    progress: Callable[[Any], Any] | None = None,
    timeout: float | None = None,
) -> Op[ExportReport]:
    r"""Export rows to a file of this machine, written as the rows arrive.

    In a session the export has the rows that the session's transaction sees.

    Args:
        source: as for `to_stage`.
        target: a path, or a binary or text file that is open for writing; `AsyncClient` also takes files whose `write`
            is awaitable. A file at the path is replaced when the new one is complete. The suffixes `.gz` and `.bz2`
            compress.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        format: `csv`, `jsonline` or `parquet`; by default inferred from the target's suffix, else `csv`.
        header: whether the first line of a CSV file has the columns' names.
        delimiter: text between two fields of a CSV file.
        quote: character around fields of a CSV file that need it.
        escape: `\\` doubles backslashes as the server does. None, the default, follows RFC 4180, which pandas and
            spreadsheets read.
        null_value: text of NULL in a CSV file; by default an empty field, while an empty text is `""`. `\N` is the only
            one that a load takes for NULL in all columns.
        line_terminator: line end of a CSV file: `\n`, `\r\n` or `\r`.
        quote_all: whether to quote all fields of a CSV file except NULL.
        progress: function that receives an `ExportProgress` from time to time. Its exceptions are logged.
        timeout: limit in seconds until the first rows arrive; by default the client's `timeout`.

    Returns:
        The file, and the number of rows.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        NotSupported: Parquet needs pyarrow, which is not installed.
        OSError: the file cannot be written.
        ServerError: the server refused the query.
        StatementTimeout: the first rows did not arrive within `timeout`.
    """
    form = options.format_of(format, check_target(target), server=False)
    between = options.delimiter_of(delimiter)
    style = CsvStyle(
        flag(header, "header"),
        between,
        options.quote_of(quote, between),
        escape if escape is None else check_choice(escape, ("\\",), "escape"),
        _null(null_value, between),
        check_choice(line_terminator, LINE_ENDS, "line_terminator"),
        flag(quote_all, "quote_all"),
    )
    export = FileExport(
        resolve_source(source, params),
        target,
        form,
        style,
        options.progress_of(progress),
        None if timeout is None else time_limit(timeout),
    )
    return (yield from export_to_file(export))


def to_csv_stage(
    stage_name: str,
    filename: str,
    query: ExportSource,
    params: Parameters | None = None,
    *,
    sep: str = ",",
    quotechar: str | None = None,
    lineterminator: str = "\n",
    header: bool = True,
    quote_all: bool = False,
    **options: Unpack[StageExportOptions],
) -> Op[ExportReport]:
    r"""Export rows to a CSV file of a stage: the existing SDK's name of `export.to_stage(…, format='csv')`.

    Args:
        stage_name: name of the stage.
        filename: path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        sep: text between two fields.
        quotechar: character around texts; a double quote by default.
        lineterminator: line end: `\n`, `\r\n` or `\r`.
        header: whether the first line has the columns' names.
        quote_all: whether to quote numbers, dates and times, too.
        options: the other options of `export.to_stage`.

    Raises:
        MatrixOneError: as for `export.to_stage`.
    """
    return to_stage(
        query, stage_name, filename, params, format="csv", delimiter=sep, quote='"' if quotechar is None else quotechar,
        line_terminator=lineterminator, header=header, quote_all=quote_all, **options,
    )  # fmt: skip


def to_jsonl_stage(
    stage_name: str,
    filename: str,
    query: ExportSource,
    params: Parameters | None = None,
    **options: Unpack[StageExportOptions],
) -> Op[ExportReport]:
    """Export rows to a JSON lines file of a stage: the existing SDK's name of `export.to_stage(…, format='jsonline')`.

    Args:
        stage_name: name of the stage.
        filename: path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        options: the other options of `export.to_stage`.

    Raises:
        MatrixOneError: as for `export.to_stage`.
    """
    return to_stage(query, stage_name, filename, params, format="jsonline", **options)


def to_parquet_stage(
    stage_name: str,
    filename: str,
    query: ExportSource,
    params: Parameters | None = None,
    **options: Unpack[StageExportOptions],
) -> Op[ExportReport]:
    """Export rows to a Parquet file of a stage, as `export.to_stage(…, format='parquet')`.

    Args:
        stage_name: name of the stage.
        filename: path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        options: the other options of `export.to_stage`.

    Raises:
        MatrixOneError: as for `export.to_stage`.
    """
    return to_stage(query, stage_name, filename, params, format="parquet", **options)


def to_csv(
    path: ExportTarget | PureStagePath,
    query: ExportSource,
    params: Parameters | None = None,
    *,
    sep: str = ",",
    quotechar: str | None = None,
    lineterminator: str = "\n",
    header: bool = True,
) -> Op[ExportReport]:
    r"""Export rows to a CSV file: the existing SDK's name of `export.to_file(…, format='csv')`.

    Args:
        path: a file of this machine, as for `export.to_file` (the existing SDK writes a file of the server's machine);
            or a `stage://` URL or a stage path, which is written as by `export.to_stage`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.
        sep: text between two fields.
        quotechar: character around fields; a double quote by default.
        lineterminator: line end: `\n`, `\r\n` or `\r`.
        header: whether the first line has the columns' names.

    Raises:
        MatrixOneError, OSError: as for `export.to_file`.
    """
    quote = '"' if quotechar is None else quotechar
    style: dict[str, Any] = {
        "delimiter": sep, "quote": quote, "line_terminator": lineterminator, "header": header,
    }  # fmt: skip
    return _to_either(path, query, params, "csv", style)


def to_jsonl(
    path: ExportTarget | PureStagePath, query: ExportSource, params: Parameters | None = None
) -> Op[ExportReport]:
    """Export rows to a JSON lines file: the existing SDK's name of `export.to_file(…, format='jsonline')`.

    Args:
        path: as for `export.to_csv`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.

    Raises:
        MatrixOneError, OSError: as for `export.to_file`.
    """
    return _to_either(path, query, params, "jsonline", {})


def to_parquet(
    path: ExportTarget | PureStagePath, query: ExportSource, params: Parameters | None = None
) -> Op[ExportReport]:
    """Export rows to a Parquet file, as `export.to_file(…, format='parquet')`.

    Args:
        path: as for `export.to_csv`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for placeholders in a query: a dict for `:name`, a tuple for `?`.

    Raises:
        MatrixOneError, OSError: as for `export.to_file`.
    """
    return _to_either(path, query, params, "parquet", {})


def _to_either(
    path: Any,
    query: ExportSource,
    params: Parameters | None,
    form: ExportFormat,
    style: Mapping[str, Any],
) -> Op[ExportReport]:
    if stage := stage_of_url(path):
        return to_stage(query, *stage, params, format=form, **style)
    return to_file(query, path, params, format=form, **style)


def _output(form: str, *, header: bool, delimiter: str, quote: str, line_terminator: str) -> Output:
    between = options.delimiter_of(delimiter)
    output = CsvOutput(
        flag(header, "header"),
        between,
        options.quote_of(quote, between),
        check_choice(line_terminator, LINE_ENDS, "line_terminator"),
    )
    if form == "csv":
        return output
    return JsonLinesOutput() if form == "jsonline" else ParquetOutput()


def _null(given: str, delimiter: str) -> str:
    text = check_text(given, "null_value")
    if delimiter in text or set(text) & set('\r\n"'):
        raise InvalidArgument(f"null_value={show(given)} has a character that ends a field")
    return text
