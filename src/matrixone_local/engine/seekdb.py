"""The engine behind the relay: OceanBase seekdb, a MySQL-protocol server on a unix socket.

All that is particular to this engine is here, so that another can take its place.
"""

from __future__ import annotations

import importlib
import re
import shutil
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.definition_caches import DefinitionCaches, forget
from matrixone_local.engine.throttle import THROTTLE_PERCENT_NORMAL, Throttle
from matrixone_local.protocol.constants import OFFERED, Capability
from matrixone_local.protocol.packets import ConnectionClosed

_MODE = (
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY,"
    "STRICT_TRANS_TABLES"
)
_OWN_MODE = f"{_MODE},NO_AUTO_VALUE_ON_ZERO"  # the relay copies rows as they are, zeros in numbered columns too

# What differs from a MatrixOne server by default (design/local-server.md): statements end after ten seconds,
# text compares without regard to case, the time zone is +08:00, packets end at 16 MiB.
_GLOBALS = (
    "ob_query_timeout=86400000000",
    "ob_trx_lock_timeout=120000000",
    "lock_wait_timeout=120",
    "time_zone='+00:00'",
    "collation_server='utf8mb4_bin'",
    "collation_database='utf8mb4_bin'",
    "max_allowed_packet=67108864",
    "cte_max_recursion_depth=4294967295",
    "secure_file_priv=NULL",  # it reads and writes no files by itself
    "regexp_stack_limit=536870912",  # long texts are matched whatever the pattern is
    "regexp_time_limit=2147483647",
    "div_precision_increment=6",
    "wait_timeout=86400",
    "interactive_timeout=86400",
    f"sql_mode='{_MODE}'",
)

# What a user of the engine may be allowed to do to data. FILE and what leads to it (SUPER, ALTER SYSTEM, CREATE USER,
# GRANT OPTION, routines and triggers, which run with another's rights) is for nobody but the relay.
RIGHTS = "ALTER, CREATE, DELETE, DROP, INSERT, UPDATE, SELECT, INDEX, CREATE VIEW, SHOW VIEW, REFERENCES"
_IDLE_CONNECTIONS = 4
_LEAVES_STATE = re.compile(r"\s*(?:SET|USE|BEGIN|START|LOCK|PREPARE|CREATE\s+TEMPORARY)\b", re.IGNORECASE)
_CONNECTION_LOST = {2003, 2006, 2013}  # refused, ended before a statement, ended during one
ROOT = "root"  # a MatrixOne server's first administrator
ADMINISTRATOR = "__mo_administrator"  # the engine's user for who may do everything on a MatrixOne server


# Less memory: rows go to the disk early, by one thread each (several take 50 MiB more, and are no faster on two cores).
# The throttle is stored with the data, as a server that was killed has left it.
_SYSTEM = (
    # Errors only: half a megabyte of log for each table that is made and dropped takes more time than the table does.
    "syslog_level='ERROR'",
    "kvcache_memory_limit='48M'",
    "freeze_trigger_percentage=5",
    "compaction_high_thread_score=1",
    "compaction_mid_thread_score=1",
    "compaction_low_thread_score=1",
    f"writing_throttling_trigger_percentage={THROTTLE_PERCENT_NORMAL}",
    # Else the first name that is not known waits for PL packages, which a timer loads 5 s after the start.
    "_enable_async_load_sys_package=False",
)


class EngineUnavailable(RuntimeError):
    """The engine has no build for this machine, or is not installed."""


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
        had_data = (folder / "engine").exists()
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
        self._lock = threading.Lock()
        self._idle: list[pymysql.Connection[Any]] = []  # connections of the relay's own that are used again
        self._is_open = True
        self._caches = DefinitionCaches(self._rows, any_stored=had_data)
        self._throttle = Throttle(self.session_link)
        with self.session() as cursor:
            for setting in _SYSTEM:
                cursor.execute(f"ALTER SYSTEM SET {setting}")
            for setting in _GLOBALS:
                cursor.execute(f"SET GLOBAL {setting}")
            cursor.execute(f"CREATE USER IF NOT EXISTS {ADMINISTRATOR}")
            cursor.execute(f"GRANT {RIGHTS}, SHOW DATABASES, PROCESS, LOCK TABLES ON *.* TO {ADMINISTRATOR}")

    @contextmanager
    def session(self) -> Generator[pymysql.cursors.Cursor]:
        """A cursor on a connection of the relay's own, each statement committed by itself.

        Raises:
            ConnectionClosed: the engine has ended the connection, as it does when the server stops.
        """
        connection: pymysql.Connection[Any] | None = None
        try:
            connection = self._idle_or_new()
            with _Cursor(connection, self._caches) as cursor:
                yield cursor
        except BaseException as error:
            if connection is not None and connection.open:
                connection.close()
            if isinstance(error, pymysql.OperationalError) and error.args[0] in _CONNECTION_LOST:
                raise ConnectionClosed from error
            raise
        with self._lock:
            if self._is_open and not cursor.leaves_state and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _idle_or_new(self) -> pymysql.Connection[Any]:
        while (idle := self._take_idle()) is not None:
            with suppress(pymysql.Error):  # the engine ends what is idle for hours, or is killed
                idle.ping(reconnect=False)
                return idle
        return pymysql.connect(
            unix_socket=self._socket,
            user=self.user,
            autocommit=True,
            charset="utf8mb4",
            sql_mode=_OWN_MODE,
            ssl_disabled=True,  # PyMySQL would read the machine's certificates first, which takes 20 ms
        )

    def _take_idle(self) -> pymysql.Connection[Any] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _rows(self, query: str) -> Sequence[Sequence[str]]:
        with self.session() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def link(self) -> EngineConnection:
        """A connection for one client, not logged in yet."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(self._socket)
            return EngineConnection(sock, self._throttle, self._caches)
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
        with self._lock:
            self._is_open = False
            for connection in self._idle:
                connection.close()
            self._idle.clear()
        self._instance.close()
        del self._instance  # the library complains at exit about a handle that is still held


class _Cursor(pymysql.cursors.Cursor):
    """A cursor whose statements make what is remembered of definitions forgotten.

    Attributes:
        leaves_state: whether a statement has changed the connection itself, which nobody else can use then.
    """

    def __init__(self, connection: Any, caches: DefinitionCaches) -> None:
        super().__init__(connection)
        self._caches = caches
        self.leaves_state = False

    def execute(self, query: str, args: Any = None) -> int:
        """Execute a statement."""
        stale = self._caches.made_stale_by(query.encode("utf-8", "surrogateescape"))
        forget(stale)
        self.leaves_state |= _LEAVES_STATE.match(query) is not None
        try:
            return super().execute(query, args)  # pyright: ignore[reportDeprecated]  # a form that we do not use
        finally:
            forget(stale)
