"""A session: SQLAlchemy's, with loads in its transaction."""

from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection, orm

from matrixone_sync.driver import Driver, committed
from matrixone_sync.managers import LoadManager


class Session(orm.Session):
    """A SQLAlchemy session in one transaction, which leaving the `with` block commits.

    An exception in the block, or `close()`, rolls it back. Objects stay readable after the commit.

    Attributes:
        load_data: loads that are part of the session's transaction.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver.engine, expire_on_commit=False)
        pinned = Driver(driver.engine, driver.where, self._pinned)
        self.load_data: Final = LoadManager(lambda: pinned)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.flush()
                committed(self.commit)
        finally:
            self.close()

    def _pinned(self) -> Connection:
        """The connection of the transaction, which has all that the session was given."""
        self.flush()
        return self.connection()
