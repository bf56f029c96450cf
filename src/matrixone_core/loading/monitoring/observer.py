"""What a load reports while it runs: events for a function of the caller's, log records, spans and metrics.

Nothing is shown by itself: events go to the function that the caller names, records to the `logging` of the program,
spans to OpenTelemetry where its API is installed. No credential is in any of them.
"""

import itertools
import logging
from collections.abc import Callable

from matrixone_core.errors import LoadFailed, MatrixOneError
from matrixone_core.loading.monitoring.events import (
    BytesSent,
    FileLoaded,
    LoadEvent,
    LoadFinished,
    LoadStalled,
    LoadStarted,
    Receive,
)
from matrixone_core.loading.options import Progress
from matrixone_core.monitoring.telemetry import LOAD_DURATION, count, measure
from matrixone_core.results import LoadedFile, LoadReport
from matrixone_core.steps import GetRuntime, Op, emit, report_progress, run_in_thread

STALLED_SECONDS = 10.0  # without a sign of life, after which a load is said to be stalled
POLL_SECONDS = 0.5

_loads = itertools.count(1)
log = logging.getLogger("matrixone.load")


def find_receiver(progress: Progress) -> Op[Receive | None]:
    """Return what is given the events, or None: a bar is for people at a terminal.

    Raises:
        NotSupported: a bar is wanted, and rich is not installed.
    """
    if callable(progress):
        return progress
    if not progress:
        return None
    machine = (yield from GetRuntime()).machine
    return (yield from run_in_thread(machine.progress_bar))


class LoadObserver:
    """Reports one load: events, log records, metrics.

    Args:
        table: the table, as `table` or `database.table`.
        files: the paths of the files.
        total: the length of the client's data, or None.
        passed: how many of its bytes were read by now.
        receive: what is given the events, or None.
    """

    def __init__(
        self, table: str, files: tuple[str, ...], total: int | None, passed: Callable[[], int], receive: Receive | None
    ) -> None:
        self._load = next(_loads)
        self._table = table
        self._files = files
        self._total = total
        self._passed = passed
        self.receive = receive
        self._done = 0
        self._reported_bytes = 0
        self._last_activity: float | None = None
        self._last_stall = 0.0

    def started(self) -> Op[None]:
        """Report that the load has started; a function that fails then fails the load, of which nothing is done yet."""
        log.debug("loading into %s: %s", self._table, self._first_files())
        if self.receive is not None:
            yield from emit(self.receive, LoadStarted(self._load, self._table, self._files, self._total))

    def file_loaded(self, file: LoadedFile) -> Op[None]:
        """Report that the server has read a file."""
        self._done += 1
        self._last_activity = None
        log.debug("%s: %d rows read", file.path, file.read)
        count("rows.read", file.read, self._table)
        yield from report_progress(
            self.receive, FileLoaded(self._load, self._table, file, self._done, len(self._files))
        )

    def finished(self, report: LoadReport | None, error: BaseException | None, seconds: float) -> Op[None]:
        """Report that the load has finished, and after how many seconds."""
        measure(LOAD_DURATION, seconds, {"db.collection.name": self._table}, error)
        if report is not None:
            log.info("%s", str(report).partition("\n")[0])
            count("rows.loaded", report.rows, self._table)
        else:
            log.info("%s -> %s: failed after %.2f s: %s", self._first_files(), self._table, seconds, _reason(error))
        yield from report_progress(self.receive, LoadFinished(self._load, self._table, report, error))

    def poll(self, now: float) -> LoadEvent | None:
        """The event that is due now, if any.

        Args:
            now: the time in seconds, from a clock that never goes back.
        """
        passed = self._passed()
        if passed != self._reported_bytes:
            self._reported_bytes, self._last_activity = passed, now
            return BytesSent(self._load, self._table, passed, self._total)
        if self._last_activity is None:
            self._last_activity = self._last_stall = now
        if now - max(self._last_activity, self._last_stall) < STALLED_SECONDS:
            return None
        self._last_stall = now
        return LoadStalled(self._load, self._table, now - self._last_activity)

    def _first_files(self) -> str:
        more = len(self._files) - 10
        return ", ".join(self._files[:10]) + (f" and {more:,} more" if more > 0 else "")


def _reason(error: BaseException | None) -> str:
    """Why a load failed, without its message, which may quote values: the class, the server's number, the place."""
    kind, code = type(error).__name__, error.code if isinstance(error, MatrixOneError) else None
    row = error.row if isinstance(error, LoadFailed) else None
    number = "" if code is None else f" {code}"
    return f"{kind}{number}" if row is None else f"{kind}{number} at {row.place}"
