"""Operations that load files into tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from matrixone_core import literals, stages
from matrixone_core.errors import InvalidArgument, StageDisabled, TableNotFound
from matrixone_core.operation import Clock, Limited, Op
from matrixone_core.secrets import Credentials
from matrixone_core.settings import time_limit
from matrixone_core.sql.load import ColumnNames, CsvOptions, LoadCsv, S3Object, Source
from matrixone_core.sql.stage import Stage
from matrixone_core.tables import Target, table_names, table_of

COMPRESSIONS = ("none", "gzip", "bz2")
LINE_ENDS = ("\n", "\r\n")


@dataclass(frozen=True)
class LoadedFile:
    """A file that was loaded.

    Args:
        path: its `stage://` URL.
        rows: how many rows came from it.
    """

    path: str
    rows: int


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Args:
        table: the table, as `table` or `database.table`.
        rows: how many rows were loaded.
        files: the files they came from.
        seconds: how long it took.
    """

    table: str
    rows: int
    files: tuple[LoadedFile, ...]
    seconds: float

    def __str__(self) -> str:
        files = self.files[0].path if len(self.files) == 1 else f"{len(self.files)} files"
        return f"{files} -> {self.table}: {self.rows:,} row{'' if self.rows == 1 else 's'} in {self.seconds:.2f} s"


def read_csv_stage(
    stage: str,
    file: str,
    table: Target,
    *,
    ignore_lines: int = 0,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    line_terminator: str | None = None,
    columns: Sequence[str | None] | None = None,
    null_values: str | Sequence[str] | None = None,
    compression: str | None = None,
    timeout: float | None = None,
) -> Op[LoadReport]:
    r"""Load a CSV file of a stage into a table, all of its rows or none.

    The server checks no primary or unique key in such a load (server-facts 17). In a session the load is part of the
    transaction, and reads stages as the session has them.

    Args:
        stage: the stage's name.
        file: the file's path in the stage, such as `2024/users.csv`.
        table: an ORM model, a `Table`, or a name: `table` or `database.table`.
        ignore_lines: how many lines at the beginning are no rows, such as 1 for a header.
        delimiter: the character between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; by default a backslash.
        line_terminator: `\n` or `\r\n`; by default both are understood.
        columns: the table's columns in the file's order, None for a field to skip; by default the table's own order.
        null_values: the text that means NULL; `\N` always does, an empty field does for all but text.
        compression: `none`, `gzip` or `bz2`; by default the file's suffix tells.
        timeout: seconds that the load may take before it is stopped; by default the client's `timeout`.

    Returns:
        How many rows were loaded, and how long it took.

    Raises:
        InvalidArgument: an argument cannot be; nothing was sent.
        StageNotFound, StageFileNotFound, TableNotFound: there is none.
        StageDisabled: the stage is disabled.
        LoadFailed: a row does not fit the table; no row stays.
        StatementTimeout: it took longer than it may; no row stays.
        PermissionDenied: the user may not load into the table.
    """
    path = literals.stage_path(stage, file)
    target = literals.table_name(table) if isinstance(table, str) else table_names(table_of(table))
    null_value = _null_value(null_values)
    options = CsvOptions(
        ignore_lines=_lines(ignore_lines),
        delimiter=literals.one_character(delimiter, "delimiter"),
        quote=literals.one_character(quote, "quote"),
        escape=None if escape is None else literals.one_character(escape, "escape"),
        line_terminator=_one_of(line_terminator, LINE_ENDS, "line_terminator"),
        columns=_columns(columns),
        compression=_one_of(compression, COMPRESSIONS, "compression"),
    )
    _told_apart(options)
    seconds_allowed = None if timeout is None else time_limit(timeout)
    began = yield from Clock()
    found = yield from stages.get(stage)
    if not found.enabled:  # the server itself never looks (server-facts 8)
        raise StageDisabled(f"the stage {found.name!r} is disabled; client.stage.alter({found.name!r}, enable=True)")
    if null_value is not None:
        options = yield from _with_nulls(options, null_value, target)
    load = LoadCsv(path, target, options)
    rows = yield from load if seconds_allowed is None else Limited(iter(load), seconds_allowed)
    seconds = (yield from Clock()) - began
    return LoadReport(".".join(target), rows, (LoadedFile(path, rows),), seconds)


def resolved(source: Source, kept: Callable[[str], Stage | None]) -> Source:
    """What is to be read where the server does not know a stage, or not as it will be.

    Args:
        source: as the load names it.
        kept: the stage of a name as it will be, or None where the server has it so.
    """
    while isinstance(source, str) and source.startswith("stage://"):
        name, _, path = source.removeprefix("stage://").partition("/")
        stage = kept(name)
        if stage is None:
            break
        scheme, _, place = stage.url.partition("://")
        place = f"{place.rstrip('/')}/{path}"
        if scheme == "s3":
            bucket, _, key = place.partition("/")
            return S3Object(bucket, key, stage.credentials or Credentials())
        source = place if scheme == "file" else f"stage://{place}"
    return source


def _lines(ignore_lines: int) -> int:
    if not isinstance(ignore_lines, int) or ignore_lines < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"ignore_lines={ignore_lines!r} is to be a number of lines, zero or more")
    return int(ignore_lines)


def _one_of(value: str | None, known: Sequence[str], what: str) -> str | None:
    if value is not None and value not in known:
        raise InvalidArgument(f"{what}={value!r} is to be one of {', '.join(map(repr, known))}, or None")
    return value


def _columns(columns: Sequence[str | None] | None) -> tuple[str | None, ...]:
    if isinstance(columns, str):
        raise InvalidArgument(f"columns={columns!r} is one text; give a list of names")
    names = tuple(columns or ())
    for name in names:
        if name is not None and (not name or name.startswith("@")):
            raise InvalidArgument(f"columns has {name!r} in it; give a column's name, or None to skip a field")
    if names and all(name is None for name in names):
        raise InvalidArgument("columns names no column at all")
    twice = {name for name in names if name is not None and names.count(name) > 1}
    if twice:
        raise InvalidArgument(f"columns names {', '.join(sorted(twice))} more than once")
    return names


def _null_value(null_values: str | Sequence[str] | None) -> str | None:
    values = [null_values] if isinstance(null_values, str) else list(null_values or ())
    if len(values) > 1:
        raise InvalidArgument(f"null_values={values!r} has {len(values)} texts; the server takes one")
    return values[0] if values else None


def _told_apart(options: CsvOptions) -> None:
    if options.delimiter == options.quote:
        raise InvalidArgument(f"delimiter and quote are both {options.quote!r}")
    if options.delimiter == options.escape:
        raise InvalidArgument(f"delimiter and escape are both {options.escape!r}")
    if options.quote == options.escape:
        raise InvalidArgument(
            f"quote and escape are both {options.escape!r}; a doubled quote is understood without escape"
        )


def _with_nulls(options: CsvOptions, null_value: str, target: tuple[str, ...]) -> Op[CsvOptions]:
    """The options with the columns that may become NULL named, as the server wants (server-facts 20)."""
    names = tuple(name for name in options.columns if name is not None)
    if not names:
        names = yield from _column_names(target)
    return replace(options, nulls=names, null_value=null_value)


def _column_names(target: tuple[str, ...]) -> Op[tuple[str, ...]]:
    names = yield from ColumnNames(target)
    if not names:
        raise TableNotFound(f"there is no table {'.'.join(target)!r}")
    return names
