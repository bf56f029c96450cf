"""Alembic's implementation for the dialect; the dialect imports it where Alembic runs."""

import re
from collections.abc import Mapping
from copy import copy
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.ddl.mysql import MySQLAlterDefault, MySQLChangeColumn, MySQLImpl, MySQLModifyColumn
from sqlalchemy import Boolean, Column, Index, UniqueConstraint, inspect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropConstraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from matrixone_core.dialect import types
from matrixone_core.dialect.compiling import index_options
from matrixone_core.dialect.indexes import FULLTEXT

_DEFINING = ("using", "with_parser", "lists", "op_type", "m", "ef_construction", "ef_search")


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

    def compare_indexes(self, metadata_index: Index, reflected_index: Index) -> Any:
        """Whether an index is as the model has it; what the model leaves open is the server's to say."""
        compared = super().compare_indexes(metadata_index, reflected_index)
        wanted, found = index_options(self.dialect, metadata_index), index_options(self.dialect, reflected_index)
        different = [
            f"{name} {found.get(name)} to {wanted.get(name)}"
            for name in _DEFINING
            if name in wanted and _plain(wanted[name]) != _plain(found.get(name))
        ]
        if _kind(wanted) != _kind(found):
            different.append(f"{_kind(found)} index to {_kind(wanted)} index")
        if not different:
            return compared
        return type(compared).Different([*filter(None, [compared.message]), *different])

    def correct_for_autogen_constraints(
        self,
        conn_unique_constraints: set[UniqueConstraint],
        conn_indexes: set[Index],
        metadata_unique_constraints: set[UniqueConstraint],
        metadata_indexes: set[Index],
    ) -> None:
        """Leave out indexes that the server has no name for, which nothing can drop; SQLAlchemy gives them one.

        Those that are named after a column stay, unlike MySQL's: no foreign key has made them.
        """
        searched = {index for index in conn_indexes if index.kwargs.get("matrixone_prefix") == FULLTEXT}
        for table in {index.table for index in searched if index.table is not None}:
            found = inspect(self.connection).get_indexes(table.name, schema=table.schema)
            named = {index["name"] for index in found}
            conn_indexes -= {index for index in searched if index.table is table and index.name not in named}

    def compare_server_default(
        self,
        inspector_column: Column[Any],
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,
        rendered_inspector_default: str | None,
    ) -> bool:
        """Whether a default is another, as SQL or as the text that the SQL writes; `1` and `true` are the same."""
        if isinstance(metadata_column.type, Boolean):
            return _truth(rendered_metadata_default) != _truth(rendered_inspector_default)
        meant = {rendered_inspector_default}
        if rendered_inspector_default:
            plain = re.sub(r"(?<!^)''(?!$)", "'", rendered_inspector_default)
            meant |= {plain, re.sub(r"\\(.)", r"\1", plain)}  # with or without the escapes of backslashes
        above: Any = super()
        return all(
            above.compare_server_default(inspector_column, metadata_column, rendered_metadata_default, one)
            for one in meant
        )


def _kind(options: Mapping[str, Any]) -> str:
    using = str(options.get("using"))
    return using if using in {"ivfflat", "hnsw"} else str(options.get("prefix") or "plain")


def _truth(default: str | None) -> str | None:
    """The default of a column of booleans, however it is written."""
    plain = (default or "null").strip("()'").lower()
    return {"1": "true", "0": "false", "null": None}.get(plain, plain)


def _plain(value: Any) -> str:
    return str(value).lower()


@compiles(MySQLAlterDefault, "matrixone")
@compiles(MySQLChangeColumn, "matrixone")
@compiles(MySQLModifyColumn, "matrixone")
@compiles(DropConstraint, "matrixone")
def _as_mysql(element: ExecutableDDLElement, compiler: DDLCompiler, **_: object) -> str:
    """What Alembic compiles for dialects by the name of mysql alone."""
    dialect = copy(compiler.dialect)
    dialect.name = "mysql"
    return str(element.compile(dialect=dialect))
