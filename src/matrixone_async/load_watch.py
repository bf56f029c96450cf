"""Loading what arrives in a folder of a stage, until it is stopped."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from matrixone_async.concurrency import Event, wait_for_event
from matrixone_core.operations.watching import FolderWatch
from matrixone_core.results import LoadReport

if TYPE_CHECKING:
    from matrixone_async.methods import Perform


class AsyncLoadWatch:
    """Reports of loads, one after another: `async for report in watch`. Nothing is listed while a report is in hand.

    Args:
        perform: carries operations out.
        folder: what is watched.
    """

    def __init__(self, perform: "Perform", folder: FolderWatch) -> None:
        self._perform = perform
        self._folder = folder
        self._stopped = Event()

    def stop(self) -> None:
        """End the loop, from any task: a load that has begun is finished and reported, and no other begins."""
        self._stopped.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LoadReport:
        while not self._stopped.is_set():
            report = await self._perform(self._folder.next_report())
            if report is not None:
                return report
            await wait_for_event(self._stopped, self._folder.every)
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
