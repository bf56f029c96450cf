"""What follows a COMMIT, what is left of it after an error, and how that is resumed."""

import pickle

import pytest
from script import texts
from session_case import FAILURES, ROW, Case, Stopped

from matrixone_core.errors import (
    CommitIncomplete,
    ConnectionLost,
    NotConnected,
    ServerError,
)
from matrixone_core.operations import snapshots, stages
from matrixone_core.sql.past import CloneDatabase, CloneTable


@pytest.mark.parametrize("error", FAILURES[:3], ids=repr)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_follows_the_commit_and_fails_can_be_resumed(at, error):
    case = Case({})
    case.do(stages.create("new", "file:///"))
    case.do(stages.alter("old", comment="x"))
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    steps = ["ALTER STAGE `old` SET COMMENT='x'", "CREATE SNAPSHOT `q` FOR ACCOUNT", "CREATE SNAPSHOT `r` FOR ACCOUNT"]
    case.server.run(case.work.create_stages())
    case.confirm_commit()
    case.server.broken[steps[at]] = error
    with pytest.raises(CommitIncomplete, match=str(error)) as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert texts(caught.value.committed) == ["CREATE STAGE `new` URL='file:///'", "COMMIT", *steps[:at]]
    assert texts(caught.value.pending) == steps[at:]
    with pytest.raises(CommitIncomplete) as again:
        caught.value.resume()
    assert again.value.pending == caught.value.pending
    case.server.broken = {}
    case.server.sent.clear()
    again.value.resume()
    looks = ["outside: SHOW SNAPSHOTS"] if at and type(error) is not ServerError else []
    assert case.server.sent == looks + [f"outside: {text}" for text in steps[at:]]
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.pending) == (str(caught.value), caught.value.pending)
    with pytest.raises(NotConnected, match="by hand"):
        twin.resume()


@pytest.mark.parametrize("taken", [True, False])
def test_a_snapshot_without_an_answer_is_looked_for_when_resumed(taken):
    case = Case()
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    case.server.run(case.work.create_stages())
    case.confirm_commit()
    case.server.broken["CREATE SNAPSHOT `q`"] = ConnectionLost("lost")
    with pytest.raises(CommitIncomplete) as caught:
        case.server.run(case.work.after_end(case.server.run))
    case.server.broken = {}
    case.server.snapshots = ["q"] if taken else []
    case.server.sent.clear()
    caught.value.resume()
    left = ["outside: CREATE SNAPSHOT `q` FOR ACCOUNT", "outside: CREATE SNAPSHOT `r` FOR ACCOUNT"]
    assert case.server.sent == ["outside: SHOW SNAPSHOTS", *left[taken:]]


CLONES = {
    "SELECT schema_name": CloneDatabase("d2", "d", None),
    "SELECT column_name": CloneTable(("d", "t2"), ("d", "t"), None),
}


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("question", CLONES)
def test_a_clone_without_an_answer_is_looked_for_when_resumed(question, done):
    case = Case()
    case.work.pending.clones += [CLONES[question]]
    case.do(snapshots.create("q", "account"))
    case.confirm_commit()
    case.server.broken["CREATE TABLE"] = case.server.broken["CREATE DATABASE"] = ConnectionLost("lost")
    with pytest.raises(CommitIncomplete) as caught:
        case.server.run(case.work.after_end(case.server.run))
    case.server.broken = {}
    case.server.empty = () if done else (question,)
    case.server.sent.clear()
    caught.value.resume()
    asked, *sent = case.server.sent
    assert asked.startswith(f"outside: {question}")
    assert sent == [f"outside: {text}" for text in texts(caught.value.pending)[done:]]


@pytest.mark.parametrize("done", [True, False])
def test_a_replaced_stage_without_an_answer_is_looked_for_when_resumed(done):
    case = Case({})
    case.do(stages.drop("old"))
    case.do(stages.create("old", "file:///new/"))
    case.confirm_commit()
    create = "CREATE STAGE `old` URL='file:///new/'"
    case.server.broken[create] = ConnectionLost("lost")
    with pytest.raises(CommitIncomplete) as caught:
        case.server.run(case.work.after_end(case.server.run))
    case.server.broken = {}
    case.server.stages = [{**ROW, "url": "file:///new/", "comment": "", "stage_credentials": ""}] if done else []
    assert texts(caught.value.pending) == [create]
    case.server.sent.clear()
    caught.value.resume()
    assert case.server.sent[1:] == [f"outside: {create}"][done:]


@pytest.mark.parametrize("at", [0, 1])
def test_a_cancellation_after_the_commit_says_what_is_left(at):
    case = Case()
    steps = ["CREATE SNAPSHOT `q` FOR ACCOUNT", "CREATE SNAPSHOT `r` FOR ACCOUNT"]
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    case.confirm_commit()
    case.server.broken[steps[at]] = Stopped()
    with pytest.raises(Stopped) as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert caught.value.__notes__ == [f"the rows are committed, but not all that follows: {'; '.join(steps[at:])}"]
