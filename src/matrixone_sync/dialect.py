"""`matrixone+pymysql://` for SQLAlchemy: its engines connect as a client does, also those made without one."""

import time
from typing import Any

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_platform.tls import make_context
from matrixone_sync.connection import Connection


class Dialect(MatrixOneDialect_pymysql):
    """The core's dialect, with this package's connections in the place of PyMySQL's own."""

    supports_statement_cache = True
    clock = staticmethod(time.perf_counter)
    make_tls_context = staticmethod(make_context)

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """A connection, logged in."""
        return Connection(*cargs, **cparams)
