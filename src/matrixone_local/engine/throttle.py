"""The engine's writers during large loads: slowed down, and stopped where the disk is full."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.protocol.packets import ConnectionClosed

# From which share of its memory for new rows on the engine slows writers down: while large files are loaded, and else.
# Measured: at 28 a million rows load at 65,000 rows/s, a file of 1 GB within 595 MB in all; at 30 at 67,000 within 597
# or 614 MB; at 25 at 50,000 to 63,000 within 576 MB; at 40 at 93,000. All the time, it would make INSERT … SELECT take
# four times as long.
THROTTLE_PERCENT_LOADING, THROTTLE_PERCENT_NORMAL = 28, 60

FEW_BYTES = 4 << 20  # two of the engine's blocks
DISK_POLL_SECONDS = 1.0
DISK_FULL_POLLS = 5  # after which a disk is taken for full: tidying up may have made room before


class Throttle:
    """Slows writers down as long as somebody is within it: large loads bring rows faster than they go to the disk.

    Where the disk is full, the engine lets them wait for ever: then their statements are broken off.

    Args:
        connect: opens a session of the relay's own.

    Attributes:
        disk_is_full: whether the engine's data was found to have no room to grow.
    """

    def __init__(self, connect: Callable[[], EngineConnection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._within: set[int] = set()  # the numbers of connections
        self._left = threading.Event()
        self.disk_is_full = False

    @contextmanager
    def bulk_writer(self, connection_id: int) -> Generator[None]:
        """A block in which a connection brings many rows."""
        with self._lock:
            if not self._within:
                self._left, self.disk_is_full = threading.Event(), False
                self._set(THROTTLE_PERCENT_LOADING)
                threading.Thread(target=self._watch, args=(self._left,), daemon=True, name="watches the disk").start()
            self._within.add(connection_id)
        try:
            yield
        finally:
            with self._lock:
                self._within.remove(connection_id)
                if not self._within:
                    self._left.set()
                    self._set(THROTTLE_PERCENT_NORMAL)

    def _set(self, percentage: int) -> None:
        with closing(self._connect()) as link, suppress(EngineError):
            link.query(f"ALTER SYSTEM SET writing_throttling_trigger_percentage = {percentage}")

    def _watch(self, left: threading.Event) -> None:
        """Check the disk until all have left."""
        full_polls = 0
        with (
            suppress(OSError, ConnectionClosed, EngineError),
            closing(self._connect()) as link,
        ):  # the engine may be stopped
            while not left.wait(DISK_POLL_SECONDS):
                full_polls = full_polls + 1 if _is_full(link) else 0
                self.disk_is_full = full_polls >= DISK_FULL_POLLS
                if self.disk_is_full:
                    self._kill_writers(link)

    def _kill_writers(self, link: EngineConnection) -> None:
        with self._lock:
            for connection_id in self._within:
                with suppress(EngineError):  # the connection is closed
                    link.query(f"KILL QUERY {connection_id}")


def _is_full(link: EngineConnection) -> bool:
    """Whether the engine's file has no free blocks, and cannot grow: it does so to twice its size."""
    found = link.query("SELECT free_size, allocated_size, total_size FROM oceanbase.__all_virtual_disk_stat").rows
    free, allocated, possible = (int(value or 0) for value in found[0])
    return free < FEW_BYTES and possible < 2 * allocated
