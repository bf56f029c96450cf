"""What a caller may say about an export, checked before anything is sent."""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, Literal, TypeAlias, TypedDict

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.format_options import delimiter_text
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.options import check_choice
from matrixone_core.messages import show
from matrixone_core.names import check_one_character

ExportFormat: TypeAlias = Literal["csv", "jsonline", "parquet"]
FORMATS = ("csv", "jsonline", "parquet")
_BY_SUFFIX = {
    ".csv": "csv", ".jsonl": "jsonline", ".jsonline": "jsonline", ".ndjson": "jsonline", ".json": "jsonline",
    ".parquet": "parquet",
}  # fmt: skip
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_OF_VALUES = re.compile(r"[\w.+:\-\\]")  # what numbers and moments have, which are not in quotes


class StageExportOptions(TypedDict, total=False):
    """The options that every export to a stage has; `export.to_stage` describes them."""

    split_size: int | str | None
    overwrite: bool
    manifest: bool
    count: bool | None
    progress: Callable[[Any], Any] | None
    timeout: float | None


def format_of(given: str | None, file: str, *, server: bool) -> str:
    """The format of a file.

    Args:
        given: what the caller said; None for what the suffix says, CSV where it says nothing.
        file: the file's path or name.
        server: whether the server writes it, which refuses a suffix of another format and compresses nothing.

    Raises:
        InvalidArgument: it is not known, or the suffix says another one.
    """
    compression = compression_of(None, file)
    if server and compression != "none":
        raise InvalidArgument(
            f"file={show(file)} would be compressed, and the server compresses no file; omit its suffix"
        )
    path = PurePath(file)
    by_suffix = _BY_SUFFIX.get((path.suffix if compression == "none" else PurePath(path.stem).suffix).lower())
    if given is None:
        return by_suffix or "csv"
    known = check_choice(given, FORMATS, "format")
    if by_suffix is not None and by_suffix != known:
        raise InvalidArgument(f"format={show(known)} does not match {show(file)}, which is {by_suffix} by its suffix")
    return known


def split_size_of(given: int | str | None) -> int | None:
    """The size in bytes at which another file begins.

    Raises:
        InvalidArgument: it is none.
    """
    if given is None:
        return None
    found = re.fullmatch(r"(\d+) *([KMG]?)B?", str(given).upper()) if isinstance(given, int | str) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if size < 1:
        raise InvalidArgument(f"split_size={show(given)} must be a number of bytes, or a text such as '64MB'")
    return size


def delimiter_of(given: str) -> str:
    """A delimiter that no number has.

    Raises:
        InvalidArgument: it cannot separate fields.
    """
    found = delimiter_text(given)
    if _OF_VALUES.search(found):
        raise InvalidArgument(
            f"delimiter={show(given)} may be in numbers and dates, which are not in quotes; use another"
        )
    return found


def quote_of(given: str, delimiter: str) -> str:
    """A quote.

    Raises:
        InvalidArgument: it cannot be one.
    """
    found = check_one_character(given, "quote")
    if found in delimiter or found == "\\":
        raise InvalidArgument(f"quote={show(given)} cannot be the delimiter or a backslash")
    return found


def progress_of(given: object) -> Callable[[Any], Any] | None:
    """A function that is given events, or None.

    Raises:
        InvalidArgument: it is no function.
    """
    if given is not None and not callable(given):
        raise InvalidArgument(f"progress={show(given)} must be a function, which is given each ExportProgress")
    return given


def load_options_of_csv(
    columns: Sequence[str], *, header: bool, delimiter: str, quote: str, escape: str | None, line_terminator: str
) -> dict[str, Any]:
    """The options with which a load reads CSV that was written so."""
    names: dict[str, Any] = {"header": "match"} if header else {"columns": list(columns)}
    found = {**names, "delimiter": delimiter, "quote": quote, "escape": escape}
    return found if line_terminator == "\n" else {**found, "line_terminator": line_terminator}
