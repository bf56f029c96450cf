"""Operations on the files that paths of stages name: all through SQL, so that the client needs no key of the storage.

Writing and removing take effect at once, whatever a transaction becomes (server-facts 14, 71): sessions refuse both.
"""

import codecs
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from glob import escape
from itertools import islice
from pathlib import PurePath
from typing import IO, Any
from uuid import uuid4

from matrixone_core import catalog, patterns
from matrixone_core.errors import InvalidArgument, MatrixOneError, StageFileExists, StageFileNotFound
from matrixone_core.loading.formats.compression import Decompressor, compression_of
from matrixone_core.machine import LocalPath, Machine
from matrixone_core.messages import show
from matrixone_core.names import stage_name
from matrixone_core.sql.files import CopyFile, ListFiles, ListNamed, RemoveFiles, SaveFile
from matrixone_core.stage_files import (
    COPIED_AT_ONCE,
    IN_FLIGHT,
    RANGE,
    count_reached,
    is_there,
    pieces_of,
    put_in_place,
    read_range,
    size_by_probes,
    size_of,
)
from matrixone_core.stage_paths import PureStagePath, check_pattern, target_of
from matrixone_core.steps import Concurrently, GetRuntime, Op, emit, run_in_thread
from matrixone_core.whole_files import write_whole

HEAD = 64 * 1024  # bytes that `head` reads at a time
LARGEST_WRITE = 32_000_000  # bytes; escaped they double, and a statement has 64 MiB (server-facts 71)
BUFFER = 1024 * 1024  # bytes that an open file reads at once
MODES = ("r", "rt", "rb", "w", "wt", "wb", "x", "xt", "xb")
Names = tuple[str, ...]


@dataclass(frozen=True)
class StageFileStat:
    """What is known of a file; SQL shows no time and no ETag (server-facts 31).

    Args:
        size: its length in bytes.
    """

    size: int


@dataclass(frozen=True)
class FileProgress:
    """How far a download or an upload is.

    Args:
        path: the file's `stage://` URL.
        done: bytes until now.
        total: bytes in all.
    """

    path: str
    done: int
    total: int


@dataclass(frozen=True)
class OpenMode:
    """How a file is opened.

    Args:
        reads: whether it is read, or else written.
        overwrites: whether what is written replaces a file.
        binary: whether it has bytes, or else text.
    """

    reads: bool
    overwrites: bool
    binary: bool

    @classmethod
    def parse(cls, mode: str) -> "OpenMode":
        """A mode as Python's `open` takes it.

        Raises:
            InvalidArgument: it cannot be.
        """
        if mode not in MODES:
            raise InvalidArgument(
                f"mode={show(mode)} must be one of {', '.join(MODES)}; the server changes no file that is there"
            )
        return cls("r" in mode, "w" in mode, "b" in mode)


Receive = Callable[[FileProgress], Any]


def exists(path: PureStagePath) -> Op[bool]:
    """Whether there is a file or a folder."""
    if not path.parts:
        return (yield from catalog.find(path.stage)) is not None
    return (yield from is_file(path)) or (yield from is_dir(path))


def is_file(path: PureStagePath) -> Op[bool]:
    """Whether there is a file."""
    return bool(path.parts) and (yield from is_there(path.url))


def is_dir(path: PureStagePath) -> Op[bool]:
    """Whether there is a folder; each is sought in the one above, as listing one that is missing would make it."""
    if not path.parts:
        return (yield from catalog.find(path.stage)) is not None
    for folder in reversed((path, *path.parents[:-1])):
        above = folder.parent.folder_url
        found = yield from ListNamed(above, folder.name)
        if not found:
            return False
        if found == (yield from ListNamed(f"{above}*", folder.name)):
            return False
    return True


def list_names(path: PureStagePath) -> Op[Names]:
    """The names of the files and folders in a folder, in order.

    Raises:
        StageFileNotFound: there is no such folder.
    """
    yield from _check_folder(path)
    listed = yield from ListFiles(path.folder_url)
    names = dict.fromkeys([file.rpartition("/")[2] for file in listed])  # in order, as their folder is one
    if path.name in names and not (yield from _has_namesake(path)):
        del names[path.name]
    return tuple(names)


def list_folder(path: PureStagePath) -> Op[tuple[Names, Names]]:
    """The names of the folders in a folder, and of the files.

    Raises:
        StageFileNotFound: there is no such folder.
    """
    yield from _check_folder(path)
    files, folders = yield from patterns.list_folder(path.folder_url, is_deep=True)
    return tuple(sorted(folders)), tuple(sorted(files))


def glob(path: PureStagePath, pattern: str) -> Op[tuple[Names, ...]]:
    """The parts of the files below a folder that a pattern matches, in order; none if there is no such folder."""
    check_pattern(pattern)
    if path.parts and not (yield from is_dir(path)):
        return ()
    whole = "/".join((*map(escape, path.parts), pattern))
    return tuple(tuple(file.split("/")) for file in (yield from patterns.matching(path.stage, whole)))


def stat(path: PureStagePath) -> Op[StageFileStat]:
    """The file's size.

    Raises:
        StageFileNotFound: there is no such file.
    """
    return StageFileStat((yield from size_of(_file_url(path))))


def read_at(path: PureStagePath, offset: int, size: int) -> Op[bytes]:
    """The bytes of a range; fewer at the file's end, none beyond it."""
    return (yield from read_range(path.url, offset, size)) if size else b""


def read_bytes(path: PureStagePath) -> Op[bytes]:
    """All of the file.

    Raises:
        StageFileNotFound: there is no such file.
    """
    url, pieces, offset = _file_url(path), list[bytes](), 0
    while not offset % RANGE:  # a shorter one is the last
        piece = yield from read_range(url, offset, RANGE)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def read_text(path: PureStagePath, encoding: str, errors: str, newline: str | None) -> Op[str]:
    """All of the file, decoded as `open` does."""
    data = yield from read_bytes(path)
    return io.TextIOWrapper(io.BytesIO(data), encoding, errors, newline).read()


def head(path: PureStagePath, rows: int, encoding: str) -> Op[str]:
    """The first lines of the file, decompressed as its suffix tells."""
    if not isinstance(rows, int) or rows < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"rows={show(rows)} must be a number of lines, 0 or more")
    url = _file_url(path)
    decoder = codecs.getincrementaldecoder(encoding)()
    decompressor = Decompressor(compression_of(None, path.name), url)
    text, offset = "", 0
    while text.count("\n") < rows:
        data = yield from read_range(url, offset, HEAD)
        if not data:
            decompressor.finish()
            return text + decoder.decode(b"", final=True)
        offset += len(data)
        for piece in decompressor.feed(data):
            text += decoder.decode(piece)
            if text.count("\n") >= rows:
                break
    lines = io.StringIO(text, newline="\n")  # unlike splitlines(), which ends lines at form feeds and others as well
    return "".join(islice(lines, rows))


def write_bytes(path: PureStagePath, data: bytes, *, overwrite: bool) -> Op[int]:
    """Write the file, and return its length."""
    url = _file_url(path)
    if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"data must be bytes, not {type(data).__name__}; write_text() writes text")
    content = bytes(data)
    check_size(path, len(content))
    yield from _write(path, SaveFile(url, content), len(content), overwrite=overwrite)
    return len(content)


def write_text(
    path: PureStagePath, text: str, *, encoding: str, errors: str, newline: str | None, overwrite: bool
) -> Op[int]:
    """Write the file, encoded as `open` does, and return how many characters it has."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"text must be a str, not {type(text).__name__}; write_bytes() writes bytes")
    raw = io.BytesIO()
    wrapped = io.TextIOWrapper(raw, encoding, errors, newline)
    wrapped.write(text)
    wrapped.flush()
    yield from write_bytes(path, raw.getvalue(), overwrite=overwrite)
    return len(text)


def unlink(path: PureStagePath, *, missing_ok: bool) -> Op[None]:
    """Remove the file."""
    yield from RemoveFiles(_file_url(path), if_exists=missing_ok)


def copy(path: PureStagePath, target: object, *, overwrite: bool) -> Op[tuple[str, Names]]:
    """Copy the file, and return where the copy is: its stage and its parts."""
    stage, parts = target_of(path, target)
    source = _file_url(path)
    size = yield from size_by_probes(source, COPIED_AT_ONCE)
    copied = PureStagePath(stage, parts, None)
    yield from _write(copied, CopyFile(source, copied.url, pieces_of(size)), size, overwrite=overwrite)
    return stage, parts


def download(path: PureStagePath, local: LocalPath, progress: Receive | None) -> Op[PurePath]:
    """Write the file to the client's disk, by ranges; it has its name once it is whole."""
    place, url = _local(local), _file_url(path)
    _check_progress(progress)
    machine = (yield from GetRuntime()).machine
    if (yield from run_in_thread(partial(machine.is_folder, place))):
        place /= path.name
    if (yield from run_in_thread(partial(machine.is_special, place))):  # the file would take its place
        raise InvalidArgument(f"{show(str(place))} is a pipe or a device; a download needs a file, as it is in pieces")
    size = yield from size_by_probes(url, RANGE)
    yield from write_whole(place, partial(_fetch_to, url, size, machine, progress))
    return place


def _fetch_to(
    url: str, size: int, machine: Machine, progress: Receive | None, place: PurePath, file: IO[bytes]
) -> Op[None]:
    """Fetch a file to a place; several workers open it for themselves."""
    yield from run_in_thread(file.close)
    yield from _fetch(_Fetching(url, size, place, machine, progress))


def upload(path: PureStagePath, local: LocalPath, *, overwrite: bool, progress: Receive | None) -> Op[int]:
    """Write a file of the client's disk to the stage, and return its length."""
    place = _local(local)
    _check_progress(progress)
    machine = (yield from GetRuntime()).machine
    check_size(path, (yield from run_in_thread(partial(machine.size, place))) or 0)
    content = yield from run_in_thread(partial(_read_all, machine, place))
    length = yield from write_bytes(path, content, overwrite=overwrite)
    if progress is not None:
        yield from emit(progress, FileProgress(path.url, length, length))
    return length


def check_open(path: PureStagePath, mode: OpenMode) -> Op[None]:
    """See that a file can be opened.

    Raises:
        StageFileNotFound: there is none to read.
        StageFileExists: there is one already, which must not be replaced.
    """
    url = _file_url(path)
    if mode.reads:
        yield from read_range(url, 0, 1)
    elif not mode.overwrites and (yield from exists(path)):
        raise StageFileExists(f"there is a file or folder {path} already; mode 'w' replaces a file")


def check_size(path: PureStagePath, size: int) -> None:
    """See that the server takes a file of this size.

    Raises:
        InvalidArgument: it does not.
    """
    if size > LARGEST_WRITE:
        raise InvalidArgument(
            f"{path} would have {size:,} bytes, and the server takes at most {LARGEST_WRITE:,} in one statement; write"
            " several smaller files, or put this one into the stage's storage itself"
        )


@dataclass
class _Fetching:
    """A download that has begun.

    Args:
        url: the file's.
        size: its length in bytes.
        place: the local file.
        machine: the machine that has it.
        progress: is given how far it is.
        done: bytes that were written.
    """

    url: str
    size: int
    place: PurePath
    machine: Machine
    progress: Receive | None
    done: int = 0


def _fetch(fetching: _Fetching) -> Op[None]:
    """Read the ranges of a file, several at a time, each by who is free."""
    offsets = iter(range(0, fetching.size, RANGE))
    count = min(IN_FLIGHT, -(-fetching.size // RANGE))
    if count == 1:
        yield from _fetch_ranges(fetching, offsets)
    elif count:
        yield from Concurrently(tuple(_fetch_ranges(fetching, offsets) for _ in range(count)), limit=count)


def _fetch_ranges(fetching: _Fetching, offsets: Iterator[int]) -> Op[None]:
    for offset in offsets:
        wanted = min(RANGE, fetching.size - offset)
        data = yield from read_range(fetching.url, offset, wanted)
        if len(data) != wanted:
            raise StageFileNotFound(
                f"{fetching.url} was replaced by a shorter file while it was read; download it again"
            )
        yield from run_in_thread(partial(fetching.machine.write_at, fetching.place, offset, data))
        fetching.done += wanted
        if fetching.progress is not None:
            yield from emit(fetching.progress, FileProgress(fetching.url, fetching.done, fetching.size))


def _read_all(machine: Machine, place: PurePath) -> bytes:
    with machine.open(place) as file:
        return file.read()


def _write(path: PureStagePath, statement: SaveFile | CopyFile, size: int, *, overwrite: bool) -> Op[None]:
    """Write a file; one that is there is replaced once the new one is whole under a name of its own."""
    try:
        yield from statement
    except StageFileExists as error:
        if not overwrite:
            raise _exists(path, error) from error
    else:
        return
    try:
        yield from count_reached(path.url, (0,))
    except StageFileNotFound:
        raise InvalidArgument(f"{path} is a folder; give the path of a file") from None
    spare = path.with_name(f"{path.name}.{uuid4().hex[:8]}.new")
    if isinstance(statement, SaveFile):
        yield from SaveFile(spare.url, statement.content)
    else:
        yield from CopyFile(statement.source, spare.url, statement.offsets)
    yield from put_in_place(spare.url, path.url, size)


def _exists(path: PureStagePath, error: MatrixOneError) -> StageFileExists:
    return StageFileExists(
        f"there is a file or folder {path} already; overwrite=True replaces a file",
        code=error.code,
        sqlstate=error.sqlstate,
    )


def _check_folder(path: PureStagePath) -> Op[None]:
    if not path.parts or (yield from is_dir(path)):
        return
    try:
        yield from count_reached(path.url, (0,))
    except StageFileNotFound:
        raise StageFileNotFound(f"there is no folder {path}") from None
    raise InvalidArgument(f"{path} is a file; give the path of a folder, such as its .parent")


def _has_namesake(path: PureStagePath) -> Op[bool]:
    """Whether a folder has something of its own name; on S3 its own mark is listed in it."""
    inner = path.joinpath(path.name)
    return (yield from is_file(inner)) or (yield from is_dir(inner))


def _file_url(path: PureStagePath) -> str:
    if not path.parts:
        raise InvalidArgument(f"{path} is the stage itself; give the path of a file, such as path / 'users.csv'")
    return path.url


def _local(local: LocalPath) -> PurePath:
    if not isinstance(local, str | os.PathLike) or not str(local):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"local={show(local)} must be the path of a file on this machine")
    if str(local).startswith("stage://"):
        raise InvalidArgument(f"local={show(local)} is a stage's; copy() copies from stage to stage")
    return PurePath(local)


def _check_progress(progress: Receive | None) -> None:
    if progress is not None and not callable(progress):  # pyright: ignore[reportUnnecessaryComparison]  # callers without a type checker
        raise InvalidArgument(f"progress={show(progress)} must be a function, which is given a FileProgress")


def location(stage: str, files: tuple[str | PurePath, ...]) -> PureStagePath:
    """The path that a caller names; carries nothing out."""
    return PureStagePath(stage_name(stage), (), None).joinpath(*files)
