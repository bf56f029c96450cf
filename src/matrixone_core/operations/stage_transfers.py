"""Operations that move files between the client's disk and a stage, by the SQL that reads and writes stage files."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import IO, Any

from matrixone_core.errors import InvalidArgument, StageFileNotFound
from matrixone_core.machine import LocalPath, Machine
from matrixone_core.messages import show
from matrixone_core.operations.stage_path_files import check_size, file_url, write_bytes
from matrixone_core.setting_checks import flag
from matrixone_core.sql.stage import STAGE_URL
from matrixone_core.stage_files import IN_FLIGHT, RANGE, read_range, size_by_probes
from matrixone_core.stage_paths import PureStagePath
from matrixone_core.steps import Concurrently, GetRuntime, Op, report_progress, run_in_thread
from matrixone_core.whole_files import check_local_path, refusing_long_paths, write_whole


@dataclass(frozen=True)
class FileProgress:
    """The progress of a download or an upload.

    Args:
        path: `stage://` URL of the file.
        done: number of bytes transferred so far.
        total: size of the file in bytes.
    """

    path: str
    done: int
    total: int


Receive = Callable[[FileProgress], Any]


def download(path: PureStagePath, local: LocalPath, progress: Receive | None) -> Op[PurePath]:
    """Download the file in ranges; it gets its name when it is complete."""
    place, url = _local(local), file_url(path)
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
    """Fetch a file to a local path, which each worker opens by itself."""
    yield from run_in_thread(file.close)
    yield from _fetch(_Fetching(url, size, place, machine, progress))


def upload(path: PureStagePath, local: LocalPath, *, overwrite: bool, progress: Receive | None) -> Op[int]:
    """Upload a file of the client's disk, and return its size in bytes."""
    place = _local(local)
    flag(overwrite, "overwrite")
    _check_progress(progress)
    machine = (yield from GetRuntime()).machine
    with refusing_long_paths(place):
        size = yield from run_in_thread(partial(machine.size, place))
    check_size(path, size or 0)
    content = yield from run_in_thread(partial(_read_all, machine, place))
    length = yield from write_bytes(path, content, overwrite=overwrite)
    yield from report_progress(progress, FileProgress(path.url, length, length))
    return length


@dataclass
class _Fetching:
    """A download that has begun.

    Args:
        url: `stage://` URL of the file.
        size: size of the file in bytes.
        place: path of the local file.
        machine: the client's machine.
        progress: function that receives the progress, or None.
        done: number of bytes written so far.
    """

    url: str
    size: int
    place: PurePath
    machine: Machine
    progress: Receive | None
    done: int = 0


def _fetch(fetching: _Fetching) -> Op[None]:
    """Read the ranges of a file, several at a time; each worker takes the next one."""
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
                f"{fetching.url} was replaced by a shorter file while it was read", remedy="download it again"
            )
        yield from run_in_thread(partial(fetching.machine.write_at, fetching.place, offset, data))
        fetching.done += wanted
        yield from report_progress(fetching.progress, FileProgress(fetching.url, fetching.done, fetching.size))


def _read_all(machine: Machine, place: PurePath) -> bytes:
    with machine.open(place) as file:
        return file.read()


def _local(local: LocalPath) -> PurePath:
    if not isinstance(local, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"local={show(local)} must be the path of a file on this machine")
    if str(local).startswith(STAGE_URL):
        raise InvalidArgument(f"local={show(local)} is a file of a stage; copy() copies from stage to stage")
    return PurePath(check_local_path(os.fsdecode(local), "local"))


def _check_progress(progress: Receive | None) -> None:
    if progress is not None and not callable(progress):  # pyright: ignore[reportUnnecessaryComparison]  # callers without a type checker
        raise InvalidArgument(f"progress={show(progress)} must be a function, which is given a FileProgress")
