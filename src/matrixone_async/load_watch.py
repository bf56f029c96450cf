"""A watch that loads new files of a stage as they arrive."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from matrixone_async.concurrency import Event, wait_for_event
from matrixone_core.operations.watching import FolderWatch
from matrixone_core.results import LoadReport

if TYPE_CHECKING:
    from matrixone_async.methods import Perform


class AsyncLoadWatch:
    """An iterator of load reports: `async for report in watch`. It lists the stage only when it is asked for the next.

    Args:
        perform: function that runs operations.
        folder: the folder and its pattern, with the files seen so far.
    """

    def __init__(self, perform: "Perform", folder: FolderWatch) -> None:
        self._perform = perform
        self._folder = folder
        self._stopped = Event()

    def stop(self) -> None:
        """Stop the watch, from any task. A load that has begun is finished and reported; no other begins."""
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
