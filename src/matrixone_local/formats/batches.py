"""What the formats make of files: rows of SQL literals, gathered into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from matrixone_local.formats.columns import Column

BATCH_ROWS = 500  # measured: the engine takes in batches of 500 a quarter faster than of 2,000
BATCH_CHARACTERS = 1 << 20


class Batch(NamedTuple):
    """`(…),(…)`, and how many rows that is."""

    text: str
    size: int


class Fields(Enum):
    """How many fields a row must have."""

    EXACT = "as many as there are columns"
    ENOUGH = "no fewer; surplus ones are dropped"
    ANY = "missing ones are NULL, surplus ones are dropped"


class Format(Protocol):
    """How a file's bytes are to be read."""

    def batches(
        self,
        pieces: Iterator[bytes],
        columns: Sequence[Column | None],
        *,
        also: str = "",
        fields: Fields = Fields.EXACT,
    ) -> Iterator[Batch]:
        """The file's rows.

        Args:
            pieces: its bytes, unpacked.
            columns: where its fields go, in their order; None where one is skipped.
            also: more literals for every row, each after a comma.
            fields: how many fields a row must have.

        Raises:
            SqlError: the file is not what it was said to be, or a value does not fit its column.
        """
        ...


def join_batches(parts: Iterable[Batch]) -> Iterator[Batch]:
    """Small batches, down to single rows, joined to larger ones."""
    texts: list[str] = []
    count = size = 0
    for text, rows in parts:
        texts.append(text)
        count += rows
        size += len(text)
        if count >= BATCH_ROWS or size > BATCH_CHARACTERS:
            yield Batch(",".join(texts), count)
            texts, count, size = [], 0, 0
    if texts:
        yield Batch(",".join(texts), count)
