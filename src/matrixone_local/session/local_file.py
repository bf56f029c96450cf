"""The client's own file, which its LOAD DATA LOCAL names; it is stored on the disk while it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from matrixone_local.errors import SqlError
from matrixone_local.protocol.constants import Capability
from matrixone_local.session.responses import ResponseWriter

SPOOLED = 1 << 20  # bytes of it that stay in memory


class LocalFile:
    """What the client has sent for the statement that is running.

    Args:
        replies: asks the client.
        capabilities: what the client can do.
    """

    def __init__(self, replies: ResponseWriter, capabilities: Capability) -> None:
        self._replies = replies
        self._gives_files = bool(capabilities & Capability.LOCAL_FILES)
        self._file: IO[bytes] | None = None

    def pieces(self, path: str) -> Iterator[bytes]:
        """Ask the client for the file, once in a statement, and read it.

        Raises:
            SqlError: the client gives no files.
        """
        if not self._gives_files:
            raise SqlError(
                3948,
                "Loading local data is disabled; this must be enabled on both the client and server sides",
                "42000",
            )
        if self._file is None:
            self._file = self._spool(path)
        self._file.seek(0)
        while data := self._file.read(SPOOLED):
            yield data

    def close(self) -> None:
        """Forget the file: its statement has run."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spool(self, path: str) -> IO[bytes]:
        """The client's file, whole; nothing but the file that its own statement names is asked for."""
        file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115  # closed with the statement
        failed: OSError | None = None
        try:
            for data in self._replies.ask_for(path):
                if failed is not None:
                    continue  # the client sends the rest before it hears of it
                try:
                    file.write(data)
                except OSError as error:
                    failed = error
            if failed is not None:
                raise failed
        except BaseException:
            with suppress(OSError):  # of what could not be written
                file.close()
            raise
        return file
