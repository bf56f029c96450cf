"""The session: a SQLAlchemy session whose loads, stages and snapshots succeed or fail with its rows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from matrixone_async.concurrency import checkpoint, shield
from matrixone_async.driver import AsyncDriver
from matrixone_async.managers import (
    AsyncCloneManager,
    AsyncExportManager,
    AsyncLoadManager,
    AsyncPitrManager,
    AsyncRestoreManager,
    AsyncSnapshotManager,
    AsyncStageManager,
)
from matrixone_async.methods import Perform, method
from matrixone_async.queries import AsyncQueries
from matrixone_async.session_base import Bind, SessionBase
from matrixone_core import operations
from matrixone_core.cancellation import FINISH_SECONDS
from matrixone_core.steps import Op

T = TypeVar("T")


class AsyncSession(SessionBase, AsyncQueries):
    """A SQLAlchemy session whose operations succeed or fail together; leaving the `async with` block commits it.

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

    def __init__(self, driver: AsyncDriver, bind: Bind | None = None) -> None:
        super().__init__(driver, bind)
        self._inside = replace(driver, pin=self._pinned)
        self.stage: Final = AsyncStageManager(self.perform)
        self.load_data: Final = AsyncLoadManager(self.perform)
        self.export: Final = AsyncExportManager(self.perform)
        self.snapshots: Final = AsyncSnapshotManager(self.perform)
        self.restore: Final = AsyncRestoreManager(self.perform)
        self.clone: Final = AsyncCloneManager(self.perform)
        self.pitr: Final = AsyncPitrManager(self.perform)

    create_table: Final = method(lambda: operations.tables.create_table)
    drop_table: Final = method(lambda: operations.tables.drop_table)
    insert: Final = method(lambda: operations.inserts.insert)
    batch_insert: Final = method(lambda: operations.inserts.batch_insert)

    async def perform(self, op: Op[T]) -> T:
        """Run an operation as part of the session.

        Raises:
            SessionInUse: another task is using the session; nothing was sent.
            TransactionAborted: the session's transaction has ended; nothing was sent.
        """
        return await self._run(self._inside, op)

    async def _run(self, driver: AsyncDriver, op: Op[T]) -> T:
        with self._core.used():
            return await driver.run(self._core.work.within(op))

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Perform]:
        async with self._inside.transaction() as driver:
            yield partial(self._run, driver)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.commit()
        finally:
            await shield(self.close, FINISH_SECONDS)
        if error is None:
            await checkpoint()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._inside.where}, {self._core.work}>"

    async def _pinned(self) -> AsyncConnection:
        """Return the transaction's connection, after a flush of the session's objects."""
        await self.flush()
        return await self.connection()
