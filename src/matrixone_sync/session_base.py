"""SQLAlchemy's session with a unit of work; `matrixone_async` has a module with the same names."""

import threading
from dataclasses import dataclass
from typing import Self, TypeAlias, TypeVar

import sqlalchemy
from sqlalchemy import orm

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.on_connection import driver_connection
from matrixone_core.session.orm_session import UnitOfWorkSession
from matrixone_core.steps import Op
from matrixone_sync.connection import Connection
from matrixone_sync.driver import Driver
from matrixone_sync.sigint import DeferredSigint

T = TypeVar("T")
Bind: TypeAlias = sqlalchemy.Connection | orm.Session  # of the program


@dataclass
class Carrier:
    """Runs a session's operations.

    Args:
        driver: the client's.
    """

    driver: Driver
    _committing: Connection | None = None

    def run(self, op: Op[T]) -> T:
        """Run an operation."""
        return self.driver.run(op)

    def begin_commit(self, connection: sqlalchemy.Connection) -> None:
        """Defer Ctrl-C until what follows the commit is done."""
        found: Connection = driver_connection(connection)
        found.sigint = DeferredSigint()
        found.sigint.defer()
        self._committing = found

    def finish(self, op: Op[None]) -> None:
        """Run an operation, and then let a deferred Ctrl-C interrupt."""
        committing, self._committing = self._committing, None
        try:
            self.driver.run(op)
        finally:
            if committing is not None and committing.sigint is not None:
                sigint, committing.sigint = committing.sigint, None
                sigint.restore()

    def run_later(self, op: Op[None]) -> None:
        """Run an operation."""
        self.driver.run(op)

    def user(self) -> object:
        """Return the calling thread."""
        return threading.get_ident()


class SessionBase(UnitOfWorkSession):
    """A blocking SQLAlchemy session with a unit of work.

    Args:
        driver: the client's.
        bind: the program's connection or session, or None.

    Raises:
        InvalidArgument: `bind` is neither a connection nor a session.
    """

    def __init__(self, driver: Driver, bind: Bind | None) -> None:
        if not isinstance(bind, sqlalchemy.Connection | orm.Session | None):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise InvalidArgument(f"bind={show(bind)} must be a Connection or a Session of SQLAlchemy's")
        super().__init__(driver.engine, carrier=Carrier(driver), outer=bind, expire_on_commit=False)

    @property
    def _core(self) -> Self:
        return self
