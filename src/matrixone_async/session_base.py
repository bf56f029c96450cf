"""SQLAlchemy's asynchronous session with a unit of work; `matrixone_sync` has a module with the same names."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from matrixone_async.concurrency import shield
from matrixone_async.driver import AsyncDriver
from matrixone_core.cancellation import FINISH_SECONDS
from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.session.orm_session import UnitOfWorkSession
from matrixone_core.steps import Op

T = TypeVar("T")
Bind: TypeAlias = AsyncConnection | AsyncSession  # of the program


@dataclass
class Carrier:
    """Runs a session's operations from within SQLAlchemy's greenlet.

    Args:
        driver: the client's.
    """

    driver: AsyncDriver

    def run(self, op: Op[T]) -> T:
        """Run an operation."""
        return await_only(self.driver.run(op))

    def begin_commit(self, connection: sqlalchemy.Connection) -> None:
        """Do nothing: a cancellation during a COMMIT comes at the next await, which is `finish`."""

    def finish(self, op: Op[None]) -> None:
        """Run an operation to its end, even if the task is cancelled meanwhile."""
        await_only(shield(partial(self.driver.run, op), FINISH_SECONDS))

    def run_later(self, op: Op[None]) -> Coroutine[Any, Any, None]:
        """Return a coroutine that runs an operation."""
        return self.driver.run(op)

    def user(self) -> object:
        """Return the calling task."""
        return asyncio.current_task()


class SessionBase(AsyncSession):
    """An asyncio SQLAlchemy session with a unit of work.

    Args:
        driver: the client's.
        bind: the program's connection or session, or None.

    Raises:
        InvalidArgument: `bind` is neither a connection nor a session.
    """

    sync_session: UnitOfWorkSession  # pyright: ignore[reportIncompatibleVariableOverride]  # as the constructor says

    def __init__(self, driver: AsyncDriver, bind: Bind | None) -> None:
        super().__init__(
            driver.engine,
            sync_session_class=UnitOfWorkSession,
            carrier=Carrier(driver),
            outer=_outer(bind),
            expire_on_commit=False,
        )

    @property
    def _core(self) -> UnitOfWorkSession:
        return self.sync_session


def _outer(bind: Bind | None) -> sqlalchemy.Connection | Session | None:
    if bind is None:
        return None
    if isinstance(bind, AsyncSession):
        return bind.sync_session
    if isinstance(bind, AsyncConnection) and bind.sync_connection is not None:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        return bind.sync_connection
    raise InvalidArgument(f"bind={show(bind)} must be an open AsyncConnection, or an AsyncSession")
