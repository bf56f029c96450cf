"""Connections: make one, test it, and leave the parent's alone after a fork."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.errors import ConnectionFailed
from matrixone_core.fragments import Part
from matrixone_core.steps import Clock, Command, Op, Sleep

BETWEEN_TRIES = 0.2  # seconds
IDLE_SECONDS = 30.0  # a connection idle for longer is pinged before it is used
OF_THE_PARENT = "the connection belongs to the process that this one was forked from"


@dataclass(frozen=True)
class Ping(Command):
    """Ask for nothing but an answer."""

    def parts(self) -> Iterator[Part]:
        """The shortest question."""
        yield "SELECT 1"


def reach(wait: float | None) -> Op[None]:
    """Make a connection and see that the server answers.

    Args:
        wait: seconds to keep trying while a server starts; None tries once.

    Raises:
        ConnectionFailed: it cannot be reached, or refuses the user or the database.
    """
    began = yield from Clock()
    while True:
        try:
            yield from Ping()
        except ConnectionFailed as error:
            now = yield from Clock()
            if not error.retryable or now - began >= (wait or 0):
                raise
            yield from Sleep(BETWEEN_TRIES)
        else:
            return


def leave_to_parent(descriptor: int) -> None:
    """In a forked child: have the end of an empty pipe in the place of a socket that the parent goes on with.

    The child's copy of the parent's would keep the connection open when the parent closes it, and could not be closed
    either: an event loop would take it out of the selector that both processes share, for both of them.
    """
    dead, other_end = os.pipe()
    os.close(other_end)
    os.dup2(dead, descriptor, inheritable=False)
    os.close(dead)
