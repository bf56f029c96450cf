"""What the engine says of definitions, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from matrixone_local.sql.quoting import read_names

K = TypeVar("K")
V = TypeVar("V")
Query = Callable[[str], Sequence[Sequence[str | None]]]  # runs a statement and returns its rows
_MAX_ENTRIES = 1_000


class LookupCache(Generic[K, V]):
    """Answers by keys; `DefinitionCaches` tells when to forget them."""

    def __init__(self) -> None:
        self._changes = 0
        self._known: dict[K, V] = {}

    def forget(self) -> None:
        """Forget what is known."""
        self._changes += 1
        self._known = {}

    def get(self, key: K, ask: Callable[[], V]) -> V:
        """The answer for a key.

        Args:
            key: the key.
            ask: asks the engine for the answer, if it is not known. What it raises is raised.
        """
        known = self._known
        found = known.get(key)
        if found is None:
            changes = self._changes
            found = ask()
            if changes == self._changes and len(known) < _MAX_ENTRIES:  # nothing was defined meanwhile
                known[key] = found
        return found


class TableLookup(LookupCache[tuple[str, str], V]):
    """Answers about tables.

    Args:
        ask: asks the engine about the table of a database.
    """

    def __init__(self, ask: Callable[[str, str, Query], V]) -> None:
        super().__init__()
        self._ask = ask

    def of(self, table: str, database: str, query: Query) -> V:
        """The answer for a table.

        Args:
            table: the table as a statement names it.
            database: the one that it is in if the statement names none.
            query: runs a statement with the rights of the session it belongs to.

        Raises:
            EngineError: there is no such table, or it must not be read.
        """
        *named, name = read_names(table)
        place = named[0] if named else database
        return self.get((place.lower(), name.lower()), partial(self._ask, place, name, query))
