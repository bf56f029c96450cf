"""Connecting, executing, streaming, by both clients."""

import asyncio
import gc
import socket
import threading

import pytest
from models import Base, User
from sqlalchemy import Column, ForeignKey, Integer, create_engine, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import joinedload, relationship

from matrixone import AsyncClient, errors


def sync_pool(client):
    return client.engine.pool


# -- connecting ---------------------------------------------------------------------------------------------------


def test_a_closed_port(new_client):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(errors.ConnectionFailed, match="refused") as caught:
        new_client(port=port, password="sesame").connect()
    assert f"127.0.0.1:{port} as root" in str(caught.value)
    assert caught.value.retryable
    assert "sesame" not in str(caught.value)
    assert caught.traceback[-1].name == "connect"  # no frame of the pool and the driver is shown


def test_a_wrong_password(new_client, matrixone_url):
    with pytest.raises(errors.ConnectionFailed, match=r"(?i)access denied|password") as caught:
        new_client(url=matrixone_url, password="sesame").connect()
    assert not caught.value.retryable
    assert "sesame" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_an_unknown_database(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    with pytest.raises(errors.ConnectionFailed, match="no_such_database"):
        client.connect(database="no_such_database")
    with pytest.raises(errors.NotConnected, match="connect"):
        client.execute("SELECT 1")


def test_a_server_that_says_nothing(new_client):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = new_client(port=listening.getsockname()[1], connect_timeout=0.2)
        with pytest.raises(errors.ConnectionFailed, match="timed out"):
            client.connect()


def test_a_client_is_a_context_manager_and_shows_where_it_is(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    assert "not connected" in repr(client)
    assert repr(client.connect()) == repr(client)
    client.disconnect()
    with client:
        assert client.execute("SELECT 1").scalar() == 1
        assert "as root" in repr(client)
    for call in (lambda: client.execute("SELECT 1"), client.session, client.stage.list, lambda: client.engine):
        with pytest.raises(errors.NotConnected, match="connect"):
            call()


def test_connecting_anew_leaves_the_old_connection_until_the_new_one_is_made(new_client, matrixone_url, database):
    client = new_client(url=matrixone_url)
    client.connect(database=database)
    with pytest.raises(errors.ConnectionFailed):
        client.connect(password="wrong")
    assert client.execute("SELECT DATABASE()").scalar() == database
    client.connect()
    assert client.execute("SELECT DATABASE()").scalar() in {None, ""}
    with client:  # connected already
        pass


def test_settings_come_from_the_environment(new_client, matrixone_url, database, monkeypatch):
    monkeypatch.setenv("MATRIXONE_URL", matrixone_url)
    monkeypatch.setenv("MATRIXONE_DATABASE", database)
    client = new_client()
    client.connect()
    assert client.execute("SELECT DATABASE()").scalar() == database


def test_settings_of_the_session_reach_the_server(new_client, matrixone_url):
    client = new_client(url=matrixone_url, time_zone="+08:00", lock_timeout=7)
    client.connect()
    zone, seconds = client.execute("SELECT @@time_zone, @@lock_wait_timeout").one()
    assert (zone, int(seconds)) == ("+08:00", 7)


def test_settings_of_the_pool_reach_the_pool(new_client, matrixone_url):
    client = new_client(url=matrixone_url, pool_size=2, max_overflow=0, pool_timeout=0.1, pool_recycle=77)
    client.connect()
    pool = sync_pool(client)
    assert (pool.size(), pool._max_overflow, pool._timeout, pool._recycle) == (2, 0, 0.1, 77)
    with client.session() as one, client.session() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
        with pytest.raises(errors.PoolExhausted, match="pool_size"):
            client.stage.list()
    assert client.stage.exists("nothing") is False


def test_account_and_role_make_the_login(new_client, matrixone_url):
    client = new_client(url=matrixone_url, account="sys", role="moadmin")
    client.connect()
    assert "as sys:root:moadmin" in repr(client)
    assert client.execute("SELECT 1").scalar() == 1


def test_read_timeout_ends_a_wait_for_an_answer(new_client, proxy):
    client = new_client(url=proxy.url, read_timeout=1, connect_timeout=1)
    client.connect()
    proxy.silent = True
    with pytest.raises((errors.ConnectionLost, errors.ConnectionFailed)):
        client.stage.list()


def test_a_lost_connection_in_a_session(new_client, proxy, database, unique, files):
    files.put("a.csv", "1\n")
    client = new_client(url=proxy.url, database=database)
    client.connect()
    client.execute("CREATE TABLE t (id INT)")
    stage = client.stage.create_local(unique(), files.folder).name
    with pytest.raises(errors.ConnectionLost) as caught, client.session() as session:
        session.execute(text("INSERT INTO t VALUES (7)"))
        proxy.cut_all()
        session.load_data.read_csv_stage(stage, "a.csv", "t")
    assert caught.value.retryable
    assert client.execute("SELECT count(*) FROM t").scalar() == 0  # on a new connection


def test_a_commit_whose_answer_never_comes(new_client, proxy, database):
    client = new_client(url=proxy.url, database=database, read_timeout=2)
    client.connect()
    client.execute("CREATE TABLE t (id INT)")
    with pytest.raises(errors.CommitUnknown, match="may have committed or not") as caught, client.session() as session:
        session.execute(text("INSERT INTO t VALUES (7)"))
        proxy.silent = True
    assert not caught.value.retryable


def test_wait_keeps_trying_while_a_server_starts(new_client):
    import matrixone_local

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    server = matrixone_local.LocalServer(port=port)
    starting = threading.Thread(target=server.start)
    client = new_client(port=port, wait=60)
    starting.start()
    try:
        client.connect()
        assert client.execute("SELECT 1").scalar() == 1
        client.disconnect()
    finally:
        starting.join()
        server.stop()


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_tls(new_client, mode, tls_server):
    server, authority = tls_server
    options = {} if mode == "required" else {"ssl_ca": authority}
    client = new_client(host="localhost", port=server.port, ssl_mode=mode, **options)
    client.connect()
    assert client.execute("SELECT 1").scalar() == 1
    if mode != "required":
        with pytest.raises(errors.ConnectionFailed, match=r"(?i)certificate"):
            new_client(host="localhost", port=server.port, ssl_mode=mode).connect()


def test_tls_ends_before_the_event_loop_does(tls_server):
    """No socket is left to the garbage collector, which warns of it."""
    server, _ = tls_server

    async def ask():
        async with AsyncClient(
            host="localhost", port=server.port, user="root", password="111", ssl_mode="required"
        ) as client:
            assert (await client.execute("SELECT 1")).scalar() == 1

    for _ in range(10):
        asyncio.run(ask())
        gc.collect()


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    import trustme

    import matrixone_local

    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    with matrixone_local.LocalServer(ssl_cert=folder / "cert.pem", ssl_key=folder / "key.pem") as server:
        yield server, str(folder / "ca.pem")


# -- executing ----------------------------------------------------------------------------------------------------


def test_execute_text_and_statements(client):
    client.create_table(User)
    assert (
        client.execute("INSERT INTO users VALUES (:id, :name, NULL, 3)", {"id": 1, "name": "it's :x %s"}).rowcount == 1
    )
    assert client.execute(insert(User.__table__), [{"id": 2, "name": "b"}, {"id": 3, "name": "c"}]).rowcount == 2
    client.execute(insert(User), [{"id": 4, "name": "d"}])
    client.execute(delete(User).where(User.id == 4))
    assert client.execute("SELECT ':x', '%s', '{\"a\":1}', 5 % 3").one() == (":x", "%s", '{"a":1}', 2)
    assert client.execute(select(User.name).where(User.id == 1)).scalar() == "it's :x %s"
    users = client.execute(select(User).order_by(User.id)).scalars()
    assert [(type(user), user.id) for user in users] == [(User, 1), (User, 2), (User, 3)]
    assert client.execute(select(func.count()).select_from(User)).scalar_one() == 3
    assert client.execute(text("SELECT id FROM users WHERE id > :least ORDER BY id"), {"least": 1}).scalars().all() == [
        2,
        3,
    ]
    assert client.execute("SELECT id, name FROM users WHERE id = 2").mappings().one() == {"id": 2, "name": "b"}


def test_what_is_refused_raises_as_sqlalchemy_does(client):
    with pytest.raises(DBAPIError, match="nope"):
        client.execute("SELECT * FROM nope")
    with pytest.raises(errors.InvalidArgument):
        client.execute(None)


def test_eager_loading(client):
    class Parent(Base):
        __tablename__ = "parents"
        id = Column(Integer, primary_key=True)
        children = relationship("Child")

    class Child(Base):
        __tablename__ = "children"
        id = Column(Integer, primary_key=True)
        parent = Column(Integer, ForeignKey(Parent.id))

    try:
        client.create_table(Parent)
        client.create_table(Child)
        with client.session() as session:
            session.add(Parent(id=1, children=[Child(id=1), Child(id=2)]))
        found = client.execute(select(Parent).options(joinedload(Parent.children))).unique().scalars().all()
        assert [child.id for child in found[0].children] == [1, 2]
    finally:
        for model in (Child, Parent):
            Base.metadata.remove(model.__table__)
        Base.registry._dispose_cls(Child)
        Base.registry._dispose_cls(Parent)


def test_a_write_on_a_fresh_connection_is_read_on_another(new_client, matrixone_url, database):
    """Flags that claim autocommit after any SET have lost the first write of fresh connections (server-facts 41)."""
    for number in range(3):
        writer, reader = (new_client(url=matrixone_url, database=database) for _ in "12")
        writer.connect(time_zone="+00:00")
        reader.connect()
        if number == 0:
            writer.execute("CREATE TABLE t (id INT)")
        writer.execute(f"INSERT INTO t VALUES ({number})")
        assert reader.execute("SELECT count(*) FROM t").scalar() == number + 1


# -- streaming ----------------------------------------------------------------------------------------------------


@pytest.fixture
def many(client):
    """A query with 20,000 rows."""
    client.execute("CREATE TABLE n (i INT PRIMARY KEY)")
    client.execute(text("INSERT INTO n VALUES (:i)"), [{"i": i} for i in range(100)])
    return "SELECT a.i * 10000 + b.i * 100 + c.i AS i FROM n a, n b, (SELECT i FROM n WHERE i < 2) c"


def test_stream_gives_every_row(client, many):
    with client.stream(many, batch=500) as rows:
        assert len({row.i for row in rows}) == 20_000
    with client.stream("SELECT i FROM n WHERE i < :most", {"most": 3}) as rows:
        assert sorted(row[0] for row in rows) == [0, 1, 2]
    assert sync_pool(client).checkedout() == 0


def test_stream_gives_models(client):
    client.create_table(User)
    client.execute(insert(User), [{"id": i, "name": str(i)} for i in range(1, 11)])
    with client.stream(select(User).order_by(User.id), batch=3) as rows:
        assert [row.User.id for row in rows] == list(range(1, 11))


def test_a_stream_left_early_gives_its_connection_back(client, many):
    for _ in range(3):
        with client.stream(many, batch=10) as rows:
            assert next(iter(rows)) is not None
        assert sync_pool(client).checkedout() == 0
    with pytest.raises(ZeroDivisionError), client.stream(many, batch=10) as rows:
        1 / 0
    assert sync_pool(client).checkedout() == 0
    with client.stream(many, batch=10) as rows:
        rows.close()
    assert client.execute("SELECT count(*) FROM n").scalar() == 100


def test_streams_that_cannot_be(client):
    with pytest.raises(errors.InvalidArgument, match="batch=0"):
        client.stream("SELECT 1", batch=0)
    with pytest.raises(DBAPIError), client.stream("SELECT * FROM nope"):
        pass
    assert sync_pool(client).checkedout() == 0


# -- sessions -----------------------------------------------------------------------------------------------------


def test_a_session_is_sqlalchemys(client):
    client.create_table(User)
    with client.session() as session:
        user = User(id=1, name="a")
        session.add(user)
        session.flush()
        assert session.get(User, 1) is user
        session.commit()
        session.add(User(id=2, name="b"))
    assert user.name == "a"  # readable after the commit
    assert client.execute(select(func.count(User.id))).scalar() == 2
    with client.session() as session:
        session.execute(insert(User).values(id=3))
        session.rollback()
    assert client.execute(select(func.count(User.id))).scalar() == 2
    assert sync_pool(client).checkedout() == 0


def test_what_a_session_is_refused(client):
    with client.session() as session:
        with pytest.raises(errors.NotSupported, match="no savepoints"), session.begin_nested():
            session.execute(text("SELECT 1"))
        session.rollback()
    with pytest.raises(InvalidRequestError), client.session() as session:
        session.refresh(User())


def test_tables_are_transactional_in_a_session(client):
    with pytest.raises(ZeroDivisionError), client.session() as session:
        session.execute(text("CREATE TABLE t (id INT)"))
        session.execute(text("INSERT INTO t VALUES (1)"))
        1 / 0
    with pytest.raises(DBAPIError):
        client.execute("SELECT * FROM t")
    with client.session() as session:
        session.execute(text("CREATE TABLE t (id INT)"))
        session.execute(text("INSERT INTO t VALUES (1)"))
    assert client.execute("SELECT count(*) FROM t").scalar() == 1


def test_create_and_drop_of_one_table(client):
    client.create_table(User, if_not_exists=False)
    with pytest.raises(errors.TableExists):
        client.create_table(User, if_not_exists=False)
    client.create_table(User)
    client.drop_table(User, if_exists=False)
    with pytest.raises(errors.TableNotFound):
        client.drop_table(User, if_exists=False)
    client.drop_table(User)


# -- the dialect, without a client --------------------------------------------------------------------------------


def test_autocommit_of_an_engine_is_true(matrixone_url, database):
    url = matrixone_url.replace("mysql://", "matrixone+pymysql://") + f"/{database}"
    writer, reader = create_engine(url, isolation_level="AUTOCOMMIT"), create_engine(url)
    with writer.connect() as connection, reader.connect() as other:
        connection.execute(text("CREATE TABLE t (id INT)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
        assert other.execute(text("SELECT count(*) FROM t")).scalar() == 1
    with writer.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.execute(text("INSERT INTO t VALUES (2)"))
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 1
    writer.dispose()
    reader.dispose()
