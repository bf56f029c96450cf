"""`matrixone+pymysql://` for SQLAlchemy: its engines connect as a client does, also those made without one."""

import logging
import time
from functools import partial
from typing import Any

from pymysql.err import MySQLError

from matrixone_core.cancellation import STOP_SECONDS, kill, may_run_on
from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.secrets import password_bytes
from matrixone_platform.tls import make_context
from matrixone_sync.connection import Connection

_log = logging.getLogger("matrixone")


class Dialect(MatrixOneDialect_pymysql):
    """The core's dialect, with this package's connections in the place of PyMySQL's own."""

    supports_statement_cache = True
    clock = staticmethod(time.perf_counter)
    make_tls_context = staticmethod(make_context)

    def open_connection(self, *cargs: Any, **cparams: Any) -> Any:
        """Open a connection of this package."""
        cparams["password"] = password_bytes(cparams.pop("passwd", None) or cparams.get("password"))
        return Connection(*cargs, stop=partial(_stop_statement, cargs, cparams), **cparams)


def _stop_statement(cargs: tuple[Any, ...], cparams: Any, connection_id: int) -> None:
    """Stop the statement of a connection over a new one, as there is no pool for that."""
    try:
        with Connection(*cargs, **cparams | {"connect_timeout": STOP_SECONDS}) as connection:
            connection.query(kill(connection_id))
    except MySQLError as error:
        _log.warning(may_run_on(connection_id, error))
