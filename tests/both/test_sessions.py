"""Sessions: rows, stages and snapshots succeed or fail together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from models import User
from session_rules import ROWS
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from matrixone import SnapshotLevel, errors


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
    client.stage.create(name, "file:///a/", credentials={"AWS_SECRET_KEY": "secret"}, comment="old")
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


@pytest.mark.parametrize(
    "end", ["/* x */ COMMIT WORK", "ROLLBACK", "BEGIN", "START TRANSACTION", "LOCK TABLES users READ"]
)
def test_a_statement_that_would_end_the_transaction_is_refused(users, other, unique, end):
    """A ROLLBACK would have taken the rows back, and the commit would create the stage all the same."""
    name = unique()
    with users.session() as session:
        session.add(User(id=1))
        session.stage.create(name, "file:///a/")
        session.flush()
        with pytest.raises(errors.InvalidArgument, match=r"session\.rollback\(\)"):
            session.execute(text(end))
        session.rollback()
    assert not other.stage.exists(name)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0


def test_autocommit_stays_off_in_a_session(users, other):
    with users.session() as session:
        session.add(User(id=1))
        session.flush()
        with pytest.raises(errors.InvalidArgument, match="autocommit stays off"):
            session.execute(text("SET autocommit=1"))
        session.rollback()
    users.execute("SET autocommit=1")  # as each call of a client commits; the next session has another connection
    with users.session() as session:
        session.add(User(id=1))
        session.flush()
        session.rollback()
    assert other.execute("SELECT count(*) FROM users").scalar() == 0


def test_what_a_session_changes_on_its_connection_ends_with_it(users, database, unique, session_admin):
    """The next call that had the connection would load into another table, or read times in another zone."""
    elsewhere = unique("db")
    session_admin.execute(f"CREATE DATABASE {elsewhere}")
    try:
        for statement in (f"USE {elsewhere}", "SET time_zone = '+09:00'", "CREATE TEMPORARY TABLE passing (a INT)"):
            with users.session() as session:
                session.execute(text(statement))
            found = users.execute("SELECT DATABASE(), @@time_zone <> '+09:00'").one()
            assert found == (database, True), statement
            with pytest.raises(SQLAlchemyError):
                users.execute("SELECT * FROM passing")
    finally:
        session_admin.execute(f"DROP DATABASE {elsewhere}")


def test_nested_transactions_are_refused(users):
    with users.session() as session, pytest.raises(errors.NotSupported, match="no savepoints"), session.begin_nested():
        pass


def test_a_connections_own_commit_is_refused(users, other, unique):
    name = unique()
    with pytest.raises(errors.InvalidArgument, match=r"session\.commit\(\)"), users.session() as session:
        session.stage.create(name, "file:///a/")
        session.add(User(id=1))
        session.flush()
        session.connection().commit()
    assert not other.stage.exists(name)
    assert other.execute("SELECT count(*) FROM users").scalar() == 0


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


def test_a_stage_in_a_stage_that_the_session_alters(users, files, unique):
    files.put("old/users.csv", "1,Old,o@x.org,1\n")
    files.put("new/users.csv", "2,New,n@x.org,1\n")
    outer, inner = unique(), unique()
    users.stage.create_local(outer, f"{files.folder}/old")
    users.stage.create(inner, f"stage://{outer}/")
    with users.session() as session:
        session.stage.alter(outer, url=f"file://{files.folder}/new")
        session.load_data.read_csv_stage(inner, "users.csv", User)
    assert users.execute(select(User.name)).scalars().all() == ["New"]


def test_stages_of_a_session_that_are_inside_each_other(users, unique):
    first, second = unique(), unique()
    with users.session() as session:
        session.stage.create(first, f"stage://{second}/x/")
        session.stage.create(second, f"stage://{first}/x/")
        with pytest.raises(errors.InvalidArgument, match="inside itself"):
            session.load_data.read_csv_stage(first, "users.csv", User)
        session.rollback()
