"""What is remembered of definitions, and which of it a statement makes stale."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from matrixone_local.engine.lookup_cache import LookupCache, TableLookup
from matrixone_local.engine.rounded_tables import RoundedTables
from matrixone_local.engine.table_columns import read_columns
from matrixone_local.engine.unique_keys import read_keys
from matrixone_local.engine.view_names import ViewNames
from matrixone_local.protocol.payloads import ResultColumn

_KEEPS = re.compile(
    rb"\s*(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SHOW|DESC|EXPLAIN|SET|USE|KILL|WITH|\()",
    re.IGNORECASE,
)


class Cache(Protocol):
    """Something that is remembered of definitions."""

    def forget(self) -> None:
        """Forget it."""
        ...


Stale = frozenset[Cache]  # the caches that a statement makes stale
NOTHING_STALE: Stale = frozenset()


class DefinitionCaches:
    """What the connections of one server remember of its definitions.

    Whoever sends the engine a statement asks `made_stale_by` first, and calls `forget` with the answer before the
    statement runs and after it: what is looked up meanwhile may be from before or from after.

    Args:
        query: as of `RoundedTables`.
        any_stored: as of `RoundedTables`.
    """

    def __init__(self, query: Callable[[str], Sequence[Sequence[str]]], *, any_stored: bool) -> None:
        self.tables = TableLookup(read_columns)
        self.keys = TableLookup(read_keys)
        self.queries = LookupCache[tuple[str, str], Sequence[ResultColumn]]()  # by the database and the text
        self.rounded = RoundedTables(query, any_stored=any_stored)
        self.views = ViewNames(query, any_stored=any_stored)

    def made_stale_by(self, sql: bytes) -> Stale:
        """The caches that a statement makes stale when it runs."""
        if _KEEPS.match(sql) is not None:
            return NOTHING_STALE
        stale: set[Cache] = {self.tables, self.keys, self.queries}
        stale.update(cache for cache in (self.rounded, self.views) if cache.note(sql))
        return frozenset(stale)


def forget(stale: Iterable[Cache]) -> None:
    """Forget what these remember."""
    for cache in stale:
        cache.forget()
