"""Sockets after a fork."""

import os


def leave_to_parent(descriptor: int) -> None:
    """In a forked child, replace a socket that the parent goes on with by the end of an empty pipe.

    The child's copy would keep the connection open when the parent closes it. It could not be closed either: an event
    loop would take it out of the selector that both processes share, for both of them.
    """
    dead, other_end = os.pipe()
    os.close(other_end)
    os.dup2(dead, descriptor, inheritable=False)
    os.close(dead)
