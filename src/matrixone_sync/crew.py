"""Operations at once: threads whose statements can be stopped on the server."""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from matrixone_core.cancellation import STOP_AGAIN, STOP_SECONDS
from matrixone_sync.connection import Connection

T = TypeVar("T")


class Stopped(Exception):
    """Another operation has failed, or was interrupted: no further statement is sent."""


class Crew:
    """Operations at once, and the connections whose statements are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[Connection] = set()
        self._stopped = False

    @contextmanager
    def at_work(self, connection: Connection) -> Generator[None]:
        """A block in which a connection carries a statement out.

        Raises:
            Stopped: none is to be sent any more.
        """
        with self._lock:
            if self._stopped:
                raise Stopped
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:  # a KILL under way shall not reach the connection's next statement
                self._busy.discard(connection)

    def together(self, calls: Sequence[Callable[[], T]], limit: int) -> tuple[T, ...]:
        """What calls return, so many of them at once; the first error, or Ctrl-C, stops the others.

        Args:
            calls: what is called, each in a thread.
            limit: how many at once.
        """
        workers = ThreadPoolExecutor(limit, thread_name_prefix="matrixone")
        futures: list[Future[T]] = []
        try:
            futures += [workers.submit(copy_context().run, call) for call in calls]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future in done:
                    future.result()
            return tuple(future.result() for future in futures)
        except BaseException:
            self._stop(futures)
            raise
        finally:
            workers.shutdown(wait=False, cancel_futures=True)

    def _stop(self, futures: Sequence[Future[Any]]) -> None:
        """Stop the statements under way, and wait until they are, though not for ever."""
        with self._lock:
            self._stopped = True
        for future in futures:
            future.cancel()
        for part in STOP_AGAIN:
            self._each_busy(Connection.stop_statement)
            if not wait(futures, STOP_SECONDS * part).not_done:
                return
        self._each_busy(Connection.hang_up)
        wait(futures, STOP_SECONDS)

    def _each_busy(self, call: Callable[[Connection], None]) -> None:
        with self._lock:
            for connection in self._busy:
                call(connection)
