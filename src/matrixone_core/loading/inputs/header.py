"""The beginning of a file: its header, and what is in its first rows."""

from collections.abc import Sequence

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.compression import Decompressor, compression_of
from matrixone_core.loading.formats.csv import BOM, CsvReader, Row
from matrixone_core.messages import show
from matrixone_core.sql.load import Csv, Format
from matrixone_core.stage_files import read
from matrixone_core.steps import Op


def header_of_stage_file(url: str, form: Csv) -> Op[tuple[str, ...]]:
    """The names in a stage file's header.

    Raises:
        LoadFailed: there is none, or it names nothing or one thing twice.
    """
    data, is_all = yield from read_head(url, form)
    return check_header(first_rows(form, data, 1, is_all=is_all), url)


def read_head(url: str, form: Format) -> Op[tuple[bytes, bool]]:
    """The first of a stage's file as text, and whether that is all of it."""
    piece = yield from read(url)
    following = (yield from read(url, len(piece))) if piece else b""
    decompressor = Decompressor(compression_of(form.compression, url), url)
    data = b"".join(decompressor.feed(piece))
    if not following:
        decompressor.finish()
    return data.removeprefix(BOM), not following


def check_header(rows: Sequence[Sequence[str | None]], path: str) -> tuple[str, ...]:
    """The names in a header.

    Raises:
        LoadFailed: there is none, or it names nothing or one thing twice.
    """
    if not rows:
        raise LoadFailed(f"{path} has no header: it ends before it")
    names = tuple((name or "").strip() for name in rows[0])
    if not all(names):
        raise LoadFailed(f"the header of {path} has an empty name: {show(','.join(names))}")
    twice = [name for name in names if [other.lower() for other in names].count(name.lower()) > 1]
    if twice:
        raise LoadFailed(f"the header of {path} names {show(twice[0])} more than once")
    return names


def first_rows(form: Csv, data: bytes, count: int, *, is_all: bool) -> list[tuple[str | None, ...]]:
    """The first rows of CSV data, header included; lines that are to be ignored are left out.

    Args:
        form: how it is written.
        data: the first of it.
        count: how many rows are wanted.
        is_all: whether that is all of it, so that the last line needs no end.
    """
    reader = CsvReader(form)
    rows = [row for row in (*reader.feed(data), *(reader.finish() if is_all else ())) if isinstance(row, Row)]
    return [tuple(field.text for field in row.fields) for row in rows[:count]]
