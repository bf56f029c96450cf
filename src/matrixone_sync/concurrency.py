"""What threads do differently from tasks of an event loop; `matrixone_async` has a module of the same names."""

from threading import Event

__all__ = ["Event", "wait_for_event"]


def wait_for_event(event: Event, seconds: float) -> None:
    """Wait until an event is set, or for this number of seconds."""
    event.wait(seconds)
