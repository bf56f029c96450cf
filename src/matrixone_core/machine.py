"""The client's machine as operations see it: its files, environment and terminal, which only a driver can reach."""

import os
from collections.abc import Callable
from io import BufferedReader
from typing import IO, Any, Protocol, TypeAlias

LocalPath: TypeAlias = str | os.PathLike[str]


class Machine(Protocol):
    """The client's machine, as the driver's side offers it.

    All but `variable` may block, so operations call them in `run_in_thread` steps. They raise OSError as Python's own
    functions do.
    """

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment, or None."""
        ...

    def progress_bar(self) -> Callable[[Any], None] | None:
        """Return a function that shows the events of a load; None without a terminal or a notebook.

        Raises:
            NotSupported: the package for it is not installed.
        """
        ...

    def open(self, path: LocalPath) -> BufferedReader:
        """Open a file to read it."""
        ...

    def open_temporary(self) -> IO[bytes]:
        """Open a new file without a name, which is removed when it is closed."""
        ...

    def size(self, path: LocalPath) -> int | None:
        """Return the length of a file in bytes; None for a pipe, a device or a folder."""
        ...

    def exists(self, path: LocalPath) -> bool:
        """Return whether there is anything at a path."""
        ...

    def is_file(self, path: LocalPath) -> bool:
        """Return whether there is a regular file."""
        ...

    def is_folder(self, path: LocalPath) -> bool:
        """Return whether there is a folder."""
        ...

    def absolute(self, path: LocalPath) -> str:
        """Return a path from the root."""
        ...

    def is_special(self, path: LocalPath) -> bool:
        """Return whether there is a pipe, a device or a socket."""
        ...

    def follow(self, path: LocalPath) -> str:
        """Return the path that symbolic links lead to."""
        ...

    def open_new(self, path: LocalPath, like: LocalPath | None = None) -> IO[bytes]:
        """Create a file, where there is none, and open it to write it.

        Args:
            path: the file.
            like: a file whose permissions it gets, if there is one.
        """
        ...

    def open_special(self, path: LocalPath) -> IO[bytes]:
        """Open a pipe or a device to write it."""
        ...

    def write_at(self, path: LocalPath, offset: int, data: bytes) -> None:
        """Write into a file that exists."""
        ...

    def move(self, path: LocalPath, target: LocalPath) -> None:
        """Give a file another name; a file of that name is replaced."""
        ...

    def remove(self, path: LocalPath) -> None:
        """Remove a file, if it exists."""
        ...
