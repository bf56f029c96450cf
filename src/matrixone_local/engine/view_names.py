"""Which names are views, remembered until a statement may change that."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from matrixone_local.engine.lookup_cache import LookupCache

_VIEW = re.compile(rb"\bview\b", re.IGNORECASE)
_MOVES = re.compile(rb"\b(?:view|rename|drop\s+(?:database|schema))\b", re.IGNORECASE)
_NAMES = """
SELECT d.database_name, t.table_name FROM oceanbase.__all_table t
JOIN oceanbase.__all_database d ON d.database_id = t.database_id WHERE t.table_type = 4
"""
Names = frozenset[tuple[str, str]]


class ViewNames(LookupCache[None, Names]):
    """The views of all databases. They are asked for once a statement has made one.

    Args:
        query: runs a query with the relay's own rights and gives its rows.
        any_stored: whether data of an earlier run is there, which may have views.
    """

    def __init__(self, query: Callable[[str], Sequence[Sequence[str]]], *, any_stored: bool) -> None:
        super().__init__()
        self._query = query
        self._any = any_stored

    def note(self, definition: bytes) -> bool:
        """Take notice of a statement that may define something, and tell whether it may make, move or drop views."""
        self._any = self._any or _VIEW.search(definition) is not None
        return self._any and _MOVES.search(definition) is not None

    def may_mention(self, sql: str) -> bool:
        """Whether a statement may name a view."""
        if not self._any:
            return False
        small = sql.lower()
        return any(view.replace("`", "``") in small for _, view in self.get(None, self._ask))

    def has(self, database: str, name: str) -> bool:
        """Whether a name, both parts in small letters, is a view's."""
        return self._any and (database, name) in self.get(None, self._ask)

    def _ask(self) -> Names:
        return frozenset((database.lower(), view.lower()) for database, view in self._query(_NAMES))
