"""Tables and databases of the server's own, which clients do not see, and their removal in the background."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterator

import pymysql

from matrixone_local.engine.seekdb import Engine
from matrixone_local.protocol.packets import ConnectionClosed
from matrixone_local.sql.quoting import quoted

DATABASE = "__mo_local"
TEMPORARY = f"{DATABASE}_temporary"  # where users have all rights (`features.temporary_tables`)
UNCOMMITTED = f"{DATABASE}.uncommitted"  # what open transactions have made (`transactions.undo_log`)
PREFIX = "__mo_"  # databases and columns whose names begin with this are not shown
SYSTEM = frozenset({"information_schema", "mo_catalog", "mysql", "oceanbase"})  # databases that hold no user's tables


class ScratchTables:
    """The hidden database, and a thread that drops what is not needed any more.

    Dropping takes the engine 20 to 60 ms, and seconds for a young fork: no client waits for it.

    Args:
        engine: where.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._numbers = itertools.count(1)
        self._work: queue.Queue[tuple[float, str] | None] = queue.Queue()
        with engine.session() as cursor:
            for database, pattern in ((DATABASE, "scratch\\_%"), (TEMPORARY, "%")):
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
                cursor.execute(f"SHOW TABLES FROM {database} LIKE '{pattern}'")
                for (left,) in cursor.fetchall():  # by a run before this one
                    cursor.execute(f"DROP TABLE {database}.{quoted(left)}")
        self._thread = threading.Thread(target=self._drop, daemon=True, name="matrixone_local drops")
        self._thread.start()

    def table(self) -> str:
        """A name for a new table, with its database, in back-quotes where needed."""
        return f"{DATABASE}.scratch_{next(self._numbers)}"

    def temporary_table(self) -> str:
        """A name for a new temporary table, with its database."""
        return f"{TEMPORARY}.temporary_{next(self._numbers)}"

    def drop_later(self, statement: str, *, after: float = 0) -> None:
        """Carry out a DROP in the background, *after* this number of seconds."""
        self._work.put((time.monotonic() + after, statement))

    def close(self) -> None:
        """Stop; what is not dropped yet goes with the data folder, or at the next start."""
        self._work.put(None)

    def _drop(self) -> None:
        for statement in self._due():
            try:
                with self._engine.session() as cursor:
                    cursor.execute(statement)
            except (pymysql.Error, ConnectionClosed):
                continue  # nobody can name it any more, so it blocks nobody

    def _due(self) -> Iterator[str]:
        """The statements as their times come, until the server stops."""
        waiting: list[tuple[float, str]] = []
        while True:
            try:
                wait = max(0, min(waiting)[0] - time.monotonic()) if waiting else None
                found = self._work.get(timeout=wait)
            except queue.Empty:
                first = min(waiting)
                waiting.remove(first)
                yield first[1]
                continue
            if found is None:
                return
            waiting.append(found)
