"""What SQLAlchemy's inspector asks of a dialect about tables, views, keys and indexes."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.engine import reflection as cached
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.util import memoized_property

from matrixone_core.dialect import reflection
from matrixone_core.dialect.indexes import OPTIONS

_NO_SUCH_TABLE, _NO_SUCH_DATABASE = 1146, 1049


class InspectionMixin(MySQLDialect):
    """The part of the dialects that reads definitions."""

    def get_foreign_keys(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """Foreign keys as MySQL reports them: without RESTRICT, which is the default and which MatrixOne may report."""
        found: Any = super().get_foreign_keys(connection, table_name, schema, **kw)
        return [one | {"options": {k: v for k, v in one["options"].items() if v != "RESTRICT"}} for one in found]

    @cached.cache
    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        """Whether there is such a table or view, a temporary one too."""
        self._ensure_has_table_connection(connection)
        if not reflection.is_shown(table_name):
            return reflection.is_listed(connection, self._place(connection, table_name, schema))
        quiet = {"skip_user_error_events": True}
        try:
            self._show_create_table(connection, None, None, self._full_name(table_name, schema), quiet)
        except NoSuchTableError:
            return False
        except DBAPIError as error:
            if self._number_of(error) != _NO_SUCH_DATABASE:
                raise
            return False
        return True

    def get_indexes(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """Indexes, with the kind and the options of those that MySQL does not have."""
        keys: Any = self._parsed_state_or_create(connection, table_name, schema, **kw).keys
        return sorted(map(_describe_index, _no_primary(keys)), key=lambda index: index["name"] or "~")

    @cached.cache
    def has_index(
        self, connection: Any, table_name: str, index_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Whether a table has an index, whatever the case of its name: the server writes all in lower case."""
        if not self.has_table(connection, table_name, schema, **kw):
            return False
        found: Any = self.get_indexes(connection, table_name, schema, **kw)
        return index_name.lower() in {(index["name"] or "").lower() for index in found}

    def get_table_options(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """How a table is partitioned; its comment is asked for by itself."""
        options: Any = super().get_table_options(connection, table_name, schema, **kw)
        return {name: value for name, value in options.items() if name != "matrixone_comment"}

    def get_table_comment(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """A table's comment as it was given."""
        comment: Any = super().get_table_comment(connection, table_name, schema, **kw)
        if comment["text"] is None:
            return comment
        place = self._place(connection, table_name, schema)
        return {"text": reflection.reflect_table_comment(connection, place, comment["text"])}

    def get_view_definition(self, connection: Any, view_name: str, schema: str | None = None, **kw: Any) -> str:
        """A view's statement; external and temporary tables are no views."""
        full_name = self._full_name(view_name, schema)
        statement = self._show_create_table(connection, None, None, full_name)
        if not self._tabledef_parser.is_view(statement):
            raise NoSuchTableError(full_name)
        return statement

    @memoized_property
    def _tabledef_parser(self) -> reflection.Parser:
        return reflection.Parser(self, self.identifier_preparer)

    @cached.cache
    def _setup_parser(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """What a table is made of; by statements that leave the connection as it is."""
        parser = self._tabledef_parser
        place = self._place(connection, table_name, schema)
        if not reflection.is_shown(table_name):
            return reflection.as_listed(parser, connection, place)
        shown = self._show_create_table(connection, None, None, self._full_name(table_name, schema))
        if parser.is_view(shown):
            return reflection.of_view(parser, connection, place)
        state = parser.parse(shown, self._connection_charset)
        if not shown.startswith("CREATE TEMPORARY"):  # those are not in information_schema, others of their name may be
            reflection.set_right(state, parser, connection, place)
        return state

    def _show_create_table(  # SQLAlchemy's own switches the connection's handlers of errors off for good
        self, connection: Any, table: Any, charset: Any = None, full_name: str | None = None, options: Any = None
    ) -> str:
        """SHOW CREATE TABLE, as any statement is sent."""
        name = self.identifier_preparer.format_table(table) if full_name is None else full_name
        try:
            row = connection.exec_driver_sql(f"SHOW CREATE TABLE {name}", execution_options=options).one()
        except DBAPIError as error:
            if self._number_of(error) != _NO_SUCH_TABLE:
                raise
            raise NoSuchTableError(name) from error
        return str(row[1]).strip()

    def _number_of(self, error: DBAPIError) -> int | None:
        of_driver: Any = error.orig or error
        return self._extract_error_code(of_driver)

    def _full_name(self, table_name: str, schema: str | None) -> str:
        return ".".join(map(self.identifier_preparer.quote_identifier, filter(None, (schema, table_name))))

    def _place(self, connection: Any, table_name: str, schema: str | None) -> reflection.Place:
        database = schema or connection.exec_driver_sql("SELECT DATABASE()").scalar()
        names = str(database), str(table_name)
        return reflection.Place(*(map(str.lower, names) if self._casing else names))


def _no_primary(keys: Iterable[Any]) -> Iterable[Any]:
    return (key for key in keys if key["type"] != "PRIMARY")


def _describe_index(key: Mapping[str, Any]) -> dict[str, Any]:
    """A key as SQLAlchemy describes an index."""
    lengths = {name: length for name, length, _ in key["columns"] if length is not None}
    options = {
        "prefix": key["type"] if key["type"] in {"FULLTEXT", "SPATIAL"} else None,
        "with_parser": key["parser"],
        "length": lengths or None,
        "using": key["using"],
        **{name: value for name, value in key["options"].items() if name in OPTIONS},
    }
    given = {f"matrixone_{name}": value for name, value in options.items() if value is not None}
    index = {
        "name": key["name"],
        "column_names": [column[0] for column in key["columns"]],
        "unique": key["type"] == "UNIQUE",
    }
    return index | ({"dialect_options": given} if given else {})
