"""Alembic's implementation for the dialect; the dialect imports it where Alembic runs."""

import re
from collections.abc import Iterable, Mapping
from copy import copy
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.ddl.mysql import MySQLAlterDefault, MySQLChangeColumn, MySQLImpl, MySQLModifyColumn
from sqlalchemy import Boolean, Column, DefaultClause, Float, Index, Integer, Numeric, UniqueConstraint, inspect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropConstraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from matrixone_core.dialect import types
from matrixone_core.dialect.compiling import index_options
from matrixone_core.dialect.indexes import FULLTEXT
from matrixone_core.dialect.reflection import QUOTED_TEXT, in_parentheses

_DEFINING = ("using", "with_parser", "lists", "op_type", "m", "ef_construction", "ef_search")
_TEXT = re.compile(QUOTED_TEXT)
_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?")
_PARTS = re.compile(rf"{QUOTED_TEXT}|[^\s'`]+")
_TRUTHS = {"true": "1", "false": "0"}
_ALIKE = {"now(": "current_timestamp(", "curdate(": "current_date(", "curtime(": "current_time("}
_ORDER = re.compile(r"\s+(?:ASC|DESC)$", re.IGNORECASE)


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
        """Whether an index is as the model has it; what the model leaves open is the server's to say.

        The server keeps no order of an index's columns, so that DESC makes no difference.
        """
        compared = super().compare_indexes(metadata_index, reflected_index)
        is_unique = bool(metadata_index.unique)
        if is_unique == bool(reflected_index.unique) and _columns(metadata_index) == _columns(reflected_index):
            compared = type(compared).Equal()
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
        return type(compared).Different([*([compared.message] if compared.is_different else []), *different])

    def correct_for_autogen_constraints(
        self,
        conn_unique_constraints: set[UniqueConstraint],
        conn_indexes: set[Index],
        metadata_unique_constraints: set[UniqueConstraint],
        metadata_indexes: set[Index],
    ) -> None:
        """Leave out indexes that the server has no name for, which nothing can drop; SQLAlchemy gives them one.

        Those that are named after a column stay, unlike MySQL's: no foreign key has made them. Names are the model's
        where they differ in case alone: the server writes all in lower case.
        """
        _take_names(conn_indexes, metadata_indexes)
        _take_names(conn_unique_constraints, metadata_unique_constraints)
        unique = {one.name for one in conn_unique_constraints}
        for wanted in metadata_unique_constraints:  # which Alembic did not find under the name in lower case
            name = wanted.name if isinstance(wanted.name, str) else ""
            index = next((one for one in conn_indexes if one.unique and str(one.name).lower() == name.lower()), None)
            if index is not None and name not in unique:
                conn_indexes.discard(index)
                conn_unique_constraints.add(UniqueConstraint(*index.columns, name=name))
        searched = {index for index in conn_indexes if index.kwargs.get("matrixone_prefix") == FULLTEXT}
        for table in {index.table for index in searched if index.table is not None}:
            found = inspect(self.connection).get_indexes(table.name, schema=table.schema)
            named = {str(index["name"]).lower() for index in found}
            conn_indexes -= {
                index for index in searched if index.table is table and str(index.name).lower() not in named
            }

    def compare_server_default(
        self,
        inspector_column: Column[Any],
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,
        rendered_inspector_default: str | None,
    ) -> bool:
        """Whether a default is another value, or other SQL."""
        default = metadata_column.server_default
        text: Any = default.arg if isinstance(default, DefaultClause) else None
        kind: Any = metadata_column.type
        wanted = {_value(text, kind)} if isinstance(text, str) else _meanings(rendered_metadata_default, kind)
        return not wanted & _meanings(rendered_inspector_default, kind)

    def _compare_identity_default(self, metadata_identity: Any, inspector_identity: Any) -> Any:
        """Nothing differs: the server has no IDENTITY, and SQLAlchemy makes a plain column of it, as for MySQL."""
        return set(), set(), False


def _take_names(found: Iterable[Any], wanted: Iterable[Any]) -> None:
    """Give what is found the names of what is wanted, where they differ in case alone."""
    names = {one.name.lower(): one.name for one in wanted if isinstance(one.name, str)}
    for one in found:
        one.name = names.get(str(one.name).lower(), one.name)


def _meanings(default: str | None, kind: TypeEngine[Any]) -> set[str | None]:
    """What a default that is written as SQL may stand for: a value, or SQL in a form that can be compared.

    A text may have been written with its backslashes doubled or not, so that it may stand for either.
    """
    sql = _without_parentheses((default or "NULL").strip())
    if sql.lower() == "null":
        return {None}
    if _TEXT.fullmatch(sql):
        text = sql[1:-1].replace("''", "'")
        return {_value(text, kind), _value(re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL), kind)}
    if _NUMBER.fullmatch(sql) or sql.lower() in _TRUTHS:
        return {_value(sql, kind)}
    words = [part if part.startswith("'") else part.lower() for part in _PARTS.findall(sql)]
    plain = "".join(words)
    for name, other in _ALIKE.items():
        plain = plain.replace(name, other)
    return {f"SQL {plain.replace('()', '')}"}


def _value(text: str, kind: TypeEngine[Any]) -> str:
    """A value in the form that the server would give it in a column."""
    if isinstance(kind, Boolean):
        return _TRUTHS.get(text.lower(), text)
    if isinstance(kind, (Integer, Numeric, Float)):
        try:
            return f"{Decimal(_TRUTHS.get(text.lower(), text)).normalize():f}"
        except InvalidOperation:
            return text
    return text


def _without_parentheses(sql: str) -> str:
    """SQL without the parentheses around all of it."""
    while sql.startswith("(") and in_parentheses(sql) == sql:
        sql = sql[1:-1].strip()
    return sql


def _columns(index: Index) -> list[str]:
    """An index's columns, without their order."""
    return [_ORDER.sub("", str(getattr(one, "name", None) or one)).strip("`") for one in index.expressions]


def _kind(options: Mapping[str, Any]) -> str:
    using = str(options.get("using"))
    return using if using in {"ivfflat", "hnsw"} else str(options.get("prefix") or "plain")


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
