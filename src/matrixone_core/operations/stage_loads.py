"""Operations that load files of a stage into tables, plan such a load, or make a table for one."""

from collections.abc import Mapping, Sequence
from typing import Literal, Unpack

from matrixone_core.errors import LoadFailed, TableExists
from matrixone_core.exporting.manifest import read_manifest
from matrixone_core.loading import stage_load
from matrixone_core.loading.inputs import schema_inference
from matrixone_core.loading.inputs.file_listing import check_files
from matrixone_core.loading.options import (
    ALIASES,
    HINTS,
    Columns,
    FormatOptions,
    Header,
    LoadOptions,
    PlanOptions,
    check_options,
)
from matrixone_core.loading.plan import LoadPlan
from matrixone_core.loading.preview import InferredTable
from matrixone_core.loading.request import build_named_request, build_request, names_of
from matrixone_core.messages import show
from matrixone_core.names import stage_path
from matrixone_core.results import LoadReport
from matrixone_core.setting_checks import flag
from matrixone_core.sql.ddl import CreateTable
from matrixone_core.sql.table import ColumnNames
from matrixone_core.stage_paths import stage_file
from matrixone_core.steps import Op
from matrixone_core.targets import Target


def read_csv_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    ignore_lines: int = 0,
    header: Header = None,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    line_terminator: str | None = None,
    trailing_delimiter: bool = False,
    columns: Columns | None = None,
    null_values: str | Sequence[str] | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    compression: str | None = None,
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    r"""Load CSV files of a stage into a table.

    Either all files are stored or none. In a session the load is part of the transaction and sees the session's own
    changes of stages.

    Args:
        stage: name of the stage.
        file: path in the stage, such as `2024/users.csv`, a pattern such as `2024/*/part-*.csv`, or a list of these.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        ignore_lines: number of lines to skip at the beginning, such as 1 for a header.
        header: `match` reads the columns' names from the first line after `ignore_lines`; a number is the index of the
            line to read them from, counted from 0. None means that the file has no header.
        delimiter: text between two fields.
        quote: character around fields that contain a delimiter or a line end.
        escape: character that makes the next one literal. None, the default, follows RFC 4180; use a backslash for
            files that MySQL or MatrixOne wrote.
        line_terminator: `\n`, `\r\n` or `\r`. None accepts the first two.
        trailing_delimiter: whether each line ends with a delimiter.
        columns: names of the table's columns in the order of the fields; None skips a field. By default all columns of
            the table in its own order, without `file_column` and `row_column`.
        null_values: further texts that mean NULL. `\N` and the word NULL without quotes always do; an empty field does
            except in columns of text and bytes.
        set: SQL expressions by column; in an expression the fields of the file are texts.
        compression: `none`, `gzip` or `bz2`; by default inferred from the file's suffix.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        StageNotFound, StageFileNotFound, TableNotFound: the stage, the file or the table does not exist.
        StageDisabled: the stage is disabled.
        DuplicateKey: a row's key is already in the table, or twice in the files; no row is stored.
        LoadFailed: a row does not fit the table; no row is stored. With `atomic=False` the files that fit are stored,
            and `.report` lists the outcome of each file.
        StatementTimeout: a statement took longer than `timeout`; no row is stored.
        PermissionDenied: the user may not load into the table, or lacks a privilege that these options need.
    """
    explicit = {
        "ignore_lines": ignore_lines, "header": header, "delimiter": delimiter, "quote": quote, "escape": escape,
        "line_terminator": line_terminator, "trailing_delimiter": trailing_delimiter, "columns": columns,
        "null_values": null_values, "set": set, "compression": compression,
    }  # fmt: skip
    request = build_request(table, "csv", explicit, options)
    return (yield from stage_load.load_files(request, stage, file))


def read_json_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    shape: Literal["object", "array"] = "object",
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    missing_keys: Literal["null", "error"] = "null",
    extra_keys: Literal["ignore", "error"] = "ignore",
    base64: Sequence[str] = (),
    compression: str | None = None,
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load JSON lines files of a stage into a table.

    Either all files are stored or none. A malformed line is an error.

    Args:
        stage: name of the stage.
        file: path in the stage, a pattern, or a list of these.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object` if each line is an object whose keys are the columns' names, `array` if each line is an array in
            the order of the columns.
        columns: names of the columns that the lines have; by default all columns of the table.
        set: SQL expressions by column; in an expression the fields of the file are texts.
        missing_keys: `null` (the default) stores NULL if an object lacks a column's key; `error` fails the load.
        extra_keys: `ignore` (the default) skips keys that are not columns; `error` fails the load.
        base64: names of the columns whose values are base64.
        compression: `none`, `gzip` or `bz2`; by default inferred from the file's suffix.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    explicit = {
        "shape": shape, "columns": columns, "set": set, "missing_keys": missing_keys, "extra_keys": extra_keys,
        "base64": base64, "compression": compression,
    }  # fmt: skip
    request = build_request(table, "jsonline", explicit, options)
    return (yield from stage_load.load_files(request, stage, file))


def read_parquet_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load Parquet files of a stage into a table.

    Columns are matched by name. Either all files are stored or none.

    Args:
        stage: name of the stage.
        file: path in the stage, a pattern, or a list of these.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: names of the columns to load; by default all columns of the table. Each file must have them.
        set: SQL expressions by column; in an expression the fields of the file are texts.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    request = build_request(table, "parquet", {"columns": columns, "set": set}, options)
    return (yield from stage_load.load_files(request, stage, file))


def read_manifest_stage(stage: str, file: str, table: Target, **options: Unpack[LoadOptions]) -> Op[LoadReport]:
    """Load the files that an export wrote with `manifest=True`.

    The manifest has the files' format, columns and escapes.

    Args:
        stage: name of the stage.
        file: path of the manifest in the stage, such as `2024/users.csv.manifest.json`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        LoadFailed: the file is not a manifest, a listed file does not have the size in the manifest, or a row does not
            fit the table.
        InvalidArgument: the session's time zone is not the one in which the export wrote TIMESTAMP values.
        MatrixOneError: as for `read_csv_stage`.
    """
    path = stage_file(stage, file)
    _ = names_of(table)
    _ = check_options({name: value for name, value in options.items() if name not in (*ALIASES, *HINTS)})
    manifest = yield from read_manifest(path)
    request = build_named_request(table, manifest.format, {**manifest.load_options, **options})
    if not manifest.files:
        return LoadReport(request.table_name, (), 0.0)
    files = [path.with_name(name).file for name in manifest.files]
    return (yield from stage_load.load_files(request, path.stage, files))


def plan(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    format: Literal["csv", "jsonline", "parquet"] | None = None,  # noqa: A002  # what a file's format is called
    **options: Unpack[PlanOptions],
) -> Op[LoadPlan]:
    """Plan a load from a stage without changing anything.

    Args:
        stage: name of the stage.
        file: path in the stage, a pattern, or a list of these.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        format: format of the files; by default inferred from their suffix.
        options: options of `read_csv_stage`, `read_json_stage` or `read_parquet_stage`.

    Returns:
        The plan: files, statements, columns of file and table side by side, and conflicts among the first rows.
        `plan.run()` runs the load.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    files = check_files(file)
    form = schema_inference.format_of(files[0]) if format is None else format
    return (yield from stage_load.plan_files(build_named_request(table, form, options), stage, files))


def create_table_from(
    stage: str,
    file: str,
    name: str,
    *,
    format: Literal["csv", "jsonline", "parquet"] | None = None,  # noqa: A002  # what a file's format is called
    header: bool = True,
    **options: Unpack[FormatOptions],
) -> Op[InferredTable]:
    """Create a table with the columns of a stage's file, and types inferred from its first rows.

    A later load converts values to these types as INSERT does: 00501 becomes 501 in a BIGINT column. To refuse rows
    that a conversion would change, let a load create the table with `create=True`.

    Args:
        stage: name of the stage.
        file: path in the stage.
        name: name of the new table: `table` or `database.table`.
        format: format of the file; by default inferred from its suffix.
        header: whether the first line of a CSV file has the columns' names. False names them c1, c2, …
        options: format options of `read_csv_stage` or `read_json_stage`.

    Returns:
        The columns and the CREATE TABLE statement; `str()` of it is the statement.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        TableExists: the table already exists.
        LoadFailed: the file shows no columns, as it is empty.
    """
    url = stage_path(stage, file)
    flag(header, "header")
    form = schema_inference.format_of(file) if format is None else format
    request = build_named_request(name, form, options)
    sample = yield from schema_inference.sample_of(url, request.format, header=header)
    if not sample.columns:
        raise LoadFailed(f"{url} shows no columns: it is empty")
    statement = CreateTable(request.names, tuple((column.name, column.type or "TEXT") for column in sample.columns))
    if (yield from ColumnNames(request.names)):
        raise TableExists(f"there is a table {show(request.table_name)} already")
    yield from statement
    return InferredTable(".".join(request.names), sample.columns, str(statement))
