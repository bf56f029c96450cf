"""Operations that load files and data into tables."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile
from typing import Any, Literal, Unpack, cast

from matrixone_core import literals
from matrixone_core.errors import InvalidArgument, LoadFailed, TableExists, TableNotFound
from matrixone_core.loading import arrow, files, head, ledger, options, regular, schema
from matrixone_core.loading.client_data import (
    PIECE,
    ClientPieces,
    Data,
    Held,
    Plain,
    Rewritten,
    Seen,
    Through,
    chunks_of,
    length_of,
    name_of,
    sampled,
)
from matrixone_core.loading.csv_rows import CsvRows, Row
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.flow import Order, limited, load, state_of
from matrixone_core.loading.flow import table_of as load_table_of
from matrixone_core.loading.job import Input, Look, fitting, own_name
from matrixone_core.loading.json_rows import JsonRows
from matrixone_core.loading.options import Columns, FormatOptions, LoadOptions, PlanOptions
from matrixone_core.loading.plan import InferredTable, LoadPlan, planned
from matrixone_core.loading.report import LoadReport
from matrixone_core.loading.sifting import Lines, Pieces, Sieve
from matrixone_core.loading.target import known, may_stage
from matrixone_core.operation import Atomic, Blocking, Chunks, Clock, NextChunk, Op, Sending, Together, in_order
from matrixone_core.sql.external import CountJson, CreateExternal, JsonCount
from matrixone_core.sql.ledger import LEDGER, Entry, LoadRecord, SelectRecords
from matrixone_core.sql.load import ClientData, Csv, Format, JsonLines, LoadData, Parquet
from matrixone_core.sql.plan import CreateTable
from matrixone_core.sql.staging import Conflict, DropTable
from matrixone_core.sql.table import AskLoadState, ColumnNames, LoadState
from matrixone_core.tables import Target, table_names, table_of

SMALL = 8 * 1024 * 1024  # bytes, up to which a second look at a file costs little
_CSV_DEFAULTS: dict[str, Any] = {
    "ignore_lines": 0, "delimiter": ",", "quote": '"', "escape": None, "line_terminator": None, "compression": None,
}  # fmt: skip
_OPTIONS = {
    "csv": {*_CSV_DEFAULTS, "header", "columns", "null_values", "set"},
    "jsonline": {"shape", "columns", "set", "compression"},
    "parquet": {"columns", "set"},
}
_ANY_FORMATS = frozenset[str]().union(*_OPTIONS.values())
LARGE = 256 * 1024 * 1024  # bytes, from which on the server reads pieces of a file at once (server-facts 18)


def read_csv_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    ignore_lines: int = 0,
    header: Literal["match"] | None = None,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    line_terminator: str | None = None,
    columns: Columns | None = None,
    null_values: str | Sequence[str] | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    compression: str | None = None,
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    r"""Load CSV files of a stage into a table: all of them or none, and no key twice.

    In a session the load is part of the transaction, and reads stages as the session has them.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, such as `2024/users.csv`, a pattern such as `2024/*/part-*.csv`, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        ignore_lines: how many lines at the beginning are no rows, such as 1 for a header.
        header: `match` to take the columns by the names in the first line that is not ignored.
        delimiter: the character between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; by default a backslash.
        line_terminator: `\n` or `\r\n`; by default both are understood.
        columns: the table's columns in the file's order, None for a field to skip; by default the table's own order.
        null_values: the texts that mean NULL; `\N` always does, an empty field does for all but text.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the file's suffix tells.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        StageNotFound, StageFileNotFound, TableNotFound: there is none.
        StageDisabled: the stage is disabled.
        DuplicateKey: a row's key is there already, or twice in the files; no row stays.
        LoadFailed: a row does not fit the table; no row stays. With `atomic=False`, `.report` has what does.
        StatementTimeout: a statement took longer than it may; no row stays.
        PermissionDenied: the user may not load into the table, or not in this way.
    """
    form = options.csv(
        ignore_lines=ignore_lines,
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        line_terminator=line_terminator,
        compression=compression,
    )
    order = _order(table, form, columns, told, header=header, nulls=null_values, assigned=set)
    return (yield from _from_stage(order, stage, file))


def read_json_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    shape: Literal["object", "array"] = "object",
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    compression: str | None = None,
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load files of JSON lines of a stage into a table: all of them or none, no key twice, no malformed line lost.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object`, where each line has an object with the columns' names, or `array`, in the columns' order.
        columns: the columns that the lines have; by default all of the table.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the file's suffix tells.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    order = _order(table, options.json_lines(shape, compression), columns, told, assigned=set)
    return (yield from _from_stage(order, stage, file))


def read_parquet_stage(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load Parquet files of a stage into a table, columns by name: all of them or none, and no key twice.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take from the files; by default all of the table.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    order = _order(table, Parquet(), columns, told, assigned=set)
    return (yield from _from_stage(order, stage, file))


def read_csv(
    data: Data,
    table: Target,
    *,
    ignore_lines: int = 0,
    header: Literal["match"] | None = None,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    line_terminator: str | None = None,
    columns: Columns | None = None,
    null_values: str | Sequence[str] | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    compression: str | None = None,
    encoding: str | None = "utf-8",
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    r"""Load CSV data of the client into a table: all of it or nothing, and no key twice.

    The data is sent as the server takes it in, and never held whole.

    Args:
        data: a path, bytes, a file opened in binary mode, or an iterator of bytes; for `AsyncClient` an asynchronous
            one, too.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        ignore_lines: how many lines at the beginning are no rows, such as 1 for a header.
        header: `match` to take the columns by the names in the first line that is not ignored.
        delimiter: the character between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; by default a backslash.
        line_terminator: `\n` or `\r\n`; by default both are understood.
        columns: the table's columns in the data's order, None for a field to skip; by default the table's own order.
        null_values: the texts that mean NULL; `\N` always does, an empty field does for all but text.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the suffix of a path tells.
        encoding: what the data is written in, as Python calls it; None for bytes that are no text.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        OSError: the file cannot be read.
        TableNotFound: there is none.
        DuplicateKey: a row's key is there already, or twice in the data; no row stays.
        LoadFailed: a row does not fit the table, or is not in that encoding; no row stays.
        StatementTimeout: a statement took longer than it may; no row stays.
        PermissionDenied: the user may not load into the table, or not in this way.
        Exception: whatever the data raises; no row stays.
    """
    form = options.csv(
        ignore_lines=ignore_lines,
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        line_terminator=line_terminator,
        compression=compression,
    )
    order = _order(table, form, columns, told, header=header, nulls=null_values, assigned=set)
    name = name_of(data)
    plain = partial(Plain, name, head.compression_of(form, name), _encoding(order, encoding))
    return (yield from limited(order, _client(order, data, chunks_of(data), plain)))


def read_json(
    data: Data,
    table: Target,
    *,
    shape: Literal["object", "array"] = "object",
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    compression: str | None = None,
    encoding: str = "utf-8",
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load JSON lines of the client into a table: all of them or nothing, no key twice, no malformed line lost.

    Args:
        data: as of `read_csv`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        shape: `object`, where each line has an object with the columns' names, or `array`, in the columns' order.
        columns: the columns that the lines have; by default all of the table.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        compression: `none`, `gzip` or `bz2`; by default the suffix of a path tells.
        encoding: what the data is written in, as Python calls it.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        MatrixOneError, OSError: as for `read_csv`; `LoadFailed` names the line that is malformed.
    """
    form = options.json_lines(shape, compression)
    order = _order(table, form, columns, told, assigned=set)
    names = order.columns or (yield from _all_columns(order))
    name = name_of(data)
    plain = partial(Plain, name, head.compression_of(form, name), _encoding(order, encoding))
    return (yield from limited(order, _client(order, data, chunks_of(data), plain, names)))


def read_parquet(
    data: Data,
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load a Parquet file of the client into a table, columns by name: all of it or nothing, and no key twice.

    Args:
        data: as of `read_csv`; what cannot be sought in is put into a temporary file first.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take from the file; by default all that it has.
        set: columns and the SQL expressions that they get; in them the file's columns are text.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        NotSupported: pyarrow is not installed.
        MatrixOneError, OSError: as for `read_csv`.
    """
    order = _order(table, Parquet(), columns, told, assigned=set)
    with ExitStack() as opened:
        file = yield from _seekable(data, opened)
        reader = yield from Blocking(partial(arrow.parquet_reader, file))
        return (yield from _arrow(order, data, reader))


def read_arrow(
    data: object,
    table: Target,
    *,
    columns: Columns | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002  # SQL's own word
    **told: Unpack[LoadOptions],
) -> Op[LoadReport]:
    """Load Arrow data into a table, columns by name: all of it or nothing, and no key twice.

    Args:
        data: an Arrow table, batch or reader, a frame of pandas or polars, or whatever else speaks Arrow's C interface.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        columns: the columns to take; by default all that there are.
        set: columns and the SQL expressions that they get; in them the data's columns are text.
        told: as `matrixone.LoadOptions` describes them.

    Returns:
        What became of the rows.

    Raises:
        NotSupported: pyarrow is not installed.
        MatrixOneError: as for `read_csv`.
    """
    order = _order(table, Parquet(), columns, told, assigned=set)
    reader = yield from Blocking(partial(arrow.reader_of, data))
    return (yield from _arrow(order, data, reader))


def _all_columns(order: Order) -> Op[tuple[str, ...]]:
    """The table's columns that can be given a value."""
    state = yield from AskLoadState(order.names)
    table = yield from known(order.names, state.mark)
    return tuple(column.name for column in table.columns if not column.computed)


def _encoding(order: Order, told: str | None) -> str | None:
    """What the data is decoded from; where bad rows are left out, each row is seen to be UTF-8 by itself."""
    name = options.encoding(told)
    return None if name == "utf-8" and order.options.skip_errors else name


def _arrow(order: Order, data: object, reader: Any) -> Op[LoadReport]:
    names = arrow.names_of(reader, tuple(filter(None, order.columns)))
    plain = partial(Plain, name_of(data), "none", None)
    return (yield from limited(order, _client(order, data, arrow.csv_of(reader, names), plain, names)))


def _seekable(data: Data, opened: ExitStack) -> Op[Any]:
    """What pyarrow can read: a path, or a file that can be sought in."""
    if isinstance(data, str | os.PathLike) or hasattr(data, "seek"):
        return data
    file: Any = opened.enter_context((yield from Blocking(TemporaryFile)))
    chunks = chunks_of(data)
    while (piece := (yield from NextChunk(chunks))) is not None:
        yield from Blocking(partial(file.write, piece))
    yield from Blocking(partial(file.seek, 0))
    return file


def _client(
    order: Order, data: object, chunks: Chunks, plain: Callable[[], Through], columns: Columns | None = None
) -> Op[LoadReport]:
    """Load data of the client, which is sent as CSV.

    Args:
        order: what is wanted.
        data: what the caller gave.
        chunks: the same, piece by piece.
        plain: makes what becomes of the pieces first.
        columns: the columns in the data's order, if not as ordered.
    """
    began, name = (yield from Clock()), name_of(data)
    form, json = _uncompressed(order.format), order.format if isinstance(order.format, JsonLines) else None
    names = order.columns if columns is None else tuple(columns)
    first = Held(plain())
    if order.header:
        names = yield from _header(name, chunks, first, form)
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    else:
        piece = yield from NextChunk(chunks)  # what cannot be read at all is found before anything is sent
        if piece is not None:
            first.hold(piece)
    state = replace((yield from state_of(order)), reached=int(len(first.held) >= PIECE))
    look, flaw = yield from _flaw_of(order, state, name, names)
    sent: Through = first
    if json is not None:
        rows = JsonRows(json, tuple(filter(None, names)))
        sent = Held(Rewritten(name, first, rows, (lambda _row: None) if flaw is None else flaw.unheard))
    elif flaw is not None:
        sent = Seen(first, CsvRows(form, regular.here(form, flaw.kinds, order.nulls)), flaw.unheard)
    entry = None if not order.options.once else (yield from _client_entry(order, state, data))
    one = Input(
        name,
        ClientData("rows.csv"),
        form,
        names,
        lambda statement: iter(Sending(statement, chunks, sent)),
        _client_lines(order, data, json or form, plain, ClientPieces(chunks, first)),
        Sieve(name, order.options) if order.options.skip_errors else None,
        entry=entry,
        total=(yield from Blocking(partial(length_of, data))),
        look=look,
    )
    report = yield from load(order, state, [one], began, lambda: first.read)
    return replace(report, files=(replace(report.files[0], bytes=first.passed),))


def _flaw_of(order: Order, state: LoadState, name: str, names: Columns) -> Op[tuple[Look, Fitting | None]]:
    """Tells flaws of rows as they are sent; not in a session, which a load that is broken off would end."""
    unchecked = order.options.conflict is Conflict.UNCHECKED
    if unchecked or order.options.skip_errors or not state.revocable:
        return Look.NONE, None
    table = yield from load_table_of(order, state)
    return Look.SENT, fitting(name, table, names, order.assigned, order.nulls)


def _uncompressed(form: Format) -> Csv:
    """The way the data is written when it is sent."""
    return replace(form, compression="none") if isinstance(form, Csv) else Csv(compression="none")


def _client_lines(order: Order, data: object, form: Format, plain: Callable[[], Through], now: Pieces) -> Lines | None:
    if isinstance(order.format, Parquet):
        return None
    if order.options.skip_errors:
        return Lines(form, lambda: now)
    again = isinstance(data, str | os.PathLike | bytes | bytearray | memoryview)
    return Lines(form, lambda: ClientPieces(chunks_of(cast("Data", data)), Held(plain())), again)


def _client_entry(order: Order, state: LoadState, data: object) -> Op[Entry]:
    once = order.options.once
    if isinstance(once, str):
        return ledger.of_key(order.full_name(state), once)
    if not isinstance(data, str | os.PathLike):
        raise InvalidArgument("once=True knows a file by its path; give data of another kind a key: once='…'")
    path: str = os.path.abspath(data)  # noqa: PTH100  # what the caller gave, as a text
    size, sample = yield from Blocking(partial(sampled, path, whole=order.options.whole_content))
    return ledger.of_bytes(order.full_name(state), path, size, sample)


def _header(name: str, chunks: Chunks, held: Held, form: Csv) -> Op[tuple[str | None, ...]]:
    while True:
        piece = yield from NextChunk(chunks)
        if piece is not None:
            held.hold(piece)
        rows = head.beginning(form, held.held, 1, whole=piece is None)
        if rows or piece is None:
            return head.header_of(rows, name)


def plan(
    stage: str,
    file: str | Sequence[str],
    table: Target,
    *,
    format: Literal["csv", "jsonline", "parquet"] | None = None,  # noqa: A002  # what a file's format is called
    **told: Unpack[PlanOptions],
) -> Op[LoadPlan]:
    """What a load from a stage would do: files, statements, columns side by side, conflicts; nothing is changed.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, a pattern, or a list.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        format: what the files are; by default their suffix tells.
        told: the options of `read_csv_stage`, `read_json_stage` or `read_parquet_stage`.

    Returns:
        The plan; `plan.run()` carries the load out.

    Raises:
        MatrixOneError: as for `read_csv_stage`.
    """
    order = _order_of(table, format or schema.format_of(file if isinstance(file, str) else file[0]), told)
    name = literals.stage_name(stage)
    return (yield from limited(order, _planned(order, name, files.named(name, file))))


def _planned(order: Order, name: str, urls: tuple[str, ...]) -> Op[LoadPlan]:
    state, inputs = yield from _listed(order, name, urls)
    return (yield from planned(order, state, inputs, lambda: limited(order, _stage(order, name, urls))))


def create_table_from(
    stage: str,
    file: str,
    name: str,
    *,
    format: Literal["csv", "jsonline", "parquet"] | None = None,  # noqa: A002  # what a file's format is called
    header: bool = True,
    **told: Unpack[FormatOptions],
) -> Op[InferredTable]:
    """Create a table with the columns that a stage's file has, and the types that its first rows suggest.

    Args:
        stage: the stage's name.
        file: the file's path in the stage.
        name: the new table: `table` or `database.table`.
        format: what the file is; by default its suffix tells.
        header: whether the first line of a CSV file has the columns' names; without, they are called c1, c2, …
        told: how the file is written: the options of `read_csv_stage` or `read_json_stage`.

    Returns:
        The columns, and the statement that made the table; its text shows it.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        TableExists: there is one of the name.
        LoadFailed: no column can be made out.
    """
    url = literals.stage_path(stage, file)
    order = _order_of(name, format or schema.format_of(file), cast("PlanOptions", told))
    sample = yield from schema.sample_of(url, order.format, header=header)
    if not sample.columns:
        raise LoadFailed(f"{url} shows no columns: it is empty")
    statement = CreateTable(order.names, tuple((column.name, column.type or "TEXT") for column in sample.columns))
    if (yield from ColumnNames(order.names)):
        raise TableExists(f"there is a table {'.'.join(order.names)!r} already")
    yield from statement
    return InferredTable(".".join(order.names), sample.columns, str(statement))


def _order_of(table: Target, form: str, told: PlanOptions) -> Order:
    """What is wanted, of a format that is told or guessed.

    Raises:
        InvalidArgument: the format does not have one of the options.
    """
    known = options.one_of(form, tuple(_OPTIONS), "format")
    given: dict[str, Any] = dict(told)
    own = {name: given.pop(name) for name in _ANY_FORMATS & given.keys()}
    refused = sorted(own.keys() - _OPTIONS[known])
    if refused:
        raise InvalidArgument(f"{refused[0]}={own[refused[0]]!r} cannot be said of {known} files")
    columns, assigned = own.pop("columns", None), own.pop("set", None)
    header, nulls = own.pop("header", None), own.pop("null_values", None)
    made = _CSV_DEFAULTS | own if known == "csv" else own
    written: Format = Parquet()
    if known == "csv":
        written = options.csv(**made)
    elif known == "jsonline":
        written = options.json_lines(own.get("shape", "object"), own.get("compression"))
    return _order(table, written, columns, cast("LoadOptions", given), header=header, nulls=nulls, assigned=assigned)


def history(table: Target | None = None, *, database: str | None = None) -> Op[tuple[LoadRecord, ...]]:
    """The loads that were told to load a file `once`, the latest first.

    Args:
        table: only those into this table; by default all.
        database: the one that the ledger is in; by default the table's, or the current one.

    Returns:
        The loads; none where there is no ledger.
    """
    names = None if table is None else _names(table)
    within = (database,) if database is not None else (names or ("",))[:-1]
    try:
        return (yield from SelectRecords((*within, LEDGER), names or ()))
    except TableNotFound:
        return ()


def _names(table: Target) -> tuple[str, ...]:
    return literals.table_name(table) if isinstance(table, str) else table_names(table_of(table))


def _order(
    table: Target,
    form: Format,
    columns: Columns | None,
    told: LoadOptions,
    *,
    header: str | None = None,
    nulls: str | Sequence[str] | None = None,
    assigned: Mapping[str, str] | None = None,
) -> Order:
    names = _names(table)
    wanted = options.columns(columns)
    if header not in {None, "match"}:
        raise InvalidArgument(f"header={header!r} is to be 'match' or None; ignore_lines=1 skips a header")
    if header and wanted:
        raise InvalidArgument("header='match' takes the columns from the file; leave columns out")
    checked = options.checked(told)
    if isinstance(form, Parquet) and checked.skip_errors:
        raise InvalidArgument("on_error='skip' tells lines of CSV and JSON apart; Parquet and Arrow data have none")
    if not isinstance(form, Csv) and None in wanted:
        raise InvalidArgument(f"columns={list(wanted)!r} skips a field by None, which only CSV has; name those wanted")
    return Order(
        names, form, wanted, header == "match", options.nulls(nulls), options.assignments(assigned), checked
    )  # fmt: skip


def _from_stage(order: Order, stage: str, file: str | Sequence[str]) -> Op[LoadReport]:
    name = literals.stage_name(stage)
    return limited(order, _stage(order, name, files.named(name, file)))


def _stage(order: Order, name: str, urls: Sequence[str]) -> Op[LoadReport]:
    began = yield from Clock()
    state, inputs = yield from _listed(order, name, urls)
    return (yield from load(order, state, inputs, began))


def _listed(order: Order, name: str, urls: Sequence[str]) -> Op[tuple[LoadState, tuple[Input, ...]]]:
    """What is known before a load, and its files."""
    state = yield from state_of(order, name, urls[0], _telling_offsets(order, urls))
    found = yield from files.found(name, urls, allow_empty=order.options.allow_empty)
    inputs = yield from _at_once(order, state, tuple(_input(order, state, url) for url in found))
    if isinstance(order.options.once, str) and len(inputs) > 1:
        raise InvalidArgument(f"once={order.options.once!r} is the key of one file, and there are {len(inputs)}")
    return state, inputs


def _at_once(order: Order, state: LoadState, ops: tuple[Op[Input], ...]) -> Op[tuple[Input, ...]]:
    """The files, of which something is read at once where that is needed; a session has one connection."""
    if state.revocable and len(ops) > 1 and (order.header or order.options.once):
        return (yield from Together(ops, order.options.concurrency))
    return (yield from in_order(ops))


def _telling_offsets(order: Order, urls: Sequence[str]) -> tuple[int, ...]:
    """What only a file has that is not small, or large, where that matters."""
    if len(urls) > 1 or files.is_pattern(urls[0]):
        return ()
    plain = isinstance(order.format, Csv) and head.compression_of(order.format, urls[0]) == "none"
    if order.options.conflict is Conflict.UNCHECKED:
        return (LARGE,) if plain else ()  # only CSV without compression is read in pieces
    return (SMALL, LARGE) if plain else (SMALL,)


def _input(order: Order, state: LoadState, url: str) -> Op[Input]:
    form, columns = order.format, order.columns
    if order.header and isinstance(form, Csv):
        data, whole = yield from head.of_stage(url, form)
        columns = head.header_of(head.beginning(form, data, 1, whole=whole), url)
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    counted = _json_counted(order, url, form, state.now) if isinstance(form, JsonLines) else None
    entry = yield from _entry(order, state, url)
    sifted = Sieve(url, order.options) if order.options.skip_errors else None
    counted = None if sifted else counted  # the sieve sees every line
    return Input(
        url, url, form, columns, _as_it_is, _lines(form, partial(head.Pieces, url, form)), sifted,
        _is_large(order, state), counted, entry,
    )  # fmt: skip


def _is_large(order: Order, state: LoadState) -> bool:
    return state.reached == (1 if order.options.conflict is Conflict.UNCHECKED else 2)


def _lines(form: Format, begin: Callable[[], Pieces], *, again: bool = True) -> Lines | None:
    return None if isinstance(form, Parquet) else Lines(form, begin, again)


def _entry(order: Order, state: LoadState, url: str) -> Op[Entry | None]:
    once = order.options.once
    if isinstance(once, str):
        return ledger.of_key(order.full_name(state), once)
    if not once or state.stage is None:
        return None
    return (yield from ledger.of_stage(order.full_name(state), state.stage, url, whole=order.options.whole_content))


def _json_counted(order: Order, url: str, form: JsonLines, now: int) -> Callable[[], Op[int]]:
    """Counts the lines: a malformed one ends the server's load without an error (server-facts 23)."""

    def count() -> Op[int]:
        if (yield from may_stage(order.names)):
            judged = yield from Atomic(_json_judged(own_name(order.names, now), url, form))
        else:
            judged = yield from _json_read(url, form)
        if judged.broken:
            raise LoadFailed(f"{url}: {judged.broken:,} of {judged.lines:,} lines are no JSON; no row was loaded")
        return judged.lines

    return count


def _json_judged(name: tuple[str, ...], url: str, form: JsonLines) -> Op[JsonCount]:
    yield from CreateExternal(name, url, Csv(0, "\x01", "\x02", compression=form.compression))
    judged = yield from CountJson(name)
    yield from DropTable(name)
    return judged


def _json_read(url: str, form: JsonLines) -> Op[JsonCount]:
    """The same for who may not make tables: the lines are read here."""
    rows, judged = JsonRows(form, ()), JsonCount(0, 0)
    pieces = head.Pieces(url, form)
    while (piece := (yield from pieces.next())) is not None:
        judged = _counted(judged, rows.feed(piece))
    return _counted(judged, rows.finish())


def _counted(judged: JsonCount, rows: Iterable[Row]) -> JsonCount:
    found = [row.broken is not None for row in rows]
    return JsonCount(judged.lines + len(found), judged.broken + sum(found))


def _as_it_is(statement: LoadData) -> Op[int]:
    return (yield from statement)
