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
    r"""Load the client's CSV data into a table.

    Either all rows are stored or none. The data is streamed to the server and never held in memory as a whole.

    Args:
        data: a path, bytes, an open file (binary or text, `io.StringIO`, `gzip.open(…)`, an upload), or an iterable of
            bytes or text. `AsyncClient` also takes asynchronous files and iterables. A str is always a path;
            `stage://name/path`, or a path of `client.stage.path`, is a file of a stage.
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
        set: SQL expressions by column; in an expression the fields of the data are texts.
        compression: `none`, `gzip` or `bz2`; by default inferred from the path's suffix.
        encoding: Python's name of the data's encoding. None leaves the bytes as they are.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        OSError: the file cannot be read.
        TableNotFound: the table does not exist.
        DuplicateKey: a row's key is already in the table, or twice in the data; no row is stored.
        LoadFailed: a row does not fit the table, or is not in `encoding`; no row is stored.
        StatementTimeout: a statement took longer than `timeout`; no row is stored.
        PermissionDenied: the user may not load into the table, or lacks a privilege that these options need.
        Exception: reading `data` raised it; no row is stored.
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
    """Load the client's JSON lines into a table.

    Either all rows are stored or none. A malformed line is an error.

    Args:
        data: as for `read_csv`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object` if each line is an object whose keys are the columns' names, `array` if each line is an array in
            the order of the columns.
        columns: names of the columns that the lines have; by default all columns of the table.
        set: SQL expressions by column; in an expression the fields of the data are texts.
        missing_keys: as for `read_json_stage`.
        extra_keys: as for `read_json_stage`.
        base64: as for `read_json_stage`.
        compression: `none`, `gzip` or `bz2`; by default inferred from the path's suffix.
        encoding: Python's name of the data's encoding.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        MatrixOneError, OSError: as for `read_csv`; `LoadFailed` names a malformed line.
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
    """Load the client's Parquet file into a table.

    Columns are matched by name. Either all rows are stored or none.

    Args:
        data: as for `read_csv`; data that is not seekable is first copied to a temporary file.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: names of the columns to load; by default all columns of the file.
        set: SQL expressions by column; in an expression the fields of the file are texts.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

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
    """Load Arrow data or a data frame into a table.

    Columns are matched by name. Either all rows are stored or none.

    Args:
        data: an Arrow table, batch or reader, a pandas or polars data frame, a dataset, a DuckDB relation, a dict of
            columns, a list of dicts, or an iterable of batches.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: names of the columns to load; by default all columns of the data.
        set: SQL expressions by column; in an expression the fields of the data are texts.
        options: options of every load; see `matrixone.LoadOptions`.

    Returns:
        The number of rows that were loaded, skipped and rejected, in all and by file.

    Raises:
        NotSupported: pyarrow is not installed.
        MatrixOneError: as for `read_csv`.
    """
    request = build_request(table, "parquet", {"columns": columns, "set": set}, options)
    return (yield from client_load.load_arrow(request, data))


def history(table: Target | None = None, *, database: str | None = None) -> Op[tuple[LoadRecord, ...]]:
    """Return the loads that the ledger of `once` recorded, the latest first.

    Args:
        table: return only loads into this table. None returns all.
        database: database that has the ledger; by default the table's, or the current one.

    Returns:
        One record for each file; empty if there is no ledger.
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
