"""What tasks of an event loop do differently from threads; `matrixone_sync` has a module of the same names."""

import asyncio
import os
import time
from asyncio import Event as Event
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from inspect import isawaitable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
from anyio import sleep as sleep

from matrixone_core import operations
from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import WrongEventLoop

if TYPE_CHECKING:
    from matrixone_core.steps import Call, CallInPieces

T = TypeVar("T")
# of data that a worker thread computes with: while it does, the event loop waits each time it wants Python's lock, and
# it wants it several times a turn
PIECE_SECONDS = 0.001
FIRST_PIECE, LEAST_PIECE, GREATEST_PIECE = 8 * 1024, 1024, 64 * 1024  # bytes
INTERRUPTIONS = (KeyboardInterrupt, asyncio.CancelledError)  # asyncio.run() cancels its task at Ctrl-C


class Owner:
    """The event loop and the process that opened connections; no others can use them."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None
        self._bind()

    def _bind(self) -> None:
        """Belong to the event loop that runs; without one, to the first that opens a connection."""
        with suppress(RuntimeError):
            self._loop, self._process = asyncio.get_running_loop(), os.getpid()

    @property
    def is_running(self) -> bool:
        """Whether its event loop is the one that runs."""
        return self._loop in {None, asyncio.get_running_loop()}

    def check(self) -> None:
        """Check that the caller may use the connections.

        Raises:
            WrongEventLoop: they belong to another event loop or process.
        """
        if self._loop is None:
            self._bind()
        if self._process not in {None, os.getpid()}:
            raise WrongEventLoop(
                "the client was connected by the process that this one was forked from; call connect() again, on an "
                "event loop of this process"
            )
        with suppress(RuntimeError):  # without an event loop nothing can be awaited, but attributes can be read
            if not self.is_running:
                raise WrongEventLoop(
                    "the client was connected on another event loop; connect a client on each, or call connect() again"
                )


async def import_ahead() -> None:
    """Import in a worker thread what later calls would import while the event loop waits."""
    await anyio.to_thread.run_sync(_import_all)


def _import_all() -> None:
    import_module("matrixone_async.session")
    operations.import_all()


class Caller:
    """Calls functions that are not the core's; listeners need no lock, as tasks do not run at once."""

    def __init__(self) -> None:
        self._computing = asyncio.Lock()

    def for_one_listener(self) -> "Caller":
        """Return itself: the tasks of an operation do not run at once."""
        return self

    async def call(self, step: "Call[T]") -> T:
        """Return what a function returns: in a thread if it may block or computes, and awaited where it can be."""
        if step.computes:
            return await self._compute(step.call)
        answer: Any
        if step.finishes:
            answer = await shield(partial(anyio.to_thread.run_sync, step.call), CLEAN_UP_SECONDS)
        elif step.blocks:
            answer = await anyio.to_thread.run_sync(step.call)
        else:
            answer = step.call()
            if isawaitable(answer):
                answer = await answer
        result: T = answer
        return result

    async def call_in_pieces(self, step: "CallInPieces") -> list[Any]:
        """Return what a function returns for each piece of some bytes; the event loop goes on between two pieces.

        A thread that keeps giving Python's lock away and taking it back, as calls of libraries do, keeps the event loop
        from it all the time. It has its turn for certain when the thread has nothing to do.
        """
        answers: list[Any] = []
        at, size = 0, FIRST_PIECE
        while at < len(step.data):
            answer, seconds = await self._compute(partial(_timed, step.call, step.data[at : at + size]))
            answers.append(answer)
            at += size
            wanted = int(size * PIECE_SECONDS / max(seconds, PIECE_SECONDS / 2))
            size = min(max(wanted, LEAST_PIECE), GREATEST_PIECE)
        return answers

    async def _compute(self, call: Callable[[], T]) -> T:
        async with self._computing:
            return await anyio.to_thread.run_sync(call)


def _timed(call: Callable[[bytes], T], piece: bytes) -> tuple[T, float]:
    """What a function returns, and the seconds of processor time that it took."""
    began = time.thread_time()
    answer = call(piece)
    return answer, time.thread_time() - began


async def wait_for_event(event: Event, seconds: float) -> None:
    """Wait until an event is set, or for this number of seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


@asynccontextmanager
async def repeating(seconds: float, call: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """A block during which a task calls a function at this interval in seconds."""

    async def repeat() -> None:
        while True:
            await sleep(seconds)
            await call()

    task = asyncio.ensure_future(repeat())
    try:
        yield
    finally:
        task.cancel()


async def finish_within(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Call a function though the task is cancelled.

    Raises:
        TimeoutError: it took longer than this number of seconds.
    """
    with anyio.fail_after(seconds, shield=True):
        return await call()


async def shield(call: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
    """Call a function to its end, though the task is cancelled meanwhile; the cancellation comes at the next await.

    Args:
        call: the function.
        seconds: how long it may still take once the task is cancelled; then it is cancelled as well.
    """
    inner = asyncio.ensure_future(call())
    cancelled: list[HeldBack] = []
    with anyio.CancelScope(shield=True):
        while not inner.done():
            try:
                _, unfinished = await asyncio.wait({inner}, timeout=seconds if cancelled else None)
            except asyncio.CancelledError as error:
                cancelled.append(hold_back(error))
            else:
                for late in unfinished:
                    late.cancel()
    for held_back in cancelled:
        cancel_again(held_back)
    return inner.result()


class HeldBack(str):
    """The words of a cancellation that was caught, and has to come later; anyio knows its cancellations by them.

    Attributes:
        requests: how many cancellations of the task were asked for and not taken back when it was caught.
    """

    __slots__ = ("requests",)
    requests: int


_to_come: WeakKeyDictionary[asyncio.Task[Any], HeldBack] = WeakKeyDictionary()


def hold_back(error: asyncio.CancelledError) -> HeldBack:
    """Note a cancellation that the current task has caught, maybe not for the first time."""
    words = error.args[0] if error.args else ""
    if isinstance(words, HeldBack):
        return words
    held_back, task = HeldBack(words), asyncio.current_task()
    held_back.requests = 0 if task is None else task.cancelling()
    return held_back


def cancel_again(held_back: HeldBack) -> None:
    """Have a cancellation that was held back come when the task waits next, unless it was taken back until then.

    `asyncio.timeout()` takes its cancellation back as its block is left. Before Python 3.13, `Task.cancel()` here and
    now would come all the same, and end whatever the task does next.
    """
    task = asyncio.current_task()
    if task is None:
        return
    if task not in _to_come:
        asyncio.get_running_loop().call_soon(_cancel, task)
    _to_come[task] = min(held_back, _to_come.get(task, held_back), key=attrgetter("requests"))


def _cancel(task: asyncio.Task[Any]) -> None:
    held_back = _to_come.pop(task)
    if not task.done() and task.cancelling() >= held_back.requests:
        task.uncancel()
        task.cancel(held_back)


async def checkpoint() -> None:
    """Let a cancellation that was held back come now, before the caller leaves the block that asked for it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        await asyncio.sleep(0)
