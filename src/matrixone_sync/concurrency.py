"""What threads do differently from tasks of an event loop; `matrixone_async` has a module of the same names."""

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from inspect import isawaitable, iscoroutine
from threading import Event as Event
from time import sleep as sleep
from typing import TYPE_CHECKING, Any, TypeVar

from matrixone_core.errors import InvalidArgument

if TYPE_CHECKING:
    from matrixone_core.steps import Call, CallInPieces

T = TypeVar("T")
INTERRUPTIONS = (KeyboardInterrupt,)


class Owner:
    """Who may use connections: each thread. A forked process opens its own."""

    is_running = True

    def check(self) -> None:
        """Return: there is nothing to check."""


def import_ahead() -> None:
    """Do nothing: a thread imports what it needs when it needs it."""


class Caller:
    """Calls functions that are not the core's.

    Args:
        turn: what a thread holds while it calls a listener.
    """

    def __init__(self, turn: AbstractContextManager[object] | None = None) -> None:
        self._turn = turn or nullcontext()

    def for_one_listener(self) -> "Caller":
        """Return one for an operation of several threads, which calls its listener once at a time.

        Each operation has its own: a listener may start one itself, whose threads would wait for it for ever.
        """
        return Caller(threading.Lock())

    def call(self, step: "Call[T]") -> T:
        """Return what a function returns.

        Raises:
            InvalidArgument: that must be awaited.
        """
        with self._turn if step.exclusive else nullcontext():
            answer: T = step.call()
        if not isawaitable(answer):
            return answer
        if iscoroutine(answer):
            answer.close()  # it would warn that it was never awaited
        raise InvalidArgument(
            "this client cannot await what an asynchronous function or iterator returns; use AsyncClient, or give this "
            "one a function or an iterator that blocks"
        )

    def call_in_pieces(self, step: "CallInPieces") -> list[Any]:
        """Return what a function returns for all of some bytes at once: nobody waits for a turn."""
        return [step.call(step.data)] if step.data else []


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


def shield(call: Callable[[], T], _seconds: float) -> T:
    """Call a function; `sigint` defers Ctrl-C, where it must."""
    return call()
