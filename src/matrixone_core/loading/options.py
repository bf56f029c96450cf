"""What a caller may say about a load, checked before anything is sent."""

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
    """The options that every load has, by name.

    Args:
        on_conflict: what happens to a row whose primary or unique key is in the table already, or twice in a file:
            `error` (the default) fails the load, `skip` leaves the row out, `replace` and `update` give it the old
            row's place or columns (a list of columns updates only these), `unchecked` stores it all the same.
        lock: `auto` (the default) is the server's own rule: up to 20,000 rows are locked one by one, more lock the
            table until the commit; `rows` never locks the table, at several times the time; `table` is as `auto`.
        atomic: whether all files are loaded or none (the default); False loads each by itself.
        concurrency: how many files are read at once, 1 to 64; 4 by default.
        allow_empty: whether a pattern may match nothing.
        on_error: `abort` (the default) fails the load at a row that the server refuses, `skip` leaves it out.
        max_errors: with `skip`, how many rows may be left out: an int is a count, a float a share, None any number.
        rejects: with `skip`, the table that they are put into, created if need be: `table` or `database.table`.
        once: True leaves out a file that was loaded before; a text is the key to know it by.
        force: with `once`, load it all the same.
        hash_whole_file: with `once`, know a file by all of its bytes, not only by a MiB at each end.
        ledger_database: with `once`, the database that the ledger is in; the table's by default.
        mode: `append` (the default) adds rows; `replace` empties the table first, in the same transaction; `fail`
            raises if the table has rows.
        extra_columns: columns of the file that the table does not have: `error` (the default), `ignore`, or `add` to
            add them to the table. CSV has names for them with `header` or `columns`. JSON lines and a stage's Parquet
            files are read by the table's names, so that `error` is as `ignore`; `extra_keys` refuses keys of JSON.
        file_column: the column that gets the file's path.
        row_column: the column that gets the row's number in its file, from 1. Rows that cannot be read have none.
        create: whether a table that is not there is created after the data.
        dtype: with `create`, SQL types of columns by name, instead of those that the data suggest.
        purge: whether the stage's files are removed once their rows are committed.
        validate: whether nothing is loaded and every bad row is reported.
        max_unpacked_bytes: how large a Parquet file may become when it is unpacked; 4 GiB by default.
        progress: True shows a bar on a terminal; a function is given each `LoadEvent`, and what it returns is awaited
            where it can be. What it raises once the load has begun is logged.
        timeout: seconds that each statement of the load may take; the client's `timeout` by default.
        sep, quotechar, escapechar, lineterminator, skiprows, names, na_values: pandas' names for `delimiter`, `quote`,
            `escape`, `line_terminator`, `ignore_lines`, `columns`, `null_values`.
        lines, orient, inline, parallel: accepted, and without effect: the load decides these itself.
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
    """How a file is written; not every format has every option."""

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
    """`LoadOptions`, checked; the fields are as described there.

    Args:
        conflict: what happens to rows whose key is in the table already; None for what suits the table.
        update: the columns to update; none for all.
        skip_errors: whether bad rows are left out.
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
    """The options, checked.

    Raises:
        InvalidArgument: one of them cannot be, or is not known.
    """
    check_known(given, LoadOptions.__annotations__)
    conflict, update = _conflict(given.get("on_conflict"))
    on_error = check_choice(given.get("on_error", "abort"), ("abort", "skip"), "on_error")
    max_errors, rejects, once = given.get("max_errors"), given.get("rejects"), given.get("once", False)
    if not isinstance(once, bool | str) or once == "":
        raise InvalidArgument(f"once={show(once)} must be True, False, or a text to know the file by")
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
    """See that no option contradicts another.

    Raises:
        InvalidArgument: one does.
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
    """See that options are known.

    Raises:
        InvalidArgument: one is not; the error names the nearest known one.
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
        defaults: what these are where nothing is said.
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
    """*value*, if it is one of those known."""
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
