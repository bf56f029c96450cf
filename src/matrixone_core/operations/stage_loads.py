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
    r"""Load CSV files of a stage into a table: all of them or none, and no key twice.

    In a session the load is part of the transaction, and reads stages as the session has them.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, such as `2024/users.csv`, a pattern such as `2024/*/part-*.csv`, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        ignore_lines: how many lines at the beginning are no rows, such as 1 for a header.
        header: `match` to take the columns by the names in the first line that is not ignored; a number is that line's,
            from 0.
        delimiter: the text between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; by default none, as RFC 4180 has it. Files that
            MySQL or MatrixOne wrote have a backslash.
        line_terminator: `\n`, `\r\n` or `\r`; by default the first two are understood.
        trailing_delimiter: whether a delimiter ends each line.
        columns: the table's columns in the file's order, None for a field to skip; by default the table's own order,
            without `file_column` and `row_column`.
        null_values: more texts that mean NULL. `\N` and the word NULL without quotes always do, an empty field does for
            all but text.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the file's suffix tells.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        StageNotFound, StageFileNotFound, TableNotFound: there is none.
        StageDisabled: the stage is disabled.
        DuplicateKey: a row's key is there already, or twice in the files; no row stays.
        LoadFailed: a row does not fit the table; no row stays. With `atomic=False`, `.report` has what does.
        StatementTimeout: a statement took longer than it may; no row stays.
        PermissionDenied: the user may not load into the table, or not by this strategy.
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
    """Load files of JSON lines of a stage into a table: all of them or none, no key twice, no malformed line lost.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object`, where each line has an object with the columns' names, or `array`, in the columns' order.
        columns: the columns that the lines have; by default all of the table.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        missing_keys: `null` (the default) stores NULL for a key that an object lacks, `error` fails the load.
        extra_keys: `ignore` (the default) passes over keys that are no columns, `error` fails the load.
        base64: the columns whose texts are bytes in base64.
        compression: `none`, `gzip` or `bz2`; by default the file's suffix tells.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

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
    """Load Parquet files of a stage into a table, columns by name: all of them or none, and no key twice.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take from the files; by default all of the table, and each file must have these.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    request = build_request(table, "parquet", {"columns": columns, "set": set}, options)
    return (yield from stage_load.load_files(request, stage, file))


def read_manifest_stage(stage: str, file: str, table: Target, **options: Unpack[LoadOptions]) -> Op[LoadReport]:
    """Load the files that an export wrote with `manifest=True`: their format, columns and escapes are known from it.

    Args:
        stage: the stage's name.
        file: the manifest's path in the stage, such as `2024/users.csv.manifest.json`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        LoadFailed: the file is no manifest, a file is not as long as it says, or rows do not fit the table.
        InvalidArgument: the session's time zone is not the one in which TIMESTAMPs were written.
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
    """What a load from a stage would do: files, statements, columns side by side, conflicts; nothing is changed.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        format: what the files are; by default their suffix tells.
        options: the options of `read_csv_stage`, `read_json_stage` or `read_parquet_stage`.

    Returns:
        The plan; `plan.run()` executes the load.

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
    """Create a table with the columns that a stage's file has, and the types that its first rows suggest.

    A later load follows these types as INSERT does: 00501 in a BIGINT column is 501. With `create=True` a load makes
    the table, and refuses a row of which the types would lose something.

    Args:
        stage: the stage's name.
        file: the file's path in the stage.
        name: the new table: `table` or `database.table`.
        format: what the file is; by default its suffix tells.
        header: whether the first line of a CSV file has the columns' names; without, they are called c1, c2, …
        options: how the file is written: the options of `read_csv_stage` or `read_json_stage`.

    Returns:
        The columns, and the statement that made the table; its text shows it.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        TableExists: there is one of the name.
        LoadFailed: no column can be made out.
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
