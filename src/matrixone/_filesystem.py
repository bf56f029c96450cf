"""Stages as an fsspec filesystem: `stage://name/path` in pandas, polars, pyarrow and DuckDB.

The extra `matrixone[fsspec]` installs fsspec, which finds this class by the entry point of the protocol `stage`.
"""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from fsspec import AbstractFileSystem
from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.utils import read_block

from matrixone_core.errors import InvalidArgument, StageFileExists, StageFileNotFound, StageNotFound
from matrixone_core.messages import show
from matrixone_core.names import stage_name
from matrixone_core.operations.stage_transfers import FileProgress
from matrixone_sync.client import Client
from matrixone_sync.stage_file import WrittenText
from matrixone_sync.stage_path import StagePath

T = TypeVar("T")
_PIECE = 4 * 1024 * 1024  # bytes that are read at a time
__all__ = ["StageFileSystem"]


class StageFileSystem(AbstractFileSystem):
    """An fsspec filesystem of an account's stages. A path is `name/dir/file`, with or without `stage://` before it.

    Args:
        client: a connected client to use. None connects one with the settings at its first use.
        server: the same as `url`, for functions that themselves have an argument `url`, such as `pandas.read_parquet`.
        settings: settings of `matrixone.Client`, such as `url`, and fsspec's own options.

    Raises:
        InvalidArgument: a setting is unknown or not valid.
        FileNotFoundError: from its methods, if a file, a folder or a stage does not exist.
        FileExistsError: from its methods, if a file exists and must not be replaced.
    """

    protocol: ClassVar[str | tuple[str, ...]] = "stage"
    root_marker: ClassVar[str] = ""

    def __init__(self, client: Client | None = None, server: str | None = None, **settings: Any) -> None:
        if server is not None:
            settings["url"] = server
        own = {name: settings.pop(name) for name in _FSSPEC if name in settings}
        super().__init__(**own)
        self._client = Client(**settings) if client is None else client
        self._connects = self._owns_client = client is None

    def _path(self, path: str) -> StagePath:
        name, _, file = self._strip_protocol(path).partition("/")
        if not name:
            raise InvalidArgument(f"{show(path)} names no stage; write stage://name/path")
        return self.client.stage.path(name, file)

    @property
    def client(self) -> Client:
        """The connected client of the filesystem."""
        if self._connects:
            self._client.connect()
            self._connects = False
        return self._client

    def ls(self, path: str, detail: bool = True, **_options: Any) -> list[Any]:
        """List a folder; of a file, list the file itself.

        Args:
            path: path of the folder.
            detail: True returns dicts with `name`, `size` and `type`, False returns names. The sizes of files in a
                folder are None, as the server's listing has none; `info` returns one.
        """
        if not self._strip_protocol(path):
            found = [_entry(stage.name, "directory") for stage in self.client.stage.list()]
        else:
            found = self._translated(path, self._listed)
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        """Return the name, the size and the type of a file or folder."""
        if not self._strip_protocol(path):
            return _entry("", "directory")
        return self._translated(path, _info)

    def exists(self, path: str, **_options: Any) -> bool:
        """Return whether a file or folder exists."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def modified(self, path: str) -> datetime:
        """Return the current time: SQL shows no time of a file, and with an old one caches, as DuckDB's, go stale."""
        _ = self.info(path)
        return datetime.now(UTC)

    def created(self, path: str) -> datetime:
        """Raise NotImplementedError, as SQL shows no time of a file."""
        # fsspec's own error for what a filesystem cannot tell
        raise NotImplementedError(f"created({show(path)}): SQL shows no time of a file in a stage")

    def ukey(self, path: str) -> str:
        """Return a hash of the file's content; SQL shows nothing else that always changes with it."""
        if self.isdir(path):
            return super().ukey(path)
        digest = sha256()
        with self.open(path, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()

    def checksum(self, path: str) -> int:
        """Return `ukey` as a number."""
        return int(self.ukey(path), 16)

    def touch(self, path: str, truncate: bool = True, **options: Any) -> None:
        """Write an empty file."""
        if not truncate and self.exists(path):  # fsspec's own error for what a filesystem cannot do
            raise NotImplementedError(f"touch({show(path)}, truncate=False): SQL sets no time of a file in a stage")
        super().touch(path, truncate=True, **options)

    def read_block(self, fn: str, offset: int, length: int | None, delimiter: bytes | None = None) -> bytes:
        """Read a part of a file between two delimiters, as fsspec does; this works without a known size."""
        rest = self.info(fn)["size"] - offset
        with self.open(fn, "rb") as file:
            return read_block(file, offset, rest if length is None else min(length, rest), delimiter)

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Return the settings for fsspec's JSON; without passwords, also remove the password in a URL."""
        found = super().to_dict(include_password=include_password)
        if not include_password:
            for name in {"url", "server"} & found.keys():
                found[name] = re.sub(r"(?<=://)([^:@/]*):[^/]*@", r"\1@", str(found[name]))
        return found

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_options: Any) -> bytes:
        """Return the bytes of a file or of a part of it; negative offsets count from its end."""
        if start is None and end is None:
            return self._translated(path, StagePath.read_bytes)

        def read(found: StagePath) -> bytes:
            size = found.stat().size if (start or 0) < 0 or end is None or end < 0 else end
            first, last, _ = slice(start, end).indices(size)
            with found.open("rb") as file:
                file.seek(first)
                return file.read(max(0, last - first))

        return self._translated(path, read)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_options: Any) -> None:
        """Write a file."""
        self._translated(path, lambda found: found.write_bytes(value, overwrite=mode == "overwrite"))

    def get_file(self, rpath: str, lpath: Any, callback: Any = None, **_options: Any) -> None:
        """Download a file, by ranges."""
        if hasattr(lpath, "write"):
            lpath.write(self.cat_file(rpath))
        elif self.isdir(rpath):
            Path(lpath).mkdir(parents=True, exist_ok=True)
        else:
            Path(lpath).parent.mkdir(parents=True, exist_ok=True)
            self._translated(rpath, lambda found: found.download(lpath, progress=_reporting(callback)))

    def put_file(self, lpath: str, rpath: str, callback: Any = None, mode: str = "overwrite", **_options: Any) -> None:
        """Upload a file of the client's disk."""
        if Path(lpath).is_dir():
            return
        overwrite = mode == "overwrite"
        self._translated(rpath, lambda found: found.upload(lpath, overwrite=overwrite, progress=_reporting(callback)))

    def cp_file(self, path1: str, path2: str, **_options: Any) -> None:
        """Copy a file on the server."""
        target = self._path(path2)
        if not self.isdir(path1):
            self._translated(path1, lambda found: found.copy(target, overwrite=True))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove files, with `recursive` also those in folders. Folders remain; on S3 one ends with its last file."""
        found = self.expand_path(path, recursive=recursive, maxdepth=maxdepth)
        folders = {one.rpartition("/")[0] for one in found}
        for one in found:
            if one not in folders:
                self.rm_file(one)

    def rm_file(self, path: str) -> None:
        """Remove a file; do nothing for a folder, as SQL removes files only."""
        try:
            self._translated(path, StagePath.unlink)
        except FileNotFoundError:
            if not self.isdir(path):
                raise

    def mkdir(self, path: str, create_parents: bool = True, **_options: Any) -> None:
        """Do nothing: a folder is created with its first file."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: a folder is created with its first file."""

    def rmdir(self, path: str) -> None:
        """Do nothing: SQL removes files only."""

    def open(self, path: str, mode: str = "rb", *arguments: Any, compression: str | None = None, **options: Any) -> Any:
        """Open a file; one that is written has its content once it is closed.

        Args:
            path: the file.
            mode: `r`, `w` or `x`, with `b` or `t`; without either, text.
            arguments: fsspec's; they change nothing.
            compression: the name of a codec of fsspec's, or `infer` for that of the suffix.
            options: for text, those of `io.TextIOWrapper`.
        """
        if "r" in mode:
            return super().open(path, mode, *arguments, compression=compression, **options)
        of_text = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options}
        file: Any = super().open(path, mode.replace("t", "").replace("b", "") + "b", *arguments, **options)
        if codec := get_compression(path, compression):
            file = _Compressed(file, codec)
        return file if "b" in mode else WrittenText(file, **of_text)

    def __reduce__(self) -> Any:
        if not self._owns_client:
            raise TypeError(
                "a filesystem of a client cannot be pickled, as its connections cannot; give it url= instead"
            )
        return super().__reduce__()

    def _open(self, path: str, mode: str = "rb", *, autocommit: bool = True, **_options: Any) -> Any:
        if not autocommit and "r" not in mode:  # fsspec's own error for what a filesystem cannot do
            raise NotImplementedError(
                f"open({show(path)}) in a transaction: a file of a stage is there once it is closed"
            )
        return self._translated(path, lambda found: found.open(mode))  # type: ignore[call-overload]  # it checks the mode

    def _listed(self, path: StagePath) -> list[dict[str, Any]]:
        if path.parts and not path.is_dir():
            return [_info(path)]
        _, folders, files = next(path.walk())
        base = _name_of(path)
        return [
            *(_entry(f"{base}/{name}", "directory") for name in folders),
            *(_entry(f"{base}/{name}", "file", None) for name in files),
        ]

    def _translated(self, path: str, call: Callable[[StagePath], T]) -> T:
        try:
            return call(self._path(path))
        except (StageFileNotFound, StageNotFound) as error:
            raise FileNotFoundError(f"{path}: {error}") from error
        except StageFileExists as error:
            raise FileExistsError(f"{path}: {error}") from error


class _Compressed(io.BufferedIOBase):
    """A file of a stage that is compressed as it is written; closing it sends the content.

    Args:
        target: the file.
        codec: the codec's name.
    """

    def __init__(self, target: Any, codec: str) -> None:
        self.is_given_up = False
        self._target = target
        self._compressor = compr[codec](target, mode="w")

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        written: int = self._compressor.write(data)
        return written

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._compressor.close()
            self._target.is_given_up = self.is_given_up
            self._target.close()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.is_given_up = exc_val is not None
        super().__exit__(exc_type, exc_val, exc_tb)


_FSSPEC = ("use_listings_cache", "listings_expiry_time", "max_paths", "skip_instance_cache", "asynchronous", "loop")


def _entry(name: str, kind: str, size: int | None = 0) -> dict[str, Any]:
    return {"name": name, "size": size, "type": kind}


def _name_of(path: StagePath) -> str:
    return "/".join((stage_name(path.stage), *path.parts))


def _info(path: StagePath) -> dict[str, Any]:
    if path.parts:
        try:
            return _entry(_name_of(path), "file", path.stat().size)
        except StageFileNotFound:
            pass
    if not path.is_dir():
        raise StageFileNotFound(f"there is no file or folder {path}")
    return _entry(_name_of(path), "directory")


def _reporting(callback: Any) -> Callable[[FileProgress], None] | None:
    if callback is None:
        return None

    def report(progress: FileProgress) -> None:
        callback.set_size(progress.total)
        callback.absolute_update(progress.done)

    return report
