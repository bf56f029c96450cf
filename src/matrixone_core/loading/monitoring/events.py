"""The events of a load, which a function of the caller's is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from matrixone_core.results import LoadedFile, LoadReport


@dataclass(frozen=True)
class LoadStarted:
    """A load has started.

    Args:
        load: a number for the load, its own in this process.
        table: the table, as `table` or `database.table`.
        files: the paths of the files to load.
        bytes: the length of the client's data; None where it is not known.
    """

    load: int
    table: str
    files: tuple[str, ...]
    bytes: int | None


@dataclass(frozen=True)
class BytesSent:
    """Data of the client was read and sent.

    Args:
        load, table: as of `LoadStarted`.
        bytes: the bytes read by now.
        total: the data's length; None where it is not known.
    """

    load: int
    table: str
    bytes: int
    total: int | None


@dataclass(frozen=True)
class FileLoaded:
    """The server has read a file; its rows are not committed yet.

    Args:
        load, table: as of `LoadStarted`.
        file: its rows so far.
        done: the files read by now.
        total: all files.
    """

    load: int
    table: str
    file: LoadedFile
    done: int
    total: int


@dataclass(frozen=True)
class LoadStalled:
    """A load has given no sign of life for a while; it may still be running.

    Args:
        load, table: as of `LoadStarted`.
        seconds: how long.
    """

    load: int
    table: str
    seconds: float


@dataclass(frozen=True)
class LoadFinished:
    """A load has finished or failed.

    Args:
        load, table: as of `LoadStarted`.
        report: what it did; None if it failed.
        error: why it failed, or None.
    """

    load: int
    table: str
    report: LoadReport | None
    error: BaseException | None


LoadEvent: TypeAlias = LoadStarted | BytesSent | FileLoaded | LoadStalled | LoadFinished
Receive: TypeAlias = Callable[[LoadEvent], Any]
