"""A session: SQLAlchemy's, with loads in its transaction."""

from types import TracebackType
from typing import Final, Self

import anyio
from sqlalchemy.ext import asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from matrixone_async.driver import AsyncDriver, committed
from matrixone_async.managers import AsyncLoadManager


class AsyncSession(asyncio.AsyncSession):
    """A SQLAlchemy session in one transaction, which leaving the `async with` block commits.

    An exception in the block, or `close()`, rolls it back. Objects stay readable after the commit.

    Attributes:
        load_data: loads that are part of the session's transaction.
    """

    def __init__(self, driver: AsyncDriver) -> None:
        super().__init__(driver.engine, expire_on_commit=False)
        pinned = AsyncDriver(driver.engine, driver.where, self._pinned)
        self.load_data: Final = AsyncLoadManager(lambda: pinned)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
                await committed(self.commit)
        finally:
            with anyio.CancelScope(shield=True):
                await self.close()

    async def _pinned(self) -> AsyncConnection:
        """The connection of the transaction, which has all that the session was given."""
        await self.flush()
        return await self.connection()
