"""PyMySQL's connection, with a login that cannot take longer than `connect_timeout`.

Touches what PyMySQL keeps to itself; the project pins its minor version.
"""

import socket

import pymysql


class Connection(pymysql.Connection):
    """A connection whose login, not only whose socket, is under the time limit."""

    _read_timeout: float | None
    connect_timeout: float | None

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        wanted = self._read_timeout
        self._read_timeout = wanted or self.connect_timeout
        try:
            super().connect(sock)
        finally:
            self._read_timeout = wanted
