"""External tables: files that are read as a table (server-facts 18, 19, 21).

The engine has none. It is given an empty table with the same columns, for everything that asks about columns; where a
statement reads the table, the files are read into a hidden one, which takes its place in the statement. An INSERT that
takes columns as they are needs none: the rows go from the files into its target. Raw lines that a WHERE does not want
are not put into it at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, filterfalse
from operator import methodcaller

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.scratch import DATABASE, ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.features.load_data import Client, described
from matrixone_local.files.bulk_insert import bulk_insert, statement_savepoint
from matrixone_local.files.sources import Reads, Source, Sources, parse_format, parse_source
from matrixone_local.formats.batches import Fields, Format
from matrixone_local.formats.columns import Column
from matrixone_local.formats.csv import CsvLines, Sift
from matrixone_local.sql.quoting import literal, quoted
from matrixone_local.sql.references import TableReference, put_table, table_references
from matrixone_local.sql.tokens import Kind, Reader, Statement, Token, tokenize
from matrixone_local.translation.column_types import to_engine_sql

FILE_PATH = "__mo_filepath"
CATALOGUE = f"{DATABASE}.external_tables"


@dataclass(frozen=True)
class CreateExternalTable:
    """CREATE EXTERNAL TABLE [IF NOT EXISTS] name (columns) source format.

    Args:
        table: its name, one or two parts.
        if_exists: IF NOT EXISTS was said.
        columns: the text in the brackets.
        reading: the text after them, which is read when the table is.
    """

    table: tuple[str, ...]
    if_exists: bool
    columns: str
    reading: str

    @property
    def definition(self) -> str:
        """The CREATE TABLE for the engine."""
        if_exists = "IF NOT EXISTS " if self.if_exists else ""
        name = ".".join(map(quoted, self.table))
        columns = to_engine_sql(self.columns)
        return f"CREATE TABLE {if_exists}{name} ({columns}, {quoted(FILE_PATH)} TEXT INVISIBLE)"


def parse_create(read: Reader) -> CreateExternalTable:
    """Parse what follows CREATE EXTERNAL TABLE."""
    if_exists = read.take("IF", "NOT", "EXISTS")
    table = [read.name()]
    if read.take("."):
        table.append(read.name())
    first = read.next(Kind.SYMBOL)
    if first.text != "(":
        raise read.error()
    depth, last = 1, first
    while depth:
        last = read.next(*Kind)
        depth += {"(": 1, ")": -1}.get(last.text, 0) if last.kind is Kind.SYMBOL else 0
    reading = read.sql[last.end :].strip().rstrip(";")
    parse_format(read, parse_source(read))
    read.end()
    return CreateExternalTable(tuple(table), if_exists, read.sql[first.end : last.start], reading)


@dataclass(frozen=True)
class InsertColumns:
    """INSERT [IGNORE] INTO table (columns) SELECT columns FROM external.

    Args:
        table: the target, one or two names.
        columns: its columns, by the names of the external table's that they take, in small letters.
        external: the external table, one or two names.
        ignore: whether rows whose key is there already are left out.
    """

    table: tuple[str, ...]
    columns: Mapping[str, str]
    external: tuple[str, ...]
    ignore: bool


def _parse_insert(sql: str, tokens: Sequence[Token]) -> InsertColumns | None:
    """A statement as such an INSERT, if it is one."""
    read = Reader(sql, list(tokens))
    try:
        read.expect("INSERT")
        ignore = read.take("IGNORE")
        read.expect("INTO")
        table = _table(read)
        read.expect("(")
        targets = _names(read)
        read.expect(")", "SELECT")
        taken = _names(read)
        read.expect("FROM")
        external = _table(read)
        read.end()
    except SqlError:
        return None
    columns = dict(zip(taken, targets, strict=False))
    return InsertColumns(table, columns, external, ignore) if len(columns) == len(taken) == len(targets) else None


def _table(read: Reader) -> tuple[str, ...]:
    first = read.name()
    return (first, read.name()) if read.take(".") else (first,)


def _names(read: Reader) -> list[str]:
    names = [read.name().lower()]
    while read.take(","):
        names.append(read.name().lower())
    return names


class ExternalTables:
    """The external tables of a server.

    Args:
        engine: where the empty ones lie.
        hidden: where they are read into.
        sources: what opens their files.
    """

    def __init__(self, engine: Engine, hidden: ScratchTables, sources: Sources) -> None:
        self._engine = engine
        self._hidden = hidden
        self._sources = sources
        with engine.session() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {CATALOGUE} (db VARCHAR(64), name VARCHAR(64), reading TEXT,"
                " PRIMARY KEY (db, name))"
            )
            cursor.execute(f"SELECT db, name, reading FROM {CATALOGUE}")  # noqa: S608  # a constant
            self._readings = {(db.lower(), name.lower()): reading for db, name, reading in cursor.fetchall()}
        self._names = {name for _, name in self._readings}

    def add(self, database: str, statement: CreateExternalTable) -> None:
        """Remember how a new one is read; its empty table is there already."""
        key = (database.lower(), statement.table[-1].lower())
        with self._engine.session() as cursor:
            cursor.execute(f"REPLACE INTO {CATALOGUE} VALUES (%s, %s, %s)", (*key, statement.reading))  # noqa: S608  # a constant
        self._readings[key] = statement.reading
        self._names.add(key[1])

    def forget(self, database: str, name: str | None = None) -> None:
        """One is dropped, or all of a database; names in small letters."""
        stale = [key for key in self._readings if key[0] == database and name in {None, key[1]}]
        for key in stale:
            del self._readings[key]
            with self._engine.session() as cursor:
                cursor.execute(f"DELETE FROM {CATALOGUE} WHERE db = %s AND name = %s", key)  # noqa: S608  # a constant
        self._names = {one for _, one in self._readings}

    def may_mention(self, sql: str) -> bool:
        """Whether a statement may be about one of them."""
        return bool(self._names) and any(name in sql.lower() for name in self._names)

    def substitute_tables(
        self, statement: Statement, link: EngineConnection, client: Reads, cleanup: ExitStack
    ) -> Statement:
        """The statement with hidden tables, filled from the files, in the place of external ones.

        Args:
            statement: the statement.
            link: the client's session.
            client: who may be asked to stop.
            cleanup: drops the hidden tables when it is left.

        Raises:
            SqlError: a file cannot be read, or the statement would change an external table.
        """
        tokens = statement.tokens
        for reference in reversed(table_references(tokens)):
            if reference.name.lower() not in self._names:
                continue
            database = reference.database or link.database
            reading = self._readings.get((database.lower(), reference.name.lower()))
            if reading is None:
                continue
            if not reference.reads and tokens[0].says("INSERT", "REPLACE", "UPDATE", "DELETE"):
                raise bad_input("cannot insert/update/delete from external table")
            if not reference.reads:
                continue  # defined, dropped or described
            if any(token.says("VIEW") for token in tokens[:5]):
                raise internal_error("the local server makes no views of external tables")
            table = (database, reference.name)
            hidden = self._filled(table, reading, client, _condition(statement.sql, tokens, reference), cleanup)
            if hidden is not None:
                put_table(statement, reference, hidden)
        return statement.changed()

    def first(self, database: str, table: str | None = None) -> str | None:
        """The name of an external table of a database: of the first, or of this one; None if there is none."""
        names = sorted(name for of, name in self._readings if of == database.lower())
        return next((name for name in names if table is None or name == table.lower()), None)

    def check_load(self, table: Sequence[str], link: EngineConnection) -> None:
        """Refuse to load into an external table.

        Raises:
            SqlError: it is one.
        """
        if table[-1].lower() in self._names:
            database = table[0] if len(table) == 2 else link.database
            if (database.lower(), table[-1].lower()) in self._readings:
                raise bad_input("cannot insert/update/delete from external table")

    def check(self, tokens: Sequence[Token], link: EngineConnection) -> None:
        """Refuse a definition that would change an external table; dropping it is none.

        Raises:
            SqlError: as above.
        """
        if not self._names or not tokens[0].says("ALTER", "RENAME", "TRUNCATE"):
            return
        for token in tokens:
            if token.value.lower() in self._names and (link.database.lower(), token.value.lower()) in self._readings:
                raise internal_error("the local server cannot change an external table; drop it and create it anew")

    def insert(self, sql: str, tokens: Sequence[Token], client: Client) -> int | None:
        """Carry out an INSERT of an external table's columns into columns of the same types, from the files themselves.

        Args:
            sql: any statement.
            tokens: its tokens.
            client: who for.

        Returns:
            How many rows were inserted; None if the statement is no such INSERT.

        Raises:
            SqlError: a file cannot be read, or a value does not fit; no row stays.
            EngineError: the engine refuses a row; no row stays.
        """
        found = _parse_insert(sql, tokens) if self._names and tokens[0].says("INSERT") else None
        if found is None:
            return None
        link = client.link
        table, external = _full(found.table, link), _full(found.external, link)
        reading = self._readings.get((external[0].lower(), external[1].lower()))
        if reading is None or (table[0].lower(), table[1].lower()) in self._readings:
            return None
        columns = _same(found, described(external, link), {one.name.lower(): one for one in described(table, link)})
        if columns is None:
            return None
        names = ", ".join(quoted(column.name) for column in columns if column)
        head = f"INSERT {'IGNORE ' if found.ignore else ''}INTO {'.'.join(map(quoted, table))} ({names}) VALUES "  # noqa: S608  # quoted
        source, form = _read(reading)
        with statement_savepoint(link):
            return sum(
                bulk_insert(link, head, form.batches(pieces, columns, fields=Fields.ENOUGH), client)
                for _, pieces in self._sources.files(source, client)
            )

    def _filled(
        self,
        table: tuple[str, str],
        reading: str,
        client: Reads,
        wanted: Sift | None,
        cleanup: ExitStack,
    ) -> str | None:
        """A hidden table with the rows of the files; None if there are none, as the external table is empty itself.

        Args:
            table: the external table.
            reading: how it is read.
            client: who for.
            wanted: leaves out raw lines, if it is of those, that are not wanted.
            cleanup: drops the table when it is left.
        """
        source, form = _read(reading)
        with closing(self._engine.session_link()) as connection:
            columns = [column for column in described(table, connection) if column.name != FILE_PATH]
            raw = wanted if len(columns) == 1 else None
            batches = chain.from_iterable(
                form.batches(_sifted(form, pieces, raw), columns, also=f",{literal(path)}", fields=Fields.ENOUGH)
                for path, pieces in self._sources.files(source, client)
            )
            first = next(batches, None)
            if first is None:
                return None
            hidden = self._hidden.table()
            connection.query(f"CREATE TABLE {hidden} LIKE {quoted(table[0])}.{quoted(table[1])}")
            cleanup.callback(self._hidden.drop_later, f"DROP TABLE {hidden}")
            names = ", ".join(quoted(column.name) for column in [*columns, Column(FILE_PATH, "text")])
            connection.query("BEGIN")
            bulk_insert(connection, f"INSERT INTO {hidden} ({names}) VALUES ", chain([first], batches), client)  # noqa: S608  # quoted
            connection.query("COMMIT")
        return hidden


def _sifted(form: Format, pieces: Iterator[bytes], wanted: Sift | None) -> Iterator[bytes]:
    """A file without raw lines that are not wanted."""
    return form.raw_lines(pieces, wanted) if wanted is not None and isinstance(form, CsvLines) else pieces


def _read(reading: str) -> tuple[Source, Format]:
    read = Reader(reading, tokenize(reading))
    source = parse_source(read)
    return source, parse_format(read, source)


def _full(table: tuple[str, ...], link: EngineConnection) -> tuple[str, str]:
    return (table[0], table[1]) if len(table) == 2 else (link.database, table[0])


def _same(
    insert: InsertColumns, external: Sequence[Column], target: Mapping[str, Column]
) -> list[Column | None] | None:
    """The target's columns in the file's order; None if one has another name or type than the column it takes."""
    columns: list[Column | None] = []
    for column in (one for one in external if one.name != FILE_PATH):
        name = insert.columns.get(column.name.lower())
        taken = None if name is None else target.get(name)
        if taken is not None and (name != column.name.lower() or taken.type != column.type):
            return None
        # what IGNORE makes of a NULL is the engine's to say
        columns.append(taken and replace(taken, required=taken.required and not insert.ignore))
    return columns if sum(column is not None for column in columns) == len(insert.columns) else None


def _condition(sql: str, tokens: Sequence[Token], reference: TableReference) -> Sift | None:
    """What leaves out raw lines that a statement does not want, if it tells them by one pattern alone."""
    read = Reader(sql, list(tokens))
    read.at = reference.last + 1
    try:
        read.expect("WHERE")
        negated = read.take("NOT", "(")
        read.name()
        found = _matcher(read)
        if negated:
            read.expect(")")
        if read.take("LIMIT"):
            read.next(Kind.NUMBER)
        read.end()
    except (SqlError, re.error):
        return None
    return partial(filterfalse, found) if negated else partial(filter, found)


def _matcher(read: Reader) -> Callable[[str], object]:
    """What a REGEXP or a LIKE finds in a line."""
    if read.take("REGEXP"):
        return re.compile(read.string()).search
    read.expect("LIKE")
    like = read.string()
    if re.fullmatch(r"%[^%_\\]*", like):
        return methodcaller("endswith", like[1:])
    parts: list[str] = re.findall(r"\\?.", like, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(part, re.escape(part[-1])) for part in parts), re.DOTALL).fullmatch
