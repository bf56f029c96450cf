"""Batches of rows into tables: one INSERT a batch, all of them one statement to the client."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from typing import Protocol, Self

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import internal_error
from matrixone_local.formats.batches import Batch

MANY_CHARACTERS = 16 << 20  # of rows, from which on a load may fill the engine's memory
LONG_SECONDS = 5.0  # for the engine's answers, from which on something may be wrong with it
KILLS_OUTLIVED = 20


class Cancellable(Protocol):
    """Something that somebody may ask to stop."""

    def is_cancelled(self) -> bool:
        """Whether KILL QUERY was sent for it."""
        ...


def bulk_insert(link: EngineConnection, head: str, batches: Iterable[Batch], client: Cancellable) -> int:
    """Insert rows; the next batch is read while the engine takes in the one before.

    Args:
        link: the session to insert over.
        head: `INSERT INTO … VALUES `.
        batches: the rows.
        client: who may be asked to stop, between batches.

    Returns:
        How many rows were taken in.

    Raises:
        SqlError: a row cannot be read, or KILL QUERY was sent; some rows are inserted by then.
        EngineError: the engine refuses a row.
    """
    with _Insertion(link) as insertion:
        for text, _rows in batches:
            if client.is_cancelled():
                raise internal_error("context canceled")
            insertion.send(f"{head}{text}")
    return insertion.count


class _Insertion:
    """Sends INSERT statements, each while the next one is made.

    Args:
        link: the session.

    Attributes:
        count: how many rows were taken in.
    """

    def __init__(self, link: EngineConnection) -> None:
        self._link = link
        self._slowed = ExitStack()
        self._asked = self._is_slowed = False
        self._brought = 0  # characters
        self._waited = 0.0  # seconds, for answers
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with self._slowed:
            if kind is None:
                self._read_pending_reply()
            elif self._asked:
                with suppress(EngineError):  # the reason to stop came first
                    self._link.read_result()

    def send(self, statement: str) -> None:
        """Send a statement, once the one before has run."""
        self._read_pending_reply()
        self._link.send_query(statement)
        self._asked = True
        self._brought += len(statement)
        if not self._is_slowed and (self._brought > MANY_CHARACTERS or self._waited > LONG_SECONDS):
            self._slowed.enter_context(self._link.throttle.bulk_writer(self._link.id))
            self._is_slowed = True

    def _read_pending_reply(self) -> None:
        if not self._asked:
            return
        self._asked = False
        began = time.monotonic()
        try:
            self.count += self._link.read_result().affected
        except EngineError:
            self._check_disk()  # what is broken off for it is refused for it
            raise
        self._check_disk()
        self._waited += time.monotonic() - began

    def _check_disk(self) -> None:
        if self._is_slowed and self._link.throttle.disk_is_full:
            raise internal_error("no space left on device: the local server's data cannot grow any more")


@contextmanager
def statement_savepoint(link: EngineConnection) -> Generator[Callable[[Callable[[], None]], None]]:
    """A block of statements that are one statement to the client: run whole or not at all.

    They are a part of the client's transaction, if it has one.

    Yields:
        What takes back what was done so far, to begin anew, after something was done that is no part of the block.
    """
    single = link.autocommit and not link.in_transaction
    begin = "BEGIN" if single else "SAVEPOINT matrixone_load"
    back = "ROLLBACK" if single else "ROLLBACK TO SAVEPOINT matrixone_load"

    def again(between: Callable[[], None]) -> None:
        _rolled_back(link, back)
        try:
            between()
        finally:
            link.query(begin)

    link.query(begin)
    try:
        yield again
        if single:
            link.query("COMMIT")
    except BaseException:
        _rolled_back(link, back)
        raise


def _rolled_back(link: EngineConnection, statement: str) -> None:
    """Roll back, though a KILL QUERY that was meant for the rows may hit this instead."""
    for _ in range(KILLS_OUTLIVED):
        try:
            link.query(statement)
        except EngineError:
            continue
        return
    link.close()  # the engine rolls back what a closed session leaves
