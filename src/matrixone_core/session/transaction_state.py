"""The states of a session's transaction, and which event leads from which state to which."""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from matrixone_core.errors import MatrixOneError


class TransactionState(Enum):
    """What is known of a transaction; the values are the words of error messages."""

    ACTIVE = "active"
    PREPARED = "prepared"  # all that precedes COMMIT is done
    COMMITTING = "committing"  # COMMIT is on its way
    COMMITTED = "committed"
    OUTCOME_UNKNOWN = "of unknown outcome"  # COMMIT was not answered
    ABORTED = "aborted"  # the server has rolled it back, or its connection broke; ROLLBACK is still to come
    ROLLED_BACK = "rolled back"


class TransactionEvent(Enum):
    """What happens to a transaction; the values are the words of error messages."""

    ABORTED = "an error that ends the transaction"
    PREPARED = "the end of what precedes COMMIT"
    COMMIT_SENT = "COMMIT"
    COMMIT_CONFIRMED = "the confirmation of COMMIT"
    COMMIT_REFUSED = "the refusal of COMMIT"
    COMMIT_UNANSWERED = "a COMMIT without an answer"
    ENDED = "the end of the transaction"


_S, _E = TransactionState, TransactionEvent
#: The state that follows each event. A pair that is not here cannot happen.
TRANSITIONS = MappingProxyType(
    {
        (_S.ACTIVE, _E.ABORTED): _S.ABORTED,
        (_S.ACTIVE, _E.PREPARED): _S.PREPARED,
        (_S.ACTIVE, _E.ENDED): _S.ROLLED_BACK,
        (_S.PREPARED, _E.ABORTED): _S.ABORTED,
        (_S.PREPARED, _E.COMMIT_SENT): _S.COMMITTING,
        (_S.PREPARED, _E.COMMIT_CONFIRMED): _S.COMMITTED,  # no connection was used, so there was no COMMIT to send
        (_S.PREPARED, _E.ENDED): _S.ROLLED_BACK,
        (_S.COMMITTING, _E.ABORTED): _S.ROLLED_BACK,
        (_S.COMMITTING, _E.COMMIT_CONFIRMED): _S.COMMITTED,
        (_S.COMMITTING, _E.COMMIT_REFUSED): _S.ROLLED_BACK,
        (_S.COMMITTING, _E.COMMIT_UNANSWERED): _S.OUTCOME_UNKNOWN,
        (_S.COMMITTING, _E.ENDED): _S.ROLLED_BACK,  # a listener of the user's raised before COMMIT was sent
        (_S.ABORTED, _E.ABORTED): _S.ABORTED,
        (_S.ABORTED, _E.ENDED): _S.ROLLED_BACK,
        # the outcome stays what it is, even if the connection breaks afterwards
        (_S.COMMITTED, _E.ABORTED): _S.COMMITTED,
        (_S.COMMITTED, _E.ENDED): _S.COMMITTED,
        (_S.OUTCOME_UNKNOWN, _E.ABORTED): _S.OUTCOME_UNKNOWN,
        (_S.OUTCOME_UNKNOWN, _E.ENDED): _S.OUTCOME_UNKNOWN,
        (_S.ROLLED_BACK, _E.ABORTED): _S.ROLLED_BACK,
        (_S.ROLLED_BACK, _E.ENDED): _S.ROLLED_BACK,
    }
)


class InvalidTransition(RuntimeError):
    """An event came that cannot come in the transaction's state."""


@dataclass
class Transaction:
    """The state of one transaction.

    Args:
        state: the current state.
        cause: the error that led to this state, or None.
    """

    state: TransactionState = TransactionState.ACTIVE
    cause: MatrixOneError | None = None

    def apply(self, event: TransactionEvent, cause: MatrixOneError | None = None) -> None:
        """Move to the state that follows an event.

        Args:
            event: the event.
            cause: the error behind the event; stored if the state changes.

        Raises:
            InvalidTransition: the event cannot come in this state.
        """
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise InvalidTransition(f"a transaction that is {self.state.value} cannot take {event.value}")
        if following is not self.state:
            self.state, self.cause = following, cause or self.cause
