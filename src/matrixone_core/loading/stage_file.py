"""A stage's file that is read here, by statements that give pieces of it (server-facts 31)."""

from collections.abc import Iterator, Sequence
from functools import partial
from tempfile import TemporaryFile
from typing import Any

from matrixone_core.loading import arrow
from matrixone_core.loading.compression import Decompressor, compression_of
from matrixone_core.operation import Blocking, NextChunk, Op
from matrixone_core.sql.files import PIECE
from matrixone_core.sql.load import Format, Parquet
from matrixone_core.stage_files import read

PIECES = 16  # in one statement; one in the first, as most files that are read here are small
AT_ONCE = 32  # places that one statement looks at


class Pieces:
    """A file, decompressed, piece by piece.

    Args:
        url: its `stage://` URL.
        form: how it is written.
    """

    def __init__(self, url: str, form: Format) -> None:
        self._url = url
        self._offset = 0
        self._ended = False
        self._decompressor = Decompressor(compression_of(form, url), url)

    def next(self) -> Op[bytes | None]:
        """The next piece, or None at the end.

        Raises:
            LoadFailed: the file is not compressed as was said, or ends early.
        """
        if self._ended:
            return None
        pieces = PIECES if self._offset else 1
        found = yield from read(self._url, self._offset, pieces)
        self._ended = len(found) < pieces * PIECE
        self._offset += len(found)
        data = self._decompressor.feed(found)
        return data + self._decompressor.finish() if self._ended else data


class ParquetPieces:
    """The rows of a Parquet file as CSV, piece by piece; the file is kept on the disk meanwhile.

    Args:
        url: its `stage://` URL.
        names: the columns to take.
    """

    def __init__(self, url: str, names: Sequence[str | None]) -> None:
        self._url = url
        self._names = tuple(filter(None, names))
        self._rows: Iterator[bytes] | None = None

    def next(self) -> Op[bytes | None]:
        """The next rows, or None at the end.

        Raises:
            NotSupported: pyarrow is not installed.
            InvalidArgument: it is no Parquet file, or has not got the columns.
        """
        if self._rows is None:
            self._rows = _rows_of((yield from _fetched(self._url)), self._url, self._names)
        return (yield from NextChunk(self._rows))


def _fetched(url: str) -> Op[Any]:
    """A copy of a file, to be closed."""
    file: Any = yield from Blocking(TemporaryFile)
    try:
        pieces = Pieces(url, Parquet())
        while (piece := (yield from pieces.next())) is not None:
            yield from Blocking(partial(file.write, piece))
    except BaseException:
        file.close()
        raise
    return file


def _rows_of(file: Any, url: str, names: Sequence[str]) -> Iterator[bytes]:
    with file:
        reader = arrow.parquet_reader(file, url)
        yield from arrow.csv_of(reader, arrow.names_of(reader, names, url))


def bytes_of(url: str, begin: int, end: int) -> Op[bytes]:
    """The bytes between two places in a file; fewer, if it ends before."""
    found = b""
    while begin + len(found) < end:
        piece = yield from read(url, begin + len(found))
        if not piece:
            break
        found += piece
    return found
