"""Rows with equal keys, which LOAD DATA stores on a MatrixOne server (server-facts 17) and the engine refuses.

A table that gets such rows is given a hidden column, which becomes the last part of each of its unique keys: 0 for the
first row of a key, as for every row of an INSERT, so that INSERT goes on checking; a unique value for each duplicate.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Protocol

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.engine.scratch import ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.errors import internal_error
from matrixone_local.files.bulk_insert import Cancellable, bulk_insert
from matrixone_local.formats.batches import Batch
from matrixone_local.sql.quoting import quoted

DISCRIMINATOR_COLUMN = "__mo_twin"
DUPLICATE = 1062
WAITED_SECONDS = 3  # for transactions that hold rows of the table


class Client(Cancellable, Protocol):
    """Who rows are inserted for."""

    @property
    def link(self) -> EngineConnection:
        """Its session."""
        ...


class DuplicateKeyTables:
    """Makes room for them, and inserts them.

    Args:
        engine: for what happens beside the client's transaction.
        hidden: where rows wait.
    """

    def __init__(self, engine: Engine, hidden: ScratchTables) -> None:
        self._engine = engine
        self._hidden = hidden

    def allow(self, table: Sequence[str], link: EngineConnection) -> None:
        """Let a table have rows with equal keys.

        Raises:
            SqlError: a transaction holds rows of the table, or the engine cannot change its keys.
        """
        where = self._where(table, link)
        twin = quoted(DISCRIMINATOR_COLUMN)
        changes = [f"ADD COLUMN {twin} BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE"]
        for name, columns in _unique_keys(where, link).items():
            key = ", ".join(map(quoted, [*columns, DISCRIMINATOR_COLUMN]))
            if name == "PRIMARY":
                changes.append(f"DROP PRIMARY KEY, ADD PRIMARY KEY ({key})")
            else:
                changes += [f"DROP KEY {quoted(name)}", f"ADD UNIQUE KEY {quoted(name)} ({key})"]
        with closing(self._engine.session_link()) as connection:
            connection.query(f"SET ob_query_timeout = {WAITED_SECONDS * 1_000_000}")
            try:
                for change in changes:
                    connection.query(f"ALTER TABLE {where} {change}")
            except EngineError as error:
                raise internal_error(
                    f"the local server cannot store rows with equal keys in {where} now ({error.message}); a "
                    "transaction that has changed the table has to end first"
                ) from None

    def insert(self, table: Sequence[str], names: Sequence[str], batches: Iterable[Batch], client: Client) -> int:
        """Insert rows in the client's transaction, those whose keys are there already as duplicates.

        Args:
            table: a table that `allow` was called for.
            names: the columns that the rows have values for.
            batches: the rows.
            client: whose transaction.

        Returns:
            How many rows there were.
        """
        where = self._where(table, client.link)
        columns = ", ".join(map(quoted, names))
        waiting = self._hidden.table()
        with closing(self._engine.session_link()) as connection:
            number = "(__mo_row BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY)"
            connection.query(f"CREATE TABLE {waiting} {number} AS SELECT {columns} FROM {where} WHERE FALSE")  # noqa: S608  # quoted
            try:
                head = f"INSERT INTO {waiting} ({columns}) VALUES "  # noqa: S608  # quoted
                count = bulk_insert(connection, head, batches, client)
                given = set(names)
                keys = [key for key in _unique_keys(where, client.link).values() if given.issuperset(key)]
                client.link.query(_transfer(where, waiting, columns, keys))
            finally:
                self._hidden.drop_later(f"DROP TABLE {waiting}")
        return count

    @staticmethod
    def _where(table: Sequence[str], link: EngineConnection) -> str:
        database = table[0] if len(table) == 2 else link.database
        return f"{quoted(database)}.{quoted(table[-1])}"


def _unique_keys(where: str, link: EngineConnection) -> Mapping[str, Sequence[str]]:
    """The columns of each unique key, by its name, without the one that distinguishes duplicates."""
    keys: dict[str, list[str]] = {}
    for _table, non_unique, name, _at, column, *_ in link.query(f"SHOW INDEX FROM {where}").rows:
        if non_unique == "0" and column != DISCRIMINATOR_COLUMN:
            keys.setdefault(str(name), []).append(str(column))
    return keys


def _transfer(where: str, waiting: str, columns: str, keys: Sequence[Sequence[str]]) -> str:
    """The INSERT that moves rows from where they wait: the first one of each key as such, the others as duplicates."""
    ranks: list[str] = []
    first: list[str] = ["TRUE"]
    for at, key in enumerate(keys):
        parts = [quoted(column) for column in key]
        ranks.append(f"ROW_NUMBER() OVER (PARTITION BY {', '.join(parts)} ORDER BY __mo_row) AS __mo_rank{at}")
        absent = " OR ".join(f"s.{part} IS NULL" for part in parts)
        same = " AND ".join(f"o.{part} = s.{part}" for part in parts)
        first.append(
            f"({absent} OR (s.__mo_rank{at} = 1 AND NOT EXISTS (SELECT 1 FROM {where} o WHERE {same})))"  # noqa: S608  # quoted
        )
    rows = f"SELECT {', '.join([columns, '__mo_row', *ranks])} FROM {waiting}"  # noqa: S608  # quoted
    twin = f"CASE WHEN {' AND '.join(first)} THEN 0 ELSE {secrets.randbits(62)} + s.__mo_row END"
    return f"INSERT INTO {where} ({columns}, {quoted(DISCRIMINATOR_COLUMN)}) SELECT {columns}, {twin} FROM ({rows}) s"  # noqa: S608  # quoted
