"""A session: SQLAlchemy's, with stages, loads and snapshots that succeed or fail with its rows."""

import threading
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import sqlalchemy

from matrixone_core.session.orm_session import UnitOfWorkSession
from matrixone_core.steps import Op
from matrixone_sync.connection import Connection
from matrixone_sync.driver import Driver
from matrixone_sync.interrupts import Interrupts
from matrixone_sync.managers import (
    CloneManager,
    LoadManager,
    PitrManager,
    RestoreManager,
    SnapshotManager,
    StageManager,
)

T = TypeVar("T")


@dataclass
class Carrier:
    """Carries a session's operations out, blocking.

    Args:
        driver: the client's.
    """

    driver: Driver
    _committing: Connection | None = None

    def run(self, op: Op[T]) -> T:
        """Carry an operation out."""
        return self.driver.run(op)

    def begin_commit(self, connection: sqlalchemy.Connection) -> None:
        """Hold Ctrl-C back until what follows the commit is done."""
        found: Any = connection.connection.driver_connection
        found.interrupts = Interrupts()
        found.interrupts.hold()
        self._committing = found

    def finish(self, op: Op[None]) -> None:
        """Carry an operation out, and let a Ctrl-C come that came meanwhile."""
        committing, self._committing = self._committing, None
        try:
            self.driver.run(op)
        finally:
            if committing is not None and committing.interrupts is not None:
                interrupts, committing.interrupts = committing.interrupts, None
                interrupts.release()

    def run_later(self, op: Op[None]) -> None:
        """Carry an operation out."""
        self.driver.run(op)

    def user(self) -> object:
        """The calling thread."""
        return threading.get_ident()


class Session(UnitOfWorkSession):
    """A SQLAlchemy session whose operations succeed or fail together; leaving the `with` block commits it.

    An exception in the block, or `close()`, rolls it back. Objects stay readable after the commit. Changes of stages
    and snapshots are checked when they are asked for, shown from then on by this session, and sent when it commits.

    Attributes:
        stage: the account's stages, as the session will leave them.
        load_data: loads that are part of the session's transaction.
        snapshots: the account's snapshots; one that is created here holds what the session has committed.
        restore: brings back what was; in a session only by copies, and by rows.
        clone: copies of databases and tables.
        pitr: the account's point-in-time recoveries.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver.engine, carrier=Carrier(driver), expire_on_commit=False)
        self._inside = replace(driver, pin=self._pinned)
        self.stage: Final = StageManager(self.perform)
        self.load_data: Final = LoadManager(self.perform)
        self.snapshots: Final = SnapshotManager(self.perform)
        self.restore: Final = RestoreManager(self.perform)
        self.clone: Final = CloneManager(self.perform)
        self.pitr: Final = PitrManager(self.perform)

    def perform(self, op: Op[T]) -> T:
        """Carry an operation out, as part of the session.

        Raises:
            SessionInUse: another thread is using the session; nothing was sent.
            TransactionAborted: its transaction is gone; nothing was sent.
        """
        with self.used():
            return self._inside.run(self.work.within(op))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.commit()
        finally:
            self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._inside.where}, {self.work}>"

    def _pinned(self) -> sqlalchemy.Connection:
        """The connection of the transaction, which has all that the session was given."""
        self.flush()
        return self.connection()
