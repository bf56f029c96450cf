"""Operations that load data of the client into tables, and the history of loads."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from matrixone_core.errors import TableNotFound
from matrixone_core.html import Listing
from matrixone_core.loading import client_load, stage_load
from matrixone_core.loading.inputs.client_stream import Data
from matrixone_core.loading.options import Columns, Header, LoadOptions
from matrixone_core.loading.request import LoadRequest, build_request, names_of
from matrixone_core.names import database_name
from matrixone_core.results import LoadReport
from matrixone_core.sql.ledger import LEDGER, LoadRecord, SelectRecords
from matrixone_core.stage_paths import PureStagePath, stage_of_url
from matrixone_core.steps import Op
from matrixone_core.targets import Target


def read_csv(
    data: Data | PureStagePath,
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
    encoding: str | None = "utf-8",
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    r"""Load CSV data of the client into a table: all of it or nothing, and no key twice.

    The data is sent as the server takes it in, and never held whole.

    Args:
        data: a path, bytes, an open file (binary or text, `io.StringIO`, `gzip.open(…)`, an upload), or an iterable of
            bytes or text; for `AsyncClient` asynchronous ones, too. A str is always a path; `stage://name/path` is a
            file of a stage, as is a path of `client.stage.path`.
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
        columns: the table's columns in the data's order, None for a field to skip; by default the table's own order,
            without `file_column` and `row_column`.
        null_values: more texts that mean NULL. `\N` and the word NULL without quotes always do, an empty field does for
            all but text.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the suffix of a path tells.
        encoding: what the data is written in, as Python calls it; None for bytes that are no text.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        OSError: the file cannot be read.
        TableNotFound: there is none.
        DuplicateKey: a row's key is there already, or twice in the data; no row stays.
        LoadFailed: a row does not fit the table, or is not in that encoding; no row stays.
        StatementTimeout: a statement took longer than it may; no row stays.
        PermissionDenied: the user may not load into the table, or not by this strategy.
        Exception: whatever the data raises; no row stays.
    """
    explicit = {
        "ignore_lines": ignore_lines, "header": header, "delimiter": delimiter, "quote": quote, "escape": escape,
        "line_terminator": line_terminator, "trailing_delimiter": trailing_delimiter, "columns": columns,
        "null_values": null_values, "set": set, "compression": compression,
    }  # fmt: skip
    request = build_request(table, "csv", explicit, options)
    return (yield from _load_text(request, data, encoding))


def read_json(
    data: Data | PureStagePath,
    table: Target,
    *,
    shape: Literal["object", "array"] = "object",
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    missing_keys: Literal["null", "error"] = "null",
    extra_keys: Literal["ignore", "error"] = "ignore",
    base64: Sequence[str] = (),
    compression: str | None = None,
    encoding: str = "utf-8",
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load JSON lines of the client into a table: all of them or nothing, no key twice, no malformed line lost.

    Args:
        data: as of `read_csv`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object`, where each line has an object with the columns' names, or `array`, in the columns' order.
        columns: the columns that the lines have; by default all of the table.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        missing_keys: as of `read_json_stage`.
        extra_keys: as of `read_json_stage`.
        base64: as of `read_json_stage`.
        compression: `none`, `gzip` or `bz2`; by default the suffix of a path tells.
        encoding: what the data is written in, as Python calls it.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        MatrixOneError, OSError: as for `read_csv`; `LoadFailed` names the line that is malformed.
    """
    explicit = {
        "shape": shape, "columns": columns, "set": set, "missing_keys": missing_keys, "extra_keys": extra_keys,
        "base64": base64, "compression": compression,
    }  # fmt: skip
    request = build_request(table, "jsonline", explicit, options)
    return (yield from _load_text(request, data, encoding))


def read_parquet(
    data: Data | PureStagePath,
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load a Parquet file of the client into a table, columns by name: all of it or nothing, and no key twice.

    Args:
        data: as of `read_csv`; what cannot be sought in is put into a temporary file first.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take from the file; by default all that it has.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        NotSupported: pyarrow is not installed.
        MatrixOneError, OSError: as for `read_csv`.
    """
    request = build_request(table, "parquet", {"columns": columns, "set": set}, options)
    return (yield from _load_parquet(request, data))


def read_arrow(
    data: object,
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **options: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load Arrow data into a table, columns by name: all of it or nothing, and no key twice.

    Args:
        data: an Arrow table, batch or reader, a frame of pandas or polars, a dataset, a DuckDB relation, a dict of
            columns, a list of dicts, or an iterable of batches.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take; by default all that there are.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        options: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        NotSupported: pyarrow is not installed.
        MatrixOneError: as for `read_csv`.
    """
    request = build_request(table, "parquet", {"columns": columns, "set": set}, options)
    return (yield from client_load.load_arrow(request, data))


def history(table: Target | None = None, *, database: str | None = None) -> Op[tuple[LoadRecord, ...]]:
    """The loads with `once`, the latest first.

    Args:
        table: only those into this table; by default all.
        database: the one that the ledger is in; by default the table's, or the current one.

    Returns:
        The loads; none where there is no ledger.
    """
    names = None if table is None else names_of(table)
    within = (names or ("",))[:-1] if database is None else (database_name(database, "database"),)
    try:
        return Listing((yield from SelectRecords((*within, LEDGER), names or ())))
    except TableNotFound:
        return Listing()


def _load_text(request: LoadRequest, data: Any, encoding: str | None) -> Op[LoadReport]:
    stage = stage_of_url(data)
    return stage_load.load_files(request, *stage) if stage else client_load.load_text(request, data, encoding)


def _load_parquet(request: LoadRequest, data: Any) -> Op[LoadReport]:
    stage = stage_of_url(data)
    return stage_load.load_files(request, *stage) if stage else client_load.load_parquet(request, data)
