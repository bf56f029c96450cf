"""aiomysql's connection, with the time limits it lacks: a read timeout, and one for the login as a whole.

Touches what aiomysql keeps to itself; the project pins its minor version.
"""

import asyncio
from typing import Any, Self

import aiomysql
from pymysql.constants import CR
from pymysql.err import OperationalError


class Connection(aiomysql.Connection):
    """A connection that does not wait for ever.

    Args:
        read_timeout: seconds that the server may be silent while a reply is awaited; None for ever.
        arguments: aiomysql's own.
    """

    def __init__(self, *, read_timeout: float | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._wanted = read_timeout
        self._read_timeout: float | None = None  # logging in has a limit of its own

    async def _read_bytes(self, num_bytes: int) -> bytes:
        if self._read_timeout is None:
            return await super()._read_bytes(num_bytes)
        try:
            async with asyncio.timeout(self._read_timeout):
                return await super()._read_bytes(num_bytes)
        except TimeoutError:
            self.close()
            raise OperationalError(
                CR.CR_SERVER_LOST, f"Lost connection to MySQL server during query (no answer in {self._read_timeout} s)"
            ) from None

    @classmethod
    async def open(cls, **arguments: Any) -> Self:
        """A new connection, logged in; the arguments are the constructor's."""
        connection = cls(**arguments)
        try:
            async with asyncio.timeout(connection.connect_timeout):
                await connection._connect()
            connection._read_timeout = connection._wanted
        except TimeoutError as error:
            connection.close()
            raise OperationalError(
                CR.CR_CONN_HOST_ERROR, f"Can't connect to MySQL server on '{connection.host}' (timed out)"
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection
