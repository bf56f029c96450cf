"""What open transactions have made and changed, for a server that does not live to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.scratch import UNCOMMITTED
from matrixone_local.engine.seekdb import Engine
from matrixone_local.sql.ddl import NO_SUCH_OBJECT, SchemaObject

_BETWEEN = ";\n"  # statements of a note


@dataclass(frozen=True)
class Undo:
    """What takes a part of a transaction back.

    Args:
        statements: do it, in their order, up to the first that finds nothing to do it to.
        dropped: what is dropped then, or None.
    """

    statements: tuple[str, ...]
    dropped: SchemaObject | None = None


class UndoLog:
    """The notes of open transactions.

    A note goes with the transaction itself: it is struck in it, so that a commit commits that as well.

    Args:
        engine: where it is stored.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.session() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {UNCOMMITTED} (id BIGINT AUTO_INCREMENT PRIMARY KEY, statement TEXT)"
            )
            cursor.execute(f"SELECT statement FROM {UNCOMMITTED} ORDER BY id DESC")  # noqa: S608  # a constant
            rows: Any = cursor.fetchall()
            for (undo,) in rows:
                _taken_back(undo.split(_BETWEEN), cursor)
            cursor.execute(f"DELETE FROM {UNCOMMITTED}")  # noqa: S608  # as above

    def note(self, undo: Undo) -> int:
        """Note what takes back what a transaction is about to do; returns the note's number."""
        with self._engine.session() as cursor:
            noted = _BETWEEN.join(undo.statements)
            cursor.execute(f"INSERT INTO {UNCOMMITTED} (statement) VALUES (%s)", (noted,))  # noqa: S608  # a constant
            return cursor.lastrowid

    def delete_entries(self, numbers: Sequence[int], link: EngineConnection) -> None:
        """Strike notes over a session: what they note is committed with its transaction, or is taken back already."""
        if numbers:
            link.query(f"DELETE FROM {UNCOMMITTED} WHERE id IN ({', '.join(map(str, numbers))})")  # noqa: S608  # numbers


def _taken_back(statements: Sequence[str], cursor: pymysql.cursors.Cursor) -> None:
    for statement in statements:
        try:
            cursor.execute(statement)
        except pymysql.MySQLError as error:
            if error.args[0] not in NO_SUCH_OBJECT:
                raise
            return  # the server had not come to what was noted, or a run before this one has taken it back
