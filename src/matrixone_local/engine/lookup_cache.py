"""What the engine says of definitions, remembered until any definition changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
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
