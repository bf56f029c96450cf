"""What threads do differently from tasks of an event loop; `matrixone_async` has a module of the same names."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import Event as Event
from time import sleep as sleep
from typing import Any, TypeVar

from matrixone_core.errors import InvalidArgument
from matrixone_core.steps import Chunks

T = TypeVar("T")


class Owner:
    """Who may use connections: each thread. A forked process opens its own."""

    is_running = True

    def check(self) -> None:
        """Return: there is nothing to check."""


class Notifier:
    """Calls functions that listen to events, one at a time, whichever threads the events come from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def send(self, receive: Callable[[Any], Any], event: object) -> Any:
        """Pass an event to a function."""
        with self._lock:
            return receive(event)


def run_in_thread(call: Callable[..., T], *args: Any) -> T:
    """Call a function that may block: in the thread that calls."""
    return call(*args)


def next_chunk(chunks: Chunks) -> bytes | None:
    """Return the next chunk, or None at the end.

    Raises:
        InvalidArgument: the source must be awaited.
    """
    if isinstance(chunks, Iterator):
        return next(chunks, None)
    raise InvalidArgument("an asynchronous iterator can be read by AsyncClient; give this client one that blocks")


def wait_for_event(event: Event, seconds: float) -> None:
    """Wait until an event is set, or for this number of seconds."""
    event.wait(seconds)


@contextmanager
def repeating(seconds: float, call: Callable[[], None]) -> Generator[None]:
    """A block during which a thread calls a function at this interval in seconds."""
    over = Event()

    def repeat() -> None:
        while not over.wait(seconds):
            call()

    thread = threading.Thread(target=repeat, name="matrixone-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def finish_within(call: Callable[[], T], _seconds: float) -> T:
    """Call a function after Ctrl-C; the time limits of its statements end it, if anything must."""
    return call()


def shielded(call: Callable[[], T], _seconds: float) -> T:
    """Call a function; `sigint` defers Ctrl-C, where it must."""
    return call()
