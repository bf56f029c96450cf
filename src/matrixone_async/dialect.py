"""`matrixone+aiomysql://` for SQLAlchemy: its engines connect as a client does, also those made without one."""

import logging
import time
from functools import partial
from typing import Any

from pymysql.err import MySQLError

from matrixone_async.connection import Connection
from matrixone_core.cancellation import STOP_SECONDS, kill, may_run_on
from matrixone_core.dialect import MatrixOneDialect_aiomysql
from matrixone_core.secrets import password_bytes
from matrixone_platform.tls import make_context

_log = logging.getLogger("matrixone")


class Dialect(MatrixOneDialect_aiomysql):
    """The core's dialect, with this package's connections in the place of aiomysql's own."""

    supports_statement_cache = True
    clock = staticmethod(time.perf_counter)
    make_tls_context = staticmethod(make_context)

    def open_connection(self, *cargs: Any, **cparams: Any) -> Any:
        """Open a connection of this package."""
        cparams.setdefault("async_creator_fn", _open_connection)
        return super().open_connection(*cargs, **cparams)


async def _open_connection(**arguments: Any) -> Connection:
    """Open a connection whose statements are stopped on the server over a new one, as there is no pool for that."""
    arguments["password"] = password_bytes(arguments.get("password"))
    return await Connection.opened(stop=partial(_stop_statement, arguments), **arguments)


async def _stop_statement(arguments: dict[str, Any], connection_id: int) -> None:
    try:
        connection = await Connection.opened(**arguments | {"connect_timeout": STOP_SECONDS})
        try:
            await connection.query(kill(connection_id))
        finally:
            connection.close()
    except MySQLError as error:
        _log.warning(may_run_on(connection_id, error))
