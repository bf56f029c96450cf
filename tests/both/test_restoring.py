"""Snapshots, restores, clones and point-in-time recoveries, on both clients."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from matrixone import (
    CommitIncomplete,
    DatabaseExists,
    DatabaseNotFound,
    InvalidArgument,
    NotSupported,
    PitrExists,
    PitrNotFound,
    RestoreFailed,
    ServerError,
    SnapshotLevel,
    SnapshotNotFound,
    TableExists,
    TableNotFound,
)
from matrixone_local import LocalServer


@pytest.fixture
def shop(client, database, unique):
    """A database with a table that another refers to, one that refers to itself, and a snapshot; then changes."""
    client.execute("CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20))")
    client.execute("CREATE TABLE orders (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES users(id))")
    client.execute("CREATE TABLE plain (id INT PRIMARY KEY, name VARCHAR(20))")
    client.execute("INSERT INTO users VALUES (1, 'a'), (2, 'b')")
    client.execute("INSERT INTO orders VALUES (1, 1)")
    client.execute("INSERT INTO plain VALUES (1, 'a')")
    name = unique("snapshot")
    client.snapshots.create(name, database=database)
    client.execute("UPDATE users SET name = 'z' WHERE id = 2")
    client.execute("INSERT INTO users VALUES (3, 'c')")
    client.execute("INSERT INTO plain VALUES (2, 'b')")
    yield name
    client.snapshots.drop(name, if_exists=True)


def rows(client, table):
    return [tuple(row) for row in client.execute(text(f"SELECT * FROM {table} ORDER BY id")).all()]


def test_snapshots_are_found_by_what_they_hold(client, database, shop, unique):
    of_table = unique("snapshot")
    client.snapshots.create(of_table, database=database, table="plain")
    assert client.snapshots.get(of_table.upper()).level == SnapshotLevel.TABLE
    assert client.snapshots.get(shop).level == SnapshotLevel.DATABASE
    assert client.snapshots.exists(shop)
    assert [found.name for found in client.snapshots.list(database=database, level="table")] == [of_table]
    assert [found.name for found in client.snapshots.list(database=database, table="PLAIN")] == [of_table]
    assert [found.name for found in client.snapshots.list(f"{shop[:-1]}_")] == [shop]
    client.snapshots.delete(of_table)
    assert not client.snapshots.exists(of_table)
    with pytest.raises(SnapshotNotFound, match="nobody_took_it"):
        client.snapshots.get("nobody_took_it")


def test_old_snapshots_are_pruned(client, database, unique):
    prefix = unique("prune")
    names = [f"{prefix}_{number}" for number in range(3)]
    for name in names:
        client.snapshots.create(name, database=database)
    assert client.snapshots.prune(prefix, older_than=timedelta(days=1)) == ()
    assert client.snapshots.prune(prefix, keep_last=0, older_than=datetime(2020, 1, 1, tzinfo=UTC)) == ()
    assert [dropped.name for dropped in client.snapshots.prune(prefix, keep_last=2)] == names[:1]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert [dropped.name for dropped in client.snapshots.prune(prefix, older_than=tomorrow)] == names[1:]


def test_a_restore_that_the_server_does_not_do_is_found(client, database, shop):
    plan = client.restore.table("users", shop, plan=True)
    assert not plan.executed
    assert f"restore {database}.users (3 -> 2 rows)" in str(plan)
    with pytest.raises(RestoreFailed, match=rf"{database}\.orders.*replace_rows=True") as caught:
        client.restore.table("users", shop)
    assert caught.value.tables == (f"{database}.users",)
    assert len(rows(client, "users")) == 3
    plan = client.restore.table("users", shop, replace_rows=True, plan=True)
    assert f"would restore {database}.users" in str(plan)
    assert f"restore {database}.users (3 -> 2 rows)" in str(plan)
    assert [statement.split()[0] for statement in plan.sql] == ["DELETE", "INSERT"]
    assert len(rows(client, "users")) == 3
    report = client.restore.table("users", shop, replace_rows=True)
    assert report.executed
    assert report.sql == plan.sql
    assert rows(client, "users") == [(1, "a"), (2, "b")]
    assert rows(client, "orders") == [(1, 1)]
    report = client.restore.table("plain", shop)
    assert report.executed
    assert [table.name for table in report.tables] == [f"{database}.plain"]
    assert rows(client, "plain") == [(1, "a")]


@pytest.mark.parametrize("key", [", PRIMARY KEY (a, b)", ""], ids=["a key of two columns", "no key"])
def test_rows_are_replaced_where_the_server_has_columns_of_its_own(client, database, unique, key):
    client.execute(f"CREATE TABLE t (a INT, b INT{key})")
    client.execute("INSERT INTO t VALUES (1, 1), (1, 2)")
    name = unique("snapshot")
    client.snapshots.create(name, database=database)
    client.execute("DELETE FROM t WHERE b = 1")
    report = client.restore.table("t", name, replace_rows=True)
    assert "(`a`, `b`)" in report.sql[1]
    assert client.execute("SELECT a, b FROM t ORDER BY b").all() == [(1, 1), (1, 2)]
    client.snapshots.drop(name)


def test_rows_that_others_refer_to_are_not_taken_from_them(client, shop):
    client.execute("INSERT INTO orders VALUES (2, 3)")
    with pytest.raises(RestoreFailed, match="1 row"):
        client.restore.table("users", shop, replace_rows=True)
    assert len(rows(client, "users")) == 3
    client.execute("DROP TABLE orders")
    client.execute("DROP TABLE users")
    for plan in (False, True):
        with pytest.raises(TableNotFound, match="users"):
            client.restore.table("users", shop, replace_rows=True, plan=plan)
    with pytest.raises(TableNotFound, match="later"):
        client.restore.table("later", shop)
    assert [table.change for table in client.restore.table("users", shop).tables] == ["create"]


@pytest.mark.parametrize("keys", ["", ", PRIMARY KEY (a, b)"])
def test_rows_are_replaced_of_tables_with_hidden_and_computed_columns(client, database, unique, keys):
    name = unique("snapshot")
    client.execute(f"CREATE TABLE t (a INT, b INT, total INT GENERATED ALWAYS AS (a + b) STORED{keys})")
    client.execute("INSERT INTO t (a, b) VALUES (1, 2)")
    client.snapshots.create(name, database=database)
    try:
        client.execute("UPDATE t SET b = 7")
        client.restore.table("t", name, replace_rows=True)
        assert [tuple(row) for row in client.execute("SELECT a, b, total FROM t").all()] == [(1, 2, 3)]
    finally:
        client.snapshots.drop(name)


@pytest.mark.parametrize("plan", [False, True])
def test_rows_of_a_table_that_was_not_there_are_not_replaced(client, shop, plan):
    client.execute("CREATE TABLE later (id INT)")
    client.execute("INSERT INTO later VALUES (1)")
    with pytest.raises(TableNotFound, match="later"):
        client.restore.table("later", shop, replace_rows=True, plan=plan)
    assert rows(client, "later") == [(1,)]


def test_a_database_is_restored(client, database, shop, copy_name):
    client.execute("CREATE TABLE later (id INT)")
    plan = client.restore.database(database, shop, plan=True)
    assert {table.name.split(".")[1]: table.change for table in plan.tables} == {
        "later": "drop", "orders": "restore", "plain": "restore", "users": "restore",
    }  # fmt: skip
    assert client.restore.database(database, shop, to=copy_name, plan=True).executed is False
    report = client.restore.database(database, shop, to=copy_name)
    assert [table.name for table in report.tables] == [f"{copy_name}.{name}" for name in ("orders", "plain", "users")]
    assert len(rows(client, f"{copy_name}.users")) == 2
    assert len(rows(client, "users")) == 3
    assert client.restore.restore_database(shop, "sys", database)
    assert rows(client, "users") == [(1, "a"), (2, "b")]
    assert client.execute("SHOW TABLES LIKE 'later'").all() == []


def test_a_table_that_another_database_refers_to(client, database, shop, copy_name):
    client.execute(f"CREATE DATABASE {copy_name}")
    client.execute(
        f"CREATE TABLE {copy_name}.c (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES {database}.users(id))"
    )
    with pytest.raises(RestoreFailed, match=rf"{copy_name}\.c") as caught:
        client.restore.database(database, shop)
    assert caught.value.tables == (f"{database}.users",)
    client.execute(f"DROP TABLE {copy_name}.c")


def test_a_table_that_refers_to_itself(client, database, unique):
    client.execute("CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES tree(id))")
    name = unique("snapshot")
    client.snapshots.create(name, database=database)
    client.execute("INSERT INTO tree VALUES (1, NULL)")
    with pytest.raises(RestoreFailed, match=r"\.tree"):
        client.restore.restore_table(name, "sys", database, "tree")
    client.snapshots.drop(name)


def test_tables_are_restored_into_others_and_cloned(client, shop, database, copy_name):
    report = client.restore.table("plain", shop, to="plain_then")
    assert report.sql[0].startswith(f"CREATE TABLE `{database}`.`plain_then` CLONE")
    assert rows(client, "plain_then") == [(1, "a")]
    client.clone.table("plain_now", "plain")
    client.clone.clone_table("plain_now", "plain", if_not_exists=True)
    assert len(rows(client, "plain_now")) == 2
    with pytest.raises(TableExists):
        client.clone.table("plain_now", "plain")
    with pytest.raises(DatabaseNotFound):
        client.clone.table("nobodys.plain", "plain")
    client.clone.clone_database(copy_name, database, shop)
    client.clone.database(copy_name, database, if_not_exists=True)
    with pytest.raises(DatabaseExists, match=f"{copy_name} already exists; if_not_exists=True leaves it as it is"):
        client.clone.database(copy_name, database)
    with pytest.raises(DatabaseExists, match="take another name"):
        client.restore.database(database, shop, to=copy_name)
    with pytest.raises(DatabaseNotFound, match="nobodys"):
        client.clone.database(f"{copy_name}2", "nobodys")
    with pytest.raises(SnapshotNotFound):
        client.clone.database(f"{copy_name}2", database, snapshot="nobody_took_it")


def test_clones_of_a_session_are_its_own(client, database, shop, copy_name, unique):
    later = unique("snapshot")
    session = client.session()
    session.clone.database(copy_name, database, snapshot=shop)
    session.clone.table("beside", "plain")
    assert session.restore.table("plain", shop, replace_rows=True).executed
    with pytest.raises(NotSupported, match="RESTORE"):
        session.restore.table("plain", shop)
    with pytest.raises(NotSupported, match="foreign_key_checks"):
        session.restore.table("users", shop, replace_rows=True)
    assert rows(session, "plain") == [(1, "a")]
    session.rollback()
    assert len(rows(client, "plain")) == 2
    assert client.execute(f"SHOW DATABASES LIKE '{copy_name}'").all() == []
    session.snapshots.create(later, database=database)
    session.clone.database(copy_name, database, snapshot=later)
    session.clone.table("from_later", "plain", snapshot=later)
    session.commit()
    session.close()
    assert len(rows(client, f"{copy_name}.users")) == 3
    assert len(rows(client, "from_later")) == 2
    client.snapshots.drop(later)


def test_a_clone_that_fails_after_the_commit(client, shop):
    session = client.session()
    session.clone.table("raced", "users")
    client.execute("CREATE TABLE raced (id INT)")
    with pytest.raises(CommitIncomplete, match="CLONE"):
        session.commit()
    session.close()


def test_a_session_clones_what_can_be_cloned(client, shop, database, copy_name):
    with client.session() as session:
        with pytest.raises(DatabaseExists, match="if_not_exists=True"):
            session.clone.database(database, database)
        with pytest.raises(TableExists):
            session.clone.table("plain", "users")
        with pytest.raises(TableNotFound):
            session.clone.table("beside", "nobodys")


def test_point_in_time_recoveries(client, database, unique):
    client.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    name = unique("pitr")
    made = client.pitr.create(name, timedelta(hours=2), database=database)
    assert (made.level, made.length, made.unit, made.database, made.table) == ("database", 2, "h", database, None)
    assert abs(made.created_time - datetime.now(UTC)) < timedelta(minutes=5)
    assert client.pitr.create(name, (2, "h"), database=database, if_not_exists=True).name == name
    with pytest.raises(PitrExists):
        client.pitr.create_database_pitr(name, database)
    assert client.pitr.alter(name, (3, "d")).length == 3
    assert made.name in [pitr.name for pitr in client.pitr.list()]
    with client.session() as session:
        assert session.pitr.get(name).unit == "d"
        with pytest.raises(NotSupported, match="DROP PITR"):
            session.pitr.drop(name)
    with pytest.raises(ServerError, match="less than the pitr valid time"):
        client.restore.table("t", pitr=name, at=datetime(2001, 1, 1, tzinfo=UTC))
    client.pitr.delete(name)
    client.pitr.drop(name, if_exists=True)
    with pytest.raises(PitrNotFound):
        client.pitr.drop(name)
    with pytest.raises(PitrNotFound):
        client.pitr.get(name)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({}, "either"), ({"snapshot": "s", "pitr": "p"}, "either"), ({"pitr": "p"}, "together"),
     ({"pitr": "p", "at": datetime(2026, 1, 1)}, "time zone"), ({"snapshot": "a b"}, "snapshot name")],
)  # fmt: skip
def test_moments_that_cannot_be(client, arguments, says):
    with pytest.raises(InvalidArgument, match=says):
        client.restore.database("d", **arguments)


@pytest.fixture
def account_settings(session_admin, matrixone_url, unique):
    """The settings of an administrator whose account nobody else uses: a new one, or that of a local server."""
    name = unique("account")
    try:
        session_admin.execute(f"CREATE ACCOUNT {name} ADMIN_NAME 'boss' IDENTIFIED BY 'secret123'")
    except DBAPIError:  # a local server has one account
        with LocalServer() as server:
            yield {"url": server.url}
    else:
        yield {"url": matrixone_url, "account": name, "user": "boss", "password": "secret123"}
        session_admin.execute(f"DROP ACCOUNT {name}")


@pytest.fixture
def own(new_client, account_settings):
    """A client in an account of its own, with a database `shop`."""
    client = new_client(**account_settings, time_zone="+00:00").connect()
    client.execute("CREATE DATABASE shop")
    client.create_table("shop.goods", {"id": "int", "name": "varchar(20)"}, primary_key="id")
    client.insert("shop.goods", [(1, "lamp"), (2, "desk")])
    yield client
    client.disconnect()


def test_an_account_is_restored(own):
    own.snapshots.create("whole")
    own.execute("CREATE DATABASE later")
    own.create_table("later.t", {"id": "int"})
    own.execute("DELETE FROM shop.goods WHERE id = 2")
    own.create_table("shop.more", {"id": "int"})
    changes = {"later.t": "drop", "shop.goods": "restore", "shop.more": "drop"}
    plan = own.restore.account("whole", plan=True)
    assert {table.name: table.change for table in plan.tables} == changes
    assert [(table.rows_now, table.rows_then) for table in plan.tables if table.name == "shop.goods"] == [(1, 2)]
    assert own.execute("SELECT count(*) FROM shop.goods").scalar() == 1
    with own.session() as session:
        assert session.restore.account("whole", plan=True).tables == plan.tables
        with pytest.raises(NotSupported, match="RESTORE ACCOUNT"):
            session.restore.account("whole")
    report = own.restore.account("whole")
    assert report.executed
    assert {table.name: table.change for table in report.tables} == changes
    assert own.execute("SELECT id, name FROM shop.goods ORDER BY id").all() == [(1, "lamp"), (2, "desk")]
    assert "later" not in own.execute("SHOW DATABASES").scalars().all()
    own.execute("DROP DATABASE shop")
    assert own.restore.restore_tenant("whole", "its name is not needed")
    assert own.execute("SELECT count(*) FROM shop.goods").scalar() == 2


def test_snapshots_that_restore_no_account(own):
    own.snapshots.create("part", database="shop")
    with pytest.raises(InvalidArgument, match="not one of an account"):
        own.restore.account("part")
    with pytest.raises(SnapshotNotFound, match="nobody_took_it"):
        own.restore.account("nobody_took_it")


def server_time(client):
    return client.execute("SELECT now(6)").scalar().replace(tzinfo=UTC)


@pytest.fixture
def moment(own):
    """A moment that a point-in-time recovery covers; then changes."""
    recovery = own.pitr.create("recovery", timedelta(hours=1), database="shop")
    while (moment := server_time(own)) - recovery.created_time < timedelta(seconds=1):
        pass  # the recovery's own time has no fraction, and it covers nothing before itself
    own.execute("DELETE FROM shop.goods WHERE id = 1")
    yield moment
    own.pitr.drop("recovery")


def test_a_table_of_a_point_in_time_is_restored(own, moment):
    report = own.restore.table("shop.goods", pitr="recovery", at=moment)
    assert [(table.name, table.change) for table in report.tables] == [("shop.goods", "restore")]
    assert own.execute("SELECT id FROM shop.goods ORDER BY id").scalars().all() == [1, 2]


def test_a_database_of_a_point_in_time_is_restored(own, moment):
    own.create_table("shop.more", {"id": "int"})
    assert own.restore.database("shop", pitr="recovery", at=moment).executed
    assert own.execute("SELECT id FROM shop.goods ORDER BY id").scalars().all() == [1, 2]
    assert own.execute("SHOW TABLES FROM shop").scalars().all() == ["goods"]


def test_a_point_in_time_is_planned(own, moment, account_settings):
    own.create_table("shop.more", {"id": "int"})
    if "account" not in account_settings:  # a local server stores no definitions of a time
        with pytest.raises(ServerError, match="the local server has no definitions of a time"):
            own.restore.database("shop", pitr="recovery", at=moment, plan=True)
        return
    plan = own.restore.database("shop", pitr="recovery", at=moment, plan=True)
    assert {table.name: (table.change, table.rows_now, table.rows_then) for table in plan.tables} == {
        "shop.goods": ("restore", 1, 2), "shop.more": ("drop", 0, None),
    }  # fmt: skip
    assert own.restore.database("shop", pitr="recovery", at=moment, to="shop_then").executed
    assert own.execute("SELECT count(*) FROM shop_then.goods").scalar() == 2
    own.execute("DROP TABLE shop.goods")
    assert own.restore.database("shop", pitr="recovery", at=moment).executed
    assert own.execute("SELECT id FROM shop.goods ORDER BY id").scalars().all() == [1, 2]
