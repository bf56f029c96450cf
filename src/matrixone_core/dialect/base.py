"""The dialects: what a connection is made with, and how SQLAlchemy has to treat it.

It reads the settings of `settings.py` from the URL's options, so that an engine made by hand connects as a client does.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from operator import methodcaller
from typing import Any

from sqlalchemy import URL, Index
from sqlalchemy.dialects.mysql.aiomysql import MySQLDialect_aiomysql
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mysqldb import MySQLExecutionContext_mysqldb
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import BOOLEAN
from sqlalchemy.util import memoized_property

from matrixone_core.dialect.compiling import (
    MatrixOneCompiler,
    MatrixOneDDLCompiler,
    MatrixOneTypeCompiler,
    index_options,
    variant_of,
)
from matrixone_core.dialect.indexes import OPTIONS
from matrixone_core.dialect.inspection import InspectionMixin
from matrixone_core.dialect.reading_past import compiled_then, explain
from matrixone_core.dialect.types import DATALINK, UUID, VECF32, VECF64
from matrixone_core.driver_settings import check_connect_arguments, no_backslash_escapes
from matrixone_core.errors import NotSupported
from matrixone_core.execution import SNAPSHOT, TIMEOUT, TIMESTAMP, check_reads, past_of
from matrixone_core.fragments import literal
from matrixone_core.monitoring.statements import StatementMonitor
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.secrets import Secret
from matrixone_core.server_errors import CR_MALFORMED_PACKET

_TLS = ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key")
_OPTIONS = (*_TLS, "connect_timeout", "lock_timeout", "time_zone")
AUTOCOMMIT = "AUTOCOMMIT"
_NO_SENSE = "the server's answers make no sense, and the connection is closed; see that it is a MatrixOne server"
STATEMENT_TIMEOUT = 3024  # MySQL's number; the server never sends it
_CLOSING = {(STATEMENT_TIMEOUT,), (CR_MALFORMED_PACKET,)}


_ASKING = {  # who looks something up by a dialect's name, and what registers it
    "alembic.ddl.impl": "matrixone_core.dialect.alembic",
    "dlt.destinations.impl.sqlalchemy.dialect": "matrixone_core.dialect.dlt",
}


@dataclass(frozen=True)
class TlsOptions:
    """How to encrypt connections.

    Args:
        mode: `required`, `verify_ca` or `verify_identity`.
        ca: a PEM file with the authorities to trust, or None.
        cert: a PEM file with the client's certificate, or None.
        key: a PEM file with its key, or None.
    """

    mode: str
    ca: str | None
    cert: str | None
    key: str | None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "TlsOptions | None":
        """Read them from a URL's options; None where nothing is encrypted."""
        mode = options.get("ssl_mode")
        ca, cert, key = (options.get(name) or None for name in _TLS[1:])
        if mode is None and (ca or cert or key):
            mode = "verify_ca" if ca else "required"
        return None if mode in {None, "disabled"} else cls(str(mode), ca, cert, key)


class _Name:
    """The dialect's name; to read it registers what Alembic and dlt find by it, whenever they were imported."""

    def __get__(self, dialect: object, owner: type) -> str:
        for asking, ours in _ASKING.items():
            if asking in sys.modules and ours not in sys.modules:
                import_module(ours)
        return "matrixone"


class _ExecutionContext(MySQLExecutionContext_mysqldb):
    """What surrounds a statement; with the execution options `snapshot` or `timestamp` it reads the past."""

    @classmethod
    def _init_compiled(cls, *arguments: Any, **caching: Any) -> Any:
        dialect, connection, raw, options, compiled, parameters, statement, *_ = arguments
        past = past_of(options)
        if past is not None:
            compiled = compiled_then(dialect, compiled, statement, past, options)
            arguments, caching = (dialect, connection, raw, options, compiled, parameters, statement, None), {}
        above: Any = super()
        return above._init_compiled(*arguments, **caching)

    @classmethod
    def _init_statement(cls, *arguments: Any, **named: Any) -> Any:
        return cls._unless_past("_init_statement", arguments, named, arguments[4])

    @classmethod
    def _init_ddl(cls, *arguments: Any, **named: Any) -> Any:
        return cls._unless_past("_init_ddl", arguments, named, arguments[4].statement)

    @classmethod
    def _unless_past(cls, name: str, arguments: tuple[Any, ...], named: dict[str, Any], statement: object) -> Any:
        if past_of(arguments[3]) is not None:
            check_reads(statement)
        return getattr(super(), name)(*arguments, **named)

    def pre_exec(self) -> None:
        """Allow an index of the hnsw kind, which the server makes only where a setting says so (server-facts 74)."""
        above: Any = super()
        above.pre_exec()
        statement = self.compiled.statement if self.isddl and self.compiled else None
        if isinstance(statement, CreateIndex) and index_options(self.dialect, statement.element).get("using") == "hnsw":
            self.cursor.execute("SET experimental_hnsw_index = 1")


class MatrixOneDialect_pymysql(InspectionMixin, MySQLDialect_pymysql):
    """`matrixone+pymysql://`, and what the other driver's dialect shares with it."""

    name = _Name()
    supports_statement_cache = True
    statement_compiler = MatrixOneCompiler
    ddl_compiler = MatrixOneDDLCompiler
    type_compiler_cls = MatrixOneTypeCompiler
    execution_ctx_cls = _ExecutionContext
    construct_arguments = [  # noqa: RUF012  # SQLAlchemy's attribute, as it has it
        (kind, {**arguments, **OPTIONS} if kind is Index else arguments)
        for kind, arguments in MySQLDialect.construct_arguments or ()
    ]
    ischema_names = MySQLDialect.ischema_names | {
        "bool": BOOLEAN,
        "vecf32": VECF32,
        "vecf64": VECF64,
        "datalink": DATALINK,
        "uuid": UUID,
    }

    # of the side that has the driver
    clock: Callable[[], float]  # the time in seconds, which never goes back
    make_tls_context: Callable[["TlsOptions"], Any]

    def __init__(self, slow_query_threshold: float | None = None, **kwargs: Any) -> None:
        """Make a dialect, as `create_engine(url, slow_query_threshold=…)` has it made.

        Args:
            slow_query_threshold: seconds from which on a statement is logged as a slow one; None logs none.
            kwargs: SQLAlchemy's own.
        """
        super().__init__(**kwargs)
        self._slow = slow_query_threshold
        self.ignored_options: set[str] = set()  # those of MySQL's that a warning has named

    def initialize(self, connection: Any) -> None:
        """Learn what the server is, as a part of connecting: the limit of the statement that comes next is not its.

        Raises:
            sqlalchemy.exc.DBAPIError: the server refuses a question, or its answer makes no sense.
            InvalidArgument: the server's connections begin with a mode that values are not written for.
        """
        seconds = getattr(connection.connection.driver_connection, "connect_timeout", None)
        options = {TIMEOUT: seconds, SNAPSHOT: None, TIMESTAMP: None}
        try:
            super().initialize(connection.execution_options(**options))
        except (TypeError, ValueError, AttributeError, LookupError, InvalidRequestError) as error:
            connection.connection.driver_connection.close_at_once()
            driver: Any = self.loaded_dbapi
            raise driver.OperationalError(CR_MALFORMED_PACKET, _NO_SENSE) from error
        if not self._backslash_escapes:
            raise no_backslash_escapes()
        # the version promises `INSERT … AS new ON DUPLICATE KEY UPDATE`, which the server cannot read (server-facts 40)
        self._requires_alias_for_on_duplicate_key = False

    def create_connect_args(self, url: URL, _translate_args: dict[str, Any] | None = None) -> Any:
        """The driver's arguments for a URL."""
        options = dict(url.query)
        ours: dict[str, Any] = {name: options.pop(name) for name in _OPTIONS if name in options}
        tls = TlsOptions.of(ours)
        args, arguments = super().create_connect_args(url.set(query=options), _translate_args)
        arguments.setdefault("charset", "utf8mb4")
        if "password" in arguments:  # it is not to be seen in a traceback, SQLAlchemy's frames included
            arguments["password"] = Secret(arguments["password"])
        if "connect_timeout" in ours:  # SQLAlchemy would cut it to whole seconds
            arguments["connect_timeout"] = float(ours["connect_timeout"])
        arguments["session_variables"] = _session_variables(ours)  # beside the program's init_command
        if tls is not None:
            arguments["ssl"] = self.make_tls_context(tls)
        return args, arguments

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """Open a connection, logged in.

        Raises:
            InvalidArgument: with one of the program's arguments replies could not be read, or values be sent wrongly.
        """
        check_connect_arguments(cparams)
        return self.open_connection(*cargs, **cparams)

    def open_connection(self, *cargs: Any, **cparams: Any) -> Any:
        """Open a connection, with checked arguments."""
        return super().connect(*cargs, **cparams)

    def type_descriptor(self, typeobj: Any) -> Any:
        """A type as this dialect has it; its variant for MySQL where it has one."""
        variant = variant_of(typeobj)
        above: Any = super()
        return above.type_descriptor(typeobj) if variant is None else variant._gen_dialect_impl(self)

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Set autocommit by a statement: the flags that drivers go by are not to be believed (server-facts 41)."""
        self.get_driver_connection(dbapi_connection).time_limit = None  # that was the last statement's
        cursor = dbapi_connection.cursor()
        cursor.execute(f"SET autocommit={int(level == AUTOCOMMIT)}")
        cursor.close()
        if level != AUTOCOMMIT:
            MySQLDialect.set_isolation_level(self, dbapi_connection, level)

    @memoized_property
    def _monitor(self) -> StatementMonitor:
        return StatementMonitor(self.clock, self._slow)

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Send a statement, observed."""
        above: Any = super()
        self._send(partial(above.do_execute, cursor, statement, parameters, context), statement, context)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        """Send a statement that has no parameters, observed."""
        above: Any = super()
        self._send(partial(above.do_execute_no_params, cursor, statement, context), statement, context)

    def _send(self, send: Callable[[], None], sql: str, context: Any) -> None:
        """Send a statement; what the server says of a table that the past does not have is explained."""
        try:
            with self._observe(sql, context.root_connection.connection):
                send()
        except Exception as error:
            explain(error, context)
            raise

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Send a statement with many sets of parameters, observed.

        The drivers make one statement of many rows, and put no values behind ON DUPLICATE KEY UPDATE: PyMySQL fails at
        a percent sign there, and aiomysql stores two of them.
        """
        above: Any = super()
        _, _, rest = statement.upper().partition("ON DUPLICATE")
        send = _execute_one_by_one if "%" in rest else above.do_executemany
        with self._observe(statement, context.root_connection.connection, len(parameters)):
            send(cursor, statement, parameters, context)

    def do_commit(self, dbapi_connection: Any) -> None:
        """Send COMMIT, observed."""
        above: Any = super()
        with self._observe("COMMIT", dbapi_connection):
            above.do_commit(dbapi_connection)

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Send ROLLBACK, observed, if there is anything to roll back."""
        above: Any = super()
        is_sent = self.get_driver_connection(dbapi_connection).has_work
        with self._observe("ROLLBACK", dbapi_connection) if is_sent else nullcontext():
            above.do_rollback(dbapi_connection)

    def _observe(self, sql: str, connection: Any, batch: int = 1) -> AbstractContextManager[None]:
        """A block that sends a statement; nothing surrounds it where nobody wants to know."""
        monitor = self._monitor
        if not monitor.is_needed():
            return nullcontext()
        return monitor.observe(sql, self.get_driver_connection(connection), batch)

    def next_block(self, dbapi_connection: Any, packets: RowPackets) -> Block | None:
        """Read the next rows of a result that is read while it comes; None at its end."""
        block: Block | None = dbapi_connection.next_block(packets)
        return block

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Whether a connection is closed after this error: also when a statement's time is up, or its reply garbled."""
        return e.args[:1] in _CLOSING or bool(super().is_disconnect(e, connection, cursor))

    def do_savepoint(self, connection: Any, name: str) -> None:
        """Refuse: the server takes a SAVEPOINT and then refuses to go back to it (server-facts 15, 40)."""
        raise NotSupported(
            "MatrixOne has no savepoints, so nested transactions (begin_nested()) cannot be rolled back; "
            "use a transaction of its own for what may fail"
        )


class MatrixOneDialect_aiomysql(MatrixOneDialect_pymysql, MySQLDialect_aiomysql):
    """`matrixone+aiomysql://`."""

    supports_statement_cache = True

    def next_block(self, dbapi_connection: Any, packets: RowPackets) -> Block | None:
        """Read the next rows, awaited in SQLAlchemy's greenlet."""
        block: Block | None = dbapi_connection.run_async(methodcaller("next_block", packets))
        return block


def _execute_one_by_one(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
    """Execute a statement with each set of parameters."""
    rowcount = 0
    for one in parameters:
        cursor.execute(statement, one)
        rowcount += cursor.rowcount
    context._rowcount = rowcount  # as SQLAlchemy's own keeps it


def _session_variables(options: Mapping[str, Any]) -> str:
    """What each new connection begins with; autocommit unconditionally (server-facts 41)."""
    assignments = ["autocommit=0"]
    if "time_zone" in options:
        assignments.append(f"time_zone={literal(options['time_zone'])}")
    if "lock_timeout" in options:
        assignments.append(f"lock_wait_timeout={int(options['lock_timeout'])}")
    return f"SET {', '.join(assignments)}"
