"""Operations at once: threads, the statements of which can be stopped on the server."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

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
        futures: list[Future[T]] = []
        try:
            futures += [pool.submit(copy_context().run, call) for call in calls]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future in done:
                    future.result()
            return tuple(future.result() for future in futures)
        except BaseException:
            self._cancel(futures)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Stop the statements that run, and wait until they are stopped, but not forever."""
        with self._lock:
            self._cancelled = True
        for future in futures:
            future.cancel()
        for part in STOP_AGAIN:
            self._each_busy(Connection.stop_statement)
            if not wait(futures, STOP_SECONDS * part).not_done:
                return
        self._each_busy(Connection.shutdown_socket)
        wait(futures, STOP_SECONDS)

    def _each_busy(self, call: Callable[[Connection], None]) -> None:
        with self._lock:
            for connection in self._busy:
                call(connection)
