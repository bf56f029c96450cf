"""SQLAlchemy's dialect for MatrixOne: MySQL's, but for what server-facts 40, 41, 64 and 65 found to differ.

Only what SQLAlchemy, Alembic or dlt ask a dialect may live here: `base` has what the drivers are given, `compiling` the
SQL, `inspection` what an inspector asks, `reflection` how definitions are read, `indexes` the indexes that MySQL does
not have.
"""

from matrixone_core.dialect.base import (
    AUTOCOMMIT,
    STATEMENT_TIMEOUT,
    MatrixOneDialect_aiomysql,
    MatrixOneDialect_pymysql,
)
from matrixone_core.dialect.indexes import FullTextIndex, VectorIndex

__all__ = [
    "AUTOCOMMIT",
    "STATEMENT_TIMEOUT",
    "FullTextIndex",
    "MatrixOneDialect_aiomysql",
    "MatrixOneDialect_pymysql",
    "VectorIndex",
]
