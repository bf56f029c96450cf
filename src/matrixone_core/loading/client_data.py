"""Data that the client has: where it comes from, and what is made of it on its way."""

import codecs
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, Protocol, TypeAlias, cast

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.loading.compression import Decompressor
from matrixone_core.loading.csv_rows import Field, Row
from matrixone_core.loading.report import BadRow
from matrixone_core.operation import Chunks, NextChunk, Op

# a path, bytes, an open binary file, or what gives bytes piece by piece (the last only to the asyncio client)
Data: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]
)
PIECE = 1024 * 1024  # bytes read at a time


def name_of(data: object) -> str:
    """What data is called in messages and reports."""
    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    name = getattr(data, "name", None)
    return name if isinstance(name, str) else f"<{type(data).__name__}>"


def length_of(data: object) -> int | None:
    """How many bytes there are to read; None where that is not known."""
    if isinstance(data, str | os.PathLike):
        path: str = os.fspath(data)
        return os.stat(path).st_size  # noqa: PTH116  # what the caller gave
    return len(data) if isinstance(data, bytes | bytearray) else None


def chunks_of(data: Data) -> Chunks:
    """The data piece by piece; a file is opened when the first is asked for.

    Raises:
        InvalidArgument: it is nothing of the kind.
    """
    if isinstance(data, str | os.PathLike):
        return _of_path(data)
    if isinstance(data, bytes | bytearray | memoryview):
        return _of_bytes(memoryview(data))
    read: Any = getattr(data, "read", None)
    if callable(read):
        return iter(lambda: _checked(read(PIECE)), b"")
    if isinstance(data, AsyncIterable):
        return _awaited(data)
    if isinstance(data, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        return map(_checked, data)
    raise InvalidArgument(
        f"{type(data).__name__} cannot be read; give a path, bytes, a file opened in binary mode, or an iterator of"
        " bytes"
    )


def _of_path(path: str | os.PathLike[str]) -> Iterator[bytes]:
    with open(path, "rb") as file:  # noqa: PTH123  # what the caller gave
        while piece := file.read(PIECE):
            yield piece


def _of_bytes(data: memoryview) -> Iterator[bytes]:
    plain = data.cast("B") if data.contiguous else memoryview(data.tobytes())
    for at in range(0, len(plain), PIECE):
        yield bytes(plain[at : at + PIECE])


async def _awaited(data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for piece in data:
        yield _checked(piece)


def _checked(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray):
        return bytes(piece)
    if isinstance(piece, memoryview):
        return cast("memoryview[int]", piece).tobytes()
    raise InvalidArgument(
        f"the data gives {type(piece).__name__} where bytes are wanted; open a file in binary mode, encode text"
    )


def sampled(path: str, *, whole: bool) -> tuple[int, bytes]:
    """A file's length, and what is in it: all of it as a digest, or a MiB at each end."""
    with open(path, "rb") as file:  # noqa: PTH123  # what the caller gave
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if whole:
            return size, hashlib.file_digest(file, "sha256").digest()
        first = file.read(PIECE)
        file.seek(max(size - PIECE, 0))
        return size, first + file.read(PIECE)


class Through(Protocol):
    """What becomes of data on its way; given None, what is left at its end."""

    def __call__(self, piece: bytes | None, /) -> bytes:
        """What is to be sent for a piece."""
        ...


class Plain:
    """Data as it is, decompressed and in UTF-8.

    Args:
        name: what it is called.
        compression: `none`, `gzip` or `bz2`.
        encoding: what it is written in; None for bytes that are no text.
    """

    def __init__(self, name: str, compression: str, encoding: str | None) -> None:
        self._name = name
        self._decompressor = Decompressor(compression, name)
        self._decode: Any = None if encoding is None else codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._lines = 0

    def __call__(self, piece: bytes | None, /) -> bytes:
        """The text of a piece, as UTF-8.

        Raises:
            LoadFailed: it is not what it was said to be.
        """
        data = self._decompressor.finish() if piece is None else self._decompressor.feed(piece)
        if self._decode is None:
            return data
        try:
            found: bytes = self._decode.decode(data, piece is None).encode()
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            byte = error.object[error.start]
            row = BadRow(self._name, line, None, None, f"byte 0x{byte:02x} is not {self._encoding}")
            raise bad_row(row) from None
        self._lines += found.count(b"\n")
        return found


class Reader(Protocol):
    """What tells rows apart in data that comes piece by piece."""

    def feed(self, data: bytes, /) -> Iterator[Row]:
        """The rows that are complete now."""
        ...

    def finish(self) -> Iterator[Row]:
        """The last row, if it has no end."""
        ...


class Rewritten:
    """Data read row by row and written as CSV that every server reads alike.

    Args:
        name: what it is called.
        before: what becomes of it before.
        reader: tells the rows apart.
        flaw: what is wrong with a row, or None.
    """

    def __init__(self, name: str, before: Through, reader: Reader, flaw: Callable[[Row], BadRow | None]) -> None:
        self._name = name
        self._before = before
        self._reader = reader
        self._flaw = flaw

    def __call__(self, piece: bytes | None, /) -> bytes:
        """The rows of a piece.

        Raises:
            LoadFailed: one of them cannot be read.
        """
        data = self._before(piece)
        rows = [*self._reader.feed(data), *(self._reader.finish() if piece is None else ())]
        for row in rows:
            if row.broken is not None:
                raise bad_row(BadRow(self._name, row.line, None, None, row.broken, row.raw))
            _check(row, self._flaw)
        return written(rows)


class Seen:
    """Data that is looked at row by row as it passes.

    Args:
        before: what becomes of it before.
        reader: tells the rows apart that are to be looked at.
        flaw: what is wrong with a row, or None.
    """

    def __init__(self, before: Through, reader: Reader, flaw: Callable[[Row], BadRow | None]) -> None:
        self._before = before
        self._reader = reader
        self._flaw = flaw

    def __call__(self, piece: bytes | None, /) -> bytes:
        """The piece as it is.

        Raises:
            LoadFailed: something is wrong with one of the rows.
        """
        data = self._before(piece)
        for row in self._reader.feed(data):
            _check(row, self._flaw)
        for row in self._reader.finish() if piece is None else ():
            _check(row, self._flaw)
        return data


def _check(row: Row, flaw: Callable[[Row], BadRow | None]) -> None:
    found = flaw(row)
    if found is not None:
        raise bad_row(found)


class Held:
    """Data of which the beginning was looked at before the rest is sent.

    Args:
        through: what becomes of it.
    """

    def __init__(self, through: Through) -> None:
        self._through = through
        self.held = b""
        self.read = 0
        self.passed = 0

    def hold(self, piece: bytes | None) -> None:
        """Keep a piece for later."""
        self.read += len(piece or b"")
        self.held += self._through(piece)

    def __call__(self, piece: bytes | None, /) -> bytes:
        """What is to be sent for a piece."""
        self.read += len(piece or b"")
        found, self.held = self.held + self._through(piece), b""
        self.passed += len(found)
        return found


class ClientPieces:
    """Data of the client that is read here, piece by piece.

    Args:
        chunks: the data.
        through: what becomes of it.
    """

    def __init__(self, chunks: Chunks, through: Through) -> None:
        self._chunks = chunks
        self._through = through
        self._ended = False

    def next(self) -> Op[bytes | None]:
        """The next piece, or None at the end."""
        if self._ended:
            return None
        piece = yield from NextChunk(self._chunks)
        self._ended = piece is None
        return self._through(piece)


def written(rows: Sequence[Row]) -> bytes:
    r"""Rows as CSV: each value in quotes, NULL as `\N`."""
    return "".join(f"{','.join(map(_value, row.fields))}\n" for row in rows).encode("utf-8", "surrogateescape")


def _value(field: Field) -> str:
    text = field.text
    if text is None:
        return "\\N"
    if not text and not field.quoted:
        return ""  # NULL, but for text (server-facts 20)
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def bad_row(row: BadRow) -> LoadFailed:
    """The error for a row that does not fit."""
    error = LoadFailed(f"{row}; no row was loaded")
    error.row = row
    return error
