"""How a file is written and what its fields mean, as a caller says it; checked before anything is sent."""

import codecs
from collections.abc import Iterable, Mapping, Sequence

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.options import Columns, check_choice
from matrixone_core.messages import show
from matrixone_core.names import check_one_character, check_text, check_texts
from matrixone_core.setting_checks import flag, whole_number
from matrixone_core.sql.load import Csv, JsonLines

COMPRESSIONS = ("none", "gzip", "bz2")
LINE_ENDS = ("\n", "\r\n", "\r")


def csv(
    *,
    ignore_lines: int,
    delimiter: str,
    quote: str,
    escape: str | None,
    line_terminator: str | None,
    compression: str | None,
    trailing_delimiter: bool = False,
) -> Csv:
    """How a CSV file is written, checked.

    Raises:
        InvalidArgument: no file can be written so.
    """
    form = Csv(
        check_line_count(ignore_lines),
        delimiter_text(delimiter),
        check_one_character(quote, "quote"),
        None if escape is None else check_one_character(escape, "escape"),
        None if line_terminator is None else check_choice(line_terminator, LINE_ENDS, "line_terminator"),
        None if compression is None else check_choice(compression, COMPRESSIONS, "compression"),
        flag(trailing_delimiter, "trailing_delimiter"),
    )
    if form.delimiter == form.quote:
        raise InvalidArgument(f"delimiter and quote are both {show(form.quote)}")
    if form.delimiter == form.escape:
        raise InvalidArgument(f"delimiter and escape are both {show(form.escape)}")
    if form.quote == form.escape:
        raise InvalidArgument(
            f"quote and escape are both {show(form.escape)}; a doubled quote is understood without escape"
        )
    return form


def json_lines(shape: str, compression: str | None, base64: Sequence[str]) -> JsonLines:
    """How a file of JSON lines is written, checked.

    Raises:
        InvalidArgument: no file can be written so.
    """
    return JsonLines(
        check_choice(shape, ("object", "array"), "shape"),
        None if compression is None else check_choice(compression, COMPRESSIONS, "compression"),
        _names(base64, "base64"),
    )


def _names(given: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise InvalidArgument(f"{what}={show(given)} is one text; give a list of names")
    return check_texts(given, what)


def columns(given: Columns | None) -> tuple[str | None, ...]:
    """The columns that fields go to.

    Raises:
        InvalidArgument: that cannot be.
    """
    if isinstance(given, str):
        raise InvalidArgument(f"columns={show(given)} is one text; give a list of names")
    if given is not None and (isinstance(given, Mapping) or not isinstance(given, Iterable)):  # pyright: ignore[reportUnnecessaryIsInstance]  # as below
        raise InvalidArgument(f"columns={show(given)} must be a list of names")
    names = tuple(given or ())
    for name in names:
        if name is not None and (not isinstance(name, str) or not name):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise InvalidArgument(f"columns has {show(name)} in it; give a column's name, or None to skip a field")
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
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    return check_texts(given, "null_values", or_one=True)


def assignments(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The columns that expressions go to.

    Raises:
        InvalidArgument: one of them has no text.
    """
    if given is not None and not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"set={show(given)} must be a dict of columns and SQL expressions")
    pairs = tuple((given or {}).items())
    for column, expression in pairs:
        if not column or not check_text(expression, f"set[{show(column)}]").strip():
            raise InvalidArgument(f"set={show(given)} has an empty column or expression")
    return pairs


def encoding(name: str | None) -> str | None:
    """An encoding that Python knows.

    Raises:
        InvalidArgument: it knows none of the name.
    """
    return None if name is None else check_encoding(name)


def check_encoding(name: str) -> str:
    """Python's name of an encoding.

    Raises:
        InvalidArgument: Python knows no such one.
    """
    try:
        return codecs.lookup(check_text(name, "encoding")).name
    except (LookupError, ValueError):  # the latter for what can be in no name
        raise InvalidArgument(f"encoding={show(name)} is none that Python knows; such as 'utf-8', 'latin-1'") from None


def delimiter_text(value: str) -> str:
    """A text between fields, checked.

    Raises:
        InvalidArgument: it cannot be one.
    """
    text = check_text(value, "delimiter")
    if not text or not text.isascii() or set(text) & set("\r\n\0"):
        raise InvalidArgument(
            f"delimiter={show(value)} cannot be used; it must be ASCII characters, none of which ends a line"
        )
    return text


def check_line_count(ignore_lines: int) -> int:
    """How many lines are ignored, checked."""
    return whole_number(ignore_lines, "ignore_lines", "lines")
