"""Alembic's implementation for the dialect; the dialect imports it where Alembic runs."""

from copy import copy
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.ddl.mysql import MySQLAlterDefault, MySQLChangeColumn, MySQLImpl, MySQLModifyColumn
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropConstraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from matrixone_core import types


class MatrixOneImpl(MySQLImpl):
    """Migrations on MatrixOne, as on MySQL; its DDL is transactional (server-facts 13)."""

    __dialect__ = "matrixone"
    transactional_ddl = True

    def render_type(self, type_obj: TypeEngine[Any], autogen_context: AutogenContext) -> str | Literal[False]:
        """A column type of MatrixOne's own as a generated migration has it, with its import."""
        if type(type_obj).__module__ != types.__name__:
            return False  # Alembic knows it
        autogen_context.imports.add("import matrixone.orm")
        return f"matrixone.orm.{type_obj!r}"


@compiles(MySQLAlterDefault, "matrixone")
@compiles(MySQLChangeColumn, "matrixone")
@compiles(MySQLModifyColumn, "matrixone")
@compiles(DropConstraint, "matrixone")
def _as_mysql(element: ExecutableDDLElement, compiler: DDLCompiler, **_: object) -> str:
    """What Alembic compiles for dialects by the name of mysql alone."""
    dialect = copy(compiler.dialect)
    dialect.name = "mysql"
    return str(element.compile(dialect=dialect))
