"""Read files of stages in ranges through SQL. On S3 the server refuses a range at the end of a file or past it."""

import re
from collections.abc import Sequence

from matrixone_core.errors import ServerError, StageFileNotFound
from matrixone_core.sql.files import PIECE, CopyFile, CountReached, FileLength, ReadFile, ReadRange, RemoveFiles
from matrixone_core.steps import Op

COPIED_AT_ONCE = 32 * 1024 * 1024  # bytes in a piece of a copy
RANGE = 4 * 1024 * 1024  # bytes that one statement reads of a file that is read whole
IN_FLIGHT = 4  # statements that read one file at a time
PROBED = 4 * 1024 * 1024  # bytes between the places at which the end of a file is sought
PROBES = 12  # places that one statement looks at
LARGEST_VALUE = 64 * 1024 * 1024  # bytes that the server gives, or measures, at once (server-facts 31)


def read(url: str, offset: int = 0, pieces: int = 1) -> Op[bytes]:
    """Read pieces of a file; fewer bytes at its end, and none after it.

    Args:
        url: `stage://` URL of the file.
        offset: offset of the first byte.
        pieces: maximum number of pieces of `PIECE` bytes.

    Raises:
        StageFileNotFound: the file does not exist.
        ServerError: the server cannot read it.
    """
    try:
        return (yield from ReadFile(url, offset, pieces))
    except ServerError as error:
        if not _is_past_the_end(error):
            raise
    found = b""
    while pieces > 1:  # one by one, so that no range but the last is past the end
        pieces -= 1
        piece = yield from read(url, offset + len(found))
        found += piece
        if len(piece) < PIECE:
            break
    return found


def read_range(url: str, offset: int, size: int) -> Op[bytes]:
    """Read a range of a file; fewer bytes at its end, and none after it.

    Args:
        url: `stage://` URL of the file.
        offset: offset of the first byte.
        size: number of bytes, from 1 to `LARGEST_VALUE`.

    Raises:
        StageFileNotFound: the file does not exist.
        ServerError: the server cannot read it.
    """
    try:
        return (yield from ReadRange(url, offset, size))
    except ServerError as error:
        if not _is_past_the_end(error):
            raise
        return b""


def count_reached(url: str, offsets: tuple[int, ...]) -> Op[int]:
    """Count the offsets, in ascending order, that are inside a file.

    Raises:
        StageFileNotFound: the file does not exist.
        ServerError: the server cannot read it.
    """
    for count, offset in enumerate(offsets):
        try:
            byte = yield from ReadFile(url, offset, size=1)
        except ServerError as error:
            if not _is_past_the_end(error):
                raise
            byte = b""
        if not byte:
            return count
    return len(offsets)


def size_of(url: str) -> Op[int]:
    """Return the size of a file in bytes.

    The server measures the rest of the file after an offset, up to `LARGEST_VALUE`; a search finds such an offset.

    Raises:
        StageFileNotFound: the file does not exist.
        ServerError: the server cannot read it.
    """
    inside, beyond, offset = 0, 0, 0
    while True:
        try:
            left = yield from FileLength(f"{url}?offset={offset}" if offset else url)
        except ServerError as error:
            words = str(error).lower()
            if "too long" in words:
                inside = offset
            elif "exceeds file size" in words:
                beyond = offset
            elif _is_past_the_end(error):
                return offset
            else:
                raise
        else:
            return offset + (left or 0)
        offset = (inside + beyond) // 2 if beyond else max(2 * inside, LARGEST_VALUE)


def size_by_probes(url: str, step: int) -> Op[int]:
    """Return the size of a file in bytes; the server reads only single bytes of it, and at most one step at its end.

    Args:
        url: `stage://` URL of the file.
        step: maximum number of bytes at the end that the server measures.

    Raises:
        StageFileNotFound: the file does not exist.
        ServerError: the server cannot read it.
    """
    try:
        inside = yield from _last_step_inside(url, step, PROBES)
    except ServerError as error:
        if not _is_past_the_end(error):
            raise
        inside = yield from _last_step_inside(url, step, 1)
    return inside * step + (yield from _length_from(url, inside * step))


def _length_from(url: str, offset: int) -> Op[int]:
    """Return the number of bytes of a file after an offset."""
    try:
        return (yield from FileLength(f"{url}?offset={offset}" if offset else url)) or 0
    except ServerError as error:
        if not _is_past_the_end(error):
            raise
        return 0  # an empty file of S3


def _last_step_inside(url: str, step: int, at_once: int) -> Op[int]:
    """Return the greatest number of steps whose offset is inside a file.

    Args:
        url: `stage://` URL of the file.
        step: size of a step in bytes.
        at_once: number of offsets that one statement probes; on S3 several work only if all are inside the file.
    """
    inside, beyond = 0, 0
    while not beyond:
        inside, beyond = yield from _narrow(url, step, [max(2 * inside, 1) << at for at in range(at_once)], inside, 0)
    while beyond - inside > 1:
        parts = min(at_once + 1, beyond - inside)
        places = [inside + (beyond - inside) * at // parts for at in range(1, parts)]
        inside, beyond = yield from _narrow(url, step, places, inside, beyond)
    return inside


def _narrow(url: str, step: int, places: Sequence[int], inside: int, beyond: int) -> Op[tuple[int, int]]:
    """Probe ascending places: return the last one inside a file and the first one after it, or the bounds given."""
    if len(places) == 1:
        reached = 1 if (yield from read_range(url, places[0] * step, 1)) else 0
    else:
        reached = yield from CountReached(url, tuple(place * step for place in places))
    return [inside, *places][reached], [*places, beyond][reached]


def is_there(url: str) -> Op[bool]:
    """Return whether a file exists.

    Raises:
        ServerError: the server cannot read it.
    """
    try:
        yield from count_reached(url, (0,))
    except StageFileNotFound:
        return False
    return True


def pieces_of(size: int) -> tuple[int, ...]:
    """Return the offsets of the pieces in which a file of this size is copied; none for an empty file."""
    return tuple(range(0, size, COPIED_AT_ONCE))


def check_written(url: str, size: int) -> Op[None]:
    """Check that a file was written: a server answers OK for a name that its disk refuses, and writes no file.

    Raises:
        ServerError: the file is too short.
        StageFileNotFound: the file does not exist.
    """
    reached = yield from count_reached(url, (max(size - 1, 0),))
    if reached < min(size, 1):
        raise ServerError(f"the server answered OK, and {url} has fewer than the {size:,} bytes that it was given")


def put_in_place(spare: str, url: str, size: int) -> Op[None]:
    """Rename a file, replacing another one. The server has no such step: for a moment neither name exists.

    Args:
        spare: `stage://` URL of the file to rename.
        url: its new URL, of the file that it replaces.
        size: size of the file in bytes.
    """
    try:
        yield from RemoveFiles(url)
        yield from CopyFile(spare, url, pieces_of(size))
        yield from check_written(url, size)
    except BaseException as error:
        error.add_note(f"the new content of {url} is whole in {spare}")
        raise
    yield from RemoveFiles(spare)


def _is_past_the_end(error: ServerError) -> bool:
    """Return whether the server refused a range that begins at the end of an S3 object or past it (server-facts 60)."""
    return re.search(r"range is not satisfiable|\bpanic\b.*\bEOF\b", str(error), re.DOTALL) is not None
