"""Loads in a session that fail once they have changed something: the session cannot undo that alone."""

from typing import Any, TypeVar

from matrixone_core.errors import LoadPartiallyApplied, MatrixOneError
from matrixone_core.loading.plan import LoadPlan
from matrixone_core.server_errors import aborts
from matrixone_core.sql.ledger import InsertEntry
from matrixone_core.sql.load import LoadData
from matrixone_core.sql.rejects import InsertRejects
from matrixone_core.sql.staged_inserts import InsertStaged
from matrixone_core.steps import Op, SendLocalData, Step, map_nested_ops, map_steps

T = TypeVar("T")


def undone_with_session(plan: LoadPlan, op: Op[T]) -> Op[T]:
    """A load in a session's transaction, which has no savepoints.

    Args:
        plan: the load.
        op: executes it.

    Raises:
        LoadPartiallyApplied: it failed after a statement of it had changed something.
    """
    changed: list[Step[Any]] = []

    def noted(inner: Op[T]) -> Op[T]:
        return map_steps(inner, perform)

    def perform(step: Step[Any]) -> Op[Any]:
        answer = yield from map_nested_ops(step, noted)
        if _changes(plan, step, answer):
            changed.append(step)
        return answer

    try:
        return (yield from noted(op))
    except MatrixOneError as error:
        if not changed or aborts(error):
            raise
        raise LoadPartiallyApplied(
            f"{error}; what this load has changed is in the session's transaction: roll it back"
        ) from error.__cause__


def _changes(plan: LoadPlan, step: Step[Any], answer: object) -> bool:
    """Whether a step has changed more than the load undoes where it fails."""
    statement = step.statement if isinstance(step, SendLocalData) else step
    match statement:
        case InsertStaged() | InsertRejects():
            return answer != 0
        case LoadData():
            return statement.table == plan.request.names and answer != 0
        case InsertEntry():
            return statement.again  # the entry of the load before is not there any more
        case _:
            return statement in plan.preparation
