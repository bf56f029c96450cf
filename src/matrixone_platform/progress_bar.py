"""A bar for people at a terminal or a notebook; all loads of a process share one (needs rich)."""

import sys
from collections.abc import Sequence
from pathlib import PurePath
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from matrixone_core.loading.monitoring.events import BytesSent, FileLoaded, LoadEvent, LoadStalled, LoadStarted


class _Shared:
    """The display, while any load is running; a terminal has room for one, and loads may run in several threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.display: Progress | None = None
        self.tasks: dict[int, TaskID] = {}


_shared = _Shared()


def show(event: LoadEvent) -> None:
    """Show what an event says."""
    with _shared.lock:
        _show(event)


def _show(event: LoadEvent) -> None:
    display = _shared.display or _begin()
    if isinstance(event, LoadStarted):
        total = event.bytes if len(event.files) == 1 else len(event.files)
        _shared.tasks[event.load] = display.add_task(f"{_describe(event.files)}-> {event.table}", total=total, note="")
        return
    task = _shared.tasks[event.load]
    match event:
        case BytesSent():
            display.update(task, completed=event.bytes, note=f"{event.bytes / 1e6:,.1f} MB sent")
        case FileLoaded():
            done = event.done if event.total > 1 else None
            display.update(task, completed=done, note=f"{event.done} of {event.total} files read")
        case LoadStalled():
            display.update(task, note=f"stalled: no answer for {event.seconds:.0f} s")
        case _:
            display.update(task, note="failed" if event.report is None else f"{event.report.rows:,} rows")
            display.stop_task(task)
            _end(display, event.load)


def _describe(files: Sequence[str]) -> str:
    """What is loaded, in front of an arrow: the name of a file, or how many there are."""
    if len(files) == 1:
        return f"{PurePath(files[0]).name} "
    return f"{len(files)} files " if files else ""


def _begin() -> Progress:
    _shared.display = Progress(
        TextColumn("{task.description}", markup=False),  # names may have brackets
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
    )
    _shared.display.start()
    return _shared.display


def _end(display: Progress, load: int) -> None:
    del _shared.tasks[load]
    if not _shared.tasks:
        display.stop()
        _shared.display = None
