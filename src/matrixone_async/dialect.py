"""`matrixone+aiomysql://` for SQLAlchemy: its engines connect as a client does, also those made without one."""

import time
from typing import Any

from matrixone_async.connection import Connection
from matrixone_core.dialect import MatrixOneDialect_aiomysql
from matrixone_platform.tls import make_context


class Dialect(MatrixOneDialect_aiomysql):
    """The core's dialect, with this package's connections in the place of aiomysql's own."""

    supports_statement_cache = True
    clock = staticmethod(time.perf_counter)
    make_tls_context = staticmethod(make_context)

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """A connection, logged in."""
        cparams.setdefault("async_creator_fn", Connection.opened)
        return super().connect(*cargs, **cparams)
