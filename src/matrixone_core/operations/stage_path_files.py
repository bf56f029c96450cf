"""Operations on files of stages. All use SQL, so that the client needs no key of the storage.

Writing and removing take effect at once, and no rollback undoes them (server-facts 14, 71): sessions refuse both.
"""

import codecs
import io
from dataclasses import dataclass
from glob import escape
from itertools import islice
from pathlib import PurePath
from uuid import uuid4

from matrixone_core import catalog, patterns
from matrixone_core.errors import InvalidArgument, MatrixOneError, StageFileExists, StageFileNotFound
from matrixone_core.loading.format_options import check_encoding
from matrixone_core.loading.formats.compression import Decompressor, compression_of
from matrixone_core.messages import show
from matrixone_core.names import check_text, stage_name
from matrixone_core.setting_checks import flag, whole_number
from matrixone_core.sql.files import CopyFile, ListFiles, ListNamed, RemoveFiles, SaveFile
from matrixone_core.stage_files import (
    COPIED_AT_ONCE,
    RANGE,
    check_written,
    count_reached,
    is_there,
    pieces_of,
    put_in_place,
    read_range,
    size_by_probes,
    size_of,
)
from matrixone_core.stage_paths import PureStagePath, check_pattern, target_of
from matrixone_core.steps import Op

HEAD = 64 * 1024  # bytes that `head` reads at a time
LARGEST_WRITE = 32_000_000  # bytes; escaped they double, and a statement has 64 MiB (server-facts 71)
BUFFER = 1024 * 1024  # bytes that an open file reads at once
MODES = ("r", "rt", "rb", "w", "wt", "wb", "x", "xt", "xb")
NEWLINES = (None, "", "\n", "\r", "\r\n")
Names = tuple[str, ...]


@dataclass(frozen=True)
class StageFileStat:
    """The size of a file. SQL shows neither its time nor its ETag (server-facts 31).

    Args:
        size: size in bytes.
    """

    size: int


@dataclass(frozen=True)
class OpenMode:
    """The mode in which a file is opened.

    Args:
        reads: whether the file is read; else it is written.
        overwrites: whether writing replaces an existing file.
        binary: whether the file has bytes; else it has text.
    """

    reads: bool
    overwrites: bool
    binary: bool

    @classmethod
    def parse(cls, mode: str) -> "OpenMode":
        """Parse a mode of Python's `open`.

        Raises:
            InvalidArgument: the mode is not valid.
        """
        if mode not in MODES:
            raise InvalidArgument(
                f"mode={show(mode)} must be one of {', '.join(MODES)}; the server changes no file that is there"
            )
        return cls("r" in mode, "w" in mode, "b" in mode)


def exists(path: PureStagePath) -> Op[bool]:
    """Return whether the path is a file or a folder."""
    if not path.parts:
        return (yield from catalog.find(path.stage)) is not None
    return (yield from is_file(path)) or (yield from is_dir(path))


def is_file(path: PureStagePath) -> Op[bool]:
    """Return whether the path is a file."""
    return bool(path.parts) and (yield from is_there(path.url))


def is_dir(path: PureStagePath) -> Op[bool]:
    """Return whether the path is a folder; search its parent for it, as listing a missing folder would create it."""
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
    """Return the names of the files and folders in a folder, in order.

    Raises:
        StageFileNotFound: the folder does not exist.
    """
    yield from _check_folder(path)
    listed = yield from ListFiles(path.folder_url)
    names = dict.fromkeys([file.rpartition("/")[2] for file in listed])  # in order, as their folder is one
    if path.name in names and not (yield from _has_namesake(path)):
        del names[path.name]
    return tuple(names)


def list_folder(path: PureStagePath) -> Op[tuple[Names, Names]]:
    """Return the names of the folders in a folder, and the names of its files.

    Raises:
        StageFileNotFound: the folder does not exist.
    """
    yield from _check_folder(path)
    files, folders = yield from patterns.list_folder(path.folder_url, is_deep=True)
    return tuple(sorted(folders)), tuple(sorted(files))


def glob(path: PureStagePath, pattern: str) -> Op[tuple[Names, ...]]:
    """Return the segments of each file below a folder that matches a pattern; none if the folder does not exist."""
    check_pattern(pattern)
    if path.parts and not (yield from is_dir(path)):
        return ()
    whole = "/".join((*map(escape, path.parts), pattern))
    return tuple(tuple(file.split("/")) for file in (yield from patterns.matching(path.stage, whole)))


def stat(path: PureStagePath) -> Op[StageFileStat]:
    """Return the file's size.

    Raises:
        StageFileNotFound: the file does not exist.
    """
    return StageFileStat((yield from size_of(file_url(path))))


def read_at(path: PureStagePath, offset: int, size: int) -> Op[bytes]:
    """Return the bytes of a range; fewer at the end of the file, and none after it."""
    return (yield from read_range(path.url, offset, size)) if size else b""


def read_bytes(path: PureStagePath) -> Op[bytes]:
    """Return the whole file.

    Raises:
        StageFileNotFound: the file does not exist.
    """
    url, pieces, offset = file_url(path), list[bytes](), 0
    while not offset % RANGE:  # a shorter one is the last
        piece = yield from read_range(url, offset, RANGE)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def read_text(path: PureStagePath, encoding: str, errors: str, newline: str | None) -> Op[str]:
    """Return the whole file, decoded as `open` does."""
    check_codec(encoding, errors, newline)
    data = yield from read_bytes(path)
    return io.TextIOWrapper(io.BytesIO(data), encoding, errors, newline).read()


def head(path: PureStagePath, rows: int, encoding: str) -> Op[str]:
    """Return the first lines of the file, decompressed according to its suffix."""
    whole_number(rows, "rows", "lines")
    check_codec(encoding)
    url = file_url(path)
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
    """Write the file, and return its size in bytes."""
    url = file_url(path)
    flag(overwrite, "overwrite")
    if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"data must be bytes, not {type(data).__name__}; write_text() writes text")
    content = bytes(data)
    check_size(path, len(content))
    yield from _write(path, SaveFile(url, content), len(content), overwrite=overwrite)
    return len(content)


def write_text(
    path: PureStagePath, text: str, *, encoding: str, errors: str, newline: str | None, overwrite: bool
) -> Op[int]:
    """Write the file, encoded as `open` does, and return the number of characters."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"text must be a str, not {type(text).__name__}; write_bytes() writes bytes")
    check_codec(encoding, errors, newline)
    raw = io.BytesIO()
    wrapped = io.TextIOWrapper(raw, encoding, errors, newline)
    wrapped.write(text)
    wrapped.flush()
    yield from write_bytes(path, raw.getvalue(), overwrite=overwrite)
    return len(text)


def unlink(path: PureStagePath, *, missing_ok: bool) -> Op[None]:
    """Remove the file."""
    yield from RemoveFiles(file_url(path), if_exists=flag(missing_ok, "missing_ok"))


def copy(path: PureStagePath, target: object, *, overwrite: bool) -> Op[tuple[str, Names]]:
    """Copy the file, and return where the copy is: its stage and its parts."""
    flag(overwrite, "overwrite")
    stage, parts = target_of(path, target)
    source = file_url(path)
    size = yield from size_by_probes(source, COPIED_AT_ONCE)
    copied = PureStagePath(stage, parts, None)
    yield from _write(copied, CopyFile(source, copied.url, pieces_of(size)), size, overwrite=overwrite)
    return stage, parts


def check_open(path: PureStagePath, mode: OpenMode) -> Op[None]:
    """Check that a file can be opened.

    Raises:
        StageFileNotFound: the file to read does not exist.
        StageFileExists: the file exists and must not be replaced.
    """
    url = file_url(path)
    if mode.reads:
        yield from read_range(url, 0, 1)
    elif not mode.overwrites and (yield from exists(path)):
        raise StageFileExists(f"there is a file or folder {path} already", remedy="mode 'w' replaces a file")


def check_codec(encoding: str, errors: str = "strict", newline: str | None = None) -> None:
    """Check the arguments of `open` for text.

    Raises:
        InvalidArgument: Python does not know one of them.
    """
    _ = check_encoding(encoding)
    try:
        _ = codecs.lookup_error(check_text(errors, "errors"))
    except (LookupError, ValueError):
        raise InvalidArgument(f"errors={show(errors)} is none that Python knows; such as 'strict', 'replace'") from None
    if newline not in NEWLINES:
        raise InvalidArgument(f"newline={show(newline)} must be one of {', '.join(map(repr, NEWLINES))}")


def check_size(path: PureStagePath, size: int) -> None:
    """Check that the server accepts a file of this size.

    Raises:
        InvalidArgument: the file is too large.
    """
    if size > LARGEST_WRITE:
        raise InvalidArgument(
            f"{path} would have {size:,} bytes, and the server takes at most {LARGEST_WRITE:,} in one statement; write"
            " several smaller files, or put this one into the stage's storage itself"
        )


def _write(path: PureStagePath, statement: SaveFile | CopyFile, size: int, *, overwrite: bool) -> Op[None]:
    """Write a file; replace an existing one when the new one is complete under another name."""
    try:
        yield from statement
    except StageFileExists as error:
        if not overwrite:
            raise _exists(path, error) from error
    else:
        yield from check_written(path.url, size)
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
    yield from check_written(spare.url, size)
    yield from put_in_place(spare.url, path.url, size)


def _exists(path: PureStagePath, error: MatrixOneError) -> StageFileExists:
    return StageFileExists(
        f"there is a file or folder {path} already",
        code=error.code,
        sqlstate=error.sqlstate,
        remedy="overwrite=True replaces a file",
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
    """Return whether a folder has an entry of its own name; on S3 the listing of a folder has its own marker."""
    inner = path.joinpath(path.name)
    return (yield from is_file(inner)) or (yield from is_dir(inner))


def file_url(path: PureStagePath) -> str:
    """Return the URL of a file.

    Raises:
        InvalidArgument: the path is the stage itself.
    """
    if not path.parts:
        raise InvalidArgument(f"{path} is the stage itself; give the path of a file, such as path / 'users.csv'")
    return path.url


def location(stage: str, files: tuple[str | PurePath, ...]) -> PureStagePath:
    """Return the path of a caller's segments; it cannot run operations."""
    return PureStagePath(stage_name(stage), (), None).joinpath(*files)
