"""PyMySQL's connection, made to be interrupted: a statement given up on is stopped on the server.

Touches what PyMySQL keeps to itself; the project pins its minor version.
"""

import math
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.connections import MySQLResult
from pymysql.constants import CR, SERVER_STATUS
from pymysql.cursors import Cursor as StockCursor
from pymysql.err import MySQLError, OperationalError

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
from matrixone_sync.protocol import PacketMixin, ProtocolMixin, ResultMixin
from matrixone_sync.sigint import DeferredSigint

Stop = Callable[[int], None]  # stops what the connection of this id is doing on the server
SIGINT_CHECK_SECONDS = 1.0  # of a wait, after which Python sees signals that did not end it
SIGINT_POLL_SECONDS = 0.1  # between checks for a Ctrl-C that is deferred


class Connection(ProtocolMixin, pymysql.Connection):
    """A connection whose statements can be given up on.

    Args:
        arguments: PyMySQL's own.
        stop: stops a statement on the server over another connection; None where nothing can.

    Attributes:
        time_limit: seconds that a statement may take; None for ever.
        sigint: defers Ctrl-C during a COMMIT; None where COMMIT does so by itself.
    """

    _read_timeout: float | None
    connect_timeout: float | None
    _sock: socket.socket | None
    _rfile: Any
    _result: Any
    server_thread_id: tuple[int]  # as the greeting told it: the connection's id

    def __init__(self, *arguments: Any, stop: Stop | None = None, **named: Any) -> None:
        self._stop = stop
        self._used = time.monotonic()
        self.sigint: DeferredSigint | None = None
        named["password"] = password_bytes(named.pop("passwd", None) or named.get("password"))
        named["local_infile"] = True
        named.setdefault("cursorclass", Cursor)
        self._init_command: str | None = None
        variables = named.pop("session_variables", None)
        if variables is not None:
            self._init_command, named["init_command"] = named.get("init_command"), variables
        if not any(name.startswith("ssl") for name in named):
            named["ssl_disabled"] = True  # PyMySQL 1.2 would encrypt where a server can, and look at no certificate
        super().__init__(*arguments, **named)

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in, all of it within `connect_timeout`."""
        wanted, self._read_timeout = self._read_timeout, self.connect_timeout
        try:
            super().connect(sock)
            self._run_init_command()
        except UnicodeError as error:  # asyncio says OSError
            raise OperationalError(CR.CR_CONN_HOST_ERROR, f"{self.host!r} is not a host's name: {error}") from None
        finally:
            self._read_timeout = wanted

    def _run_init_command(self) -> None:
        """Run the program's statement, and commit it."""
        if self._init_command is None:
            return
        try:
            self.query(self._init_command)
            super().commit()
        except BaseException:
            self._force_close()
            raise

    def close(self) -> None:
        """Close the connection, if it is open."""
        if not self._stock._closed:
            super().close()

    def query(self, sql: Any, unbuffered: bool = False) -> int:
        """Send a statement and read its reply; a connection that may be out of step afterwards is closed.

        Raises:
            InvalidArgument: it sets a mode that values are not written for.
        """
        check_statement(sql)
        self._querying = True
        if isinstance(sql, str):
            sql = sql.encode(self.encoding, "surrogateescape")  # bytes_literal() writes bytes that are no text so
        try:
            rows: int = super().query(sql, unbuffered)  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
        except MySQLError as error:
            if error.args[:1] == (STATEMENT_TIMEOUT,):
                self._give_up()
            elif not reply_ended(error) or fails_export(sql):
                self._force_close()
            raise
        except Exception:
            self._force_close()
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            self._querying = False
        return rows

    def escape(self, obj: Any, mapping: Any = None) -> str:
        """A value as a literal; bytes alike with every version of PyMySQL."""
        if isinstance(obj, BYTES):
            return bytes_literal(obj, backslashes=self._takes_backslashes())
        escaped: str = super().escape(obj, mapping)  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
        return escaped

    def commit(self) -> None:
        """COMMIT. A Ctrl-C meanwhile waits for the answer, though not for ever."""
        if self.sigint is not None:
            super().commit()
            self._untouched = True
            return
        self.sigint = DeferredSigint()
        self.sigint.defer()
        try:
            self.commit()
        finally:
            sigint, self.sigint = self.sigint, None
            sigint.restore()

    def ping(self, reconnect: bool | None = False) -> None:
        """See that the connection still stands; the server is asked only after a while.

        Raises:
            OperationalError: it does not; a connection on which something came unasked is taken for broken.
        """
        if self._sock is None:
            raise OperationalError(CR.CR_SERVER_LOST, "the connection is closed")
        if _readable(self._sock, 0):
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server while it was idle")
        if time.monotonic() - self._used > IDLE_SECONDS:
            super().ping(reconnect=False)

    def stop_statement(self) -> None:
        """Have the statement under way stopped on the server; for another thread than its own."""
        if self._stop is not None:
            self._stop(self.server_thread_id[0])

    def shutdown_socket(self) -> None:
        """End the connection, so that whoever waits for it hears of it; for another thread than its own."""
        with suppress(OSError):
            if self._sock is not None:
                self._sock.shutdown(socket.SHUT_RDWR)

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """SET NAMES.

        Raises:
            InvalidArgument: it is not UTF-8.
        """
        check_charset(charset)
        with self.intact():
            super().set_character_set(charset, collation)

    def _encrypt(self) -> None:
        ours: Any = self  # the stubs leave much out
        try:
            self._sock = sock = ours.ctx.wrap_socket(self._sock, server_hostname=self.host)
        except ssl.SSLError as error:
            raise OperationalError(CR_SSL_CONNECTION_ERROR, f"TLS with {self.host!r} failed: {error}") from None
        self._rfile = sock.makefile("rb")  # what came before TLS is not read after it
        self._secure = True

    def _takes_backslashes(self) -> bool:
        return not self.server_status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES

    def leave_to_parent(self) -> None:
        """In a forked child: leave the connection to the parent, which may be in the middle of a reply."""
        self._of_the_parent = True
        if self._sock is not None and self._sock.fileno() >= 0:
            leave_to_parent(self._sock.fileno())
            self._sock.close()
        if self._result is not None:
            self._result.unbuffered_active = False
        self._sock = self._unread = None
        self._rfile = None  # not closed: a thread of the parent's may hold its lock

    def _read_some(self) -> bytes:
        data: bytes = b""
        if self._rfile is not None:
            data = self._rfile.read1(READ_AT_ONCE)
        if not data:
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, LOST)
        return data

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        self._result = None
        result = self._new_result(Result, PacketResult)
        with self.intact():
            if unbuffered:
                result.init_unbuffered_query()
            else:
                result.read()
                check_rows(result.rows, result.field_count)
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def send_data(self) -> None:
        """Send what the statement is given, whatever the server has asked for, and no faster than it takes it.

        Raises:
            OperationalError: it is given nothing; the server is told nothing, too, and the connection closed.
        """
        data, self._data = self._data, None
        if data is None:
            raise OperationalError(CR_LOCAL_REFUSED, LOCAL_REFUSED)
        ends = None if self.time_limit is None else time.monotonic() + self.time_limit
        for chunk in self._noting_failure(data):
            for at in range(0, len(chunk), SENT_AT_ONCE):
                self.write_packet(chunk[at : at + SENT_AT_ONCE])  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
            if ends is not None and time.monotonic() > ends:
                self._too_late()
            if self._sock is not None and _readable(self._sock, 0):
                break  # the server has found something wrong already
        self.write_packet(b"")  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
        if ends is not None and self._sock is not None and not _readable(self._sock, max(ends - time.monotonic(), 0)):
            self._too_late()

    def close_at_once(self) -> None:
        """Close the connection without a word to the server."""
        self._force_close()

    def _credentials(self) -> tuple[bytes, bool]:
        return self._stock.password, bool(self.ssl)

    def _force_close(self) -> None:
        """Close the socket; a result that was still being read shall not try to read on when it is collected."""
        if self._querying and isinstance(sys.exception(), KeyboardInterrupt):
            return  # query() has more to do before
        if self._result is not None:
            self._result.unbuffered_active = False
        self._unread = None
        super()._force_close()  # type: ignore[misc]  # not in the stubs

    def _execute_command(self, command: int, sql: Any) -> None:
        if self._of_the_parent:
            raise OperationalError(CR.CR_SERVER_LOST, OF_THE_PARENT)
        self._untouched = False
        self.commits_each = autocommit_after(sql, self.commits_each)
        self._skip_rows()
        super()._execute_command(command, sql)  # type: ignore[misc]  # not in the stubs
        if self._sock is not None and not self._answered(self._sock):
            self._too_late()
        self._used = time.monotonic()

    def _answered(self, sock: socket.socket) -> bool:
        """Wait for the reply to begin, where that has an end; nothing of it is read yet when somebody gives up."""
        if self._querying:
            return self._begins_in_time(sock)
        if self.sigint is None:
            return True
        ends = None if self._read_timeout is None else time.monotonic() + self._read_timeout
        while not _readable(sock, SIGINT_POLL_SECONDS):
            now, since = time.monotonic(), self.sigint.since
            if (ends is not None and now > ends) or (since is not None and now > since + STOP_SECONDS):
                return False
        return True

    def _begins_in_time(self, sock: socket.socket) -> bool:
        """Wait in parts: Python sees a Ctrl-C that comes right before a wait, or to another thread, only after it."""
        if self.time_limit is None and self._read_timeout is not None:
            return True  # the socket has this limit itself
        ends = math.inf if self.time_limit is None else time.monotonic() + self.time_limit
        while not _readable(sock, max(min(SIGINT_CHECK_SECONDS, ends - time.monotonic()), 0)):
            if time.monotonic() >= ends:
                return False
        return True

    def _too_late(self) -> None:
        if self._querying:
            raise OperationalError(
                STATEMENT_TIMEOUT, f"the statement took longer than its limit of {self.time_limit:g} s"
            )
        self._force_close()
        raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query (no answer in time)")

    def _give_up(self) -> None:
        """Have the statement stopped on the server, wait until it is, though not for ever, and close.

        The KILL is sent while the connection is ours, so that it can reach no other statement (server-facts 16).
        """
        self._querying = False
        try:
            if self._stop is not None:
                self._kill(self._stop)
        finally:
            self._force_close()

    def _kill(self, stop: Stop) -> None:
        for part in STOP_AGAIN:
            stop(self.server_thread_id[0])
            if self._sock is None or _readable(self._sock, STOP_SECONDS * part):
                return


class Result(ResultMixin, MySQLResult):
    """A result of ours."""

    unbuffered_active = False  # PyMySQL's finalizer reads it, also after Ctrl-C in __init__


class PacketResult(PacketMixin, Result):
    """A result of ours whose rows stay packets."""


class Cursor(StockCursor):
    """A cursor whose executemany() sends bytes with every version of PyMySQL; 1.2 takes only those that are text."""

    def _do_execute_many(
        self, prefix: str, values: str, postfix: str, args: Any, max_stmt_length: int, encoding: str
    ) -> int:
        ours: Any = self  # the stubs take no statement in bytes
        begin, end = prefix.encode(encoding), postfix.encode(encoding)
        sql = bytearray(begin)
        done: int = 0
        for arg in args:
            row = self.mogrify(values, arg).encode(encoding, "surrogateescape")
            if len(sql) > len(begin):
                if len(sql) + len(row) + len(end) < max_stmt_length:
                    sql += b","
                else:
                    done += ours.execute(bytes(sql + end))
                    sql = bytearray(begin)
            sql += row
        done += ours.execute(bytes(sql + end))
        self.rowcount = done
        return done


def _readable(sock: socket.socket, seconds: float | None) -> bool:
    """Whether something has come, or comes within so many seconds (None: wait for ever)."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))
    return bool(select.select([sock], [], [], seconds)[0])
