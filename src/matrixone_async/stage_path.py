"""Paths of a stage's files, with what can be done with the files: one method an operation."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, overload

from matrixone_async.stage_file import BinaryFile, TextFile, file_of
from matrixone_core.operations import stage_path_files as files
from matrixone_core.operations import stage_transfers as transfers
from matrixone_core.operations.stage_path_files import StageFileStat
from matrixone_core.operations.stage_transfers import FileProgress, Receive
from matrixone_core.stage_paths import PureStagePath, check_pattern

if TYPE_CHECKING:
    from matrixone_async.methods import Perform

BinaryMode = Literal["rb", "wb", "xb"]
TextMode = Literal["r", "rt", "w", "wt", "x", "xt"]
__all__ = ["AsyncStagePath", "FileProgress", "StageFileStat"]


class AsyncStagePath(PureStagePath):
    """The path of a file or folder in a stage, in the manner of `pathlib`: `client.stage.path(stage, 'dir/file.csv')`.

    Everything goes through SQL, with the rights of the client's user; the client needs no key of the storage. Writing,
    copying and removing take effect at once. A session refuses them, as its rollback could not take them back.
    """

    __slots__ = ()
    perform: "Perform"

    async def exists(self) -> bool:
        """Whether there is a file or a folder.

        Raises:
            StageNotFound: there is no such stage; `client.stage.path(stage).exists()` asks for it.
        """
        return await self.perform(files.exists(self))

    async def is_file(self) -> bool:
        """Whether there is a file.

        Raises:
            StageNotFound: there is no such stage.
        """
        return await self.perform(files.is_file(self))

    async def is_dir(self) -> bool:
        """Whether there is a folder. The server lists none whose name begins with a dot.

        Raises:
            StageNotFound: there is no such stage.
        """
        return await self.perform(files.is_dir(self))

    async def stat(self) -> StageFileStat:
        """The file's size in bytes; SQL shows no time.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
        """
        return await self.perform(files.stat(self))

    async def iterdir(self) -> AsyncIterator[Self]:
        """The files and folders in a folder, by name; one statement lists them.

        Raises:
            StageFileNotFound: there is no such folder.
            InvalidArgument: it is a file.
        """
        kind, stage, parts, perform = type(self), self.stage, self.parts, self.perform  # there may be many files
        for name in await self.perform(files.list_names(self)):
            yield kind(stage, (*parts, name), perform)

    async def glob(self, pattern: str) -> AsyncIterator[Self]:
        """The files below the folder that a pattern matches, by name; folders are none of them.

        Args:
            pattern: `*`, `?`, `[a-c]` within a part, and `**` for any folders, such as `2024/**/*.csv`.

        Raises:
            InvalidArgument: the pattern cannot be.
        """
        for parts in await self.perform(files.glob(self, pattern)):
            yield self._at(parts)

    async def rglob(self, pattern: str) -> AsyncIterator[Self]:
        """The files in the folder, and in all folders below, that a pattern matches; as `glob('**/…')`."""
        for parts in await self.perform(files.glob(self, f"**/{check_pattern(pattern)}")):
            yield self._at(parts)

    async def walk(self) -> AsyncIterator[tuple[Self, list[str], list[str]]]:
        """Each folder from this one down, with the names of its folders and of its files.

        Names that are taken out of the list of folders are not walked into.

        Raises:
            StageFileNotFound: there is no such folder.
            InvalidArgument: it is a file.
        """
        waiting = [self]
        while waiting:
            path = waiting.pop()
            folders, names = map(list, await self.perform(files.list_folder(path)))
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

        Reading fetches ranges as they are needed, so that a file of any size takes a few MiB of memory. What is written
        is sent when the file is closed, in one statement, and not at all if the block ends by an exception.

        Args:
            mode: `rb`, `wb` (replaces a file), `xb` (fails if there is one), or these without `b` for text.
            encoding: for text.
            errors: for text, as of Python's `open`.
            newline: for text, as of Python's `open`.

        Returns:
            The file; use it in a `with` block.

        Raises:
            InvalidArgument: the mode cannot be, or more is written than the server takes.
            StageFileNotFound: there is no file to read.
            StageFileExists: there is a file already, and the mode is `x`.
        """
        opened: BinaryFile | TextFile = file_of(self, mode, encoding, errors, newline)
        return opened

    async def read_bytes(self) -> bytes:
        """All of the file.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
        """
        return await self.perform(files.read_bytes(self))

    async def read_text(self, encoding: str = "utf-8", errors: str = "strict", newline: str | None = None) -> str:
        """All of the file as text.

        Args:
            encoding: as of Python's `open`, like the others.
            errors: what is done with bytes that are not in that encoding.
            newline: which ends of lines become a line feed.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
        """
        return await self.perform(files.read_text(self, encoding, errors, newline))

    async def head(self, rows: int = 10, encoding: str = "utf-8") -> str:
        """The first lines of the file; no more of it is read. Gzip, bz2 and zlib are decompressed by their suffix.

        Args:
            rows: how many lines.
            encoding: as of Python's `open`.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
            LoadFailed: it is not compressed as its suffix says.
        """
        return await self.perform(files.head(self, rows, encoding))

    async def write_bytes(self, data: bytes, *, overwrite: bool = False) -> int:
        """Write the file; folders are made. The server parses a statement that has all of it: about 0.4 s a MB.

        Args:
            data: at most 32,000,000 bytes.
            overwrite: replace a file that is there. The new one is first written beside it and then copied over.

        Returns:
            How many bytes it has.

        Raises:
            InvalidArgument: there are too many; nothing was sent.
            StageFileExists: there is a file already.
            NotSupported: in a session.
        """
        return await self.perform(files.write_bytes(self, data, overwrite=overwrite))

    async def write_text(
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
            text: the text.
            encoding: as of Python's `open`, like the next two.
            errors: what is done with characters that the encoding lacks.
            newline: what line feeds become.
            overwrite: as of `write_bytes`.

        Returns:
            How many characters it has.

        Raises:
            MatrixOneError: as for `write_bytes`.
        """
        op = files.write_text(self, text, encoding=encoding, errors=errors, newline=newline, overwrite=overwrite)
        return await self.perform(op)

    async def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file.

        Args:
            missing_ok: do nothing, instead of an error, where there is none.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
            NotSupported: in a session.
        """
        await self.perform(files.unlink(self, missing_ok=missing_ok))

    async def copy(self, target: "PureStagePath | str", *, overwrite: bool = False) -> Self:
        """Copy the file; the server does it, in its memory, and nothing of the file comes to the client.

        Args:
            target: a path of the same or another stage, or a `stage://` URL.
            overwrite: as of `write_bytes`.

        Returns:
            The path of the copy.

        Raises:
            InvalidArgument: the target cannot be.
            StageFileNotFound: there is no such file, or it is a folder.
            StageFileExists: the target is there already.
            NotSupported: in a session.
        """
        stage, parts = await self.perform(files.copy(self, target, overwrite=overwrite))
        return type(self)(stage, parts, self.perform)

    async def download(self, local: "str | os.PathLike[str]", *, progress: Receive | None = None) -> Path:
        """Write the file to this machine's disk, four ranges at a time on connections of their own.

        It has its name once it is whole; a file of that name is replaced.

        Args:
            local: the path to write, or a folder, where it keeps its name.
            progress: is called with a `FileProgress` after each range. What it raises is logged.

        Returns:
            Where it was written.

        Raises:
            StageFileNotFound: there is no such file, or it is a folder.
            OSError: the local file cannot be written.
        """
        return Path(await self.perform(transfers.download(self, local, progress)))

    async def upload(
        self, local: "str | os.PathLike[str]", *, overwrite: bool = False, progress: Receive | None = None
    ) -> int:
        """Write a file of this machine's disk to the stage, as `write_bytes` does.

        Args:
            local: the path to read.
            overwrite: as of `write_bytes`.
            progress: is called with a `FileProgress` once it is sent. What it raises is logged.

        Returns:
            How many bytes it has.

        Raises:
            InvalidArgument: it is too large; nothing was sent.
            OSError: the local file cannot be read.
            MatrixOneError: as for `write_bytes`.
        """
        return await self.perform(transfers.upload(self, local, overwrite=overwrite, progress=progress))
