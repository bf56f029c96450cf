"""The events of a load, which `progress` receives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from matrixone_core.results import LoadedFile, LoadReport


@dataclass(frozen=True)
class LoadStarted:
    """A load has started.

    Args:
        load: number of the load, unique in this process.
        table: name of the table: `table` or `database.table`.
        files: paths of the files to load.
        bytes: size of the client's data in bytes; None if unknown.
    """

    load: int
    table: str
    files: tuple[str, ...]
    bytes: int | None


@dataclass(frozen=True)
class BytesSent:
    """The client read and sent a part of its data.

    Args:
        load, table: as for `LoadStarted`.
        bytes: number of bytes read so far.
        total: size of the data in bytes; None if unknown.
    """

    load: int
    table: str
    bytes: int
    total: int | None


@dataclass(frozen=True)
class FileLoaded:
    """The server has read a file; its rows are not committed yet.

    Args:
        load, table: as for `LoadStarted`.
        file: the outcome of the file so far.
        done: number of files read so far.
        total: number of all files.
    """

    load: int
    table: str
    file: LoadedFile
    done: int
    total: int


@dataclass(frozen=True)
class LoadStalled:
    """A load has had no activity for a while; it may still be running.

    Args:
        load, table: as for `LoadStarted`.
        seconds: seconds since the last activity.
    """

    load: int
    table: str
    seconds: float


@dataclass(frozen=True)
class LoadFinished:
    """A load has finished or failed.

    Args:
        load, table: as for `LoadStarted`.
        report: the report; None if the load failed.
        error: the exception if the load failed, else None.
    """

    load: int
    table: str
    report: LoadReport | None
    error: BaseException | None


LoadEvent: TypeAlias = LoadStarted | BytesSent | FileLoaded | LoadStalled | LoadFinished
Receive: TypeAlias = Callable[[LoadEvent], Any]
