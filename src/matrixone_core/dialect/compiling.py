"""SQL as MatrixOne reads it: statements, definitions, types, and what MySQL's options mean here."""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Index, Table
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.mysqldb import MySQLCompiler_mysqldb
from sqlalchemy.exc import CompileError, SAWarning
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.util import memoized_property

from matrixone_core.dialect.indexes import OPTIONS
from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import literal, render_masked
from matrixone_core.messages import show
from matrixone_core.monitoring.query_text import show_sql
from matrixone_core.sql.moment import Past

PAST = "matrixone_past"  # the execution option of a statement that is compiled to read the past: a `Past`
_FROM = re.compile(r"\b(?:FROM|JOIN)\b", re.IGNORECASE)
_NO_LIMIT_OF_MYSQL = "18446744073709551615"  # as its manual has it: an engine that adds the offset to it refuses
_NO_LIMIT = 1 << 62
_BY_NOTHING = re.compile(r" ?ORDER BY \(SELECT NULL(?: AS \w+)?\)(?: ASC| DESC)?(?! *,)")
_OF_TABLES = frozenset({"auto_increment", "comment", "partition_by", "partitions", "subpartition_by", "subpartitions"})
_OF_INDEXES = frozenset({"length", "prefix", "with_parser", "using"})
_TEXTS = frozenset({"op_type", "quantization"})
_BITS_OF_FLOAT = 24  # from here on the server makes a DOUBLE of FLOAT(n)


class MatrixOneCompiler(MySQLCompiler_mysqldb):
    """MySQL's statements, without what MatrixOne does not carry out."""

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """LIMIT and OFFSET; an OFFSET by itself has a limit that is none, and that the offset can be added to."""
        clause: str = super().limit_clause(select, **kw)
        return clause.replace(_NO_LIMIT_OF_MYSQL, str(_NO_LIMIT)) if select._limit_clause is None else clause

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """FOR UPDATE; SKIP LOCKED, NOWAIT and OF are refused, as the server would take them for syntax errors."""
        lock: Any = select._for_update_arg
        for option, name in (("skip_locked", "SKIP LOCKED"), ("nowait", "NOWAIT"), ("of", "OF")):
            if getattr(lock, option, None):
                raise CompileError(f"MatrixOne has no {name}; use with_for_update() without {option}")
        if lock is not None and self._then:
            raise InvalidArgument("rows of the past cannot be locked; leave with_for_update() out")
        clause: str = super().for_update_clause(select, **kw)
        return clause

    def visit_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """MATCH … AGAINST; query expansion is refused (server-facts 74)."""
        if binary.modifiers.get("mysql_query_expansion"):
            raise CompileError("MatrixOne has no WITH QUERY EXPANSION; use match() without it")
        clause: str = super().visit_match_op_binary(binary, operator, **kw)
        return clause

    @property
    def _renamed(self) -> Mapping[tuple[str | None, str], str]:
        """Names for tables of the statement; an expression that is compiled by itself has none."""
        return self._alias_same_names if self.stack else {}

    @memoized_property
    def _alias_same_names(self) -> Mapping[tuple[str | None, str], str]:
        """Names for tables that share theirs with one of another database.

        The server finds a column's table by the table's name alone: in a subquery `a.t.id` is taken for the `id` of
        its own `b.t`, without a word. The table that is written to has its own name.
        """
        statement = self.stack[0]["selectable"]
        found = {(one.schema, one.name) for one in iterate(statement) if isinstance(one, Table)}
        written: Any = getattr(statement, "table", None)
        often = Counter(name for _, name in found)
        return {
            (schema, name): f"{schema}__{name}"
            for schema, name in found
            if schema
            and often[name] > 1
            and (schema, name) != (getattr(written, "schema", None), getattr(written, "name", None))
        }

    @memoized_property
    def _then(self) -> str:
        """What follows the name of each table of a statement that reads the past."""
        past: Past | None = self.execution_options.get(PAST)
        ours: Any = self
        return "" if past is None else str(ours.post_process_text(render_masked(past.parts())))

    def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> str:
        """SQL text; where it may name a table, it cannot be read as of a moment."""
        self._check_text(textclause.text, is_table=bool(kw.get("asfrom")))
        above: Any = super()
        text: str = above.visit_textclause(textclause, *args, **kw)
        return text

    def _check_text(self, sql: str, *, is_table: bool) -> None:
        if self._then and (is_table or _FROM.search(sql)):
            raise InvalidArgument(
                f"snapshot= and timestamp= cannot find the tables of {show_sql(sql)}; build that part of the "
                "statement of tables or models, or write the moment into the text and execute it as text"
            )

    def visit_table(  # type: ignore[override]  # its other arguments pass through
        self, table: Any, asfrom: bool = False, enclosing_alias: Any = None, **kw: Any
    ) -> str:
        """A table, with another name where its own would be taken for that of another database's."""
        above: Any = super()
        if self._then:
            kw["fromhints"] = None  # they would come before the moment, and change no row
        text: str = above.visit_table(table, asfrom=asfrom, enclosing_alias=enclosing_alias, **kw)
        if self._then and asfrom:  # the name may have an alias that SQLAlchemy gives it
            bare: str = above.visit_table(table, asfrom=True, **{**kw, "ambiguous_table_name_map": None})
            text = f"{bare}{self._then}{text.removeprefix(bare)}"
        name = self._renamed.get((table.schema, table.name))
        is_aliased = enclosing_alias is not None and enclosing_alias.element is table
        return f"{text} AS {self.preparer.quote(name)}" if asfrom and name and not is_aliased else text

    def visit_column(self, column: Any, *args: Any, include_table: bool = True, **kw: Any) -> str:
        """A column, behind the name that its table has in the statement."""
        if column.is_literal:
            self._check_text(column.name, is_table=False)
        above: Any = super()
        table = column.table
        name = self._renamed.get((table.schema, table.name)) if include_table and isinstance(table, Table) else None
        text: str = above.visit_column(column, *args, include_table=include_table and not name, **kw)
        return f"{self.preparer.quote(name)}.{text}" if name else text

    def visit_over(self, over: Any, **kw: Any) -> str:
        """A window; to sort it by `(SELECT NULL)`, which sorts nothing, is more than the server can (dlt does so)."""
        above: Any = super()
        return _BY_NOTHING.sub("", above.visit_over(over, **kw))

    def update_limit_clause(self, update_stmt: Any) -> str | None:
        """The LIMIT of an UPDATE or DELETE, asked for by SQLAlchemy 2.0."""
        return _limit(update_stmt)

    delete_limit_clause = update_limit_clause

    def update_post_criteria_clause(self, update_stmt: Any, **kw: Any) -> str | None:
        """What ends an UPDATE, with the LIMIT of `mysql_limit` too: without it more rows would change."""
        return _after_limit(update_stmt, super().update_post_criteria_clause(update_stmt, **kw))

    def delete_post_criteria_clause(self, delete_stmt: Any, **kw: Any) -> str | None:
        """What ends a DELETE, with the LIMIT of `mysql_limit` too: without it more rows would go."""
        return _after_limit(delete_stmt, super().delete_post_criteria_clause(delete_stmt, **kw))

    def _generate_prefixes(self, stmt: Any, prefixes: Iterable[tuple[Any, str | None]], **kw: Any) -> Any:
        """Prefixes and suffixes such as IGNORE; those that are meant for MySQL are meant here."""
        ours = [(clause, self.dialect.name if name == "mysql" else name) for clause, name in prefixes]
        above: Any = super()
        return above._generate_prefixes(stmt, ours, **kw)


class MatrixOneDDLCompiler(MySQLDDLCompiler):
    """MySQL's definitions, with the indexes of MatrixOne; `mysql_…` options are honoured where they mean something."""

    def post_create_table(self, table: Any) -> str:
        """What follows the columns: options of the table."""
        wanted = _options(self.dialect, table, _OF_TABLES)
        copy = _WithOptions(
            table.comment, {f"{self.dialect.name}_{name}": str(value) for name, value in wanted.items()}
        )
        options: str = super().post_create_table(copy)  # type: ignore[arg-type]  # as much of a table as it reads
        return options

    def visit_primary_key_constraint(self, constraint: Any, **kw: Any) -> str:
        """PRIMARY KEY; `mysql_using` means nothing, as there is one kind."""
        _options(self.dialect, constraint, frozenset())
        text: str = super(MySQLDDLCompiler, self).visit_primary_key_constraint(constraint, **kw)
        return text

    def visit_unique_constraint(self, constraint: Any, **kw: Any) -> str:
        """UNIQUE KEY: in CREATE TABLE the server forgets the name of a CONSTRAINT … UNIQUE."""
        if not len(constraint):
            return ""
        name = None if constraint.name is None else self.preparer.format_constraint(constraint)
        columns = ", ".join(map(self.preparer.quote, (column.name for column in constraint)))
        return f"UNIQUE KEY {name} ({columns})" if name else f"UNIQUE KEY ({columns})"

    def visit_create_index(  # type: ignore[override]  # as MySQL's compiler has it
        self, create: Any, **kw: Any
    ) -> str:
        """CREATE INDEX, with the kind before the table, as the server reads it."""
        if create.if_not_exists:
            raise CompileError("MatrixOne has no CREATE INDEX IF NOT EXISTS; use index.create(checkfirst=True)")
        index = create.element
        self._verify_index_table(index)
        options = index_options(self.dialect, index)
        kind = "UNIQUE " if index.unique else f"{options['prefix']} " if options.get("prefix") else ""
        using = f" USING {options['using']}" if options.get("using") else ""
        columns = ", ".join(self._index_column(column, options.get("length")) for column in index.expressions)
        table = self.preparer.format_table(index.table)
        parser = f" WITH PARSER {options['with_parser']}" if options.get("with_parser") else ""
        return (
            f"CREATE {kind}INDEX {self._prepared_index_name(index)}{using} ON {table} ({columns}){parser}"
            f"{''.join(map(_index_option, OPTIONS, (options.get(name) for name in OPTIONS)))}"
        )

    def _index_column(self, column: Any, length: Any) -> str:
        text: str = self.sql_compiler.process(column, include_table=False, literal_binds=True)
        if isinstance(length, Mapping):
            lengths: Mapping[str, Any] = cast("Mapping[str, Any]", length)
            length = lengths.get(str(getattr(column, "name", "")), lengths.get(text))
        return text if length is None else f"{text}({int(length)})"


class MatrixOneTypeCompiler(MySQLTypeCompiler):
    """MySQL's types as the server makes them, so that what is reflected is what a model has.

    A VARCHAR needs no length here (server-facts 66), none is NATIONAL, and there is one size of texts and of blobs.
    """

    def process(self, type_: Any, **kw: Any) -> str:
        """A type, or its variant for MySQL where it has one."""
        return super().process(variant_of(type_) or type_, **kw)

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """VARCHAR, as long as a row can be where no length is given."""
        return "VARCHAR" if type_.length is None else f"VARCHAR({type_.length})"

    def visit_CHAR(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """CHAR."""
        return "CHAR" if type_.length is None else f"CHAR({type_.length})"

    def visit_VARBINARY(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """VARBINARY, which needs no length either."""
        return "VARBINARY" if type_.length is None else f"VARBINARY({type_.length})"

    visit_NVARCHAR, visit_NCHAR = visit_VARCHAR, visit_CHAR  # noqa: N815  # the server has no NATIONAL

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """TEXT, the only one: what MySQL's sizes name is the same here, and a length is a syntax error."""
        return "TEXT"

    visit_TINYTEXT = visit_MEDIUMTEXT = visit_LONGTEXT = visit_TEXT  # noqa: N815  # SQLAlchemy's names

    def visit_BLOB(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """BLOB, the only one, as TEXT is."""
        return "BLOB"

    visit_TINYBLOB = visit_MEDIUMBLOB = visit_LONGBLOB = visit_BLOB  # noqa: N815  # SQLAlchemy's names

    def visit_MEDIUMINT(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """INTEGER, which the server makes of it."""
        return super().visit_INTEGER(type_, **kw)

    def visit_REAL(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """DOUBLE, which the server makes of it."""
        return self._double(type_)

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        """FLOAT; DOUBLE where more bits are wanted than it has."""
        is_wide = type_.precision is not None and type_.precision >= _BITS_OF_FLOAT
        if is_wide and getattr(type_, "scale", None) is None:
            return self._double(type_)
        return super().visit_FLOAT(type_, **kw)

    def _double(self, type_: Any) -> str:
        scale = getattr(type_, "scale", None)
        return "DOUBLE" if scale is None else f"DOUBLE({type_.precision}, {scale})"

    def _visit_enumerated_values(self, name: str, type_: Any, enumerated_values: Sequence[str]) -> str:
        """ENUM and SET; an item with a comma is refused, as the server makes two items of it without a word."""
        if wrong := [item for item in enumerated_values if "," in item]:
            raise CompileError(f"the server takes a comma for the end of an item of {name}, got {show(wrong[0])}")
        text: str = super()._visit_enumerated_values(name, type_, enumerated_values)
        return text


class _WithOptions:
    """As much of a table as its options are written from."""

    def __init__(self, comment: str | None, kwargs: Mapping[str, str]) -> None:
        self.comment, self.kwargs = comment, kwargs


def variant_of(type_: Any) -> Any:
    """What a type is for MySQL, unless it says what it is for MatrixOne, or is one for all."""
    variants = type_._variant_mapping
    return None if "matrixone" in variants else variants.get("mysql")


def index_options(dialect: Any, index: Index) -> dict[str, Any]:
    """An index's options by their names, of this dialect and of MySQL's."""
    options = _options(dialect, index, _OF_INDEXES)
    if index.dialect_kwargs.get("mysql_using") == options.get("using") == "hash":
        _warn_of_ignored(dialect, ["mysql_using"])
        del options["using"]
    return options


def _options(dialect: Any, element: Any, known: frozenset[str]) -> dict[str, Any]:
    """The options of an element for this dialect, and those for MySQL that mean something here; others are named."""
    options = {
        name.removeprefix("mysql_"): value for name, value in element.kwargs.items() if name.startswith("mysql_")
    }
    _warn_of_ignored(dialect, [f"mysql_{name}" for name in options.keys() - known])
    ours = {name.removeprefix("matrixone_"): v for name, v in element.kwargs.items() if name.startswith("matrixone_")}
    return {name: value for name, value in options.items() if name in known} | ours


def _warn_of_ignored(dialect: Any, names: Iterable[str]) -> None:
    """Warn of options without a meaning, of each but once."""
    unnamed = sorted(set(names) - dialect.ignored_options)
    if unnamed:
        dialect.ignored_options.update(unnamed)
        warnings.warn(
            f"MatrixOne has nothing like {', '.join(unnamed)}: left out; remove these options or leave them to MySQL",
            SAWarning,
            stacklevel=2,
        )


def _index_option(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name.upper()}"
    return f" {name.upper()} {literal(value) if name in _TEXTS else f'= {int(value)}'}"


def _limit(statement: Any) -> str | None:
    ours, mysqls = (statement.kwargs.get(f"{name}_limit") for name in ("matrixone", "mysql"))
    limit = mysqls if ours is None else ours
    return None if limit is None else f"LIMIT {int(limit)}"


def _after_limit(statement: Any, rest: str | None) -> str | None:
    """The rest of a statement behind its limit; the dialect's own limit is in the rest."""
    if statement.kwargs.get("matrixone_limit") is not None:
        return rest
    return " ".join(filter(None, [_limit(statement), rest])) or None
