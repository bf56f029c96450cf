"""INSERT IGNORE and UPDATE IGNORE, which ignore less on a MatrixOne server than in the engine (server-facts 87)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixone_local.engine.connection import EngineConnection, EngineError, Rows
from matrixone_local.errors import SqlError, as_matrixone
from matrixone_local.features.assignment_casts import Assigning
from matrixone_local.files.bulk_insert import statement_savepoint
from matrixone_local.sql.quoting import NAME, quoted

_IGNORES = re.compile(
    rf"\s*(?P<verb>INSERT|UPDATE)\s+(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED)\s+)*(?P<ignore>IGNORE\s+)(?:INTO\s+)?"
    rf"(?P<table>{NAME}(?:\s*\.\s*(?P<last>{NAME}))?)",
    re.IGNORECASE,
)
# What a server ignores, too: texts that are too long, items that an ENUM has not, for an UPDATE keys that are taken.
_IGNORED = frozenset({1062, 1265, 1406})
_UNREADABLE = frozenset({1052, 1064, 1149})  # a query that nothing can be put behind
_REFUSED = frozenset({"1048", "1364"})  # the engine's warnings: no value where there must be one


@dataclass(frozen=True)
class Ignoring:
    """An INSERT IGNORE or UPDATE IGNORE.

    Args:
        sql: the statement.
        strict: one that ignores keys that are taken, at most.
        assigning: judges the texts of both.
    """

    sql: str
    strict: str
    assigning: Assigning

    def carry_out(self, link: EngineConnection) -> Rows:
        """Change the rows.

        Raises:
            SqlError: a server refuses the statement.
            EngineError: the engine refuses it.
        """
        try:
            return self._send(self.strict, link)
        except EngineError as error:
            if error.code not in _IGNORED | _UNREADABLE:
                raise
        except SqlError:
            pass  # a text, which is judged with IGNORE now
        with statement_savepoint(link):
            changed = self._send(self.sql, link)
            for _level, code, words, *_ in link.query("SHOW WARNINGS").rows:
                if code in _REFUSED:
                    raise as_matrixone(int(code), "HY000", words or "")
        return changed

    def _send(self, sql: str, link: EngineConnection) -> Rows:
        assigned = self.assigning.assigned(sql)
        return link.query(assigned) if isinstance(assigned, str) else assigned.carry_out(link)


def read(sql: str, assigning: Assigning) -> Ignoring | None:
    """An INSERT IGNORE or UPDATE IGNORE; None for other statements.

    Args:
        sql: any statement.
        assigning: judges the texts of the session's statements.
    """
    found = _IGNORES.match(sql)
    if found is None:
        return None
    strict = sql[: found.start("ignore")] + sql[found.end("ignore") :]
    if found["verb"].upper() == "UPDATE":
        return Ignoring(sql, strict, assigning)
    column = assigning.first_column(found["table"])
    if column is None:
        return None
    same = f"{found['last'] or found['table']}.{quoted(column)}"
    return Ignoring(sql, f"{strict.rstrip().rstrip(';')} ON DUPLICATE KEY UPDATE {same} = {same}", assigning)
