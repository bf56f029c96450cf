"""The machine that the program runs on."""

import os
import stat
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from matrixone_core.errors import NotSupported
from matrixone_core.machine import LocalPath

PROGRESS_BAR = "matrixone_platform.progress_bar"  # imports rich


def _is_notebook() -> bool:
    """Return whether the program is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class LocalMachine:
    """Reaches files, environment and terminal; `matrixone_core.machine.Machine` says what each function does."""

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment."""
        return os.environ.get(name)

    def progress_bar(self) -> Callable[[Any], None] | None:
        """Return what shows the events of a load, on standard error if that is a terminal, or in a notebook."""
        is_notebook = _is_notebook()
        if not is_notebook and not sys.stderr.isatty():
            return None
        if is_notebook and find_spec("ipywidgets") is None:
            raise NotSupported(
                "progress=True in a notebook needs ipywidgets: pip install ipywidgets; or give a function"
            )
        try:
            show: Callable[[Any], None] = import_module(PROGRESS_BAR).show
        except ImportError:
            raise NotSupported(
                "progress=True needs rich: pip install matrixone[progress]; or give a function"
            ) from None
        return show

    def open(self, path: LocalPath) -> BufferedReader:
        """Open a file to read it."""
        return open(path, "rb")  # noqa: PTH123  # the path as the caller gave it

    def open_temporary(self) -> IO[bytes]:
        """Open a new file without a name."""
        return TemporaryFile()

    def size(self, path: LocalPath) -> int | None:
        """Return the length of a regular file."""
        found = os.stat(path)  # noqa: PTH116  # the path as the caller gave it
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def exists(self, path: LocalPath) -> bool:
        """Return whether there is anything at a path."""
        return os.path.exists(path)  # noqa: PTH110  # takes what can be no path, too

    def is_file(self, path: LocalPath) -> bool:
        """Return whether there is a regular file."""
        return os.path.isfile(path)  # noqa: PTH113  # takes what can be no path, too

    def is_folder(self, path: LocalPath) -> bool:
        """Return whether there is a folder."""
        return os.path.isdir(path)  # noqa: PTH112  # takes what can be no path, too

    def absolute(self, path: LocalPath) -> str:
        """Return a path from the root."""
        return os.path.abspath(path)  # noqa: PTH100  # as a text

    def is_special(self, path: LocalPath) -> bool:
        """Return whether there is a pipe, a device or a socket."""
        return self.exists(path) and not self.is_file(path) and not self.is_folder(path)

    def follow(self, path: LocalPath) -> str:
        """Return the path that symbolic links lead to."""
        return os.path.realpath(path)

    def open_new(self, path: LocalPath, like: LocalPath | None = None) -> IO[bytes]:
        """Create a file, and open it to write it."""
        file = Path(path).open("xb")  # noqa: SIM115  # whoever writes it closes it
        if like is not None and self.is_file(like):
            Path(path).chmod(stat.S_IMODE(Path(like).stat().st_mode))
        return file

    def open_special(self, path: LocalPath) -> IO[bytes]:
        """Open a pipe or a device to write it."""
        return Path(path).open("wb")

    def write_at(self, path: LocalPath, offset: int, data: bytes) -> None:
        """Write into a file that exists."""
        with Path(path).open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def move(self, path: LocalPath, target: LocalPath) -> None:
        """Give a file another name."""
        Path(path).replace(target)

    def remove(self, path: LocalPath) -> None:
        """Remove a file, if it exists."""
        Path(path).unlink(missing_ok=True)
