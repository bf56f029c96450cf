"""Sessions: rows, stages and snapshots succeed or fail together."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from models import User
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from matrixone import SnapshotLevel, errors

ROWS = "1,Ada,a@x.org,36\n2,Grace,g@x.org,45\n"


@pytest.fixture
def users(client):
    client.create_table(User)
    return client


class No(Exception):
    pass


def test_all_of_it_is_there_after_the_block(users, other, files, unique):
    files.put("users.csv", ROWS)
    stage, snapshot = unique(), unique("p")
    with users.session() as session:
        made = session.stage.create_local(stage, files.folder, comment="it's")
        assert (made.name, made.comment, made.created_time) == (stage, "it's", None)
        assert session.load_data.read_csv_stage(stage, "users.csv", User).rows == 2
        session.add(User(id=3, name="Edsger"))
        assert session.scalars(select(func.count(User.id))).one() == 3
        session.snapshots.create(snapshot, SnapshotLevel.DATABASE, other.execute("SELECT DATABASE()").scalar())
        assert [one.name for one in session.snapshots.list() if one.name == snapshot] == [snapshot]
        assert session.stage.get(stage) == made
        assert repr(session).endswith("as root, 2 pending changes>")
        assert not other.stage.exists(stage)
        assert snapshot not in [one.name for one in other.snapshots.list()]
        assert other.execute(select(func.count(User.id))).scalar() == 0
    assert other.stage.get(stage).comment == "it's"
    assert other.execute(select(User.name).order_by(User.id)).scalars().all() == ["Ada", "Grace", "Edsger"]
    assert snapshot in [one.name for one in other.snapshots.list()]
    other.execute(f"DELETE FROM users {'WHERE id < 3'}")
    then = other.execute(f"SELECT count(*) FROM users {{snapshot='{snapshot}'}}").scalar()
    assert then == 3


def test_the_guides_transaction_with_several_stages(client, other, files, unique, database):
    """The guide's "Atomic Stage Creation", "Complex Transaction" and "Async Transaction", on both sides."""
    files.put("users.csv", ROWS)
    files.put("orders.csv", "1,1,9.5\n2,2,3.25\n")
    imports, exports, snapshot = unique(), unique(), unique("p")
    client.create_table(User)
    client.execute("CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, amount FLOAT)")
    with client.session() as session:
        session.stage.create_local(imports, files.folder)
        session.stage.create_s3(exports, "backup-bucket", "exports/", "key", "secret")
        session.load_data.read_csv_stage(imports, "users.csv", table=User)
        session.load_data.read_csv_stage(imports, "orders.csv", table="orders")
        session.execute(insert(User).values(name="Admin", email="admin@example.com"))
        assert session.execute(select(func.count(User.id))).scalar() == 3
        assert len(session.execute(select(User)).scalars().all()) == 3
        session.snapshots.create(name=snapshot, level=SnapshotLevel.DATABASE, database=database)
        assert other.execute("SELECT count(*) FROM orders").scalar() == 0
    assert other.stage.exists(imports)
    assert other.stage.get(exports).url == "s3://backup-bucket/exports/"
    assert other.execute(f"SELECT count(*) FROM orders {{snapshot='{snapshot}'}}").scalar() == 2
    assert other.execute("SELECT count(*) FROM users").scalar() == 3


def test_nothing_of_it_is_there_after_an_exception(users, other, files, unique):
    files.put("users.csv", ROWS)
    stage, snapshot = unique(), unique("p")
    with pytest.raises(No), users.session() as session:
        session.stage.create_local(stage, files.folder)
        session.load_data.read_csv_stage(stage, "users.csv", User)
        session.snapshots.create(snapshot, "account")
        session.execute(insert(User).values(id=9))
        raise No
    assert not other.stage.exists(stage)
    assert snapshot not in [one.name for one in other.snapshots.list()]
    assert other.execute(select(func.count(User.id))).scalar() == 0


def test_pending_changes_show_at_once(client, other, unique):
    first, second, third = unique("k_a"), unique("k_b"), unique("k_c")
    client.stage.create(first, "file:///a/")
    client.stage.create(second, "file:///b/")
    with client.session() as session:
        session.stage.create(third, f"stage://{first}/x/")
        assert session.stage.alter(first, comment="new", url="file:///c/").url == "file:///c/"
        session.stage.drop(second)
        names = [stage.name for stage in session.stage.list("k\\_%") if stage.name in (first, second, third)]
        assert names == sorted([first, third])
        assert not session.stage.exists(second)
        with pytest.raises(errors.StageNotFound, match=second):
            session.stage.get(second)
        with pytest.raises(errors.StageExists, match=third):
            session.stage.create(third, "file:///")
        assert session.stage.create(third, "file:///", if_not_exists=True).url == f"stage://{first}/x/"
        with pytest.raises(errors.StageNotFound):
            session.stage.drop(second)
        session.stage.drop(second, if_exists=True)
        assert other.stage.get(first).comment == ""
        assert other.stage.exists(second)
    assert (other.stage.get(first).url, other.stage.get(first).comment) == ("file:///c/", "new")
    assert not other.stage.exists(second)
    assert other.stage.get(third).url == f"stage://{first}/x/"


def test_a_stage_dropped_and_made_anew(client, other, unique):
    name = unique()
    client.stage.create(name, "file:///a/", credentials={"K": "secret"}, comment="old")
    with client.session() as session:
        session.stage.drop(name)
        session.stage.create(name, "file:///b/")
        session.stage.alter(name, enable=False)
        assert other.stage.get(name).comment == "old"
    found = other.stage.get(name)
    assert (found.url, found.comment, found.enabled, dict(found.credentials)) == ("file:///b/", "", False, {})


def test_loads_read_stages_as_the_session_has_them(users, files, unique, tmp_path):
    files.put("users.csv", ROWS)
    files.put("sub/users.csv", "7,Sub,s@x.org,1\n")
    stage, below = unique(), unique()
    users.stage.create_local(stage, "/nowhere/")
    with users.session() as session:
        session.stage.alter(stage, url=f"file://{files.folder}")
        assert session.load_data.read_csv_stage(stage, "users.csv", User).rows == 2
        session.stage.create(below, f"stage://{stage}/sub/")
        report = session.load_data.read_csv_stage(below, "users.csv", User)
        assert (report.rows, report.files[0].path) == (1, f"stage://{below}/users.csv")
        assert session.scalar(select(func.count(User.id))) == 3
        with pytest.raises(errors.StageFileNotFound):
            session.load_data.read_csv_stage(below, "none.csv", User)
        session.stage.alter(below, enable=False)
        with pytest.raises(errors.StageDisabled, match=below):
            session.load_data.read_csv_stage(below, "users.csv", User)
        session.stage.drop(below)
        with pytest.raises(errors.StageNotFound, match=below):
            session.load_data.read_csv_stage(below, "users.csv", User)
    assert users.execute(select(func.count(User.id))).scalar() == 3
    assert not users.stage.exists(below)


def test_a_pending_stage_on_s3(users, bucket, moto_url, unique):
    stage = unique()
    with users.session() as session:
        session.stage.create_s3(stage, bucket, "data/", "key", "secret", endpoint=moto_url)
        loaded = session.load_data.read_csv_stage(stage, "users.csv", User, ignore_lines=1)
        session.execute(text("DELETE FROM users"))
        packed = session.load_data.read_csv_stage(stage, "users_gz_noext", User, ignore_lines=1, compression="gzip")
        assert packed.rows == loaded.rows > 0
    assert users.execute(select(func.count(User.id))).scalar() == loaded.rows
    assert users.stage.get(stage).credentials["PROVIDER"] == "minio"


def test_snapshots_are_checked_when_they_are_asked_for(users, database, unique):
    taken, name = unique("p"), unique("p")
    users.snapshots.create(taken, "table", database, "users")
    with users.session() as session:
        with pytest.raises(errors.SnapshotExists, match=taken):
            session.snapshots.create(taken, "account")
        with pytest.raises(errors.DatabaseNotFound, match="none_such"):
            session.snapshots.create(name, "database", "none_such")
        with pytest.raises(errors.TableNotFound, match="none"):
            session.snapshots.create(name, "table", database, "none")
        session.snapshots.create(name, "table", database, "users")
        with pytest.raises(errors.SnapshotExists):
            session.snapshots.create(name, "account")
        session.snapshots.drop(name)
        with pytest.raises(errors.SnapshotNotFound):
            session.snapshots.drop(name)
        session.snapshots.drop(name, if_exists=True)
        session.snapshots.drop(taken)
        assert taken not in [one.name for one in session.snapshots.list()]
        assert taken in [one.name for one in users.snapshots.list()]
    left = [one.name for one in users.snapshots.list()]
    assert taken not in left
    assert name not in left


def test_commit_in_the_middle_of_a_block(users, other, unique):
    first, second = unique(), unique()
    with pytest.raises(No), users.session() as session:
        session.stage.create(first, "file:///a/")
        session.add(User(id=1, name="x"))
        session.commit()
        assert other.stage.exists(first)
        assert other.execute("SELECT count(*) FROM users").scalar() == 1
        session.stage.create(second, "file:///b/")
        session.add(User(id=2))
        raise No
    assert not other.stage.exists(second)
    assert other.execute("SELECT count(*) FROM users").scalar() == 1


def test_rollback_in_the_middle_of_a_block(users, other, unique):
    first, second = unique(), unique()
    with users.session() as session:
        session.stage.create(first, "file:///a/")
        session.add(User(id=1))
        session.flush()
        session.rollback()
        assert not session.stage.exists(first)
        session.stage.create(second, "file:///b/")
        session.add(User(id=2))
    assert not other.stage.exists(first)
    assert other.stage.exists(second)
    assert other.execute("SELECT id FROM users").scalars().all() == [2]


def test_sqlalchemys_own_ways_to_commit(users, other, unique):
    first, second = unique(), unique()
    session = users.session()
    with session.begin():
        session.stage.create(first, "file:///a/")
        session.add(User(id=1))
    assert other.stage.exists(first)
    with pytest.raises(No), session.begin():
        session.stage.create(second, "file:///a/")
        raise No
    session.close()
    assert not other.stage.exists(second)
    assert other.execute("SELECT count(*) FROM users").scalar() == 1


def test_a_commit_that_would_go_around_the_session_is_refused(users, other, unique):
    name = unique()
    with pytest.raises(No), users.session() as session:
        session.execute(text("COMMIT"))  # nothing is pending: as SQLAlchemy has it
        session.stage.create(name, "file:///a/")
        with pytest.raises(errors.InvalidArgument, match=r"session\.commit\(\)"):
            session.execute(text(" commit ;"))
        raise No
    assert not other.stage.exists(name)


def test_nested_transactions_are_refused(users):
    with users.session() as session, pytest.raises(errors.NotSupported, match="no savepoints"), session.begin_nested():
        pass


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


def at_the_commit(what):
    """A rule for the COMMIT of the transaction with the rows; stages are created over other connections."""

    def rule(statement, before):
        return what if statement == "COMMIT" and any(one.startswith("INSERT") for one in before) else "pass"

    return rule


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


def test_a_connections_own_commit_is_refused(users, other, unique):
    name = unique()
    with pytest.raises(errors.InvalidArgument, match=r"session\.commit\(\)"), users.session() as session:
        session.stage.create(name, "file:///a/")
        session.add(User(id=1))
        session.flush()
        session.connection().commit()
    assert not other.stage.exists(name)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0


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


@pytest.fixture
def impatient(new_client, matrixone_url, database, users):
    client = new_client(url=matrixone_url, database=database, lock_timeout=1)
    client.connect()
    return client


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


def load_once(client, side, stage, calls):
    """Load in a session that is repeated, beside stages, snapshots and rows."""

    def work(session):
        calls.append(1)
        session.stage.exists(stage)
        session.snapshots.drop("none_such", if_exists=True)
        session.load_data.read_csv_stage(stage, "users.csv", User)
        session.execute(text("INSERT INTO users (id) VALUES (12)"))

    async def work_async(session):
        calls.append(1)
        await session.stage.exists(stage)
        await session.snapshots.drop("none_such", if_exists=True)
        await session.load_data.read_csv_stage(stage, "users.csv", User)
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
        assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 2, 12]
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


def test_other_errors_leave_the_session_as_it_is(users, other):
    """Server-facts 15: a failed statement leaves the transaction open."""
    with users.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        with pytest.raises(Exception, match="[Dd]uplicate"):
            session.execute(text("INSERT INTO users (id) VALUES (1)"))
        session.execute(text("INSERT INTO users (id) VALUES (2)"))
    assert sorted(other.execute("SELECT id FROM users").scalars()) == [1, 2]


def test_sessions_that_commit_stages_at_once_do_not_wait_for_the_pool(
    new_client, matrixone_url, database, users, unique
):
    client = new_client(url=matrixone_url, database=database, pool_size=5, max_overflow=0, pool_timeout=10)
    client.connect()
    names = [unique() for _ in range(5)]
    together = threading.Barrier(5)

    def one(number):
        with client.session() as session:
            session.add(User(id=number + 1))  # 0 would ask for the next number
            session.flush()
            together.wait(30)  # all five connections are out
            session.stage.create(names[number], "file:///a/")

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(one, range(5)))
    assert all(client.stage.exists(name) for name in names)
    assert client.execute("SELECT count(*) FROM users").scalar() == 5


def test_who_may_not_create_stages_hears_so_when_asking(new_client, matrixone_url, ordinary_user, database, unique):
    client = new_client(url=matrixone_url, database=database, **ordinary_user)
    client.connect()
    with client.session() as session:
        for ask in (
            lambda: session.stage.create(unique(), "file:///a/"),
            lambda: session.snapshots.create(unique(), "account"),
        ):
            with pytest.raises(errors.PermissionDenied):
                ask()
        assert isinstance(session.stage.list(), tuple)
