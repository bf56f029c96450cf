"""What a load tells while it goes on: events for a function of the caller's, log records, spans and metrics.

Nothing here is shown to anybody by itself: events go to whom the caller names, records to the `logging` of the program,
spans to OpenTelemetry where its API is installed. No credential is in any of them.
"""

import itertools
import logging
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from matrixone_core.errors import NotSupported
from matrixone_core.loading.options import Progress
from matrixone_core.loading.report import LoadedFile, LoadReport
from matrixone_core.operation import Emit, Op

STALLED = 10.0  # seconds without a sign of life, after which a load is said to be stalled
OFTEN = 0.5  # seconds between looks

_loads = itertools.count(1)
log = logging.getLogger("matrixone.load")


@dataclass(frozen=True)
class LoadBegun:
    """A load begins.

    Args:
        load: a number for the load, its own in this process.
        table: the table, as `table` or `database.table`.
        files: the paths of the files to load.
        bytes: the length of the client's data; None where it is not known.
    """

    load: int
    table: str
    files: tuple[str, ...]
    bytes: int | None


@dataclass(frozen=True)
class DataSent:
    """Data of the client was sent.

    Args:
        load, table: as of `LoadBegun`.
        bytes: how many bytes were read for it by now.
        total: the data's length; None where it is not known.
    """

    load: int
    table: str
    bytes: int
    total: int | None


@dataclass(frozen=True)
class FileRead:
    """The server has read a file; its rows are not committed yet.

    Args:
        load, table: as of `LoadBegun`.
        file: what became of it so far.
        done: how many files were read by now.
        total: how many there are.
    """

    load: int
    table: str
    file: LoadedFile
    done: int
    total: int


@dataclass(frozen=True)
class LoadStalled:
    """Nothing has been heard of a load for a while; it may still be at work.

    Args:
        load, table: as of `LoadBegun`.
        seconds: for how long.
    """

    load: int
    table: str
    seconds: float


@dataclass(frozen=True)
class LoadEnded:
    """A load has ended.

    Args:
        load, table: as of `LoadBegun`.
        report: what it did; None if it failed.
        error: why it failed, or None.
    """

    load: int
    table: str
    report: LoadReport | None
    error: BaseException | None


LoadEvent: TypeAlias = LoadBegun | DataSent | FileRead | LoadStalled | LoadEnded
Receive: TypeAlias = Callable[[LoadEvent], Any]


def receiver(wanted: Progress) -> Receive | None:
    """What is given the events, or None: a bar is for people at a terminal.

    Raises:
        NotSupported: a bar is wanted, and rich is not installed.
    """
    if callable(wanted):
        return wanted
    if not wanted or not sys.stderr.isatty():
        return None
    try:
        bar: Receive = import_module("matrixone_core.loading.bar").show
    except ImportError:
        raise NotSupported("progress=True needs rich: pip install matrixone[progress]; or give a function") from None
    return bar


class Telling:
    """Tells of one load.

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
        self._told = 0
        self._heard: float | None = None
        self._warned = 0.0

    def begun(self) -> Op[None]:
        """The load begins."""
        log.debug("loading %d files into %s: %s", len(self._files), self._table, ", ".join(self._files[:10]))
        yield from self._emit(LoadBegun(self._load, self._table, self._files, self._total))

    def file_read(self, file: LoadedFile) -> Op[None]:
        """The server has read a file."""
        self._done += 1
        self._heard = None
        log.debug("%s: %d rows read", file.path, file.read)
        count("rows.read", file.read, self._table)
        yield from self._emit(FileRead(self._load, self._table, file, self._done, len(self._files)))

    def ended(self, report: LoadReport | None, error: BaseException | None, seconds: float) -> Op[None]:
        """The load has ended, after so many seconds."""
        measure_duration(seconds, self._table, error)
        if report is not None:
            log.info("%s", str(report).partition("\n")[0])
            count("rows.loaded", report.rows, self._table)
        else:
            log.info("loading into %s failed: %s: %s", self._table, type(error).__name__, error)
        yield from self._emit(LoadEnded(self._load, self._table, report, error))

    def look(self, now: float) -> LoadEvent | None:
        """What is to be told now, if anything.

        Args:
            now: the time in seconds, from a clock that never goes back.
        """
        passed = self._passed()
        if passed != self._told:
            self._told, self._heard = passed, now
            return DataSent(self._load, self._table, passed, self._total)
        if self._heard is None:
            self._heard = self._warned = now
        if now - max(self._heard, self._warned) < STALLED:
            return None
        self._warned = now
        return LoadStalled(self._load, self._table, now - self._heard)

    def _emit(self, event: LoadEvent) -> Op[None]:
        if self.receive is not None:
            yield from Emit(self.receive, event)


# -- OpenTelemetry ------------------------------------------------------------------------------------------------


@cache
def _api(module: str) -> Any:
    """A module of OpenTelemetry's API, or None where it is not installed."""
    return import_module(f"opentelemetry.{module}") if find_spec("opentelemetry") else None


@contextmanager
def span(name: str, table: str, more: Mapping[str, str | int]) -> Generator[None]:
    """A block with a span around it, by the semantic conventions for databases.

    Args:
        name: what is done.
        table: to which table.
        more: what else is to be known of it.
    """
    trace = _api("trace")
    if trace is None:
        yield
        return
    attributes = {"db.system.name": "matrixone", "db.operation.name": "LOAD DATA", "db.collection.name": table, **more}
    tracer = trace.get_tracer("matrixone")
    with tracer.start_as_current_span(
        f"{name} {table}", kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            raise


def count(what: str, number: int, table: str) -> None:
    """Add to a metric of loads."""
    counter = _counter(what)
    if counter is not None:
        counter.add(number, {"db.system.name": "matrixone", "db.collection.name": table})


def measure_duration(seconds: float, table: str, error: BaseException | None) -> None:
    """Record how long a load took, in the metric that the conventions for databases have."""
    histogram = _histogram()
    if histogram is not None:
        failed = {} if error is None else {"error.type": type(error).__name__}
        attributes = {"db.system.name": "matrixone", "db.operation.name": "LOAD DATA", "db.collection.name": table}
        histogram.record(seconds, attributes | failed)


@cache
def _counter(what: str) -> Any:
    metrics = _api("metrics")
    return None if metrics is None else metrics.get_meter("matrixone").create_counter(f"matrixone.load.{what}", "{row}")


@cache
def _histogram() -> Any:
    metrics = _api("metrics")
    return (
        None
        if metrics is None
        else metrics.get_meter("matrixone").create_histogram("db.client.operation.duration", "s")
    )
