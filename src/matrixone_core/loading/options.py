"""What a caller may say about a load, checked before anything is sent."""

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, cast

from matrixone_core import literals
from matrixone_core.errors import InvalidArgument
from matrixone_core.settings import time_limit
from matrixone_core.sql.load import Csv, JsonLines
from matrixone_core.sql.staging import Conflict

T = TypeVar("T")

COMPRESSIONS = ("none", "gzip", "bz2")
LINE_ENDS = ("\n", "\r\n")
LOCKS = ("auto", "rows", "table")
MOST_AT_ONCE = 64  # of 151 connections that a server has by default (server-facts 46)

OnConflict: TypeAlias = Literal["error", "skip", "replace", "update", "unchecked"]
Lock: TypeAlias = Literal["auto", "rows", "table"]
Columns: TypeAlias = Sequence[str | None]
Progress: TypeAlias = bool | Callable[[Any], Any]


class LoadOptions(TypedDict, total=False):
    """What every load can be told, by name.

    Args:
        on_conflict: what becomes of a row whose primary or unique key is there already, or twice in a file: `error`
            (the default) fails the load, `skip` leaves it out, `replace` and `update` give it the old one's place or
            columns (a list of columns updates these), `unchecked` stores it all the same.
        lock: `rows` locks only the rows that are loaded, `table` may lock all keys of the table, `auto` chooses a way
            that locks rows.
        atomic: whether all files are loaded or none (the default); False takes each by itself.
        concurrency: how many files are read at once, 1 to 64; 4 by default.
        allow_empty: whether a pattern may match nothing.
        on_error: `abort` (the default) fails the load at a row that does not fit, `skip` leaves it out.
        max_errors: with `skip`, how many may be left out: an int for a number, a float for a share; None for any.
        rejects: with `skip`, the table that they are put into, made if need be: `table` or `database.table`.
        once: True leaves out a file that was loaded before; a text is the key to know it by.
        force: with `once`, load it all the same.
        whole_content: with `once`, know a file by all that is in it, not only by a MiB at each end.
        ledger: with `once`, the database that the ledger is in; the table's by default.
        progress: True shows a bar on a terminal; a function is given `LoadEvent`s, and what it returns is awaited
            where it can be.
        timeout: seconds that each statement of the load may take; the client's `timeout` by default.
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
    whole_content: bool
    ledger: str | None
    progress: Progress
    timeout: float | None


class FormatOptions(TypedDict, total=False):
    """How a file is written; not every format has every option."""

    ignore_lines: int
    delimiter: str
    quote: str
    escape: str | None
    line_terminator: str | None
    compression: str | None
    shape: Literal["object", "array"]


class PlanOptions(FormatOptions, LoadOptions, total=False):
    """All that a load from a stage can be told."""

    header: Literal["match"] | None
    columns: Columns | None
    null_values: str | Sequence[str] | None
    set: Mapping[str, str] | None


@dataclass(frozen=True)
class Options:
    """`LoadOptions`, checked.

    Args:
        conflict: what becomes of rows whose key is there already; None for what suits the table.
        update: the columns to update; none for all.
        lock: which locks may be taken.
        atomic: whether all files are loaded or none.
        concurrency: how many files are read at once.
        allow_empty: whether a pattern may match nothing.
        skip_errors: whether bad rows are left out.
        max_errors: how many may be: a number, a share, or None for any.
        rejects: the table that they are put into.
        once: whether a file is loaded only once; a text is the key to know it by.
        force: load it all the same.
        whole_content: know a file by all that is in it.
        ledger: the database of the ledger; None for the target's.
        progress: whether to show a bar, or what is given the events.
        timeout: seconds that each statement may take.
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
    whole_content: bool = False
    ledger: str | None = None
    progress: Progress = False
    timeout: float | None = None


def checked(told: LoadOptions) -> Options:
    """The options, or what is wrong with them.

    Raises:
        InvalidArgument: one of them cannot be, or is not known.
    """
    unknown = sorted(set(told) - set(LoadOptions.__annotations__))
    if unknown:
        raise InvalidArgument(
            f"there is no option {unknown[0]!r}; the options are {', '.join(LoadOptions.__annotations__)}"
        )
    conflict, update = _conflict(told.get("on_conflict"))
    on_error = one_of(told.get("on_error", "abort"), ("abort", "skip"), "on_error")
    max_errors, rejects = told.get("max_errors"), told.get("rejects")
    if on_error == "abort" and (max_errors is not None or rejects is not None):
        raise InvalidArgument("max_errors and rejects need on_error='skip'")
    once, force = told.get("once", False), told.get("force", False)
    if not isinstance(once, bool | str) or once == "":  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"once={once!r} is to be True, False, or a text to know the file by")
    if force and not once:
        raise InvalidArgument("force=True loads a file again that once=… would skip; it needs once")
    timeout = told.get("timeout")
    return Options(
        conflict,
        update,
        one_of(told.get("lock", "auto"), LOCKS, "lock"),
        flag(told.get("atomic", True), "atomic"),
        _concurrency(told.get("concurrency", 4)),
        flag(told.get("allow_empty", False), "allow_empty"),
        on_error == "skip",
        _max_errors(max_errors),
        None if rejects is None else literals.table_name(literals.checked_text(rejects, "rejects")),
        once,
        flag(force, "force"),
        flag(told.get("whole_content", False), "whole_content"),
        told.get("ledger"),
        _progress(told.get("progress", False)),
        None if timeout is None else time_limit(timeout),
    )


def csv(
    *,
    ignore_lines: int,
    delimiter: str,
    quote: str,
    escape: str | None,
    line_terminator: str | None,
    compression: str | None,
) -> Csv:
    """The way a CSV file is written.

    Raises:
        InvalidArgument: no file can be written so.
    """
    form = Csv(
        _lines(ignore_lines),
        literals.one_character(delimiter, "delimiter"),
        literals.one_character(quote, "quote"),
        None if escape is None else literals.one_character(escape, "escape"),
        None if line_terminator is None else one_of(line_terminator, LINE_ENDS, "line_terminator"),
        None if compression is None else one_of(compression, COMPRESSIONS, "compression"),
    )
    if form.delimiter == form.quote:
        raise InvalidArgument(f"delimiter and quote are both {form.quote!r}")
    if form.delimiter == form.escape:
        raise InvalidArgument(f"delimiter and escape are both {form.escape!r}")
    if form.quote == form.escape:
        raise InvalidArgument(
            f"quote and escape are both {form.escape!r}; a doubled quote is understood without escape"
        )
    return form


def json_lines(shape: str, compression: str | None) -> JsonLines:
    """The way a file of JSON lines is written.

    Raises:
        InvalidArgument: no file can be written so.
    """
    return JsonLines(
        one_of(shape, ("object", "array"), "shape"),
        None if compression is None else one_of(compression, COMPRESSIONS, "compression"),
    )


def columns(given: Columns | None) -> tuple[str | None, ...]:
    """The columns that fields go to.

    Raises:
        InvalidArgument: that cannot be.
    """
    if isinstance(given, str):
        raise InvalidArgument(f"columns={given!r} is one text; give a list of names")
    names = tuple(given or ())
    for name in names:
        if name is not None and (not isinstance(name, str) or not name or name.startswith("@")):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise InvalidArgument(f"columns has {name!r} in it; give a column's name, or None to skip a field")
    if names and all(name is None for name in names):
        raise InvalidArgument("columns names no column at all")
    lower = [name.lower() for name in names if name is not None]
    twice = {name for name in lower if lower.count(name) > 1}
    if twice:
        raise InvalidArgument(f"columns names {', '.join(sorted(twice))} more than once")
    return names


def nulls(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The texts that mean NULL.

    Raises:
        InvalidArgument: one of them is no text.
    """
    texts = (given,) if isinstance(given, str) else tuple(given or ())
    return tuple(literals.checked_text(text, "null_values") for text in texts)


def assignments(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The columns that expressions go to.

    Raises:
        InvalidArgument: one of them has no text.
    """
    if given is not None and not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"set={given!r} is to be a dict of columns and SQL expressions")
    pairs = tuple((given or {}).items())
    for column, expression in pairs:
        if not column or not literals.checked_text(expression, f"set[{column!r}]").strip():
            raise InvalidArgument(f"set={given!r} has an empty column or expression")
    return pairs


def encoding(name: str | None) -> str | None:
    """An encoding that Python knows.

    Raises:
        InvalidArgument: it knows none of the name.
    """
    try:
        return None if name is None else codecs.lookup(name).name
    except LookupError:
        raise InvalidArgument(f"encoding={name!r} is none that Python knows; such as 'utf-8', 'latin-1'") from None


def flag(value: bool, what: str) -> bool:
    """*value*, if it is True or False."""
    if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={value!r} is to be True or False")
    return value


def one_of(value: T, known: Sequence[T], what: str) -> T:
    """*value*, if it is one of those known."""
    if value not in known:
        raise InvalidArgument(f"{what}={value!r} is to be one of {', '.join(map(repr, known))}")
    return value


def _conflict(given: object) -> tuple[Conflict | None, tuple[str, ...]]:
    if given is None:
        return None, ()
    if isinstance(given, str):
        return Conflict(one_of(given, [str(known) for known in Conflict], "on_conflict")), ()
    if isinstance(given, Sequence) and given:
        return Conflict.UPDATE, tuple(
            literals.checked_text(name, "on_conflict") for name in cast("Sequence[str]", given)
        )
    raise InvalidArgument(
        f"on_conflict={given!r} is to be one of {', '.join(repr(str(known)) for known in Conflict)}, or the list of"
        " columns to update"
    )


def _lines(ignore_lines: int) -> int:
    if not isinstance(ignore_lines, int) or ignore_lines < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"ignore_lines={ignore_lines!r} is to be a number of lines, zero or more")
    return int(ignore_lines)


def _concurrency(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_AT_ONCE:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"concurrency={value!r} is to be a number of files, from 1 to {MOST_AT_ONCE}")
    return value


def _max_errors(value: float | None) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"max_errors={value!r} is to be a number of rows, or a share such as 0.01")
    if isinstance(value, float) and value > 1:
        raise InvalidArgument(f"max_errors={value!r} is a share, and to be from 0.0 to 1.0; give an int for a number")
    return value


def _progress(value: Progress) -> Progress:
    if not isinstance(value, bool) and not callable(value):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"progress={value!r} is to be True, False, or a function that is given events")
    return value
