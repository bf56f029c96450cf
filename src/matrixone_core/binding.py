"""Turn operations into methods; the `method` descriptors of both clients share this."""

import inspect
from collections.abc import Callable
from typing import Any, get_args

from matrixone_core.steps import Op


def publish(function: Callable[..., Any], operation: Callable[..., Op[Any]], owner: type, name: str) -> None:
    """Make *function* the method *name* of *owner*, as if it had been written out by hand there.

    Args:
        function: calls the operation and runs it.
        operation: gives the method its parameters, its annotations and its documentation.
        owner: the class of the method.
        name: the method's name.
    """
    wanted = inspect.signature(operation)
    answer = get_args(wanted.return_annotation)[-1]
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    for attribute, value in {
        "__name__": name,
        "__qualname__": f"{owner.__qualname__}.{name}",
        "__module__": owner.__module__,
        "__doc__": operation.__doc__,
        "__annotations__": operation.__annotations__ | {"return": answer},
        "__signature__": wanted.replace(parameters=[this, *wanted.parameters.values()], return_annotation=answer),
        "__wrapped__": operation,
    }.items():
        setattr(function, attribute, value)
    setattr(owner, name, function)
