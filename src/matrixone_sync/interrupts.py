"""Ctrl-C held back while a commit is under way, as its outcome would be lost with the exception."""

# not signal, which looks each handler up among its enums: that takes as long as a COMMIT's answer
import _signal  # pyright: ignore[reportMissingModuleSource]  # a C module
import threading
import time
from types import FrameType
from typing import Any


class Interrupts:
    """Ctrl-C, held back between `hold()` and `release()`; a second one comes through.

    Only the main thread hears of Ctrl-C: in others nothing is to be held back.

    Attributes:
        since: when one came, by the monotonic clock; None if none did.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self._handler: Any = None  # whose it is when it is not held back

    def hold(self) -> None:
        """Hold Ctrl-C back from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        handler = _signal.getsignal(_signal.SIGINT)
        if callable(handler):
            self._handler = handler
            _signal.signal(_signal.SIGINT, self._came)

    def release(self) -> None:
        """Hold nothing back any more.

        Raises:
            KeyboardInterrupt: one came meanwhile (or whatever the program makes of Ctrl-C).
        """
        if self._handler is not None:
            handler, self._handler = self._handler, None
            _signal.signal(_signal.SIGINT, handler)
            if self.since is not None:
                handler(_signal.SIGINT, None)

    def _came(self, number: int, frame: FrameType | None) -> None:
        if self.since is None:
            self.since = time.monotonic()
        elif self._handler is not None:
            self._handler(number, frame)
