"""What the formats make of files: rows of SQL literals, gathered into batches, each carried by one INSERT."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple, Protocol

from .engine import EngineError, Link
from .errors import internal
from .values import Column

BATCH_ROWS = 500  # measured: the engine takes in batches of 500 a quarter faster than of 2,000
BATCH_CHARACTERS = 1 << 20
MANY_CHARACTERS = 16 << 20  # of rows, from which on a load may fill the engine's memory
KILLS_OUTLIVED = 20


class Batch(NamedTuple):
    """`(…),(…)`, and how many rows that is."""

    text: str
    size: int


class Format(Protocol):
    """How a file's bytes are to be read."""

    def batches(
        self, pieces: Iterator[bytes], columns: Sequence[Column | None], *, also: str = "", exact: bool = True
    ) -> Iterator[Batch]:
        """The file's rows.

        Args:
            pieces: its bytes, unpacked.
            columns: where its fields go, in their order; None where one is skipped.
            also: more literals for every row, each after a comma.
            exact: whether a row with more fields than columns is refused; without, they are dropped.

        Raises:
            Refused: the file is not what it was said to be, or a value does not fit its column.
        """
        ...


def gathered(parts: Iterable[Batch]) -> Iterator[Batch]:
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


class Cancellable(Protocol):
    """Something that somebody may ask to stop."""

    def is_cancelled(self) -> bool:
        """Whether KILL QUERY was sent for it."""
        ...


def inserted(link: Link, head: str, batches: Iterable[Batch], client: Cancellable) -> int:
    """Insert rows; the next batch is read while the engine takes in the one before.

    Args:
        link: the session to insert over.
        head: `INSERT INTO … VALUES `.
        batches: the rows.
        client: who may be asked to stop, between batches.

    Returns:
        How many rows were taken in.

    Raises:
        Refused: a row cannot be read, or KILL QUERY was sent; some rows are inserted by then.
        EngineError: the engine refuses a row.
    """
    count = brought = 0
    asked = False
    with ExitStack() as slowed:
        try:
            for text, _rows in batches:
                if asked:
                    asked = False
                    count += link.answer().affected
                if client.is_cancelled():
                    raise internal("context canceled")
                link.ask(f"{head}{text}")
                asked = True
                brought += len(text)
                if brought - len(text) <= MANY_CHARACTERS < brought:
                    slowed.enter_context(link.throttle)
        except BaseException:
            if asked:
                with suppress(EngineError):  # the reason to stop came first
                    link.answer()
            raise
        if asked:
            count += link.answer().affected
    return count


@contextmanager
def whole_or_not(link: Link) -> Generator[Callable[[], None]]:
    """A block of statements that are one statement to the client: carried out whole or not at all.

    They are a part of the client's transaction, if it has one.

    Yields:
        What takes back what was done so far, to begin anew.
    """
    single = link.autocommit and not link.in_transaction
    begin = "BEGIN" if single else "SAVEPOINT matrixone_load"
    back = "ROLLBACK" if single else "ROLLBACK TO SAVEPOINT matrixone_load"

    def again() -> None:
        _rolled_back(link, back)
        link.query(begin)

    link.query(begin)
    try:
        yield again
        if single:
            link.query("COMMIT")
    except BaseException:
        _rolled_back(link, back)
        raise


def _rolled_back(link: Link, statement: str) -> None:
    """Roll back, though a KILL QUERY that was meant for the rows may hit this instead."""
    for _ in range(KILLS_OUTLIVED):
        try:
            link.query(statement)
        except EngineError:
            continue
        return
    link.close()  # the engine rolls back what a closed session leaves
