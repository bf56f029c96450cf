"""Alembic's implementation for the dialect; the dialect imports it where Alembic runs."""

from copy import copy

from alembic.ddl.mysql import MySQLAlterDefault, MySQLChangeColumn, MySQLImpl, MySQLModifyColumn
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropConstraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler


class MatrixOneImpl(MySQLImpl):
    """Migrations on MatrixOne, as on MySQL; its DDL is transactional (server-facts 13)."""

    __dialect__ = "matrixone"
    transactional_ddl = True


@compiles(MySQLAlterDefault, "matrixone")
@compiles(MySQLChangeColumn, "matrixone")
@compiles(MySQLModifyColumn, "matrixone")
@compiles(DropConstraint, "matrixone")
def _as_mysql(element: ExecutableDDLElement, compiler: DDLCompiler, **_: object) -> str:
    """What Alembic compiles for dialects by the name of mysql alone."""
    dialect = copy(compiler.dialect)
    dialect.name = "mysql"
    return str(element.compile(dialect=dialect))
