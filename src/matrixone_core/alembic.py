"""Alembic's implementation for the dialect; the dialect imports it where Alembic runs."""

from alembic.ddl.mysql import MySQLImpl


class MatrixOneImpl(MySQLImpl):
    """Migrations on MatrixOne, as on MySQL; its DDL is transactional (server-facts 13)."""

    __dialect__ = "matrixone"
    transactional_ddl = True
