"""aiomysql's connection, made to be cancelled: a statement given up on is stopped on the server.

Touches what aiomysql keeps to itself; the project pins its minor version.
"""

import asyncio
import select
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self

import aiomysql
from pymysql.constants import CR, SERVER_STATUS
from pymysql.err import MySQLError, OperationalError

from matrixone_async.concurrency import HeldBack, cancel_again, hold_back, shield
from matrixone_async.protocol import PacketMixin, ProtocolMixin, ResultMixin
from matrixone_core.cancellation import STOP_AGAIN, STOP_SECONDS
from matrixone_core.connect import IDLE_SECONDS, OF_THE_PARENT
from matrixone_core.dialect import STATEMENT_TIMEOUT
from matrixone_core.driver_settings import autocommit_after, check_charset, check_statement
from matrixone_core.fragments import BYTES, bytes_literal
from matrixone_core.local_infile import CR_LOCAL_REFUSED, LOCAL_REFUSED, SENT_AT_ONCE, fails_export
from matrixone_core.row_packets import READ_AT_ONCE
from matrixone_core.secrets import password_bytes
from matrixone_core.server_errors import reply_ended
from matrixone_core.wire import CR_SSL_CONNECTION_ERROR, LOST, check_rows
from matrixone_platform.fork import leave_to_parent

Stop = Callable[[int], Awaitable[None]]  # stops what the connection of this id is doing on the server


class Connection(ProtocolMixin, aiomysql.Connection):
    """A connection whose statements can be given up on.

    Args:
        stop: stops a statement on the server over another connection; None where nothing can.
        read_timeout: seconds that the server may be silent while a reply is awaited; None for ever.
        arguments: aiomysql's own.

    Attributes:
        time_limit: seconds that a statement may take; None for ever.
    """

    def __init__(self, *, stop: Stop | None = None, read_timeout: float | None = None, **arguments: Any) -> None:
        arguments["password"] = password_bytes(arguments.get("password"))
        arguments["local_infile"] = True
        self._init_command: str | None = None
        variables = arguments.pop("session_variables", None)
        if variables is not None:
            self._init_command, arguments["init_command"] = arguments.get("init_command"), variables
        super().__init__(**arguments)
        self._stop = stop
        self._wanted = read_timeout
        self._read_timeout: float | None = None  # logging in has a limit of its own
        self._committing = False
        self._cancelled: list[HeldBack] = []
        self._is_opening = False
        self._used = time.monotonic()

    @property
    def open(self) -> bool:
        """Whether the connection is open."""
        return self._writer is not None

    @classmethod
    async def opened(cls, **arguments: Any) -> Self:
        """A new connection, logged in; the arguments are the constructor's."""
        connection = cls(**arguments)
        try:
            connection._is_opening = True
            async with asyncio.timeout(connection.connect_timeout):
                await connection._connect()
                await connection._run_init_command()
            connection._is_opening = False
            connection._read_timeout = connection._wanted
        except UnicodeError as error:
            raise OperationalError(
                CR.CR_CONN_HOST_ERROR, f"{connection.host!r} is not a host's name: {error}"
            ) from None
        except TimeoutError as error:
            connection.close()
            raise OperationalError(
                CR.CR_CONN_HOST_ERROR, f"Can't connect to MySQL server on '{connection.host}' (timed out)"
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def _run_init_command(self) -> None:
        """Run the program's statement, and commit it."""
        if self._init_command is not None:
            await self.query(self._init_command)
            await super().commit()

    async def set_charset(self, charset: str) -> None:
        """SET NAMES.

        Raises:
            InvalidArgument: it is not UTF-8.
        """
        check_charset(charset)
        await super().set_charset(charset)  # type: ignore[misc]  # not in the stubs

    def close(self) -> None:
        """Hang up at once: a polite end of TLS waits for the server's, and the event loop may end before that comes."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = self._reader = self._unread = None

    def close_at_once(self) -> None:
        """Close the connection without a word to the server."""
        self.close()

    def _credentials(self) -> tuple[bytes, bool]:
        return self._password, bool(self._ssl_context)

    def __del__(self) -> None:
        if self._loop.is_closed():  # nothing can be said to the server any more; the socket closes itself
            self._writer = self._reader = None
        super().__del__()

    def escape(self, obj: Any) -> str:
        """A value as a literal; bytes alike with every version of PyMySQL."""
        if isinstance(obj, BYTES):
            takes_backslashes = not self.server_status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES
            return f"_binary{bytes_literal(obj, backslashes=takes_backslashes)}"
        return super().escape(obj)

    async def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        """Send a statement and read its reply; a connection that may be out of step afterwards is closed.

        Raises:
            InvalidArgument: it sets a mode that values are not written for.
        """
        check_statement(sql)
        self._querying = True
        limit = asyncio.timeout(self.time_limit)
        try:
            async with limit:
                rows: int = await super().query(sql, unbuffered)
        except TimeoutError:
            if not limit.expired():  # what gives the data had a limit of its own
                self.close()
                raise
            await shield(self._give_up, 2 * STOP_SECONDS)
            raise OperationalError(
                STATEMENT_TIMEOUT, f"the statement took longer than its limit of {self.time_limit:g} s"
            ) from None
        except asyncio.CancelledError:
            await shield(self._give_up, 2 * STOP_SECONDS)
            raise
        except MySQLError as error:
            if not reply_ended(error) or fails_export(sql):
                self.close()
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self._querying = False
        return rows

    async def commit(self) -> None:
        """COMMIT. A cancellation meanwhile waits for the answer, and comes at the next await.

        An error goes before a cancellation: who is cancelled has to hear that rows may be committed or not.
        """
        if self._is_opening:  # aiomysql would commit the settings of the connection, which are no part of a transaction
            self._untouched = True
            return
        self._committing, self._cancelled = True, []
        try:
            await super().commit()
        finally:
            self._committing = False
        self._untouched = True
        for cancelled in self._cancelled:
            cancel_again(cancelled)

    async def ping(self, reconnect: bool = True) -> None:
        """See that the connection still stands; the server is asked only after a while.

        Raises:
            OperationalError: it does not; a connection on which something came unasked is taken for broken.
        """
        if self._writer is None or self._reader is None:
            raise OperationalError(CR.CR_SERVER_LOST, "the connection is closed")
        if self._writer.transport.is_closing() or self._reader.at_eof() or _readable(self._writer):
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server while it was idle")
        if time.monotonic() - self._used > IDLE_SECONDS:
            await super().ping(reconnect=False)

    async def send_data(self) -> None:
        """Send what the statement is given, whatever the server has asked for, and no faster than it takes it.

        Raises:
            OperationalError: it is given nothing; the server is told nothing, too, and the connection closed.
        """
        data, self._data = self._data, None
        if data is None or self._writer is None:
            raise OperationalError(CR_LOCAL_REFUSED, LOCAL_REFUSED)
        async for chunk in self._noting_failure(data):
            for at in range(0, len(chunk), SENT_AT_ONCE):
                self.write_packet(chunk[at : at + SENT_AT_ONCE])
                await self._writer.drain()
            if _readable(self._writer):
                break  # the server has found something wrong already
        self.write_packet(b"")
        await self._writer.drain()

    async def _encrypt(self) -> None:
        """Go on over TLS, with streams of its own: what came before TLS is not read after it."""
        writer: Any = self._writer
        writer.transport.pause_reading()
        sock = writer.get_extra_info("socket").dup()
        writer.transport.close()
        try:
            self._reader, self._writer = await aiomysql.connection._open_connection(  # pyright: ignore[reportPrivateUsage]  # the version is pinned
                sock=sock, ssl=self._ssl_context, server_hostname=self.host
            )
        except ssl.SSLError as error:
            raise OperationalError(CR_SSL_CONNECTION_ERROR, f"TLS with {self.host!r} failed: {error}") from None
        self._secure = True

    def leave_to_parent(self) -> None:
        """In a forked child: leave the connection to the parent, which may be in the middle of a reply."""
        self._of_the_parent = True
        sock: socket.socket | None = None if self._writer is None else self._writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            leave_to_parent(sock.fileno())
        with suppress(OSError, RuntimeError):  # the event loop may be closed, and has nothing of the dead socket
            self.close()
        self._writer = self._reader = self._unread = None

    def _ensure_alive(self) -> None:
        if self._of_the_parent:
            raise OperationalError(CR.CR_SERVER_LOST, OF_THE_PARENT)
        super()._ensure_alive()  # type: ignore[misc]  # not in the stubs

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        self._result = None
        result = self._new_result(Result, PacketResult)
        with self.intact():
            if unbuffered:
                try:
                    await result.init_unbuffered_query()
                except BaseException:
                    result.unbuffered_active = False
                    result.connection = None
                    raise
            else:
                await result.read()
                check_rows(result.rows, result.field_count)
        self._result = result
        self._affected_rows = result.affected_rows
        if result.server_status is not None:
            self.server_status = result.server_status

    async def _execute_command(self, command: int, sql: str | bytes) -> None:
        self._untouched = False
        self.commits_each = autocommit_after(sql, self.commits_each)
        await self._skip_rows()
        await super()._execute_command(command, sql)
        self._used = time.monotonic()

    async def _read_bytes(self, num_bytes: int) -> bytes:
        try:
            return await self._read_in_time(num_bytes, self._read_timeout)
        except asyncio.CancelledError as error:
            if not self._committing:
                raise
            self._cancelled.append(hold_back(error))
        # readexactly() takes nothing when it is cancelled, so that it can be asked again
        return await shield(partial(self._read_in_time, num_bytes, STOP_SECONDS), STOP_SECONDS)

    async def _read_some(self) -> bytes:
        if self._reader is None:
            raise OperationalError(CR.CR_SERVER_LOST, LOST)
        try:
            async with asyncio.timeout(self._read_timeout):
                data = await self._reader.read(READ_AT_ONCE)
        except TimeoutError:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, f"{LOST} (no answer in {self._read_timeout:g} s)") from None
        except asyncio.CancelledError:
            self._close_on_cancel()
            raise
        if not data:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, LOST)
        return data

    async def _read_in_time(self, num_bytes: int, seconds: float | None) -> bytes:
        if seconds is None:
            return await super()._read_bytes(num_bytes)
        try:
            async with asyncio.timeout(seconds):
                return await super()._read_bytes(num_bytes)
        except TimeoutError:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, f"{LOST} (no answer in {seconds:g} s)") from None

    def _close_on_cancel(self) -> None:
        if not self._querying and not self._committing:  # query() has more to do before
            self.close()

    async def _give_up(self) -> None:
        """Have the statement stopped on the server, wait until it is, though not for ever, and close.

        The KILL is sent while the reply is outstanding and the connection is ours, so that it can reach no other
        statement (server-facts 16).
        """
        try:
            if self._stop is not None and self._reader is not None and not self._is_opening:
                await self._kill(self._stop, self._reader)
        finally:
            self.close()

    async def _kill(self, stop: Stop, reader: asyncio.StreamReader) -> None:
        for part in STOP_AGAIN:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await stop(self.thread_id())
                async with asyncio.timeout(STOP_SECONDS * part):
                    await reader.read(1)
                    return


class Result(ResultMixin, aiomysql.connection.MySQLResult):
    """A result of ours."""


class PacketResult(PacketMixin, Result):
    """A result of ours whose rows stay packets."""


def _readable(writer: asyncio.StreamWriter) -> bool:
    """Whether something has come that the event loop has not seen yet."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
