"""The stages that a session creates before its COMMIT, and how they are dropped again if it does not commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from matrixone_core import catalog
from matrixone_core.errors import ConnectionLost, MatrixOneError, StageExists
from matrixone_core.messages import show
from matrixone_core.server_errors import is_outcome_unknown, treat_unknown_as_lost
from matrixone_core.session.pending_changes import create_statement
from matrixone_core.sql.connections import KillConnection, SelectConnectionId
from matrixone_core.sql.stage import AlterStage, CreateStage, DropStage, Stage
from matrixone_core.steps import Op, OutsideTransaction, read_clock, sleep

T = TypeVar("T")
KILL_INTERVAL = 0.05  # seconds between two KILLs of one connection
KILL_SECONDS = 4.0  # within which a connection must end


@dataclass
class SentCreation:
    """A CREATE STAGE whose answer has not come yet, or never came.

    Args:
        statement: the statement.
        connection_id: the connection that it was sent on; None if the driver has stopped the statement itself.
    """

    statement: CreateStage
    connection_id: int | None


class StageCreations:
    """The stages that were created for one commit.

    Attributes:
        statements: the statements that the server has confirmed, in order.
    """

    def __init__(self) -> None:
        self.statements: list[CreateStage] = []
        self._sent: SentCreation | None = None

    def create(self, stages: Iterable[tuple[Stage, bool]]) -> Op[None]:
        """Create stages; if one cannot be created, drop those before it.

        Args:
            stages: the stages, each with whether another user's of the name is as good.

        Raises:
            StageExists: another user has created one of the name meanwhile.
            MatrixOneError: the server refused another statement.
        """
        try:
            for stage, if_not_exists in stages:
                yield from before_commit(self._create(stage, if_not_exists=if_not_exists))
        except BaseException as error:
            for failure in (yield from self.undo()):
                error.add_note(str(failure))
            raise

    def undo(self) -> Op[Sequence[MatrixOneError]]:
        """Drop the stages; returns the errors of those that could not be dropped."""
        sent, self._sent = self._sent, None
        statements, self.statements = self.statements, []
        failures: list[MatrixOneError] = []
        if sent is not None:
            try:
                if (yield from _was_created(sent)):
                    statements.append(sent.statement)
            except MatrixOneError as error:
                failures.append(_left_over(sent.statement, "may have been created, and must be looked for", error))
        for statement in reversed(statements):
            try:
                yield from before_commit(iter(OutsideTransaction(iter(DropStage(statement.name, if_exists=True)))))
            except MatrixOneError as error:
                failures.append(_left_over(statement, "could not be dropped again", error))
        return failures

    def _create(self, stage: Stage, *, if_not_exists: bool) -> Op[None]:
        statement = create_statement(stage)
        try:
            yield from OutsideTransaction(self._send(statement))
        except MatrixOneError as error:
            if self._sent is not None and not isinstance(error, ConnectionLost):
                # the driver has stopped the statement and goes on using the connection, or the server has answered
                self._sent = SentCreation(statement, None) if is_outcome_unknown(error) else None
            if isinstance(error, StageExists) and if_not_exists:
                return  # another user's, which a rollback must not drop
            raise
        self._sent = None
        self.statements.append(statement)
        if not stage.enabled:  # CREATE STAGE ignores ENABLE (server-facts 8)
            yield from OutsideTransaction(iter(AlterStage(stage.name, enable=False)))

    def _send(self, statement: CreateStage) -> Op[None]:
        """Create a stage on a connection that can be ended if it does not answer."""
        connection_id = yield from SelectConnectionId()
        self._sent = SentCreation(statement, connection_id)
        yield from statement


def before_commit(op: Op[T]) -> Op[T]:
    """Run an operation whose statements commit by themselves; an unanswered COMMIT of theirs is not the session's.

    Raises:
        ConnectionLost: the connection broke, instead of `CommitUnknown`.
    """
    return treat_unknown_as_lost(
        op, "the connection broke that a session uses beside its own, whose COMMIT is not sent"
    )


def _was_created(sent: SentCreation) -> Op[bool]:
    """Whether the session has created the stage of an unanswered statement."""
    if sent.connection_id is not None:
        yield from _end_connection(sent.connection_id)
    return (yield from before_commit(has_stage(sent.statement)))


def has_stage(statement: CreateStage) -> Op[bool]:
    """Whether there is a stage just as a statement creates it."""
    found = yield from OutsideTransaction(catalog.find(statement.name))
    if found is None or (found.url, found.comment) != (statement.url, statement.comment):
        return False
    return found.credentials is None or found.credentials == statement.credentials


def _end_connection(connection_id: int) -> Op[None]:
    """End a connection, and wait until the server has ended it: its statement takes no effect afterwards."""
    began = yield from read_clock()
    try:
        while (yield from read_clock()) - began < KILL_SECONDS:
            yield from before_commit(iter(OutsideTransaction(iter(KillConnection(connection_id)))))
            yield from sleep(KILL_INTERVAL)
    except MatrixOneError:
        return  # there is no such connection; if another error came, the caller's next question meets it as well


def _left_over(statement: CreateStage, problem: str, error: MatrixOneError) -> MatrixOneError:
    failure = type(error)(
        f"the stage {show(statement.name)} {problem}: {error.message}",
        code=error.code,
        sqlstate=error.sqlstate,
        remedy=error.remedy,
    )
    failure.__cause__ = error
    return failure
