"""LOAD DATA: read the statement, read the file, insert its rows in the client's own transaction.

The engine has a LOAD DATA of its own, which does not roll back and turns bad integers into 0
(design/local-server.md); so the file is read here, strictly, and sent as INSERT statements over the client's session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import SqlError, bad_input
from matrixone_local.features import views
from matrixone_local.features.duplicate_keys import DISCRIMINATOR_COLUMN, DUPLICATE, DuplicateKeyTables
from matrixone_local.files.bulk_insert import bulk_insert, statement_savepoint
from matrixone_local.files.sources import Reads, Source, Sources, parse_format, parse_source
from matrixone_local.formats.batches import Batch, Fields, Format
from matrixone_local.formats.columns import Column
from matrixone_local.sql.ddl import NO_SUCH_OBJECT
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import Kind, Reader
from matrixone_local.sql.type_names import matrixone_type


@dataclass(frozen=True)
class LoadData:
    """A LOAD DATA statement.

    Args:
        source: what is read.
        table: the target, one or two names.
        format: how it is read.
        fields: the columns that the file's fields go into; None where a field is skipped (`@x`).
        nulls: column to the text that means NULL there, from `SET column=NULLIF(column, text)`.
        is_parallel: whether a server reads pieces of the file at once, and blank numbers as 0 (server-facts 89).
    """

    source: Source
    table: tuple[str, ...]
    format: Format
    fields: tuple[str | None, ...] = ()
    nulls: Mapping[str, str] = field(default_factory=dict[str, str])
    is_parallel: bool = False


def parse_load(read: Reader) -> LoadData:
    """Parse what follows LOAD DATA."""
    source = parse_source(read)
    if not read.take("IGNORE"):
        read.take("REPLACE")
    read.expect("INTO", "TABLE")
    table = [read.name()]
    if read.take("."):
        table.append(read.name())
    if read.take("CHARACTER", "SET"):
        read.next(Kind.WORD, Kind.STRING)
    form = parse_format(read, source)
    fields = tuple(_listed(read)) if read.take("(") else ()
    nulls = dict(_assignments(read)) if read.take("SET") else {}
    is_parallel = False
    while (sets_parallel := read.take("PARALLEL")) or read.take("STRICT"):
        value = read.string()
        is_parallel = value.lower() == "true" if sets_parallel else is_parallel
    read.end()
    return LoadData(source, tuple(table), form, fields, nulls, is_parallel and source.inline is None)


def _listed(read: Reader) -> Iterator[str | None]:
    while True:
        if (token := read.current) and token.text.startswith("@"):
            read.at += 1
            yield None
        else:
            yield read.name()
        if not read.take(","):
            read.expect(")")
            return


def _assignments(read: Reader) -> Iterator[tuple[str, str]]:
    while True:
        column = read.name()
        read.expect("=")
        if read.take("NULLIF", "("):
            subject = read.current
            if subject is None or subject.text.startswith("@"):
                raise bad_input("the nullif func first param is not UnresolvedName form")  # server-facts 20
            if read.name().lower() != column.lower():
                raise bad_input("the nullif func first param must equal to colName")
            read.expect(",")
            yield column.lower(), read.string()
            read.expect(")")
        else:
            _pass_over(read)
        if not read.take(","):
            return


def _pass_over(read: Reader) -> None:
    """Step over an expression: whatever it is, the column has what the file has (server-facts 68)."""
    first, depth = read.at, 0
    while (token := read.current) and (depth or not token.says(",", ";", ")")):
        depth += {"(": 1, ")": -1}.get(token.said, 0)
        read.at += 1
    if read.at == first:
        raise read.error()


class Client(Reads, Protocol):
    """The client that a load is for."""

    @property
    def link(self) -> EngineConnection:
        """Its session, whose transaction the rows become part of."""
        ...

    def settle(self, table: Sequence[str]) -> None:
        """See to it that its transaction has no uncommitted rows in a table, which the engine would not change."""
        ...


class Loader:
    """Carries LOAD DATA statements out.

    Args:
        sources: what opens files.
        duplicates: stores the rows whose keys are there already.
    """

    def __init__(self, sources: Sources, duplicates: DuplicateKeyTables) -> None:
        self._sources = sources
        self._duplicates = duplicates

    def load(self, statement: LoadData, client: Client) -> int:
        """Insert the file's rows; all of them or none. No key is checked (server-facts 17).

        Args:
            statement: what to load, and how.
            client: who for.

        Returns:
            How many rows were inserted.

        Raises:
            SqlError: the file, the table or a value is not as it should be; no row of the statement stays.
            EngineError: the engine refuses the rows.
        """
        link = client.link
        views.check_target(statement.table, link)
        every = described(statement.table, link)
        columns = _targets(statement, [column for column in every if column.name != DISCRIMINATOR_COLUMN])
        with statement_savepoint(link) as again:
            if any(column.name == DISCRIMINATOR_COLUMN for column in every):
                return self._insert_with_duplicates(statement, columns, client)
            try:
                return bulk_insert(link, _head(statement, columns), self._rows(statement, columns, client), client)
            except EngineError as error:
                if error.code != DUPLICATE:
                    raise
            again(lambda: self._allow_duplicates(statement.table, client))
            return self._insert_with_duplicates(statement, columns, client)

    def _rows(self, statement: LoadData, columns: Sequence[Column | None], client: Client) -> Iterator[Batch]:
        pieces = self._sources.open(statement.source, client)
        fields = Fields.ANY if statement.source.local else Fields.EXACT  # server-facts 48
        return statement.format.batches(pieces, columns, fields=fields)

    def _allow_duplicates(self, table: Sequence[str], client: Client) -> None:
        client.settle(table)
        self._duplicates.allow(table, client.link)

    def _insert_with_duplicates(self, statement: LoadData, columns: Sequence[Column | None], client: Client) -> int:
        names = [column.name for column in columns if column]
        return self._duplicates.insert(statement.table, names, self._rows(statement, columns, client), client)


def described(table: Sequence[str], link: EngineConnection) -> list[Column]:
    """A table's columns.

    Raises:
        SqlError: there is no such table.
    """
    where = ".".join(map(quoted, table))
    try:
        found = link.query(f"SHOW FULL COLUMNS FROM {where}")
    except EngineError as error:
        missing = re.fullmatch(r"Table '(.*)' doesn't exist", error.message)
        if missing or error.code in NO_SUCH_OBJECT:
            raise SqlError(1146, f"no such table {missing[1] if missing else '.'.join(table)}", "42S02") from None
        raise
    return [
        Column(
            str(name),
            matrixone_type(str(kind), comment or "")[0],
            required == "NO" and "auto_increment" not in str(extra).lower(),
        )
        for name, kind, _collation, required, _key, _default, extra, _rights, comment in found.rows
    ]


def _targets(statement: LoadData, columns: Sequence[Column]) -> list[Column | None]:
    known = {
        column.name.lower(): replace(
            column, null=statement.nulls.get(column.name.lower()), blank_is_zero=statement.is_parallel
        )
        for column in columns
    }
    if not statement.fields:
        return list(known.values())
    targets: list[Column | None] = []
    for name in statement.fields:
        if name is not None and name.lower() not in known:
            raise SqlError(1054, f"Unknown column '{name}' in '{statement.table[-1]}'", "42S22")
        targets.append(None if name is None else known[name.lower()])
    return targets


def _head(statement: LoadData, columns: Sequence[Column | None]) -> str:
    names = ",".join(quoted(column.name) for column in columns if column)
    return f"INSERT INTO {'.'.join(map(quoted, statement.table))} ({names}) VALUES "  # noqa: S608  # names are quoted
