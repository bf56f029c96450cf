"""A pool of connections in which those that wait come first, in their order."""

import asyncio
from collections import deque
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty, Full

from matrixone_core.monitoring.pools import ObservedPool


class FairQueue(AsyncAdaptedQueue[ConnectionPoolEntry]):
    """A queue that gives what comes back to the task that has waited longest.

    SQLAlchemy's gives it to whoever asks next, and the task that waited for it waits anew behind all others.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiters = deque[asyncio.Future[ConnectionPoolEntry]]()

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Give an item to the first task that waits, or store it."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(item)
                return
        super().put_nowait(item)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """Take an item; wait for one if there is none.

        Raises:
            Empty: there is none, or none came within *timeout* seconds.
        """
        try:
            return self.get_nowait()
        except Empty:
            if not block:
                raise
        item: ConnectionPoolEntry = await_only(self._wait(timeout))
        return item

    async def _wait(self, seconds: float | None) -> ConnectionPoolEntry:
        waiter: asyncio.Future[ConnectionPoolEntry] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():  # it was given an item that it does not take
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise Empty from None
            raise

    def _give_back(self, item: ConnectionPoolEntry) -> None:
        """Pass an item on, or store it, though the queue has become full: one that is lost counts as in use."""
        try:
            self.put_nowait(item)
        except Full:
            # nothing else goes past the limit
            self._queue._put(item)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # what asyncio has subclasses override


class FairPool(ObservedPool, AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for an event loop, with such a queue; it knows how many calls are waiting, too."""

    _queue_class = FairQueue
