"""Running whole sessions again: after which errors, how often, with which pauses."""

import pytest
from script import play
from sqlalchemy.exc import OperationalError

from matrixone_core.errors import CommitUnknown, InvalidArgument, LockTimeout, ServerError, StatementTimeout
from matrixone_core.session.retry import retry
from matrixone_core.steps import Call


def test_sessions_are_run_again_while_that_can_help():
    def work(): ...

    steps, result = play(retry(work, 3), LockTimeout("1"), None, LockTimeout("2"), None, "done")
    assert result == "done"
    assert [type(step) for step in steps] == [Call] * 5
    first, second = (steps[at].call.args[0] for at in (1, 3))
    assert 0.05 <= first <= 0.1 <= second <= 0.2
    assert play(retry(work, 1), "done")[1] == "done"
    for last in (CommitUnknown("?"), ServerError("no"), StatementTimeout("slow")):
        with pytest.raises(type(last)) as caught:
            play(retry(work, 3), last)
        assert len(caught.value.steps) == 1
    with pytest.raises(LockTimeout, match="2"):
        play(retry(work, 2), LockTimeout("1"), None, LockTimeout("2"))


def test_sqlalchemys_errors_are_understood_when_retrying():
    deadlock = OperationalError("x", {}, Exception(1213, "Deadlock found"))
    assert play(retry(int, 2), deadlock, None, 7)[1] == 7
    other = OperationalError("x", {}, Exception(1064, "syntax"))
    with pytest.raises(OperationalError):
        play(retry(int, 2), other)


@pytest.mark.parametrize("attempts", [0, -1, "3", None])
def test_attempts(attempts):
    with pytest.raises(InvalidArgument, match="attempts"):
        play(retry(int, attempts))
