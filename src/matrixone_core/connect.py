"""Connections: make one, and test it."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.errors import ConnectionFailed
from matrixone_core.fragments import Part
from matrixone_core.steps import Command, Op, read_clock, sleep

BETWEEN_TRIES = 0.2  # seconds
IDLE_SECONDS = 30.0  # a connection idle for longer is pinged before it is used
OF_THE_PARENT = "the connection belongs to the process that this one was forked from"


@dataclass(frozen=True)
class Ping(Command):
    """A statement that only tests whether the server answers."""

    def parts(self) -> Iterator[Part]:
        """Yield the shortest query."""
        yield "SELECT 1"


def reach(wait: float | None) -> Op[None]:
    """Open a connection and check that the server answers.

    Args:
        wait: seconds to keep trying while a server starts; None tries once.

    Raises:
        ConnectionFailed: it cannot be reached, or refuses the user or the database.
    """
    began = yield from read_clock()
    while True:
        try:
            yield from Ping()
        except ConnectionFailed as error:
            now = yield from read_clock()
            if not error.retryable or now - began >= (wait or 0):
                raise
            yield from sleep(BETWEEN_TRIES)
        else:
            return
