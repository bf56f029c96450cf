"""The beginning of a file: its header, and what is in its first rows."""

import bz2
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.loading.csv_rows import CsvRows
from matrixone_core.operation import Op
from matrixone_core.sql.files import ReadFile
from matrixone_core.sql.load import Csv, Format

SUFFIXES = {".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2"}


def compression_of(form: Format, path: str) -> str:
    """How a file is compressed: as told, or as its suffix says."""
    if form.compression is not None:
        return form.compression
    return next((name for suffix, name in SUFFIXES.items() if path.lower().endswith(suffix)), "none")


def decompressing(compression: str) -> Callable[[bytes], bytes]:
    """A function that decompresses a file piece by piece; one with several members or streams in it, too."""
    if compression == "none":
        return lambda piece: piece
    return _Members(lambda: zlib.decompressobj(31) if compression == "gzip" else bz2.BZ2Decompressor())


class _Members:
    def __init__(self, new: Callable[[], Any]) -> None:
        self._new = new
        self._now = new()

    def __call__(self, piece: bytes) -> bytes:
        found = b""
        while piece:
            if self._now.eof:
                self._now = self._new()
            found += self._now.decompress(piece)
            piece = self._now.unused_data if self._now.eof else b""
        return found


def header_of(rows: Sequence[Sequence[str | None]], path: str) -> tuple[str, ...]:
    """The names in a header.

    Raises:
        LoadFailed: there is none, or it names nothing or one thing twice.
    """
    if not rows:
        raise LoadFailed(f"{path} has no header: it ends before it")
    names = tuple((name or "").strip() for name in rows[0])
    if not all(names):
        raise LoadFailed(f"the header of {path} has an empty name: {','.join(names)!r}")
    twice = [name for name in names if [other.lower() for other in names].count(name.lower()) > 1]
    if twice:
        raise LoadFailed(f"the header of {path} names {twice[0]!r} more than once")
    return names


def beginning(form: Csv, data: bytes, count: int, *, whole: bool) -> list[tuple[str | None, ...]]:
    """The first rows of CSV data, header included; lines that are to be ignored are left out.

    Args:
        form: how it is written.
        data: the first of it.
        count: how many rows are wanted.
        whole: whether that is all of it, so that the last line needs no end.
    """
    reader = CsvRows(form)
    rows = [*reader.feed(data), *(reader.finish() if whole else ())]
    return [tuple(field.text for field in row.fields) for row in rows[:count]]


def of_stage(url: str, form: Format) -> Op[tuple[bytes, bool]]:
    """The first of a stage's file, decompressed, and whether that is all of it."""
    piece = yield from ReadFile(url)
    following = yield from ReadFile(url, len(piece)) if piece else _nothing()
    try:
        return decompressing(compression_of(form, url))(piece), not following
    except (zlib.error, OSError) as error:
        raise InvalidArgument(f"{url} is not {compression_of(form, url)}-compressed: {error}") from None


def _nothing() -> Op[bytes]:
    yield from ()
    return b""
