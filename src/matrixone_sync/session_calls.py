"""What a client calls on a session of SQLAlchemy's; `matrixone_async` has a module of the same names."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Executable, Result
from sqlalchemy.orm import Session

from matrixone_core.execution import Values

P = ParamSpec("P")
T = TypeVar("T")


def run_in_session(
    session: Session, call: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a function with a session."""
    return call(session, *args, **kwargs)


def stream(session: Session, statement: Executable, values: Values, options: dict[str, Any]) -> Result[Any]:
    """Execute a statement whose rows are fetched as they are read."""
    result: Result[Any] = session.execute(statement, values, execution_options=options)
    return result
