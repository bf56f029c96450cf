"""The folder of a server's data: a temporary one goes with its server, or with the next one if it was killed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "matrixone-"
_UNFINISHED = ".matrixone-"  # until the lock is held, so that nobody takes it for one that was left behind
_LOCK = "server.lock"


class TemporaryFolder:
    """A folder of our own, which a lock marks as used for as long as this process lives.

    Folders that servers left behind which were killed are removed first: those of this user whose lock nobody holds.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
        lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _lock(lock)
        self._lock = lock
        self.path = made.rename(parent / (_PREFIX + made.name.removeprefix(_UNFINISHED)))

    def remove(self) -> None:
        """Remove it with what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders that killed servers of this user left behind."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another start is faster, or it is not ours
            if _is_ours(folder.lstat()):
                _remove_if_abandoned(folder)


def _is_ours(found: os.stat_result) -> bool:
    """Whether something is a folder of this user, and no link to one."""
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder if its lock can be had; one without a lock was not made here.

    Raises:
        OSError: it has no lock, or another process holds it.
    """
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(lock)
        if os.fstat(lock).st_nlink:  # else another start has removed it meanwhile
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _lock(file: int) -> None:
    """Hold a file's lock until it is closed.

    Raises:
        BlockingIOError: another process holds it.
    """
    import fcntl  # noqa: PLC0415  # not there on Windows, where this module is imported all the same

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
