"""The engine behind the relay: OceanBase seekdb, a MySQL-protocol server on a unix socket.

All that is particular to this engine is here, so that another can take its place.
"""

from __future__ import annotations

import importlib
import re
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from matrixone_local.engine.table_columns import TableColumns
from matrixone_local.protocol.packets import (
    EOF,
    ERR,
    MAX_PACKET_PAYLOAD,
    OFFERED,
    OK,
    Capability,
    Command,
    ConnectionClosed,
    Packets,
    ResultColumn,
    Status,
    ends,
    native_answer,
    read_column,
    read_error,
    read_length,
    read_ok,
    read_prepared,
    text_row,
)

BINARY_COLLATION = 46  # utf8mb4_bin: MatrixOne compares text byte for byte

_MODE = (
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY,"
    "STRICT_TRANS_TABLES"
)
_OWN_MODE = f"{_MODE},NO_AUTO_VALUE_ON_ZERO"  # the relay copies rows as they are, zeros in numbered columns too
_STAYS = re.compile(rb"\s*(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK|SHOW|SET)\b", re.IGNORECASE)
_HEAD_BYTES = 64  # of a statement, which tell of what kind it is

# What differs from a MatrixOne server by default (design/local-server.md): statements end after ten seconds,
# text compares without regard to case, the time zone is +08:00, packets end at 16 MiB.
_GLOBALS = (
    "ob_query_timeout=86400000000",
    "ob_trx_lock_timeout=120000000",
    "lock_wait_timeout=120",
    "time_zone='+00:00'",
    "collation_server='utf8mb4_bin'",
    "collation_database='utf8mb4_bin'",
    "max_allowed_packet=1073741824",
    "cte_max_recursion_depth=4294967295",
    "secure_file_priv=NULL",  # it reads and writes no files by itself
    "regexp_stack_limit=536870912",  # long texts are matched whatever the pattern is
    "regexp_time_limit=2147483647",
    f"sql_mode='{_MODE}'",
)

# What a user of the engine may be allowed to do to data. FILE and what leads to it (SUPER, ALTER SYSTEM, CREATE USER,
# GRANT OPTION, routines and triggers, which run with another's rights) is for nobody but the relay.
RIGHTS = "ALTER, CREATE, DELETE, DROP, INSERT, UPDATE, SELECT, INDEX, CREATE VIEW, SHOW VIEW, REFERENCES"
ROOT = "root"  # a MatrixOne server's first administrator
ADMINISTRATOR = "__mo_administrator"  # the engine's user for who may do everything on a MatrixOne server

# From which share of its memory for new rows on the engine slows writers down: while large files are loaded, and else.
# Measured: at 28 a million rows load at 65,000 rows/s, a file of 1 GB within 595 MB in all; at 30 at 67,000 within 597
# or 614 MB; at 25 at 50,000 to 63,000 within 576 MB; at 40 at 93,000. All the time, it would make INSERT … SELECT take
# four times as long.
THROTTLE_PERCENT_LOADING, THROTTLE_PERCENT_NORMAL = 28, 60

# Less memory: rows go to the disk early, by one thread each (several take 50 MiB more, and are no faster on two cores).
# The last one is stored with the data, as a server that was killed has left it.
_SYSTEM = (
    "kvcache_memory_limit='48M'",
    "freeze_trigger_percentage=5",
    "compaction_high_thread_score=1",
    "compaction_mid_thread_score=1",
    "compaction_low_thread_score=1",
    f"writing_throttling_trigger_percentage={THROTTLE_PERCENT_NORMAL}",
    # Else the first name that is not known waits for PL packages, which a timer loads 5 s after the start.
    "_enable_async_load_sys_package=False",
)

FEW_BYTES = 4 << 20  # two of the engine's blocks
DISK_POLL_SECONDS = 1.0
DISK_FULL_POLLS = 5  # after which a disk is taken for full: tidying up may have made room before


class EngineUnavailable(RuntimeError):
    """The engine has no build for this machine, or is not installed."""


class EngineError(Exception):
    """The engine refused a statement."""

    def __init__(self, code: int, state: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.state = state
        self.message = message


@dataclass(frozen=True)
class Rows:
    """What a statement of the relay's own was answered: rows of text, or a count."""

    rows: Sequence[Sequence[str | None]]
    affected: int


class Throttle:
    """Slows writers down as long as somebody is within it: large loads bring rows faster than they go to the disk.

    Where the disk is full, the engine lets them wait for ever: then their statements are broken off.

    Args:
        connect: opens a session of the relay's own.

    Attributes:
        disk_is_full: whether the engine's data was found to have no room to grow.
    """

    def __init__(self, connect: Callable[[], EngineConnection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._within: set[int] = set()  # the numbers of connections
        self._left = threading.Event()
        self.disk_is_full = False

    @contextmanager
    def within(self, connection_id: int) -> Generator[None]:
        """A block in which a connection brings many rows."""
        with self._lock:
            if not self._within:
                self._left, self.disk_is_full = threading.Event(), False
                self._set(THROTTLE_PERCENT_LOADING)
                threading.Thread(target=self._watch, args=(self._left,), daemon=True, name="watches the disk").start()
            self._within.add(connection_id)
        try:
            yield
        finally:
            with self._lock:
                self._within.remove(connection_id)
                if not self._within:
                    self._left.set()
                    self._set(THROTTLE_PERCENT_NORMAL)

    def _set(self, percentage: int) -> None:
        with closing(self._connect()) as link, suppress(EngineError):
            link.query(f"ALTER SYSTEM SET writing_throttling_trigger_percentage = {percentage}")

    def _watch(self, left: threading.Event) -> None:
        """Check the disk until all have left."""
        full_polls = 0
        with (
            suppress(OSError, ConnectionClosed, EngineError),
            closing(self._connect()) as link,
        ):  # the engine may be stopped
            while not left.wait(DISK_POLL_SECONDS):
                full_polls = full_polls + 1 if _is_full(link) else 0
                self.disk_is_full = full_polls >= DISK_FULL_POLLS
                if self.disk_is_full:
                    self._kill_writers(link)

    def _kill_writers(self, link: EngineConnection) -> None:
        with self._lock:
            for connection_id in self._within:
                with suppress(EngineError):  # the connection is closed
                    link.query(f"KILL QUERY {connection_id}")


def _is_full(link: EngineConnection) -> bool:
    """Whether the engine's file has no free blocks, and cannot grow: it does so to twice its size."""
    found = link.query("SELECT free_size, allocated_size, total_size FROM oceanbase.__all_virtual_disk_stat").rows
    free, allocated, possible = (int(value or 0) for value in found[0])
    return free < FEW_BYTES and possible < 2 * allocated


class Engine:
    """One running engine over one data folder.

    Attributes:
        user: the engine's user that the relay itself is, who may do everything.
    """

    def __init__(self, folder: Path) -> None:
        try:
            library: Any = importlib.import_module("pylibseekdb")
        except ImportError as error:
            raise EngineUnavailable(
                "the local server needs pylibseekdb, which comes with `pip install 'matrixone[local]'` for Linux "
                "(x86-64 and arm64 with glibc 2.28 or newer) and macOS (arm64); elsewhere, or without it, run a real "
                "server: docker run -d -p 6001:6001 matrixorigin/matrixone"
            ) from error
        try:
            self._instance = library.open(str(folder / "engine"))
        except library.SeekdbError as error:  # a number is all that it says
            free = shutil.disk_usage(folder).free >> 20
            raise EngineUnavailable(
                f"the local server's engine did not start in {folder}: {error}; it needs about 2,100 MiB there, and"
                f" {free:,} are free; what it found is in the logs in {folder / 'engine'}"
            ) from None
        options = self._instance.connection_options()
        self._socket: str = options["unix_socket"]
        self.user: str = options["user"]
        self._shapes = TableColumns()
        self._throttle = Throttle(self.session_link)
        with self.session() as cursor:
            for setting in _GLOBALS:
                cursor.execute(f"SET GLOBAL {setting}")
            for setting in _SYSTEM:
                cursor.execute(f"ALTER SYSTEM SET {setting}")
            cursor.execute(f"CREATE USER IF NOT EXISTS {ADMINISTRATOR}")
            cursor.execute(f"GRANT {RIGHTS}, SHOW DATABASES, PROCESS, LOCK TABLES ON *.* TO {ADMINISTRATOR}")

    @contextmanager
    def session(self) -> Generator[pymysql.cursors.Cursor]:
        """A cursor on a connection of the relay's own, each statement committed by itself."""
        connection = pymysql.connect(
            unix_socket=self._socket, user=self.user, autocommit=True, charset="utf8mb4", sql_mode=_OWN_MODE
        )
        with connection, _Cursor(connection, self._shapes) as cursor:
            yield cursor

    def link(self) -> EngineConnection:
        """A connection for one client, not logged in yet."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(self._socket)
            return EngineConnection(sock, self._throttle, self._shapes)
        except BaseException:
            sock.close()
            raise

    def session_link(self) -> EngineConnection:
        """A connection of the relay's own, logged in, each statement committed by itself."""
        link = self.link()
        link.log_in(self.user, Capability(OFFERED), None)
        return link

    def close(self) -> None:
        """Stop the engine."""
        self._instance.close()
        del self._instance  # the library complains at exit about a handle that is still held


class _Cursor(pymysql.cursors.Cursor):
    """A cursor that says what its statements define."""

    def __init__(self, connection: Any, shapes: TableColumns) -> None:
        super().__init__(connection)
        self._shapes = shapes

    def execute(self, query: str, args: Any = None) -> int:
        """Execute a statement."""
        defines = self._shapes.note(query)
        try:
            return super().execute(query, args)  # pyright: ignore[reportDeprecated]  # a form that we do not use
        finally:
            if defines:
                self._shapes.forget()


class EngineConnection:
    """The engine's side of one client's connection: its session, its transaction.

    Attributes:
        id: the connection's number, the same for client and engine, so that KILL needs no translation.
        status: the status flags of the last reply.
        throttle: to be entered by who brings many rows, with the connection's number.
        shapes: the columns of the server's tables.
    """

    def __init__(self, sock: socket.socket, throttle: Throttle, shapes: TableColumns) -> None:
        self._sock = sock
        self.throttle = throttle
        self.shapes = shapes
        self._defines = False  # whether the last command may have defined something
        self._database: str | None = None  # the current one, if it is known
        self.packets = Packets(sock)
        self.packets.reads_ahead = True
        self.status = 0
        _, greeting = self.packets.read()
        at = greeting.index(0, 1) + 1
        self.id = int.from_bytes(greeting[at : at + 4], "little")
        self._challenge = greeting[at + 4 : at + 12] + greeting[at + 31 : at + 43]

    def log_in(self, user: str, capabilities: Capability, database: str | None) -> None:
        """Begin the session.

        Args:
            user: the engine's user, who needs no password on its socket.
            capabilities: what the client asked for; the engine answers in that form.
            database: the database to begin in, or None.

        Raises:
            EngineError: the engine refuses, as when there is no such database.
        """
        capabilities &= ~(Capability.CONNECT_ATTRS | Capability.CONNECT_WITH_DB | Capability.PLUGIN_AUTH_LENENC)
        # The engine asks no client for a file, and is given one statement at a time, which was read.
        capabilities &= ~(Capability.LOCAL_FILES | Capability.MULTI_STATEMENTS)
        if database:
            capabilities |= Capability.CONNECT_WITH_DB
        answer = native_answer("", self._challenge)
        login = struct.pack("<IIB23x", capabilities, 1 << 30, BINARY_COLLATION) + user.encode() + b"\0"
        login += bytes([len(answer)]) + answer
        if database:
            login += database.encode() + b"\0"
        if capabilities & Capability.PLUGIN_AUTH:
            login += b"mysql_native_password\0"
        self.packets.write(1, login)
        _, reply = self.packets.read()
        if reply[0] == ERR:
            raise EngineError(*read_error(reply))
        self.status = read_ok(reply)[2]

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open that has begun or changed something."""
        return bool(self.status & Status.IN_TRANSACTION)

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself."""
        return bool(self.status & Status.AUTOCOMMIT)

    def send(self, command: bytes) -> None:
        """Send a command as the client gave it."""
        if self._defines:
            self.shapes.forget()
        is_query = command[0] == Command.QUERY
        head = command[1:_HEAD_BYTES] if is_query else b""
        if not _STAYS.match(head):
            self._database = None
        self._defines = self.shapes.note(head.decode("utf-8", "replace")) if is_query else True
        self.packets.write(0, command)

    def reply(self, command: int = Command.QUERY) -> Iterator[bytes]:
        """The packets of the engine's reply to a command of this kind, as they come, to the last one."""
        if command == Command.STMT_PREPARE:
            yield from self._prepared()
        elif command in {Command.FIELD_LIST, Command.STMT_FETCH}:
            yield from self._until_eof()
        elif command == Command.STATISTICS:
            yield self.packets.read_raw()
        else:
            yield from self.rest(0)

    def rest(self, part: int) -> Iterator[bytes]:
        """The packets of a reply to a query from where it is: 0 a head, 1 columns, 2 rows."""
        more = True
        while more:
            if part == 0:
                packet = self.packets.read_raw()
                yield packet
                if packet[4] == ERR:
                    self.status &= ~Status.MORE_RESULTS
                elif packet[4] == OK:
                    self.status = read_ok(packet[4:])[2]
                else:
                    part = 1
            if part == 1:
                yield from self._until_eof()
                part = 0 if self.status & Status.CURSOR_EXISTS else 2
            if part == 2:
                yield from self._until_eof()
                part = 0
            more = bool(self.status & Status.MORE_RESULTS)

    def _until_eof(self) -> Iterator[bytes]:
        continued = False
        while True:
            packet = self.packets.read_raw()
            if not continued and ends(packet):
                break
            continued = len(packet) - 4 == MAX_PACKET_PAYLOAD
            yield packet
        if packet[4] == EOF:
            self.status = int.from_bytes(packet[7:9], "little")
        else:
            self.status &= ~Status.MORE_RESULTS
        yield packet

    def _prepared(self) -> Iterator[bytes]:
        head = self.packets.read_raw()
        yield head
        if head[4] == OK:
            for count in (int.from_bytes(head[11:13], "little"), int.from_bytes(head[9:11], "little")):
                if count:
                    yield from self._until_eof()

    @property
    def database(self) -> str:
        """The database that names without one are looked for in; empty if there is none."""
        if self._database is None:
            self._database = self.query("SELECT DATABASE()").rows[0][0] or ""
        return self._database

    def columns(self, query: str) -> list[ResultColumn]:
        """The columns of a query's result; it is not run.

        Raises:
            EngineError: the engine refused it.
        """
        self.send(bytes([Command.STMT_PREPARE]) + query.encode("utf-8", "surrogateescape"))
        packets = join_packets(self.reply(Command.STMT_PREPARE))
        head = next(packets)[4:]
        if head[0] == ERR:
            raise EngineError(*read_error(head))
        number, parameters = read_prepared(head)
        described = [packet[4:] for packet in packets if not ends(packet)]
        self.send(bytes([Command.STMT_CLOSE]) + number.to_bytes(4, "little"))
        return [read_column(payload) for payload in described[parameters:]]

    def query(self, sql: str) -> Rows:
        """Run a statement of the relay's own in this session.

        Raises:
            EngineError: the engine refused it.
        """
        self.send_query(sql)
        return self.read_result()

    def send_query(self, sql: str) -> None:
        """Send a statement of the relay's own; `answer` has to follow."""
        self.send(bytes([Command.QUERY]) + sql.encode("utf-8", "surrogateescape"))

    def read_result(self) -> Rows:
        """What `send_query` led to.

        Raises:
            EngineError: the engine refused it.
        """
        refused: EngineError | None = None
        rows: list[list[str | None]] = []
        columns = affected = parts = 0
        for packet in self.reply():
            payload = packet[4:]
            if payload[0] == ERR:
                refused = EngineError(*read_error(payload))
            elif not columns:
                if payload[0] == OK:
                    affected = read_ok(payload)[0]
                else:
                    columns = read_length(payload, 0)[0]
            elif payload[0] == EOF and len(payload) < 9:
                parts += 1
            elif parts:
                rows.append(text_row(payload, columns))
        if self._defines:
            self.shapes.forget()
        if refused:
            raise refused
        return Rows(rows, affected)

    def stream(self, sql: str) -> Generator[Any]:
        """A query's columns, a list of `ResultColumn`, and then its rows one by one, as lists of texts.

        Raises:
            EngineError: the engine refused it.
        """
        self.send_query(sql)
        columns: list[ResultColumn] = []
        parts = 0
        reply = self.reply()
        try:
            for packet in join_packets(reply):
                if packet[4] == ERR:
                    raise EngineError(*read_error(packet[4:]))
                if ends(packet):
                    parts += 1
                    if parts == 1:
                        yield columns
                elif parts:
                    yield text_row(packet[4:], len(columns))
                elif len(packet) > 13:
                    columns.append(read_column(packet[4:]))
        finally:
            for _ in reply:  # the session is no use before its reply is read
                pass

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        with suppress(OSError):  # the engine has stopped, and its session with it
            self.send(bytes([Command.QUIT]))
        self._sock.close()


def join_packets(packets: Iterator[bytes]) -> Iterator[bytes]:
    """Packets with those joined that carry one payload; the header is the first one's."""
    parts: list[bytes] = []
    for packet in packets:
        parts.append(packet if not parts else packet[4:])
        if int.from_bytes(packet[:3], "little") < MAX_PACKET_PAYLOAD:
            yield parts[0] if len(parts) == 1 else b"".join(parts)
            parts = []
