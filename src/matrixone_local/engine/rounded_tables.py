"""Whether a query may give a FLOAT or a vector, which the engine's text results have six digits of alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from matrixone_local.engine.lookup_cache import LookupCache

_ROUNDED = re.compile(rb"float|\breal\b|\bvector\b", re.IGNORECASE)  # REAL is FLOAT where sql_mode has REAL_AS_FLOAT
_CAST = re.compile(r"\bfloat", re.IGNORECASE)
# What makes no such column anew, unless it names a type or another table.
_PLAIN = re.compile(
    rb"\s*(?:DROP|TRUNCATE|GRANT|REVOKE|ALTER\s+TABLE|CREATE\s+(?:TABLE|DATABASE|USER|(?:\w+\s+)?INDEX))\b",
    re.IGNORECASE,
)
_DERIVED = re.compile(rb"float|\breal\b|\b(?:VECTOR|LIKE|SELECT|WITH|TABLE|AS|RENAME|FORK|CLONE)\b", re.IGNORECASE)
# The engine's numbers of FLOAT, FLOAT UNSIGNED and of vectors, which are collections to it. A view's columns are stored
# as they were when it was made, so each view counts.
_NAMES = """
SELECT table_name FROM oceanbase.__all_table t WHERE EXISTS
(SELECT 1 FROM oceanbase.__all_column c WHERE c.table_id = t.table_id AND c.data_type IN (11, 13, 40))
UNION SELECT table_name FROM oceanbase.__all_table WHERE table_type = 4
"""


class RoundedTables(LookupCache[None, Sequence[str]]):
    """The names of the tables and views that may have columns of FLOAT or of vectors.

    They are asked for once a statement has defined such a column, and again after each one that may bring others. Names
    that are no longer used may stay: a query that has one of them takes longer and is answered the same.

    Args:
        query: runs a query with the relay's own rights and gives its rows.
        any_stored: whether data of an earlier run is there, which may have such columns.
    """

    def __init__(self, query: Callable[[str], Sequence[Sequence[str]]], *, any_stored: bool) -> None:
        super().__init__()
        self._query = query
        self._any = any_stored

    def note(self, definition: bytes) -> bool:
        """Take notice of a statement that may define something, and tell whether it may bring such columns."""
        self._any = self._any or _ROUNDED.search(definition) is not None
        head = _PLAIN.match(definition)
        return head is None or _DERIVED.search(definition, head.end()) is not None

    def may_give(self, sql: str) -> bool:
        """Whether a query, in the engine's words, may have a FLOAT or a vector in its result."""
        if _CAST.search(sql) is not None:
            return True
        if not self._any:
            return False
        small = sql.lower()
        return any(name in small for name in self.get(None, self._ask))

    def _ask(self) -> Sequence[str]:
        return [name.lower().replace("`", "``") for (name,) in self._query(_NAMES)]
