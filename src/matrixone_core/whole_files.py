"""Files of the client's machine that get their name when they are complete."""

import errno
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import IO, TypeVar
from uuid import uuid4

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.steps import GetRuntime, Op, finish_in_thread, run_in_thread

T = TypeVar("T")


@contextmanager
def refusing_long_paths(path: PurePath) -> Generator[None]:
    """Refuse paths that are too long for the machine within a block; such a path may be data given by mistake.

    Raises:
        InvalidArgument: it is too long; the message has the beginning of it.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise InvalidArgument(f"{show(str(path))} is too long for the path of a file") from None


def check_local_path(path: str, what: str) -> str:
    """Return *path* if a file of the machine can have it.

    Raises:
        InvalidArgument: it is empty, or has a character that no path has.
    """
    try:
        possible = path and "\0" not in path and os.fsencode(path)
    except UnicodeEncodeError:
        possible = b""
    if not possible:
        raise InvalidArgument(f"{what}={show(path)} must be the path of a file on this machine")
    return path


def write_whole(path: PurePath, write: Callable[[PurePath, IO[bytes]], Op[T]]) -> Op[T]:
    """Write a file under another name in the same folder, then rename it; remove it if that fails.

    A file that is there is replaced by one of the same permissions; a symbolic link is followed.

    Args:
        path: the file.
        write: writes it and closes it; is given the path that it has meanwhile, and the open file.

    Returns:
        What *write* returns.

    Raises:
        OSError: there is a folder, or the file cannot be created.
        InvalidArgument: the path is too long.
    """
    machine = (yield from GetRuntime()).machine
    if (yield from run_in_thread(partial(machine.is_folder, path))):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    place = PurePath((yield from run_in_thread(partial(machine.follow, path))))
    mark = f".{uuid4().hex[:8]}.part"
    shown = place.name[: max(len(place.name) - len(mark) - 1, 50)]  # a long name may be the longest that there can be
    unfinished = place.with_name(f".{shown}{mark}")
    try:
        with refusing_long_paths(path):
            file = yield from finish_in_thread(partial(machine.open_new, unfinished, place))
    except OSError as error:
        error.filename = str(path)  # the name that the caller knows
        raise
    try:
        written = yield from write(unfinished, file)
        with refusing_long_paths(path):
            yield from finish_in_thread(partial(machine.move, unfinished, place))
    except BaseException:
        yield from run_in_thread(partial(machine.remove, unfinished))
        raise
    return written
