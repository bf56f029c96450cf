"""Sessions that are repeated after a lost connection or a lock."""

from itertools import count

import pytest
from models import User
from session_rules import ROWS
from sqlalchemy import text

from matrixone import errors


def load_once(client, side, stage, calls):
    """Load a stage's file and data in a session that is repeated, beside stages, snapshots and rows."""

    def work(session):
        calls.append(1)
        session.stage.exists(stage)
        session.snapshots.drop("none_such", if_exists=True)
        session.load_data.read_csv_stage(stage, "users.csv", User)
        session.load_data.read_csv(b"3,x,x,1\n", User)
        session.execute(text("INSERT INTO users (id) VALUES (12)"))

    async def work_async(session):
        calls.append(1)
        await session.stage.exists(stage)
        await session.snapshots.drop("none_such", if_exists=True)
        await session.load_data.read_csv_stage(stage, "users.csv", User)
        await session.load_data.read_csv(b"3,x,x,1\n", User)
        await session.execute(text("INSERT INTO users (id) VALUES (12)"))

    client.run_in_session(work if side == "sync" else work_async)


@pytest.mark.timeout(300)  # a whole session for each statement that may break
@pytest.mark.parametrize("what", ["send and cut", "cut"])
def test_a_session_with_a_load_is_repeated_wherever_its_connections_break(
    users, new_client, proxy, *, database, other, files, unique, side, monkeypatch, what
):
    """Whichever of its statements is not answered; but for its own COMMIT, which nobody can know about."""
    monkeypatch.setattr("matrixone_core.session.retry.FIRST_PAUSE", 0)
    files.put("users.csv", ROWS)
    stage = unique()
    users.stage.create_local(stage, files.folder)

    def connected():
        client = new_client(url=proxy.url, database=database)
        client.connect()
        return client

    def breaking_at(number):
        """A rule that breaks the connection at the statement of this number, and whether that is the session's COMMIT."""
        left, own = iter(range(number + 1)), []

        def rule(statement, before):
            if next(left, None) != number:
                return "pass"
            own.append(statement == "COMMIT" and any("VALUES (12)" in one for one in before))
            return what

        return rule, own

    for number in count():
        other.execute("DELETE FROM users")
        client, calls = connected(), []
        proxy.rule, own = breaking_at(number)
        try:
            load_once(client, side, stage, calls)
        except errors.CommitUnknown:
            assert own == [True]
            break
        assert own == [False]
        assert len(calls) == 2
        assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 2, 3, 12]
        client.disconnect()
    assert number > 10


def test_a_session_is_repeated_after_a_lock_timeout(impatient, other, side):
    other.execute("INSERT INTO users (id, name) VALUES (1, 'x')")
    holder = other.session()
    holder.execute(text("UPDATE users SET name = 'y' WHERE id = 1"))
    calls = []

    def before():
        calls.append(len(calls))
        if len(calls) == 2:
            holder.commit()
            holder.close()

    def work(session):
        before()
        session.execute(text(f"INSERT INTO users (id) VALUES (1{len(calls)})"))
        return session.execute(text("UPDATE users SET name = 'z' WHERE id = 1")).rowcount

    async def work_async(session):
        before()
        await session.execute(text(f"INSERT INTO users (id) VALUES (1{len(calls)})"))
        return (await session.execute(text("UPDATE users SET name = 'z' WHERE id = 1"))).rowcount

    assert impatient.run_in_session(work if side == "sync" else work_async) == 1
    assert calls == [0, 1]
    assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 12]
    assert other.execute("SELECT name FROM users WHERE id = 1").scalar() == "z"
