"""A session: SQLAlchemy's, with stages, loads and snapshots that succeed or fail with its rows."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import sqlalchemy.ext.asyncio
from sqlalchemy.util import await_only

from matrixone_async.connection import uncancelled
from matrixone_async.driver import AsyncDriver
from matrixone_async.managers import (
    AsyncCloneManager,
    AsyncLoadManager,
    AsyncPitrManager,
    AsyncRestoreManager,
    AsyncSnapshotManager,
    AsyncStageManager,
)
from matrixone_core.session.orm_session import UnitOfWorkSession
from matrixone_core.steps import Op

T = TypeVar("T")
FINISH_SECONDS = 30.0  # for what follows a COMMIT, once the task is cancelled


@dataclass
class Carrier:
    """Carries a session's operations out from within SQLAlchemy's greenlet.

    Args:
        driver: the client's.
    """

    driver: AsyncDriver

    def run(self, op: Op[T]) -> T:
        """Carry an operation out."""
        return await_only(self.driver.run(op))

    def begin_commit(self, connection: sqlalchemy.Connection) -> None:
        """Nothing: a cancellation that a COMMIT outlasts comes at the next await, which is `finish`."""

    def finish(self, op: Op[None]) -> None:
        """Carry an operation out, though the task is cancelled."""
        await_only(uncancelled(self.driver.run(op), FINISH_SECONDS))

    def run_later(self, op: Op[None]) -> Coroutine[Any, Any, None]:
        """What carries an operation out when it is awaited."""
        return self.driver.run(op)

    def user(self) -> object:
        """The calling task."""
        return asyncio.current_task()


class AsyncSession(sqlalchemy.ext.asyncio.AsyncSession):
    """A SQLAlchemy session whose operations succeed or fail together; leaving the `async with` block commits it.

    An exception in the block, or `close()`, rolls it back. Objects stay readable after the commit. Changes of stages
    and snapshots are checked when they are asked for, shown from then on by this session, and sent when it commits.

    Attributes:
        stage: the account's stages, as the session will leave them.
        load_data: loads that are part of the session's transaction.
        snapshots: the account's snapshots; one that is created here holds what the session has committed.
        restore: brings back what was; in a session only by copies, and by rows.
        clone: copies of databases and tables.
        pitr: the account's point-in-time recoveries.
    """

    sync_session: UnitOfWorkSession  # pyright: ignore[reportIncompatibleVariableOverride]  # as the constructor says

    def __init__(self, driver: AsyncDriver) -> None:
        super().__init__(
            driver.engine, sync_session_class=UnitOfWorkSession, carrier=Carrier(driver), expire_on_commit=False
        )
        self._inside = replace(driver, pin=self._pinned)
        self.stage: Final = AsyncStageManager(self.perform)
        self.load_data: Final = AsyncLoadManager(self.perform)
        self.snapshots: Final = AsyncSnapshotManager(self.perform)
        self.restore: Final = AsyncRestoreManager(self.perform)
        self.clone: Final = AsyncCloneManager(self.perform)
        self.pitr: Final = AsyncPitrManager(self.perform)

    async def perform(self, op: Op[T]) -> T:
        """Carry an operation out, as part of the session.

        Raises:
            SessionInUse: another task is using the session; nothing was sent.
            TransactionAborted: its transaction is gone; nothing was sent.
        """
        with self.sync_session.used():
            return await self._inside.run(self.sync_session.work.within(op))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.commit()
        finally:
            await uncancelled(self.close(), FINISH_SECONDS)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._inside.where}, {self.sync_session.work}>"

    async def _pinned(self) -> sqlalchemy.ext.asyncio.AsyncConnection:
        """The connection of the transaction, which has all that the session was given."""
        await self.flush()
        return await self.connection()
