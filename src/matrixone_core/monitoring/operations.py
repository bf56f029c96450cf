"""The spans of operations, around those of their statements."""

from contextlib import AbstractContextManager
from typing import TypeVar

from matrixone_core.monitoring.telemetry import is_installed, span
from matrixone_core.steps import Op

T = TypeVar("T")


def operation_name(owner: type, method: str) -> str:
    """The name of an operation's span, the same for both clients: `stage.create`, `client.create_table`.

    Args:
        owner: the class of the method.
        method: the method's name.
    """
    return f"{owner.__name__.removeprefix('Async').removesuffix('Manager').lower()}.{method}"


def observed(name: str, op: Op[T]) -> Op[T]:
    """An operation with a span around it, if there is an API for spans.

    Args:
        name: the span's name.
        op: the operation.
    """
    return _with_span(name, op) if is_installed() else op


def operation_span(name: str) -> AbstractContextManager[None]:
    """A block with the span of an operation around it, in which statements have spans of their own."""
    return span(name, {"matrixone.operation": name})


def _with_span(name: str, op: Op[T]) -> Op[T]:
    with operation_span(name):
        return (yield from op)
