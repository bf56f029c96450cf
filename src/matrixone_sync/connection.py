"""PyMySQL's connection, with a login that ends within `connect_timeout` and a close that leaves nothing behind.

Touches what PyMySQL keeps to itself; the project pins its minor version.
"""

import socket
from typing import Any

import pymysql


class Connection(pymysql.Connection):
    """A connection whose login, not only whose socket, is under the time limit; it can be closed while rows come in."""

    _read_timeout: float | None
    connect_timeout: float | None

    _result: Any

    def _force_close(self) -> None:
        """Close the socket; a result that was still being read shall not try to read on when it is collected."""
        if self._result is not None:
            self._result.unbuffered_active = False
        super()._force_close()  # type: ignore[misc]  # not in the stubs

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        wanted, self._read_timeout = self._read_timeout, self.connect_timeout
        try:
            super().connect(sock)
        finally:
            self._read_timeout = wanted
