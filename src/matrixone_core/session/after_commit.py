"""The statements that follow a session's COMMIT, and how a failure among them is resumed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from matrixone_core.errors import CommitIncomplete, MatrixOneError
from matrixone_core.fragments import Part
from matrixone_core.server_errors import is_outcome_unknown
from matrixone_core.session.stage_creation import has_stage
from matrixone_core.sql.past import CloneDatabase, CloneTable
from matrixone_core.sql.snapshot import CreateSnapshot, HasDatabase, ShowSnapshots
from matrixone_core.sql.stage import CreateStage
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Command, Op, OutsideTransaction, Statement


@dataclass(frozen=True)
class CommitRows(Command):
    """The session's own COMMIT, among the statements that took effect."""

    def parts(self) -> Iterator[Part]:
        """COMMIT."""
        yield "COMMIT"


@dataclass(frozen=True)
class AfterCommit:
    """The statements that took effect, and those that are still pending, after the rows are committed.

    Args:
        committed: the statements that took effect, COMMIT among them.
        pending: the statements that are left, in order.
        run: runs an operation later, for `CommitIncomplete.resume`.
    """

    committed: tuple[Statement[None], ...]
    pending: tuple[Statement[None], ...]
    run: Callable[[Op[None]], Any]

    def execute(self) -> Op[None]:
        """Execute what is left.

        Raises:
            CommitIncomplete: a statement failed.
        """
        for index, statement in enumerate(self.pending):
            try:
                yield from OutsideTransaction(iter(statement))
            except MatrixOneError as error:
                raise self._skip(index).incomplete(error) from error
            except BaseException as error:
                left = "; ".join(map(str, self.pending[index:]))
                error.add_note(f"the rows are committed, but not all that follows: {left}")
                raise

    def incomplete(self, error: MatrixOneError) -> CommitIncomplete:
        """Create the error for a failure of the next statement."""
        resume = self._check_and_execute if is_outcome_unknown(error) else self.execute
        return CommitIncomplete(
            f"the rows are committed, but not all that follows: {self.pending[0]} failed: {error}; "
            ".resume() tries again",
            self.committed,
            self.pending,
            lambda: self.run(resume()),
        )

    def _skip(self, count: int) -> "AfterCommit":
        """Return a copy in which the next statements took effect."""
        return AfterCommit((*self.committed, *self.pending[:count]), self.pending[count:], self.run)

    def _check_and_execute(self) -> Op[None]:
        """Execute the pending statements; the first one got no answer, and may have taken effect."""
        is_done = yield from _is_done(self.pending[0])
        yield from self._skip(int(is_done)).execute()


def _is_done(statement: Statement[None]) -> Op[bool]:
    """Return whether a statement must not run again: what it creates did not exist before the commit, and does now."""
    match statement:
        case CreateSnapshot():
            snapshots = yield from OutsideTransaction(iter(ShowSnapshots()))
            return any(snapshot.name == statement.name for snapshot in snapshots)
        case CreateStage():
            return (yield from has_stage(statement))
        case CloneDatabase():
            return (yield from OutsideTransaction(iter(HasDatabase(statement.target))))
        case CloneTable():
            columns = yield from OutsideTransaction(iter(ColumnNames(statement.target)))
            return bool(columns)
        case _:  # ALTER STAGE, and DROP with IF EXISTS
            return False
