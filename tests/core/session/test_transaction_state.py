"""The states of a session's transaction: every state with every event."""

import pytest

from matrixone_core.errors import ConnectionLost, LockTimeout
from matrixone_core.session.transaction_state import (
    InvalidTransition,
    Transaction,
    TransactionEvent,
    TransactionState,
)

EVENTS = ["ABORTED", "PREPARED", "COMMIT_SENT", "COMMIT_CONFIRMED", "COMMIT_REFUSED", "COMMIT_UNANSWERED", "ENDED"]
NEXT = {  # a line a state, a column an event; "-" is refused
    "ACTIVE":          "ABORTED         PREPARED -          -         -           -               ROLLED_BACK",
    "PREPARED":        "ABORTED         -        COMMITTING COMMITTED -           -               ROLLED_BACK",
    "COMMITTING":      "ROLLED_BACK     -        -          COMMITTED ROLLED_BACK OUTCOME_UNKNOWN ROLLED_BACK",
    "COMMITTED":       "COMMITTED       -        -          -         -           -               COMMITTED",
    "OUTCOME_UNKNOWN": "OUTCOME_UNKNOWN -        -          -         -           -               OUTCOME_UNKNOWN",
    "ABORTED":         "ABORTED         -        -          -         -           -               ROLLED_BACK",
    "ROLLED_BACK":     "ROLLED_BACK     -        -          -         -           -               ROLLED_BACK",
}  # fmt: skip
CELLS = [
    (state, event, after) for state, line in NEXT.items() for event, after in zip(EVENTS, line.split(), strict=True)
]


def test_the_table_has_every_state_and_event():
    assert set(NEXT) == {state.name for state in TransactionState}
    assert set(EVENTS) == {event.name for event in TransactionEvent}


@pytest.mark.parametrize(("state", "event", "after"), CELLS)
def test_each_state_with_each_event(state, event, after):
    transaction = Transaction(TransactionState[state])
    if after == "-":
        words = f"a transaction that is {transaction.state.value} cannot take {TransactionEvent[event].value}"
        with pytest.raises(InvalidTransition, match=f"^{words}$"):
            transaction.apply(TransactionEvent[event])
        assert transaction.state is TransactionState[state]
    else:
        transaction.apply(TransactionEvent[event])
        assert transaction.state is TransactionState[after]


def test_the_first_cause_stays():
    transaction, first = Transaction(), LockTimeout("first")
    transaction.apply(TransactionEvent.ABORTED, first)
    transaction.apply(TransactionEvent.ABORTED, ConnectionLost("second"))
    assert transaction.cause is first
    transaction.apply(TransactionEvent.ENDED)
    assert (transaction.state, transaction.cause) == (TransactionState.ROLLED_BACK, first)


def test_an_error_after_the_outcome_is_no_cause():
    transaction = Transaction(TransactionState.COMMITTED)
    transaction.apply(TransactionEvent.ABORTED, ConnectionLost("closed"))
    assert transaction == Transaction(TransactionState.COMMITTED)
