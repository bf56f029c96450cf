"""The columns of queries, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matrixone_local.protocol.payloads import ResultColumn

_MAX_QUERIES = 1_000


class DescribedQueries:
    """The columns of the results of queries; `DefinitionCaches` tells when to forget them."""

    def __init__(self) -> None:
        self._changes = 0
        self._known: dict[tuple[str, str], Sequence[ResultColumn]] = {}

    def forget(self) -> None:
        """Forget what is known."""
        self._changes += 1
        self._known = {}

    def columns(
        self, database: str, query: str, describe: Callable[[str], Sequence[ResultColumn]]
    ) -> Sequence[ResultColumn]:
        """The columns of a query's result.

        Args:
            database: the one that names without a database are looked for in.
            query: the query.
            describe: asks the engine for them.

        Raises:
            EngineError: the engine refuses the query.
        """
        key = (database.lower(), query)
        known = self._known
        found = known.get(key)
        if found is None:
            changes = self._changes
            found = describe(query)
            if changes == self._changes and len(known) < _MAX_QUERIES:  # nothing was defined meanwhile
                known[key] = found
        return found
