"""Data that the client has, as pieces of bytes: paths, bytes, files of every kind, iterables, blocking or not."""

import bz2
import codecs
import errno
import gzip
import hashlib
import inspect
import io
import lzma
import os
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import IO, Any, Protocol, TypeAlias, cast

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.machine import LocalPath, Machine
from matrixone_core.messages import show
from matrixone_core.steps import Chunks

PIECE = 1024 * 1024  # bytes or characters read at a time
JOINED = 64 * 1024  # bytes, at least, of which small pieces are made
DATA_MARKS = ",\n\r\0{["  # what paths have seldom, and data always


class AsyncFile(Protocol):
    """A file whose `read` is awaited: of aiofiles or anyio, an UploadFile, a StreamReader."""

    async def read(self, size: int, /) -> bytes | str:
        """Up to *size* bytes or characters; none at the end."""
        ...


# a path, bytes, an open file, or what gives the data piece by piece (what is awaited to AsyncClient only)
Data: TypeAlias = (
    LocalPath | bytes | bytearray | memoryview | IO[bytes] | IO[str] | AsyncFile | Iterable[bytes]
    | Iterable[str] | AsyncIterable[bytes] | AsyncIterable[str]
)  # fmt: skip
_DECOMPRESSING = (gzip.GzipFile, bz2.BZ2File, lzma.LZMAFile)
_PLAIN_FILES = (io.FileIO, io.BufferedReader, io.BufferedRandom, io.BytesIO)
_KINDS = (
    "give a path, bytes, an open file, or an iterable of bytes or str; CSV text by io.StringIO(text), frames and lists"
    " of dicts by read_arrow"
)


def name_of(data: object) -> str:
    """Name data in messages and reports: its path, its file's name, or its type."""
    if isinstance(data, str | os.PathLike):
        return os.fsdecode(data)  # pyright: ignore[reportUnknownArgumentType]  # a path of any type
    upload = not isinstance(data, io.IOBase) and hasattr(data, "filename")  # whose `name` is its form field's
    name = getattr(data, "filename" if upload else "name", None)
    return name if isinstance(name, str) and name else f"<{type(data).__name__}>"


def compressed_name_of(data: object) -> str:
    """Return the name whose suffix says how the bytes of `chunks_of` are compressed.

    Empty where they are not, whatever the name: what `gzip.open` returns decompresses, and a text file has text.
    """
    return "" if isinstance(data, (*_DECOMPRESSING, io.TextIOBase)) else name_of(data)


def length_of(data: object, machine: Machine) -> int | None:
    """Count the bytes that there are to read; None where that is not known.

    Raises:
        InvalidArgument: the data is a str that is no path but looks like data.
        OSError: its file cannot be found.
    """
    if isinstance(data, str | os.PathLike):
        size: int | None = _with_path(cast("LocalPath", data), machine, machine.size)
        return size
    if isinstance(data, memoryview):
        return data.nbytes
    if isinstance(data, bytes | bytearray):
        return len(data)
    size = getattr(data, "size", None)
    if isinstance(size, int) and hasattr(data, "filename"):
        return size  # an UploadFile
    if isinstance(data, _PLAIN_FILES) and data.seekable():
        place = data.tell()
        end = data.seek(0, os.SEEK_END)
        data.seek(place)
        return end - place
    return None


def is_rereadable(data: object, machine: Machine) -> bool:
    """Whether `chunks_of` gives all of the data each time that it is called."""
    if isinstance(data, str | os.PathLike):
        return machine.is_file(cast("LocalPath", data))  # a pipe is read once
    return isinstance(data, bytes | bytearray | memoryview | list | tuple)


def chunks_of(data: Data, machine: Machine, encoding: str = "utf-8") -> Chunks:
    """Return the data piece by piece, in pieces of some MiB where its own are not larger.

    A str is a path, always. A file is read from where it is; one that was opened by its path is closed at the end.

    Args:
        data: the data. Pieces of an iterable are joined as they are: a str without a line end is no line.
        machine: opens a path.
        encoding: what text is encoded in: the encoding that the load then decodes bytes from.

    Returns:
        An iterator; an asynchronous one where the data can only be awaited. Errors come when it is read: OSError of
        files, LoadFailed where compressed data or text is not what it should be, InvalidArgument where a piece is
        neither bytes nor text.

    Raises:
        InvalidArgument: the data is nothing that can be read.
    """
    if isinstance(data, str | os.PathLike):
        return _chunks_of_path(data, machine)
    if isinstance(data, bytes | bytearray | memoryview):
        return _chunks_of_bytes(memoryview(data))
    to_bytes = _Encoder(name_of(data), encoding)
    read: Any = getattr(data, "read", None)
    if callable(read):
        if getattr(data, "closed", False) is True:
            raise InvalidArgument(f"{name_of(data)} is closed; give it open, or give its path")
        if not inspect.iscoroutinefunction(read):
            return _chunks_of_file(data, read, to_bytes)
        blocking: Any = getattr(getattr(data, "file", None), "read", None)
        if callable(blocking) and not inspect.iscoroutinefunction(blocking):
            return _chunks_of_file(data, blocking, to_bytes)  # an UploadFile: both clients read the file that it has
        return _chunks_of_async_file(data, read, to_bytes)
    if isinstance(data, AsyncIterable):
        return _async_chunks(cast("AsyncIterable[object]", data), to_bytes)
    if isinstance(data, list | tuple):
        _refuse_paths(cast("Sequence[object]", data), machine)
    if isinstance(data, Iterable) and not _is_table(data):
        return _join(map(to_bytes, cast("Iterable[object]", data)))
    raise InvalidArgument(f"{type(data).__name__} cannot be read as a file: {_KINDS}")


def _refuse_paths(data: Sequence[object], machine: Machine) -> None:
    """Refuse a list of paths: its texts would be loaded as pieces of one file."""
    for item in data[:1]:
        named = isinstance(item, str) and (item.startswith("stage://") or machine.is_file(item))
        if named or isinstance(item, os.PathLike):
            raise InvalidArgument(
                f"a list has the pieces of one file, and {show(os.fspath(cast('LocalPath', item)))} is a path: load "
                "each file by a call of its own, in a session if all of them or none are to be loaded; read_csv_stage "
                "and its relatives take a list of a stage's files"
            )


def begin_with(pieces: Iterable[bytes], chunks: Chunks) -> Chunks:
    """Return chunks with pieces before them that were read of them already."""
    return _begin_async(pieces, chunks) if isinstance(chunks, AsyncIterator) else chain(pieces, chunks)


async def _begin_async(pieces: Iterable[bytes], chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    async for chunk in chunks:
        yield chunk


def _is_table(data: object) -> bool:
    """Whether iterating over data gives names or values of columns, or no order."""
    return isinstance(data, Mapping | AbstractSet) or hasattr(data, "__arrow_c_stream__") or hasattr(data, "__array__")


class _Encoder:
    """Turns pieces of data into bytes.

    Args:
        name: what the data is called in messages.
        encoding: what text is encoded in.
    """

    def __init__(self, name: str, encoding: str) -> None:
        self._name = name
        self._encoding = encoding
        self._encoder = codecs.getincrementalencoder(encoding)()

    def __call__(self, piece: object) -> bytes:
        if isinstance(piece, bytes):
            return piece
        if isinstance(piece, str):
            return self._encode(piece)
        if isinstance(piece, bytearray):
            return bytes(piece)
        if isinstance(piece, memoryview):
            return cast("memoryview[int]", piece).tobytes()
        if inspect.iscoroutine(piece):
            piece.close()
        raise InvalidArgument(f"{self._name} gives {type(piece).__name__} where bytes or str are wanted: {_KINDS}")

    def _encode(self, text: str) -> bytes:
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            code = ord(text[error.start])
            remedy = "half a character" if 0xD800 <= code <= 0xDFFF else f"not in {self._encoding}; leave encoding= out"
            raise LoadFailed(f"the text of {self._name} has U+{code:04X}, which is {remedy}") from None


def _with_path(path: LocalPath, machine: Machine, call: "Callable[[LocalPath], Any]") -> Any:
    """What a call gives for a path; a str that is data instead gets an error of its own."""
    try:
        return call(path)
    except (OSError, ValueError) as error:
        is_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
        if not isinstance(path, str) or machine.exists(path):
            raise
        if not (is_long or any(mark in path for mark in DATA_MARKS)):
            raise
    raise InvalidArgument(f"a str is a path, and there is no file {show(path)}: give text by io.StringIO(text)")


def _chunks_of_path(path: LocalPath, machine: Machine) -> Iterator[bytes]:
    with open_path(path, machine) as file:
        while piece := file.read(PIECE):
            yield piece


def open_path(path: LocalPath, machine: Machine) -> io.BufferedReader:
    """Open a file of the client's to read it.

    Raises:
        InvalidArgument: the path is a str that looks like data.
        OSError: the file cannot be opened.
    """
    file: io.BufferedReader = _with_path(path, machine, machine.open)
    return file


def _chunks_of_bytes(data: memoryview) -> Iterator[bytes]:
    flat = data.cast("B") if data.c_contiguous else memoryview(data.tobytes())
    for at in range(0, len(flat), PIECE):
        yield bytes(flat[at : at + PIECE])


def _chunks_of_file(data: object, read: "Callable[[int], object]", to_bytes: _Encoder) -> Iterator[bytes]:
    while True:
        try:
            piece = read(PIECE)
        except _read_errors(data) as error:
            raise LoadFailed(f"{name_of(data)} cannot be read: {error}") from None
        chunk = to_bytes(piece)
        if not piece:
            return
        yield chunk


async def _chunks_of_async_file(data: object, read: Any, to_bytes: _Encoder) -> AsyncIterator[bytes]:
    while True:
        try:
            piece = await read(PIECE)
        except _read_errors(data) as error:
            raise LoadFailed(f"{name_of(data)} cannot be read: {error}") from None
        chunk = to_bytes(piece)
        if not piece:
            return
        yield chunk


def _read_errors(data: object) -> tuple[type[Exception], ...]:
    """The errors that mean that a file's content is not what it should be."""
    always = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, UnicodeDecodeError)
    decompresses = isinstance(getattr(data, "buffer", data), _DECOMPRESSING)
    return (*always, OSError) if decompresses else always  # bz2 has no error of its own


class _Joiner:
    """Joins small pieces, such as a line each: a piece costs a call in a worker thread under asyncio."""

    def __init__(self) -> None:
        self._block = bytearray()

    def add(self, piece: bytes) -> bytes:
        """Take a piece; return those until now once they are long enough, else none."""
        self._block += piece
        return self.take() if len(self._block) >= JOINED else b""

    def take(self) -> bytes:
        """Return what is left."""
        block = bytes(self._block)
        self._block.clear()
        return block


def _join(pieces: Iterable[bytes]) -> Iterator[bytes]:
    joiner = _Joiner()
    yield from filter(None, map(joiner.add, pieces))
    if rest := joiner.take():
        yield rest


async def _async_chunks(data: AsyncIterable[object], to_bytes: _Encoder) -> AsyncIterator[bytes]:
    joiner = _Joiner()
    async for piece in data:
        if block := joiner.add(to_bytes(piece)):
            yield block
    if rest := joiner.take():
        yield rest


def digest_of_file(path: str, machine: Machine, *, whole: bool) -> tuple[int, bytes]:
    """Return a file's length, and what identifies its content.

    Args:
        path: the file.
        machine: opens it.
        whole: whether all of it is read, for a SHA-256; else it is a MiB of each end, as it is.
    """
    with machine.open(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if whole:
            return size, hashlib.file_digest(file, "sha256").digest()
        first = file.read(PIECE)
        file.seek(max(size - PIECE, 0))
        return size, first + file.read(PIECE)
