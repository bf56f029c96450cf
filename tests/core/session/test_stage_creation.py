"""New stages are created before COMMIT; if one fails, those before it are dropped again."""

import pytest
from session_case import FAILURES, ROW, Case, creating, failing

from matrixone_core.errors import (
    ConnectionLost,
    PermissionDenied,
    ServerError,
    StageExists,
    StatementTimeout,
)
from matrixone_core.operations import stages
from matrixone_core.server_errors import commit_unknown


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_creation_that_fails_takes_back_those_before_it(at, error):
    case = creating("a", "b", "c")
    name = "abc"[at]
    case.server.sent.clear()
    assert failing(case, f"CREATE STAGE `{name}`", error) is error
    dropped = [text for text in case.server.sent if "DROP" in text]
    assert dropped == [f"outside: DROP STAGE IF EXISTS `{one}`" for one in reversed("abc"[:at])]
    assert case.sent(case.work.after_end(case.server.run)) == []  # rolled back: nothing is left to undo


@pytest.mark.parametrize(
    ("found", "drops"),
    [
        ({"url": "file:///a/", "comment": "", "stage_credentials": "AWS_SECRET_KEY=a"}, True),  # ours: it was created
        ({"url": "file:///theirs/", "comment": "", "stage_credentials": "AWS_SECRET_KEY=a"}, False),
        ({"url": "file:///a/", "comment": "", "stage_credentials": "AWS_SECRET_KEY=b"}, False),
        ({"url": "file:///a/", "comment": "theirs", "stage_credentials": "AWS_SECRET_KEY=a"}, False),
    ],
)
@pytest.mark.parametrize("error", FAILURES[1:], ids=repr)
def test_a_creation_without_an_answer_is_looked_for(found, drops, error):
    case = creating("a")
    case.server.stages = [{**ROW, "stage_name": "a", **found}]
    case.server.sent.clear()
    failing(case, "CREATE STAGE", error)
    assert ("outside: DROP STAGE IF EXISTS `a`" in case.server.sent) is drops


@pytest.mark.parametrize("kills", [0, 2, 1000])
def test_the_connection_of_a_creation_without_an_answer_is_ended(kills):
    case = creating("a")
    case.server.sent.clear()
    case.server.kills = kills
    failing(case, "CREATE STAGE", ConnectionLost("lost"))
    sent = case.server.sent
    assert sent[:2] == [
        "outside: SELECT CONNECTION_ID() AS id",
        "outside: CREATE STAGE `a` URL='file:///a/' CREDENTIALS={'AWS_SECRET_KEY'='***'}",
    ]
    last = len(sent) - 1 - sent[::-1].index("outside: KILL 7")
    assert sent.count("outside: KILL 7") == pytest.approx(min(kills + 1, 80), abs=1 if kills > 80 else 0)
    assert sent[last + 1].startswith("outside: SELECT stage_name")


def test_a_connection_whose_statement_was_stopped_is_left_alone():
    case = creating("a")
    failing(case, "CREATE STAGE", StatementTimeout("too long"))
    assert not [text for text in case.server.sent if "KILL" in text]


def test_a_creation_without_an_answer_by_who_may_not_read_credentials():
    case = creating("a")
    case.server.stages = [{**ROW, "stage_name": "a", "url": "file:///a/", "comment": ""}]
    case.server.broken["SELECT stage_name"] = PermissionDenied("no")
    case.server.sent.clear()
    failing(case, "CREATE STAGE", ConnectionLost("lost"))
    assert "outside: DROP STAGE IF EXISTS `a`" in case.server.sent


def test_what_cannot_be_taken_back_is_noted():
    case = creating("a", "b")
    case.server.broken = {"DROP STAGE": ServerError("no drop"), "SELECT stage_name": ServerError("no look")}
    error = failing(case, "CREATE STAGE `b`", ConnectionLost("lost"))
    assert error.__notes__ == [
        "the stage 'b' may have been created, and must be looked for: no look",
        "the stage 'a' could not be dropped again: no drop",
    ]


def test_a_stage_that_cannot_be_dropped_again_keeps_no_other_from_it():
    case = creating("a", "b", "c")
    case.server.broken = {"DROP STAGE IF EXISTS `b`": ServerError("no drop")}
    case.server.sent.clear()
    error = failing(case, "CREATE STAGE `c`", ServerError("refused"))
    assert error.__notes__ == ["the stage 'b' could not be dropped again: no drop"]
    assert case.server.sent[-1] == "outside: DROP STAGE IF EXISTS `a`"

    case = creating("a", "b")
    case.server.run(case.work.create_stages())
    case.server.broken = {"DROP STAGE IF EXISTS `b`": ServerError("no drop")}
    case.server.sent.clear()
    with pytest.raises(ServerError, match="the stage 'b' could not be dropped again: no drop"):
        case.server.run(case.work.after_end(case.server.run))
    assert case.server.sent[-1] == "outside: DROP STAGE IF EXISTS `a`"


def test_a_refused_change_of_a_new_stage_takes_it_back():
    case = creating("a")
    case.do(stages.alter("a", enable=False))
    case.server.sent.clear()
    failing(case, "ALTER STAGE", ServerError("no"))
    assert case.server.sent[-1] == "outside: DROP STAGE IF EXISTS `a`"


def test_a_refused_commit_takes_the_stages_back():
    case = creating("a", "b")
    case.server.run(case.work.create_stages())
    assert case.sent(case.work.after_end(case.server.run)) == ["DROP STAGE IF EXISTS `b`", "DROP STAGE IF EXISTS `a`"]
    case = creating("a")
    case.server.run(case.work.create_stages())
    case.server.broken["DROP STAGE"] = ServerError("no drop")
    with pytest.raises(ServerError, match="'a' could not be dropped again: no drop"):
        case.server.run(case.work.after_end(case.server.run))


UNKNOWN = commit_unknown(ConnectionLost("no answer", code=2013))


def test_a_commit_of_another_connection_is_not_the_sessions():
    """Whether it is a question's, a new stage's or that of dropping one again: the session's COMMIT was not sent."""
    case = Case()
    case.server.broken["DROP STAGE"] = UNKNOWN
    with pytest.raises(ConnectionLost, match="COMMIT is not sent") as caught:
        case.do(stages.create("a", "file:///"))
    assert (type(caught.value), caught.value.code, caught.value.retryable) == (ConnectionLost, 2013, True)
    assert caught.value.__cause__ is UNKNOWN.__cause__
    case.server.broken = {}
    case.do(stages.create("a", "file:///"))
    case.server.broken = {"CREATE STAGE": UNKNOWN}
    with pytest.raises(ConnectionLost) as caught:
        case.server.run(case.work.create_stages())
    assert type(caught.value) is ConnectionLost
    case.server.broken = {"DROP STAGE": UNKNOWN}
    case.server.run(case.work.create_stages())
    with pytest.raises(ConnectionLost, match="could not be dropped again") as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert type(caught.value) is ConnectionLost


def test_somebody_elses_stage_is_as_good_where_that_was_said():
    case = Case()
    case.do(stages.create("a", "file:///", if_not_exists=True))
    case.do(stages.create("b", "file:///"))
    case.server.broken["CREATE STAGE `a`"] = StageExists("theirs")
    case.server.sent.clear()
    assert failing(case, "CREATE STAGE `b`", StageExists("taken"))
    assert not any("DROP" in text for text in case.server.sent)  # theirs is not ours to drop
