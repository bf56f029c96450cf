"""What a client calls on a session of SQLAlchemy's; `matrixone_sync` has a module of the same names."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncResult, AsyncSession
from sqlalchemy.orm import Session

from matrixone_core.execution import Values

P = ParamSpec("P")
T = TypeVar("T")


async def run_in_session(
    session: AsyncSession, call: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a function with a session that seems to block."""
    return await session.run_sync(call, *args, **kwargs)


async def stream(
    session: AsyncSession, statement: Executable, values: Values, options: dict[str, Any]
) -> AsyncResult[Any]:
    """Execute a statement whose rows are fetched as they are read."""
    result: AsyncResult[Any] = await session.stream(statement, values, execution_options=options)
    return result
