# Generated from matrixone_async/methods.py by tools/generate_sync.py; do not edit.
"""Operations as methods of managers, clients and sessions; an operation's module is imported at its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from matrixone_core.errors import MatrixOneError
from matrixone_sync.concurrency import INTERRUPTIONS

if TYPE_CHECKING:
    from matrixone_core.steps import Op

P = ParamSpec("P")
T = TypeVar("T")


class Perform(Protocol):
    """A function that runs operations."""

    def __call__(self, op: Op[T], /) -> T:
        """Run an operation and return its result."""
        ...


class Performer(Protocol):
    """A manager or a session."""

    def perform(self, op: Op[T], /) -> T:
        """Run an operation and return its result."""
        ...


class Manager:
    """The base class of managers, whose methods are operations.

    Args:
        perform: function that runs operations.
    """

    def __init__(self, perform: Perform) -> None:
        self.perform = perform


class method(Generic[P, T]):
    """A descriptor that makes an operation a method.

    Args:
        find: function that returns the operation. The first use of the method calls it, as that may import a module.
    """

    def __init__(self, find: Callable[[], Callable[P, Op[T]]]) -> None:
        self._find = find

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def _publish(self) -> None:
        """Replace the descriptor by a function that runs the operation."""
        from matrixone_core.binding import publish  # noqa: PLC0415  # brings what operations are made of
        from matrixone_core.monitoring.operations import observed, operation_name  # noqa: PLC0415  # brings steps, too

        operation, title = self._find(), operation_name(self._owner, self._name)

        def function(self: Performer, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                op = operation(*args, **kwargs)
            finally:
                del args, kwargs  # tracebacks must not show a secret among them
            try:
                return self.perform(observed(title, op))
            except (MatrixOneError, *INTERRUPTIONS) as error:  # without the frames of nested operations
                raise error.with_traceback(None) from error.__cause__

        publish(function, operation, self._owner, self._name)

    if TYPE_CHECKING:

        @overload
        def __get__(self, of: None, owner: type) -> Callable[Concatenate[Performer, P], T]: ...
        @overload
        def __get__(self, of: Performer, owner: type) -> Callable[P, T]: ...
        def __get__(self, of: Any, owner: type) -> Any: ...

    else:

        def __get__(self, of: Any, owner: type) -> Any:
            self._publish()
            return getattr(owner if of is None else of, self._name)
