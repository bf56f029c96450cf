"""A session's COMMIT that fails, or is not answered: what stays, what is undone, what can be resumed."""

import pytest
from models import User
from session_rules import at_the_commit

from matrixone import errors


def test_a_name_that_is_taken_at_the_commit(users, other, unique):
    first, taken = unique(), unique()
    with pytest.raises(errors.StageExists, match=taken), users.session() as session:
        session.stage.create(first, "file:///a/")
        session.stage.create(taken, "file:///a/")
        session.add(User(id=1))
        other.stage.create(taken, "file:///theirs/")
    assert not other.stage.exists(first)
    assert other.stage.get(taken).url == "file:///theirs/"
    assert other.execute("SELECT count(*) FROM users").scalar() == 0
    with users.session() as session:
        session.stage.create(first, "file:///a/", if_not_exists=True)
        session.add(User(id=1))
        other.stage.create(first, "file:///theirs/")
    assert other.stage.get(first).url == "file:///theirs/"
    assert other.execute("SELECT count(*) FROM users").scalar() == 1


def test_what_fails_after_the_commit_can_be_resumed(users, other, unique):
    stage, snapshot, later = unique(), unique("p"), unique("p")
    with pytest.raises(errors.CommitIncomplete, match=f"{snapshot}.*resume") as caught, users.session() as session:
        session.stage.create(stage, "file:///a/")
        session.add(User(id=1))
        session.snapshots.create(snapshot, "account")
        session.snapshots.create(later, "account")
        other.snapshots.create(snapshot, "account")
    assert list(map(str, caught.value.committed)) == [f"CREATE STAGE `{stage}` URL='file:///a/'", "COMMIT"]
    assert [statement.name for statement in caught.value.pending] == [snapshot, later]
    assert other.stage.exists(stage)
    assert other.execute("SELECT count(*) FROM users").scalar() == 1
    other.snapshots.drop(snapshot)
    resumed(users, caught.value)
    assert {snapshot, later} <= {one.name for one in other.snapshots.list()}


def test_rows_that_are_committed_without_what_follows_are_named(users, other, unique):
    snapshot = unique("p")
    with pytest.raises(errors.CommitIncomplete, match=snapshot) as caught, users.session() as session:
        session.add(User(id=1))
        session.snapshots.create(snapshot, "account")
        other.snapshots.create(snapshot, "account")
    assert list(map(str, caught.value.committed)) == ["COMMIT"]
    assert [statement.name for statement in caught.value.pending] == [snapshot]
    assert other.execute("SELECT count(*) FROM users").scalar() == 1


def resumed(client, error):
    """Resume, on either side."""
    if hasattr(client, "portal"):
        client.portal.call(error.resume)
    else:
        error.resume()


@pytest.mark.parametrize("what", ["send and cut", "cut"])
def test_a_commit_without_an_answer(users, proxied, proxy, other, unique, what):
    stage, snapshot = unique(), unique("p")
    proxy.rule = at_the_commit(what)
    with pytest.raises(errors.CommitUnknown) as caught, proxied.session() as session:
        session.stage.create(stage, "file:///a/")
        session.add(User(id=1))
        session.snapshots.create(snapshot, "account")
    assert caught.value.stages == (stage,)
    assert [statement.name for statement in caught.value.pending] == [snapshot]
    assert other.stage.exists(stage)
    assert other.execute("SELECT count(*) FROM users").scalar() in ((0,) if what == "cut" else (0, 1))
    assert snapshot not in [one.name for one in other.snapshots.list()]
    assert proxied.execute("SELECT 1").scalar() == 1


def test_a_commit_that_the_server_refuses(users, proxied, proxy, other, unique):
    stage, snapshot = unique(), unique("p")
    proxy.rule = at_the_commit("garble")
    with pytest.raises(errors.ServerError), proxied.session() as session:
        session.stage.create(stage, "file:///a/")
        session.add(User(id=1))
        session.snapshots.create(snapshot, "account")
    assert not other.stage.exists(stage)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0
    assert snapshot not in [one.name for one in other.snapshots.list()]
    assert proxied.engine.pool.checkedout() == 0


@pytest.mark.parametrize("what", ["send and cut", "cut"])
def test_a_stage_creation_without_an_answer(users, proxied, proxy, other, unique, what):
    first, second = unique(), unique()
    proxy.rule = lambda statement, before: what if f"CREATE STAGE `{second}`" in statement else "pass"
    with pytest.raises(errors.ConnectionLost), proxied.session() as session:
        session.stage.create(first, "file:///a/")
        session.stage.create(second, "file:///a/")
        session.add(User(id=1))
    assert not other.stage.exists(first)
    assert not other.stage.exists(second)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0
