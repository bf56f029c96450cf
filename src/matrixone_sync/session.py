# Generated from matrixone_async/session.py by tools/generate_sync.py; do not edit.
"""The session: a SQLAlchemy session whose loads, stages and snapshots succeed or fail with its rows."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy import Connection

from matrixone_core import operations
from matrixone_core.cancellation import FINISH_SECONDS
from matrixone_core.steps import Op
from matrixone_sync.concurrency import shield
from matrixone_sync.driver import Driver
from matrixone_sync.managers import (
    CloneManager,
    ExportManager,
    LoadManager,
    PitrManager,
    RestoreManager,
    SnapshotManager,
    StageManager,
)
from matrixone_sync.methods import Perform, method
from matrixone_sync.queries import Queries
from matrixone_sync.session_base import Bind, SessionBase

T = TypeVar("T")


class Session(SessionBase, Queries):
    """A SQLAlchemy session whose operations succeed or fail together; leaving the `with` block commits it.

    An exception in the block, or `close()`, rolls it back. Objects remain readable after the commit. The session checks
    changes of stages and snapshots at once, shows them in its own lists, and sends them when it commits.

    Attributes:
        stage: manages the stages of the account, with the session's own changes.
        load_data: loads files and data frames as part of the session's transaction.
        export: exports the rows that the session's transaction sees to files of this machine.
        snapshots: manages the snapshots of the account; a new one is taken after the commit and has its rows.
        restore: restores into a new database or table, or replaces the rows of a table.
        clone: clones databases and tables after the commit.
        pitr: lists the point-in-time recoveries of the account.
    """

    def __init__(self, driver: Driver, bind: Bind | None = None) -> None:
        super().__init__(driver, bind)
        self._inside = replace(driver, pin=self._pinned)
        self.stage: Final = StageManager(self.perform)
        self.load_data: Final = LoadManager(self.perform)
        self.export: Final = ExportManager(self.perform)
        self.snapshots: Final = SnapshotManager(self.perform)
        self.restore: Final = RestoreManager(self.perform)
        self.clone: Final = CloneManager(self.perform)
        self.pitr: Final = PitrManager(self.perform)

    create_table: Final = method(lambda: operations.tables.create_table)
    drop_table: Final = method(lambda: operations.tables.drop_table)
    insert: Final = method(lambda: operations.inserts.insert)
    batch_insert: Final = method(lambda: operations.inserts.batch_insert)

    def perform(self, op: Op[T]) -> T:
        """Run an operation as part of the session.

        Raises:
            SessionInUse: another thread is using the session; nothing was sent.
            TransactionAborted: the session's transaction has ended; nothing was sent.
        """
        return self._run(self._inside, op)

    def _run(self, driver: Driver, op: Op[T]) -> T:
        with self._core.used():
            return driver.run(self._core.work.within(op))

    @contextmanager
    def _reading(self) -> Generator[Perform]:
        with self._inside.transaction() as driver:
            yield partial(self._run, driver)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.commit()
        finally:
            shield(self.close, FINISH_SECONDS)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._inside.where}, {self._core.work}>"

    def _pinned(self) -> Connection:
        """Return the transaction's connection, after a flush of the session's objects."""
        self.flush()
        return self.connection()
