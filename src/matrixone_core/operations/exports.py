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
    r"""Write rows to a file of a stage; the server writes it, and nothing of the rows comes to the client.

    Args:
        source: a table (`table`, `database.table`, an ORM model, a `Table`), a `select()`, or the text of a SELECT.
        stage: the stage's name.
        file: the file's path in the stage, such as `2024/users.csv`; folders are made.
        params: values for a query: a dict for `:name`, a tuple for `?`.
        format: `csv`, `jsonline` or `parquet`; by default the file's suffix tells, and else it is CSV.
        header: whether the first line of CSV has the columns' names.
        delimiter: the text between fields of CSV.
        quote: the character around texts of CSV.
        line_terminator: `\n`, `\r\n` or `\r`, which ends the lines of CSV.
        quote_all: whether numbers and moments have quotes as well.
        split_size: the size, in bytes or as `'64MB'`, at which another file begins, named `users.csv.1`, `users.csv.2`,
            …; the server ends a file only between batches of 8,192 rows, and splits no Parquet.
        overwrite: replace an earlier export: `users.csv`, `users.csv.1`, … and its manifest. The new files are written
            beside the old ones, and put into their place once they are whole.
        manifest: whether to write `users.csv.manifest.json` as well, with which `load_data.read_manifest_stage` loads
            the files again.
        count: whether the report has the number of rows. With True the client reads the files back and counts their
            lines, or their footers for Parquet. By default it does so up to 4 MiB; a larger file of a table has the
            table's number of rows if that is the same before and after the export, and else None.
        progress: a function that is given an `ExportProgress` each second, and at the end. What it raises is logged.
        timeout: seconds that each statement may take; the client's `timeout` by default.

    Returns:
        The files and what is known of them.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        StageNotFound, TableNotFound: there is none.
        StageFileExists: there is a file already; nothing was written.
        NotSupported: in a session, as no rollback takes files back; or the server would write a column wrongly.
        ServerError: the server refuses the query.
        StatementTimeout: a statement took longer than it may.
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
    r"""Write rows to a file of this machine, as they arrive; in a session those that its transaction sees.

    Args:
        source: as of `to_stage`.
        target: a path, or a file that is open to write, binary or text; for `AsyncClient` also one whose `write` is
            awaited. A path has the file once it is whole; a file of the name is replaced. `.gz` and `.bz2` compress.
        params: values for a query: a dict for `:name`, a tuple for `?`.
        format: `csv`, `jsonline` or `parquet`; by default the target's suffix tells, and else it is CSV.
        header: whether the first line of CSV has the columns' names.
        delimiter: the text between fields of CSV.
        quote: the character around fields of CSV that need it.
        escape: `\\` to double backslashes as the server does; by default RFC 4180, as pandas and spreadsheets read it.
        null_value: what NULL is in CSV; by default an empty field, while an empty text is `""`. `\N` is the only one
            that a load takes for NULL in all columns.
        line_terminator: `\n`, `\r\n` or `\r`, which ends the lines of CSV.
        quote_all: whether all fields of CSV but NULL have quotes.
        progress: a function that is given an `ExportProgress` now and then. What it raises is logged.
        timeout: seconds in which the first rows have to come; the client's `timeout` by default.

    Returns:
        The file and what is known of it.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        NotSupported: Parquet needs pyarrow, which is not installed.
        OSError: the file cannot be written.
        ServerError: the server refuses the query.
        StatementTimeout: the first rows did not come in time.
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
    """Write rows to a CSV file of a stage: the existing SDK's name of `export.to_stage(…, format='csv')`.

    Args:
        stage_name: the stage.
        filename: the file's path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.
        sep: the text between fields.
        quotechar: the character around texts; a double quote by default.
        lineterminator: what ends a line.
        header: whether the first line has the columns' names.
        quote_all: whether numbers and moments have quotes as well.
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
    """Write JSON lines to a file of a stage: the existing SDK's name of `export.to_stage(…, format='jsonline')`.

    Args:
        stage_name: the stage.
        filename: the file's path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.
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
    """Write rows to a Parquet file of a stage; as `export.to_stage(…, format='parquet')`.

    Args:
        stage_name: the stage.
        filename: the file's path in the stage.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.
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
    """Write rows to a CSV file: the existing SDK's name of `export.to_file(…, format='csv')`.

    Args:
        path: as of `export.to_file`: a file of this machine, where the existing SDK means the server's; or the
            `stage://` URL or the path of a stage's file, which is written as by `export.to_stage`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.
        sep: the text between fields.
        quotechar: the character around fields; a double quote by default.
        lineterminator: what ends a line.
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
    """Write rows to a file of JSON lines: the existing SDK's name of `export.to_file(…, format='jsonline')`.

    Args:
        path: as of `export.to_csv`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.

    Raises:
        MatrixOneError, OSError: as for `export.to_file`.
    """
    return _to_either(path, query, params, "jsonline", {})


def to_parquet(
    path: ExportTarget | PureStagePath, query: ExportSource, params: Parameters | None = None
) -> Op[ExportReport]:
    """Write rows to a Parquet file; as `export.to_file(…, format='parquet')`.

    Args:
        path: as of `export.to_csv`.
        query: a table, a `select()`, or the text of a SELECT.
        params: values for a query: a dict for `:name`, a tuple for `?`.

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
