"""What happens to data before it is sent: decompressed, decoded, split into rows, written again where need be.

All of it blocks and takes time, so that the asyncio side runs it in a worker thread.
"""

import codecs
from collections.abc import Iterator
from typing import NoReturn, Protocol

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.compression import Decompressor
from matrixone_core.loading.formats.csv import BOM, LineIndex, RegularLines, Row, to_csv, with_end
from matrixone_core.loading.rejects import Rejects
from matrixone_core.results import BadRow


class Decoder:
    """Decompresses data and makes UTF-8 of it, without a byte order mark.

    Args:
        name: what the data is called.
        compression: `none`, `gzip` or `bz2`.
        encoding: what the text is written in; None for bytes that are taken as they are.
    """

    def __init__(self, name: str, compression: str, encoding: str | None) -> None:
        self._name = name
        self._decompressor = Decompressor(compression, name)
        self._encoding = encoding
        self._decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)()
        self._is_utf8 = encoding == "utf-8"
        self._lines = 0
        self._begin: bytes | None = b""  # until it is seen whether it is a byte order mark

    def feed(self, piece: bytes | None) -> bytes:
        """The text of a piece; given None, what is left at the end.

        Raises:
            LoadFailed: the data is not compressed or encoded as was said.
        """
        if piece is None:
            self._decompressor.finish()
            return self._strip_mark(self._decode(b"", last=True), last=True)
        texts = (self._decode(data, last=False) for data in self._decompressor.feed(piece))
        return b"".join(self._strip_mark(text, last=False) for text in texts)

    def _decode(self, data: bytes, *, last: bool) -> bytes:
        if self._decoder is None:
            return data
        try:
            text = self._decoder.decode(data, last)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            reason = f"byte 0x{error.object[error.start]:02x} is not {self._encoding}"
            raise_bad_row(BadRow(self._name, line, None, None, reason))
        found = data if self._is_utf8 else text.encode()
        self._lines += found.count(b"\n")
        return found

    def _strip_mark(self, data: bytes, *, last: bool) -> bytes:
        if self._begin is None:
            return data
        self._begin += data
        if len(self._begin) < len(BOM) and not last:
            return b""
        found, self._begin = self._begin.removeprefix(BOM), None
        return found


class RowReader(Protocol):
    """Splits data that comes piece by piece into rows."""

    def feed(self, data: bytes, /) -> Iterator[Row | RegularLines]:
        """What is complete now."""
        ...

    def finish(self) -> Iterator[Row | RegularLines]:
        """The last row, if it has no end."""
        ...


class Transform:
    """Makes of data what is sent: rows, with those left out that cannot be read.

    Args:
        name: what the data is called.
        decoder: makes text of it; None where it is text already.
        reader: splits it into rows; None to send it as it is.
        fields: how many fields a row must have.
        delimiter: of rows of CSV that are sent as they are; None to write them anew, in the canonical form.
        rejects: collects bad rows; None where the first one fails the load.

    Attributes:
        read: the bytes read by now.
        lines: which line each row that was sent began in.
    """

    def __init__(
        self,
        name: str,
        decoder: Decoder | None,
        reader: RowReader | None,
        fields: int,
        *,
        delimiter: str | None = None,
        rejects: Rejects | None = None,
    ) -> None:
        self._name = name
        self._decoder = decoder
        self._reader = reader
        self._fields = fields
        self._delimiter = delimiter
        self._rejects = rejects
        self.read = 0
        self.lines = LineIndex()

    def __call__(self, piece: bytes | None, /) -> bytes:
        """What is sent for a piece; given None, what is left at the end.

        Raises:
            LoadFailed: a row cannot be read.
        """
        data = self._decode(piece)
        if self._reader is None:
            return data
        sent = [self._write(found) for found in self._reader.feed(data)]
        if piece is None:
            sent += map(self._write, self._reader.finish())
        return b"".join(sent)

    def _decode(self, piece: bytes | None) -> bytes:
        self.read += len(piece or b"")
        return (piece or b"") if self._decoder is None else self._decoder.feed(piece)

    def _write(self, found: Row | RegularLines) -> bytes:
        if isinstance(found, RegularLines):
            self.lines.add(found.line, found.count)
            return found.raw
        reason = found.broken or self._count_problem(found)
        if reason is not None:
            self._refuse(found, reason)
            return b""
        self.lines.add(found.line)
        return to_csv([found.fields]) if self._delimiter is None else with_end(found, self._delimiter)

    def _count_problem(self, row: Row) -> str | None:
        count = len(row.fields)
        if count == self._fields:
            return None
        few = "few" if count < self._fields else "many"
        return f"too {few} fields: {count}, and {self._fields} columns"

    def _refuse(self, row: Row, reason: str) -> None:
        bad = BadRow(self._name, row.line, None, None, reason, format_row(row.raw), row.unit)
        if self._rejects is None:
            raise_bad_row(bad)
        self._rejects.add(bad)


def pass_through(piece: bytes | None) -> bytes:
    """A piece as it is, for data that needs no transform; nothing at the end."""
    return piece or b""


def format_row(raw: str) -> str:
    """A row as messages and tables can have it."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def raise_bad_row(row: BadRow, cause: LoadFailed | None = None) -> NoReturn:
    """Raise the error for a bad row.

    Raises:
        LoadFailed: always.
    """
    error = LoadFailed(
        f"{row}{_header_hint(row)}; no row was loaded",
        code=None if cause is None else cause.code,
        sqlstate=None if cause is None else cause.sqlstate,
        statement=None if cause is None else cause.statement,
    )
    error.row = row
    raise error


def _header_hint(row: BadRow) -> str:
    """What to do where the first line is no row, but names the columns."""
    if row.line == 1 and row.column and row.column.lower() == (row.value or "").strip().lower():
        return "; if line 1 names the columns, give header='match'"
    return ""
