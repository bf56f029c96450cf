"""The columns of tables, remembered until any definition changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .casts import Type
from .column_types import told
from .values import quoted

if TYPE_CHECKING:
    from .engine import Link

_KEPT = 1_000
_KEEPS = re.compile(
    r"\s*(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SHOW|SET|USE|KILL|WITH|\()",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Target:
    """A column that a statement may give a value.

    Args:
        name: its name, in small letters.
        type: its type.
    """

    name: str
    type: Type


class Shapes:
    """The columns of a server's tables.

    Whoever sends the engine a statement that may define something says so before and after it.
    """

    def __init__(self) -> None:
        self._changes = 0
        self._known: dict[tuple[str, str], Sequence[Target]] = {}

    def note(self, sql: str) -> bool:
        """Forget what is known if a statement may change it, and tell whether it may."""
        changes = _KEEPS.match(sql) is None
        if changes:
            self.forget()
        return changes

    def forget(self) -> None:
        """Forget what is known."""
        self._changes += 1
        self._known = {}

    def columns(self, database: str, table: str, link: Link) -> Sequence[Target]:
        """A table's visible columns, in their order.

        Args:
            database: the table's.
            table: its name.
            link: whose rights are used.

        Raises:
            EngineError: there is no such table, or it must not be read.
        """
        key = (database.lower(), table.lower())
        known = self._known
        found = known.get(key)
        if found is None:
            changes = self._changes
            rows = link.query(f"SHOW FULL COLUMNS FROM {quoted(database)}.{quoted(table)}").rows
            found = [
                Target(str(row[0]).lower(), Type(told(str(row[1]), str(row[8] or ""))[0]))
                for row in rows
                if "invisible" not in str(row[6]).lower()
            ]
            if changes == self._changes and len(known) < _KEPT:  # nothing was defined meanwhile
                known[key] = found
        return found
