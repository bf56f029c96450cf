# Generated from matrixone_async/load_watch.py by tools/generate_sync.py; do not edit.
"""A watch that loads new files of a stage as they arrive."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from matrixone_core.operations.watching import FolderWatch
from matrixone_core.results import LoadReport
from matrixone_sync.concurrency import Event, wait_for_event

if TYPE_CHECKING:
    from matrixone_sync.methods import Perform


class LoadWatch:
    """An iterator of load reports: `for report in watch`. It lists the stage only when it is asked for the next.

    Args:
        perform: function that runs operations.
        folder: the folder and its pattern, with the files seen so far.
    """

    def __init__(self, perform: "Perform", folder: FolderWatch) -> None:
        self._perform = perform
        self._folder = folder
        self._stopped = Event()

    def stop(self) -> None:
        """Stop the watch, from any thread. A load that has begun is finished and reported; no other begins."""
        self._stopped.set()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LoadReport:
        while not self._stopped.is_set():
            report = self._perform(self._folder.next_report())
            if report is not None:
                return report
            wait_for_event(self._stopped, self._folder.every)
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
