"""Operations at once: threads, the statements of which can be stopped on the server."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

import sqlalchemy

from matrixone_core.cancellation import STOP_AGAIN, STOP_SECONDS
from matrixone_core.on_connection import driver_connection
from matrixone_sync.connection import Connection

T = TypeVar("T")


class GroupCancelled(Exception):
    """Another operation has failed, or was interrupted: no further statement is sent."""


class WorkerGroup:
    """Operations at once, and the connections that are running their statements."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._running = 0
        self._busy: set[Connection] = set()
        self._cancelled = False

    @contextmanager
    def track(self, connection: sqlalchemy.Connection) -> Generator[None]:
        """A block in which a connection runs a statement.

        Raises:
            GroupCancelled: no statement is sent any more.
        """
        raw = driver_connection(connection)
        with self._lock:
            if self._cancelled:
                raise GroupCancelled
            self._busy.add(raw)
        try:
            yield
        finally:
            with self._lock:  # a KILL that is being sent must not reach the connection's next statement
                self._busy.discard(raw)

    def run_all(self, calls: Sequence[Callable[[], T]], limit: int) -> tuple[T, ...]:
        """Call functions at once, and return what they return; the first error, or Ctrl-C, stops the others.

        Args:
            calls: the functions; each is called in a thread.
            limit: the number of them that run at once.
        """
        pool = ThreadPoolExecutor(limit, thread_name_prefix="matrixone")
        try:
            futures = [pool.submit(copy_context().run, self._run, call) for call in calls]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future in done:
                    future.result()
            return tuple(future.result() for future in futures)
        except BaseException:
            self._cancel()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, call: Callable[[], T]) -> T:
        """Call a function, and count it until it has returned: Ctrl-C may come before its future is known."""
        with self._lock:
            if self._cancelled:
                raise GroupCancelled
            self._running += 1
        try:
            return call()
        finally:
            with self._ended:
                self._running -= 1
                self._ended.notify_all()

    def _cancel(self) -> None:
        """Stop the statements that run, and wait until they are stopped, but not forever."""
        with self._lock:
            self._cancelled = True
        for part in STOP_AGAIN:
            self._each_busy(Connection.stop_statement)
            if self._wait(STOP_SECONDS * part):
                return
        self._each_busy(Connection.shutdown_socket)
        self._wait(STOP_SECONDS)

    def _wait(self, seconds: float) -> bool:
        """Wait until every function has returned, but not longer than *seconds*; returns whether all have."""
        with self._ended:
            return self._ended.wait_for(lambda: not self._running, seconds)

    def _each_busy(self, call: Callable[[Connection], None]) -> None:
        with self._lock:
            for connection in self._busy:
                call(connection)
