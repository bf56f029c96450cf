"""The beginning of a file: its header, and what is in its first rows."""

from collections.abc import Sequence

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.compression import Decompressor, compression_of
from matrixone_core.loading.csv_rows import CsvRows
from matrixone_core.operation import Op
from matrixone_core.sql.load import Csv, Format
from matrixone_core.stage_files import read


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
    """The first of a stage's file, decompressed, and whether that is all of it.

    Raises:
        LoadFailed: it is not compressed as was said, or ends early.
    """
    piece = yield from read(url)
    following = yield from read(url, len(piece)) if piece else _nothing()
    decompressor = Decompressor(compression_of(form, url), url)
    data = decompressor.feed(piece)
    return (data if following else data + decompressor.finish()), not following


def _nothing() -> Op[bytes]:
    yield from ()
    return b""
