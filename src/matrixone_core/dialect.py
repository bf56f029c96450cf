"""SQLAlchemy's dialect for MatrixOne: `matrixone+pymysql://` and `matrixone+aiomysql://`.

MySQL's, but for what server-facts 40 and 41 found to differ. It reads the settings of `settings.py` from the URL's
options, so that an engine made by hand connects as a client does.
"""

import re
import ssl
import sys
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL
from sqlalchemy.dialects.mysql.aiomysql import MySQLDialect_aiomysql
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mysqldb import MySQLCompiler_mysqldb
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.exc import CompileError
from sqlalchemy.types import BOOLEAN

from matrixone_core.connecting import TIMEOUT
from matrixone_core.errors import CR_MALFORMED_PACKET, InvalidArgument, NotSupported
from matrixone_core.literals import literal
from matrixone_core.secrets import Secret
from matrixone_core.types import DATALINK, UUID, VECF32, VECF64

_TLS = ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key")
_OPTIONS = (*_TLS, "connect_timeout", "lock_timeout", "time_zone")
AUTOCOMMIT = "AUTOCOMMIT"
_NO_LIMIT_OF_MYSQL = "18446744073709551615"  # as its manual has it: an engine that adds the offset to it refuses
_NO_LIMIT = 1 << 62
STATEMENT_TIMEOUT = 3024  # MySQL's number; the server never sends it
_CLOSING = {(STATEMENT_TIMEOUT,), (CR_MALFORMED_PACKET,)}


class MatrixOneCompiler(MySQLCompiler_mysqldb):
    """MySQL's statements, without what MatrixOne does not carry out."""

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """LIMIT and OFFSET; an OFFSET by itself has a limit that is none, and that the offset can be added to."""
        clause: str = super().limit_clause(select, **kw)
        return clause.replace(_NO_LIMIT_OF_MYSQL, str(_NO_LIMIT)) if select._limit_clause is None else clause

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """FOR UPDATE; SKIP LOCKED is refused, as the server would take it for a syntax error."""
        if select._for_update_arg is not None and select._for_update_arg.skip_locked:
            raise CompileError("MatrixOne has no SKIP LOCKED; use with_for_update() without skip_locked")
        clause: str = super().for_update_clause(select, **kw)
        return clause


class MatrixOneDialect_pymysql(MySQLDialect_pymysql):
    """`matrixone+pymysql://`, and what the other driver's dialect shares with it."""

    name = "matrixone"
    supports_statement_cache = True
    statement_compiler = MatrixOneCompiler
    ischema_names = MySQLDialect.ischema_names | {
        "bool": BOOLEAN,
        "vecf32": VECF32,
        "vecf64": VECF64,
        "datalink": DATALINK,
        "uuid": UUID,
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if "alembic" in sys.modules:  # Alembic looks its implementations up by the dialect's name
            import matrixone_core.alembic as _  # noqa: F401, PLC0415  # registers itself, and needs Alembic

    def initialize(self, connection: Any) -> None:
        """Learn what the server is, as a part of connecting: the limit of the statement that comes next is not its."""
        seconds = getattr(connection.connection.driver_connection, "connect_timeout", None)
        super().initialize(connection.execution_options(**{TIMEOUT: seconds}))
        # the version promises `INSERT … AS new ON DUPLICATE KEY UPDATE`, which the server cannot read (server-facts 40)
        self._requires_alias_for_on_duplicate_key = False

    def create_connect_args(self, url: URL, _translate_args: dict[str, Any] | None = None) -> Any:
        """The driver's arguments for a URL."""
        options = dict(url.query)
        ours: dict[str, Any] = {name: options.pop(name) for name in _OPTIONS if name in options}
        context = _tls_context(ours)
        args, arguments = super().create_connect_args(url.set(query=options), _translate_args)
        arguments.setdefault("charset", "utf8mb4")
        if "password" in arguments:  # it is not to be seen in a traceback, SQLAlchemy's frames included
            arguments["password"] = Secret(arguments["password"])
        if "connect_timeout" in ours:  # SQLAlchemy would cut it to whole seconds
            arguments["connect_timeout"] = float(ours["connect_timeout"])
        arguments["init_command"] = _session_variables(ours)
        if context is not None:
            arguments["ssl"] = context
        return args, arguments

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Set autocommit by a statement: the flags that drivers go by are not to be believed (server-facts 41)."""
        self.get_driver_connection(dbapi_connection).time_limit = None  # that was the last statement's
        cursor = dbapi_connection.cursor()
        cursor.execute(f"SET autocommit={int(level == AUTOCOMMIT)}")
        cursor.close()
        if level != AUTOCOMMIT:
            MySQLDialect.set_isolation_level(self, dbapi_connection, level)

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Whether a connection is closed after this error: also when a statement's time is up, or its reply garbled."""
        return e.args[:1] in _CLOSING or bool(super().is_disconnect(e, connection, cursor))

    def get_foreign_keys(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """Foreign keys as MySQL tells them: without RESTRICT, which is the default and may be told here."""
        found: Any = super().get_foreign_keys(connection, table_name, schema, **kw)
        return [one | {"options": {k: v for k, v in one["options"].items() if v != "RESTRICT"}} for one in found]

    def _describe_table(self, *args: Any, **kwargs: Any) -> Any:
        """A view's columns, whose types are told as `VARCHAR(10)`, `INT(32)`, `TEXT(0)`, with those of tables."""
        described: Any = super()._describe_table(*args, **kwargs)
        return [(name, _as_in_tables(kind), *rest) for name, kind, *rest in described]

    def do_savepoint(self, connection: Any, name: str) -> None:
        """Refuse: the server takes a SAVEPOINT and then refuses to go back to it (server-facts 15, 40)."""
        raise NotSupported(
            "MatrixOne has no savepoints, so nested transactions (begin_nested()) cannot be rolled back; "
            "use a transaction of its own for what may fail"
        )


class MatrixOneDialect_aiomysql(MatrixOneDialect_pymysql, MySQLDialect_aiomysql):
    """`matrixone+aiomysql://`."""

    supports_statement_cache = True


def _as_in_tables(kind: str) -> str:
    small = kind if kind.upper().startswith(("ENUM", "SET")) else kind.lower()
    return re.sub(r"\(0\)$|(?<=int)( unsigned)?\(\d+\)$", r"\1", small)


def _session_variables(options: Mapping[str, Any]) -> str:
    """What each new connection begins with; autocommit unconditionally (server-facts 41)."""
    assignments = ["autocommit=0"]
    if "time_zone" in options:
        assignments.append(f"time_zone={literal(options['time_zone'])}")
    if "lock_timeout" in options:
        assignments.append(f"lock_wait_timeout={int(options['lock_timeout'])}")
    return f"SET {', '.join(assignments)}"


def _tls_context(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """How to encrypt, or None not to."""
    mode = options.get("ssl_mode")
    if mode is None and any(options.get(name) for name in _TLS):
        mode = "verify_ca" if options.get("ssl_ca") else "required"
    if mode in {None, "disabled"}:
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca"))
        if options.get("ssl_cert"):
            context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    except (OSError, ssl.SSLError) as error:
        raise InvalidArgument(f"the certificates of ssl_ca, ssl_cert or ssl_key cannot be read: {error}") from None
    context.check_hostname = mode == "verify_identity"
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    return context
