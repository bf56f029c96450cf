"""The options of a load, checked before anything is sent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, cast

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.names import check_text, database_name, sql_type, table_name
from matrixone_core.setting_checks import flag, time_limit
from matrixone_core.sql.staged_inserts import Conflict

T = TypeVar("T")
LOCKS = ("auto", "rows", "table")
MAX_CONCURRENCY = 64  # of 151 connections that a server has by default (server-facts 46)

# names that pandas, csv and the existing guide have for the same thing
ALIASES = {
    "sep": "delimiter", "quotechar": "quote", "escapechar": "escape", "skiprows": "ignore_lines", "names": "columns",
    "na_values": "null_values", "lineterminator": "line_terminator",
}  # fmt: skip
HINTS = ("lines", "orient", "inline", "parallel")  # accepted and without effect: the load decides these itself

OnConflict: TypeAlias = Literal["error", "skip", "replace", "update", "unchecked"]
Lock: TypeAlias = Literal["auto", "rows", "table"]
Mode: TypeAlias = Literal["append", "replace", "fail"]
ExtraColumns: TypeAlias = Literal["error", "ignore", "add"]
Header: TypeAlias = Literal["match", "infer"] | bool | int | None
Columns: TypeAlias = Sequence[str | None]
Progress: TypeAlias = bool | Callable[[Any], Any]


class LoadOptions(TypedDict, total=False):
    """The options of every load.

    Args:
        on_conflict: what to do with a row whose primary or unique key is already in the table, or twice in a file.
            `error` (the default) fails the load; `skip` leaves the row out; `replace` replaces the old row; `update`
            updates its columns, and a list of columns only these; `unchecked` stores the row without a check.
        lock: `auto` (the default) follows the server's rule: a load of up to 20,000 rows locks its rows, a larger one
            locks the table until the commit. `rows` never locks the table, and takes several times as long. `table`
            means the same as `auto`.
        atomic: True (the default) loads all files or none; False loads each file by itself.
        concurrency: number of files to read at once, from 1 to 64; 4 by default.
        allow_empty: whether a pattern may match no file.
        on_error: `abort` (the default) fails the load at the first row that the server refuses; `skip` leaves such
            rows out.
        max_errors: with `on_error='skip'`, the limit of skipped rows: an int is a number of rows, a float a share of
            all rows. None means no limit.
        rejects: with `on_error='skip'`, the table that stores the skipped rows: `table` or `database.table`. The load
            creates it if necessary.
        once: True skips files that were loaded before; a str is the key that identifies the file.
        force: with `once`, load the file even if it was loaded before.
        hash_whole_file: with `once`, identify a file by all of its bytes instead of the first and the last MiB.
        ledger_database: with `once`, the database that has the ledger; by default the table's.
        mode: `append` (the default) adds rows; `replace` empties the table first, in the same transaction; `fail`
            raises `LoadFailed` if the table has rows.
        extra_columns: what to do with columns of the file that the table lacks: `error` (the default), `ignore`, or
            `add` them to the table. CSV needs `header` or `columns` to name them. JSON lines and Parquet files of a
            stage are read by the table's names, where `error` means `ignore`; use `extra_keys` to refuse keys of JSON.
        file_column: name of the column that stores the file's path.
        row_column: name of the column that stores the row's number in its file, counted from 1. Rows that cannot be
            read have no number.
        create: whether to create a missing table with the columns and types of the data.
        dtype: with `create`, SQL types by column name; they override the inferred types.
        purge: whether to remove the stage's files after the commit.
        validate: whether to load nothing and report every bad row.
        max_unpacked_bytes: limit of a Parquet file's decompressed size in bytes; 4 GiB by default.
        progress: True shows a progress bar on a terminal. A function receives each `LoadEvent`; `AsyncClient` awaits
            an awaitable result. Once the load has begun, exceptions of the function are logged.
        timeout: limit in seconds for each statement of the load; by default the client's `timeout`.
        sep, quotechar, escapechar, lineterminator, skiprows, names, na_values: pandas' names for `delimiter`, `quote`,
            `escape`, `line_terminator`, `ignore_lines`, `columns`, `null_values`.
        lines, orient, inline, parallel: accepted without effect; the load decides these itself.
    """

    on_conflict: OnConflict | Sequence[str] | None
    lock: Lock
    atomic: bool
    concurrency: int
    allow_empty: bool
    on_error: Literal["abort", "skip"]
    max_errors: int | float | None
    rejects: str | None
    once: bool | str
    force: bool
    hash_whole_file: bool
    ledger_database: str | None
    mode: Mode
    extra_columns: ExtraColumns
    file_column: str | None
    row_column: str | None
    create: bool
    dtype: Mapping[str, str] | None
    purge: bool
    validate: bool
    max_unpacked_bytes: int
    progress: Progress
    timeout: float | None
    sep: str
    quotechar: str
    escapechar: str | None
    lineterminator: str | None
    skiprows: int
    names: Columns | None
    na_values: str | Sequence[str] | None
    lines: bool
    orient: str
    inline: bool
    parallel: bool


class FormatOptions(TypedDict, total=False):
    """The options of file formats; not every format has every option."""

    ignore_lines: int
    delimiter: str
    quote: str
    escape: str | None
    line_terminator: str | None
    trailing_delimiter: bool
    compression: str | None
    shape: Literal["object", "array"]
    base64: Sequence[str]


class PlanOptions(FormatOptions, LoadOptions, total=False):
    """All options of a load from a stage."""

    header: Header
    columns: Columns | None
    null_values: str | Sequence[str] | None
    set: Mapping[str, str] | None
    missing_keys: Literal["null", "error"]
    extra_keys: Literal["ignore", "error"]


@dataclass(frozen=True)
class Options:
    """`LoadOptions` after the check; `LoadOptions` describes the other fields.

    Args:
        conflict: what to do with rows whose key is already in the table; None means what suits the table.
        update: columns to update; empty means all.
        skip_errors: whether bad rows are skipped.
    """

    conflict: Conflict | None = None
    update: tuple[str, ...] = ()
    lock: str = "auto"
    atomic: bool = True
    concurrency: int = 4
    allow_empty: bool = False
    skip_errors: bool = False
    max_errors: int | float | None = None
    rejects: tuple[str, ...] | None = None
    once: bool | str = False
    force: bool = False
    hash_whole_file: bool = False
    ledger_database: str | None = None
    mode: str = "append"
    extra_columns: str = "error"
    file_column: str | None = None
    row_column: str | None = None
    create: bool = False
    dtype: tuple[tuple[str, str], ...] = ()
    purge: bool = False
    validate: bool = False
    max_unpacked_bytes: int = 4 * 1024**3
    progress: Progress = False
    timeout: float | None = None

    @property
    def collects_rejects(self) -> bool:
        """Whether bad rows are collected instead of failing the load at once."""
        return self.skip_errors or self.validate


def check_options(given: Mapping[str, Any]) -> Options:
    """Check the options of a load.

    Raises:
        InvalidArgument: an option is unknown, not valid, or contradicts another.
    """
    check_known(given, LoadOptions.__annotations__)
    conflict, update = _conflict(given.get("on_conflict"))
    on_error = check_choice(given.get("on_error", "abort"), ("abort", "skip"), "on_error")
    max_errors, rejects, once = given.get("max_errors"), given.get("rejects"), given.get("once", False)
    if not isinstance(once, bool | str) or once == "":
        raise InvalidArgument(f"once={show(once)} must be True, False, or a text that identifies the file")
    timeout, ledger = given.get("timeout"), given.get("ledger_database")
    options = Options(
        conflict=conflict,
        update=update,
        lock=check_choice(given.get("lock", "auto"), LOCKS, "lock"),
        concurrency=_concurrency(given.get("concurrency", 4)),
        skip_errors=on_error == "skip",
        max_errors=_max_errors(max_errors),
        rejects=None if rejects is None else table_name(check_text(rejects, "rejects")),
        once=once,
        ledger_database=None if ledger is None else database_name(ledger, "ledger_database"),
        mode=check_choice(given.get("mode", "append"), ("append", "replace", "fail"), "mode"),
        extra_columns=check_choice(given.get("extra_columns", "error"), ("error", "ignore", "add"), "extra_columns"),
        file_column=_column(given.get("file_column"), "file_column"),
        row_column=_column(given.get("row_column"), "row_column"),
        dtype=_types(given.get("dtype")),
        max_unpacked_bytes=_bytes(given.get("max_unpacked_bytes", Options.max_unpacked_bytes)),
        progress=_progress(given.get("progress", False)),
        timeout=None if timeout is None else time_limit(timeout),
        **{name: flag(given.get(name, default), name) for name, default in _FLAGS.items()},
    )
    _check_combination(options)
    return options


def _check_combination(options: Options) -> None:
    """Check that no option contradicts another.

    Raises:
        InvalidArgument: two options contradict each other.
    """
    if not options.skip_errors and (options.max_errors is not None or options.rejects is not None):
        raise InvalidArgument("max_errors and rejects need on_error='skip'")
    if options.force and not options.once:
        raise InvalidArgument("force=True loads a file again that once=… would skip; it needs once")
    if options.mode == "replace" and not options.atomic:
        raise InvalidArgument("mode='replace' empties the table for all files together; it needs atomic=True")
    if options.validate and (options.once or options.purge):
        raise InvalidArgument("validate=True loads nothing, so that once and purge have no meaning with it")
    if options.conflict is Conflict.UNCHECKED and (options.row_column or options.file_column):
        raise InvalidArgument(
            "file_column and row_column need checked rows; on_conflict='unchecked' loads fields as they are"
        )


_FLAGS = {
    "atomic": True, "allow_empty": False, "force": False, "hash_whole_file": False, "create": False, "purge": False,
    "validate": False,
}  # fmt: skip


def check_known(given: Iterable[str], known: Iterable[str]) -> None:
    """Check that options are known.

    Raises:
        InvalidArgument: one is unknown; the message suggests the nearest known one.
    """
    names = tuple(known)
    for name in given:
        if name not in names:
            shortened = [known for known in names if len(known) > 2 and name.startswith(known)]  # "separator": "sep"
            near = shortened or get_close_matches(name, names, 1, 0.5)
            hint = f"did you mean {show(near[0])}?" if near else f"the options are {', '.join(names)}"
            raise InvalidArgument(f"there is no option {show(name)}; {hint}")


def with_aliases(
    explicit: Mapping[str, Any], defaults: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Replace aliases by the names that they stand for.

    Args:
        explicit: the format's options as given, by name.
        defaults: their default values.
        options: the other options, with aliases among them.

    Returns:
        The format's options, and the other options without aliases.

    Raises:
        InvalidArgument: an option is given twice, or the format does not have it.
    """
    found, others = dict(explicit), dict(options)
    for alias, name in ALIASES.items():
        if alias not in others:
            continue
        if name not in found:
            raise InvalidArgument(f"{alias} has no meaning for this format")
        if found[name] != defaults.get(name):
            raise InvalidArgument(f"{alias} and {name} are two names of one option; give one of them")
        found[name] = others.pop(alias)
    for hint in HINTS:
        others.pop(hint, None)
    return found, others


def check_choice(value: T, known: Sequence[T], what: str) -> T:
    """Return *value* if it is one of the known ones.

    Raises:
        InvalidArgument: it is another.
    """
    if value not in known:
        raise InvalidArgument(f"{what}={show(value)} must be one of {', '.join(map(repr, known))}")
    return value


def _conflict(given: object) -> tuple[Conflict | None, tuple[str, ...]]:
    if given is None:
        return None, ()
    if isinstance(given, str):
        return Conflict(check_choice(given, [str(known) for known in Conflict], "on_conflict")), ()
    if isinstance(cast("Any", given), Sequence) and given:
        names = cast("Sequence[str]", given)
        return Conflict.UPDATE, tuple(check_text(name, "on_conflict") for name in names)
    raise InvalidArgument(
        f"on_conflict={show(given)} must be one of {', '.join(repr(str(known)) for known in Conflict)}, or the"
        " list of columns to update"
    )


def _column(name: str | None, what: str) -> str | None:
    if name is not None and not check_text(name, what):
        raise InvalidArgument(f"{what} must be a column's name, got an empty text")
    return name


def _types(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"dtype={show(given)} must be a dict of columns and SQL types")
    return tuple((name, sql_type(written, f"dtype[{show(name)}]")) for name, written in given.items())


def _bytes(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"max_unpacked_bytes must be a positive number of bytes, got {show(value)}")
    return value


def _concurrency(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CONCURRENCY:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"concurrency={show(value)} must be a number of files, from 1 to {MAX_CONCURRENCY}")
    return value


def _max_errors(value: float | None) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"max_errors={show(value)} must be a number of rows, or a share such as 0.01")
    if isinstance(value, float) and value > 1:
        raise InvalidArgument(
            f"max_errors={show(value)} is a share and must be from 0.0 to 1.0; give an int for a number"
        )
    return value


def _progress(value: Progress) -> Progress:
    if not isinstance(value, bool) and not callable(value):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"progress={show(value)} must be True, False, or a function that takes an event")
    return value
