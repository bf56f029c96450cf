"""Ctrl-C deferred while a commit runs, as the commit's outcome would be lost with the exception."""

# not signal, which looks each handler up among its enums: that takes as long as a COMMIT's answer
import _signal  # pyright: ignore[reportMissingModuleSource]  # a C module
import threading
import time
from types import FrameType
from typing import Any


class DeferredSigint:
    """Ctrl-C, deferred between `defer()` and `restore()`; a second one interrupts at once.

    Python interrupts the main thread only: in others there is nothing to defer.

    Attributes:
        since: when Ctrl-C was pressed, by the monotonic clock; None if it was not.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self._handler: Any = None  # the program's, while Ctrl-C is deferred

    def defer(self) -> None:
        """Defer Ctrl-C from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        handler = _signal.getsignal(_signal.SIGINT)
        if callable(handler):
            self._handler = handler
            _signal.signal(_signal.SIGINT, self._handle)

    def restore(self) -> None:
        """Restore the program's handler.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile (or what the program makes of it).
        """
        if self._handler is not None:
            handler, self._handler = self._handler, None
            _signal.signal(_signal.SIGINT, handler)
            if self.since is not None:
                handler(_signal.SIGINT, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.since is None:
            self.since = time.monotonic()
        else:
            self.restore()
