"""Errors that end a session's transaction, and those that leave it as it is."""

import pytest
from models import User
from session_rules import ROWS, at_the_commit
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from matrixone import errors


def test_a_lost_connection_ends_the_session(users, proxied, proxy, other, unique):
    name = unique()
    with pytest.raises(errors.TransactionAborted, match="rolled back"), proxied.session() as session:
        session.stage.create(name, "file:///a/")
        session.execute(insert(User).values(id=1))
        proxy.cut_all()
        with pytest.raises(OperationalError):
            session.execute(text("SELECT 1"))
        sent = len(proxy.seen)
        for use in (
            lambda: session.execute(text("SELECT 1")),
            lambda: session.scalar(select(func.count(User.id))),
            session.stage.list,
            lambda: session.load_data.read_csv_stage(name, "x.csv", User),
            session.commit,
            session.flush,
        ):
            with pytest.raises(errors.TransactionAborted, match="roll the session back"):
                use()
        assert len(proxy.seen) == sent
    assert not other.stage.exists(name)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0
    with proxied.session() as session:
        session.add(User(id=5))
    assert other.execute("SELECT id FROM users").scalars().all() == [5]


def test_a_lock_timeout_ends_the_session(impatient, other, unique):
    """Server-facts 15: what was inserted before it is undone, and a COMMIT would commit what came after it."""
    name = unique()
    other.execute("INSERT INTO users (id, name) VALUES (1, 'x')")
    with other.session() as holder:
        holder.execute(text("UPDATE users SET name = 'y' WHERE id = 1"))
        session = impatient.session()
        session.stage.create(name, "file:///a/")
        session.execute(text("INSERT INTO users (id) VALUES (2)"))
        with pytest.raises(OperationalError, match="[Ll]ock"):
            session.execute(text("UPDATE users SET name = 'z' WHERE id = 1"))
        with pytest.raises(errors.TransactionAborted, match="LockTimeout") as caught:
            session.execute(text("INSERT INTO users (id) VALUES (3)"))
        assert caught.value.retryable
        with pytest.raises(errors.TransactionAborted):
            session.commit()
        session.rollback()
        session.execute(text("INSERT INTO users (id) VALUES (4)"))
        session.commit()
        session.close()
    assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 4]
    assert not other.stage.exists(name)


def in_session(session, call):
    """Call a function with SQLAlchemy's blocking session, on either side."""
    return session.run_sync(call) if hasattr(session, "run_sync") else call(session)


def load(session, stage):
    session.load_data.read_csv_stage(stage, "users.csv", User)


def inspect_table(session, _):
    in_session(session, lambda inner: inspect(inner.connection()).get_columns("users"))


def set_the_option(session, _):
    in_session(session, lambda inner: inner.connection().execution_options(skip_user_error_events=True))


def begin_with_the_option(session, _):
    session.connection(execution_options={"skip_user_error_events": True})


UNWATCHED = pytest.mark.parametrize("first", [load, inspect_table, set_the_option, begin_with_the_option])


@UNWATCHED
def test_nothing_switches_a_sessions_errors_off(impatient, other, files, unique, first):
    """SQLAlchemy's inspector sets `skip_user_error_events` on the connection, and leaves it there."""
    files.put("users.csv", ROWS)
    stage = unique()
    impatient.stage.create_local(stage, files.folder)
    other.execute("INSERT INTO users (id, name) VALUES (11, 'x')")
    with other.session() as holder:
        holder.execute(text("UPDATE users SET name = 'y' WHERE id = 11"))
        with pytest.raises(errors.TransactionAborted, match="LockTimeout"), impatient.session() as session:
            first(session, stage)
            session.execute(text("INSERT INTO users (id) VALUES (12)"))
            with pytest.raises(OperationalError, match="[Ll]ock"):
                session.execute(text("UPDATE users SET name = 'z' WHERE id = 11"))
            session.execute(text("INSERT INTO users (id) VALUES (13)"))
    assert other.execute("SELECT id FROM users").scalars().all() == [11]


@UNWATCHED
def test_nothing_makes_another_error_of_a_commit_without_an_answer(
    users, proxied, proxy, *, other, files, unique, first
):
    files.put("users.csv", ROWS)
    source, stage = unique(), unique()
    users.stage.create_local(source, files.folder)
    proxy.rule = at_the_commit("send and cut")
    with pytest.raises(errors.CommitUnknown) as caught, proxied.session() as session:
        first(session, source)
        session.stage.create(stage, "file:///a/")
        session.execute(text("INSERT INTO users (id) VALUES (12)"))
    assert caught.value.stages == (stage,)
    assert other.stage.exists(stage)


def test_other_errors_leave_the_session_as_it_is(users, other):
    """Server-facts 15: a failed statement leaves the transaction open."""
    with users.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        with pytest.raises(Exception, match="[Dd]uplicate"):
            session.execute(text("INSERT INTO users (id) VALUES (1)"))
        session.execute(text("INSERT INTO users (id) VALUES (2)"))
    assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 2]


@pytest.mark.parametrize("last", [{"id": 1}, {"nonsense": 1}], ids=["refused", "no row"])
def test_an_insert_that_fails_in_its_second_batch_ends_the_session(users, last):
    rows = [*({"id": number} for number in range(1, 600)), last]
    session = users.session()
    with pytest.raises(errors.LoadPartiallyApplied, match="500 rows before it"):
        session.insert(User, rows)
    with pytest.raises(errors.TransactionAborted, match="LoadPartiallyApplied"):
        session.commit()
    session.close()
    with users.session() as session:
        with pytest.raises((errors.DuplicateKey, errors.InvalidArgument)):
            session.insert(User, [{"id": 1}, last])
        session.insert(User, {"id": 7})
    assert users.execute("SELECT id FROM users").scalars().all() == [7]
