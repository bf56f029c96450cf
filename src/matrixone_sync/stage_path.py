# Generated from matrixone_async/stage_path.py by tools/generate_sync.py; do not edit.
"""Paths of files in stages: each method runs one operation on the file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, overload

from matrixone_core.operations import stage_path_files as files
from matrixone_core.operations import stage_transfers as transfers
from matrixone_core.operations.stage_path_files import StageFileStat
from matrixone_core.operations.stage_transfers import FileProgress, Receive
from matrixone_core.stage_paths import PureStagePath, check_pattern
from matrixone_sync.stage_file import BinaryFile, TextFile, file_of

if TYPE_CHECKING:
    from matrixone_sync.methods import Perform

BinaryMode = Literal["rb", "wb", "xb"]
TextMode = Literal["r", "rt", "w", "wt", "x", "xt"]
__all__ = ["FileProgress", "StageFileStat", "StagePath"]


class StagePath(PureStagePath):
    """The path of a file or folder in a stage, modelled on `pathlib`: `client.stage.path(stage, 'dir/file.csv')`.

    All methods use SQL with the privileges of the client's user; the client needs no key of the storage. Writing,
    copying and removing take effect at once. A session refuses them, as its rollback could not undo them.
    """

    __slots__ = ()
    perform: "Perform"

    def exists(self) -> bool:
        """Return whether the path is a file or a folder.

        Raises:
            StageNotFound: the stage does not exist; `client.stage.path(stage).exists()` checks that.
        """
        return self.perform(files.exists(self))

    def is_file(self) -> bool:
        """Return whether the path is a file.

        Raises:
            StageNotFound: the stage does not exist.
        """
        return self.perform(files.is_file(self))

    def is_dir(self) -> bool:
        """Return whether the path is a folder. The server hides folders whose names begin with a dot.

        Raises:
            StageNotFound: the stage does not exist.
        """
        return self.perform(files.is_dir(self))

    def stat(self) -> StageFileStat:
        """Return the file's size in bytes. SQL shows no time of a file.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
        """
        return self.perform(files.stat(self))

    def iterdir(self) -> Iterator[Self]:
        """Iterate over the files and folders in the folder, ordered by name. One statement lists them.

        Raises:
            StageFileNotFound: the folder does not exist.
            InvalidArgument: the path is a file.
        """
        kind, stage, parts, perform = type(self), self.stage, self.parts, self.perform  # there may be many files
        for name in self.perform(files.list_names(self)):
            yield kind(stage, (*parts, name), perform)

    def glob(self, pattern: str) -> Iterator[Self]:
        """Iterate over the files below the folder that match a pattern, ordered by name. Folders are left out.

        Args:
            pattern: pattern such as `2024/**/*.csv`: `*`, `?` and `[a-c]` match within a segment, `**` any folders.

        Raises:
            InvalidArgument: the pattern is not valid.
        """
        for parts in self.perform(files.glob(self, pattern)):
            yield self._at(parts)

    def rglob(self, pattern: str) -> Iterator[Self]:
        """Iterate over the files in the folder and all folders below it that match a pattern, as `glob('**/…')`."""
        for parts in self.perform(files.glob(self, f"**/{check_pattern(pattern)}")):
            yield self._at(parts)

    def walk(self) -> Iterator[tuple[Self, list[str], list[str]]]:
        """Walk the folder and all folders below it, top down.

        Each item is a folder's path, the names of its folders, and the names of its files. Remove names from the list
        of folders to skip these folders.

        Raises:
            StageFileNotFound: the folder does not exist.
            InvalidArgument: the path is a file.
        """
        waiting = [self]
        while waiting:
            path = waiting.pop()
            folders, names = map(list, self.perform(files.list_folder(path)))
            yield path, folders, names
            waiting += [self._at((*path.parts, name)) for name in reversed(folders)]

    @overload
    def open(self, mode: BinaryMode) -> BinaryFile: ...
    @overload
    def open(
        self, mode: TextMode = "r", *, encoding: str = "utf-8", errors: str = "strict", newline: str | None = None
    ) -> TextFile: ...
    def open(
        self,
        mode: BinaryMode | TextMode = "r",
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        newline: str | None = None,
    ) -> BinaryFile | TextFile:
        """Open the file.

        Reading fetches ranges on demand, so that a file of any size needs only a few MiB of memory. Written data is
        sent in one statement when the file is closed, and discarded if the block ends with an exception.

        Args:
            mode: `rb`, `wb` (replaces an existing file) or `xb` (fails if the file exists); without `b` for text.
            encoding: encoding of text, as for Python's `open`.
            errors: how to handle encoding errors, as for Python's `open`.
            newline: how to handle line ends, as for Python's `open`.

        Returns:
            The file; use it in a `with` block.

        Raises:
            InvalidArgument: the mode is not valid, or more than 32,000,000 bytes are written.
            StageFileNotFound: the file to read does not exist.
            StageFileExists: the file exists and the mode is `x`.
        """
        opened: BinaryFile | TextFile = file_of(self, mode, encoding, errors, newline)
        return opened

    def read_bytes(self) -> bytes:
        """Return the whole file as bytes.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
        """
        return self.perform(files.read_bytes(self))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict", newline: str | None = None) -> str:
        """Return the whole file as text.

        Args:
            encoding: encoding of the file, as for Python's `open`.
            errors: how to handle decoding errors, as for Python's `open`.
            newline: how to handle line ends, as for Python's `open`.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
        """
        return self.perform(files.read_text(self, encoding, errors, newline))

    def head(self, rows: int = 10, encoding: str = "utf-8") -> str:
        """Return the first lines of the file without reading the rest.

        Files with a suffix of gzip, bz2 or zlib are decompressed.

        Args:
            rows: number of lines.
            encoding: encoding of the file, as for Python's `open`.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
            LoadFailed: the file is not compressed as its suffix says.
        """
        return self.perform(files.head(self, rows, encoding))

    def write_bytes(self, data: bytes, *, overwrite: bool = False) -> int:
        """Write bytes to the file; missing folders are created.

        One statement has all of the data; the server takes about 0.4 s for each MB to parse it.

        Args:
            data: content of the file, at most 32,000,000 bytes.
            overwrite: replace an existing file. The new file is first written under another name, then copied.

        Returns:
            The number of bytes written.

        Raises:
            InvalidArgument: the data is too large; nothing was sent.
            StageFileExists: the file exists and `overwrite` is False.
            NotSupported: a session was used; a rollback could not undo it.
        """
        return self.perform(files.write_bytes(self, data, overwrite=overwrite))

    def write_text(
        self,
        text: str,
        encoding: str = "utf-8",
        errors: str = "strict",
        newline: str | None = None,
        *,
        overwrite: bool = False,
    ) -> int:
        """Write text to the file, as `write_bytes` does.

        Args:
            text: content of the file.
            encoding: encoding of the file, as for Python's `open`.
            errors: how to handle encoding errors, as for Python's `open`.
            newline: what to write for a line feed, as for Python's `open`.
            overwrite: as for `write_bytes`.

        Returns:
            The number of characters written.

        Raises:
            MatrixOneError: as for `write_bytes`.
        """
        op = files.write_text(self, text, encoding=encoding, errors=errors, newline=newline, overwrite=overwrite)
        return self.perform(op)

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file.

        Args:
            missing_ok: do nothing if the file does not exist, instead of raising an error.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
            NotSupported: a session was used; a rollback could not undo it.
        """
        self.perform(files.unlink(self, missing_ok=missing_ok))

    def copy(self, target: "PureStagePath | str", *, overwrite: bool = False) -> Self:
        """Copy the file on the server, in the server's memory; the client transfers none of it.

        Args:
            target: a path of the same or another stage, or a `stage://` URL.
            overwrite: as for `write_bytes`.

        Returns:
            The path of the copy.

        Raises:
            InvalidArgument: the target is not a path of a file in a stage, or is the file itself.
            StageFileNotFound: the file does not exist, or is a folder.
            StageFileExists: the target exists and `overwrite` is False.
            NotSupported: a session was used; a rollback could not undo it.
        """
        stage, parts = self.perform(files.copy(self, target, overwrite=overwrite))
        return type(self)(stage, parts, self.perform)

    def download(self, local: "str | os.PathLike[str]", *, progress: Receive | None = None) -> Path:
        """Download the file to this machine's disk, with up to four concurrent connections.

        The file gets its name only when it is complete; an existing file is replaced.

        Args:
            local: path of the new file, or of a folder to write it to under the same name.
            progress: function that is called with a `FileProgress` after each range. Its exceptions are logged.

        Returns:
            The path of the local file.

        Raises:
            StageFileNotFound: the file does not exist, or is a folder.
            OSError: the local file cannot be written.
        """
        return Path(self.perform(transfers.download(self, local, progress)))

    def upload(
        self, local: "str | os.PathLike[str]", *, overwrite: bool = False, progress: Receive | None = None
    ) -> int:
        """Upload a file of this machine's disk, as `write_bytes` does.

        Args:
            local: path of the local file.
            overwrite: as for `write_bytes`.
            progress: function that is called with a `FileProgress` after the upload. Its exceptions are logged.

        Returns:
            The number of bytes written.

        Raises:
            InvalidArgument: the file is too large; nothing was sent.
            OSError: the local file cannot be read.
            MatrixOneError: as for `write_bytes`.
        """
        return self.perform(transfers.upload(self, local, overwrite=overwrite, progress=progress))
