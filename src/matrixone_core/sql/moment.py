"""The moment that a statement reads tables as of (server-facts 35)."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part, Value


@dataclass(frozen=True)
class Past:
    """A moment to read tables as of: that of a snapshot, or a time.

    Args:
        snapshot: the snapshot's name; empty for a time.
        time: the time in UTC, in which the server reads it, as text.
        local: the time in the server's zone, in which point-in-time recovery reads it.
    """

    snapshot: str = ""
    time: str = ""
    local: str = ""

    def __str__(self) -> str:
        return self.snapshot or self.local or self.time

    def parts(self) -> Iterator[Part]:
        """The suffix of a table's name that reads it as of the moment."""
        yield " {SNAPSHOT = " if self.snapshot else " {TIMESTAMP = "
        yield Value(self.snapshot or self.time)
        yield "}"
