"""Connections: which are used again and which are not, and whose they are."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from select import select as select_readable

import pytest
from models import User
from sqlalchemy import event, exc, select, text

from matrixone import AsyncClient, Client, errors


def connection_id(client):
    return client.execute("SELECT CONNECTION_ID()").scalar()


def sockets(client):
    """The sockets of the connections that are used from now on."""
    engine = getattr(client, "wrapped", client).engine
    found = []

    def used(_connection, record, _proxy):
        driver = record.driver_connection
        found.append(driver._writer.get_extra_info("socket") if hasattr(driver, "_writer") else driver._sock)

    event.listen(getattr(engine, "sync_engine", engine), "checkout", used)
    return found


def test_a_connection_is_used_again(client):
    assert connection_id(client) == connection_id(client)


def test_a_connection_in_the_middle_of_a_reply_is_not_used_again(proxied, proxy, other):
    """Text that is not UTF-8 cannot be read (server-facts 25), and what follows it in the reply is left unread."""
    other.create_table(User)
    other.execute("INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'AndrX'), (3, 'Grace')")
    before = connection_id(proxied)
    proxy.change = (b"AndrX", b"Andr\xe9")
    with pytest.raises(exc.OperationalError, match="not UTF-8"):
        proxied.execute(select(User.name))
    assert connection_id(proxied) != before
    with pytest.raises(errors.TransactionAborted, match="unreadable"), proxied.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (4)"))
        with pytest.raises(exc.OperationalError, match="not UTF-8"):
            session.execute(select(User.name))
        session.execute(text("INSERT INTO users (id) VALUES (5)"))
    assert proxied.execute("SELECT count(*) FROM users").scalar() == 3


def test_a_connection_with_a_failed_export_is_not_used_again(client):
    """Its next export would go to a wrong path (server-facts 33)."""
    before = connection_id(client)
    with pytest.raises(exc.DBAPIError):
        client.execute("SELECT 1 INTO OUTFILE 'stage://none_such/x.csv'")
    assert connection_id(client) != before
    before = connection_id(client)
    with pytest.raises(exc.DBAPIError):
        client.execute("SELECT nothing")
    assert connection_id(client) == before


def test_a_connection_that_the_server_closed_is_replaced(client, other):
    used = sockets(client)
    before = connection_id(client)
    other.execute(f"KILL {before}")
    assert select_readable([used[0]], [], [], 20)[0], "the server did not hang up"
    assert connection_id(client) != before
    with client.session() as session:
        assert session.execute(text("SELECT 1")).scalar() == 1


def wait_until_closed(other, connection):
    while connection in other.execute("SELECT conn_id FROM information_schema.processlist").scalars().all():
        pass


@pytest.mark.parametrize("what", ["send and cut", "cut"])
def test_a_statement_that_may_have_run_is_not_repeated(proxied, proxy, other, what):
    other.create_table(User)
    proxy.rule = lambda statement, before: what if statement.startswith("INSERT") else "pass"
    with pytest.raises(exc.OperationalError):
        proxied.execute("INSERT INTO users (id) VALUES (1)")
    assert len(proxy.sent("INSERT")) == 1
    proxy.rule = lambda statement, before: "pass"
    assert proxied.execute("SELECT 1").scalar() == 1


def test_an_error_in_a_session_is_not_hidden_by_a_connection_that_is_lost_since(proxied, proxy):
    proxied.create_table(User)
    with pytest.raises(ZeroDivisionError), proxied.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        proxy.cut_all()
        raise ZeroDivisionError
    with proxied.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (2)"))
        proxy.cut_all()
        session.rollback()
        session.execute(text("INSERT INTO users (id) VALUES (3)"))
    assert proxied.execute("SELECT id FROM users").scalars().all() == [3]


def test_only_a_connection_that_was_idle_for_long_is_pinged(proxied, proxy, side, monkeypatch):
    proxied.execute("SELECT 1")
    assert proxy.pings == 0
    monkeypatch.setattr(f"matrixone_{side}.connection.IDLE_SECONDS", 0)
    proxied.execute("SELECT 1")
    assert proxy.pings == 1


def test_nothing_is_sent_beside_the_statement_and_its_commit(proxied, proxy):
    proxied.execute("SELECT 1")
    before = len(proxy.seen)
    for _ in range(3):
        proxied.execute("SELECT 1")
    assert proxy.seen[before:] == ["SELECT 1", "COMMIT"] * 3


def test_a_session_without_stages_sends_what_sqlalchemys_own_does(proxied, proxy, other):
    other.create_table(User)
    proxied.execute("SELECT 1")
    before = len(proxy.seen)
    with proxied.session() as session:
        session.add(User(id=1, name="x"))
        assert session.scalar(select(User.name)) == "x"
    assert [statement.split()[0] for statement in proxy.seen[before:]] == ["INSERT", "SELECT", "COMMIT"]


def test_keepalive_is_on(client):
    used = sockets(client)
    client.execute("SELECT 1")
    assert used[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def in_session(session, call):
    """Call a function with SQLAlchemy's blocking session, on either side."""
    return session.run_sync(call) if hasattr(session, "run_sync") else call(session)


def test_a_full_pool_says_so(new_client, matrixone_url):
    client = new_client(url=matrixone_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    client.connect()
    with client.session() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(errors.PoolExhausted, match="pool_size"):
            client.stage.list()
        for statement in ("SELECT 1", select(User)):
            with pytest.raises(errors.PoolExhausted, match="size 1"):
                client.execute(statement)
            with pytest.raises(errors.PoolExhausted, match="size 1"), client.stream(statement) as rows:
                next(rows)
        for use in (
            lambda other: other.execute(text("SELECT 1")),
            lambda other: other.scalars(select(User)),
            lambda other: other.get(User, 1),
            lambda other: other.connection(),
            lambda other: other.load_data.read_csv_stage("none_such", "x.csv", User),
            lambda other: other.add(User(id=1)) or other.commit(),
            lambda other: in_session(other, lambda inner: inner.bulk_save_objects([User(id=1)])),
        ):
            other = client.session()
            with pytest.raises(errors.PoolExhausted, match="size 1"):
                use(other)
            other.close()
    assert client.execute("SELECT 1").scalar() == 1


def test_disconnecting_closes_everything(new_client, matrixone_url, other, unique):
    client = new_client(url=matrixone_url)
    client.connect()
    ids = [connection_id(client)]
    with client.session() as session:
        session.stage.create(unique(), "file:///a/")  # over the reserve
    client.disconnect()
    for one in ids:
        wait_until_closed(other, one)
    with pytest.raises(errors.NotConnected):
        client.execute("SELECT 1")


def test_threads_share_a_client(client):
    client.create_table(User)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: client.execute(f"INSERT INTO users (id) VALUES ({number})"), range(1, 41)))
    assert client.execute("SELECT count(*) FROM users").scalar() == 40


def test_one_session_in_two_threads_at_once(proxy, database):
    with Client(url=proxy.url, database=database) as client, client.session() as session:
        session.execute(text("SELECT 1"))
        proxy.rule = lambda statement, before: "hold" if statement == "SELECT 'slow'" else "pass"
        thread = threading.Thread(target=lambda: session.execute(text("SELECT 'slow'")))
        thread.start()
        proxy.held.wait()
        sent = len(proxy.seen)
        for use in (
            lambda: session.execute(text("SELECT 2")),
            session.stage.list,
            session.commit,
            session.flush,
            session.rollback,
            session.close,
        ):
            with pytest.raises(errors.SessionInUse, match="a session of its own"):
                use()
        assert len(proxy.seen) == sent
        proxy.release()
        thread.join()
        assert session.execute(text("SELECT 2")).scalar() == 2


def test_one_session_in_two_tasks_at_once(proxy, database):
    async def main():
        async with AsyncClient(url=proxy.url, database=database) as client, client.session() as session:
            for calls in (
                [session.execute(text("SELECT 'a'")), session.execute(text("SELECT 'b'"))],
                [session.stage.list(), session.stage.list()],
                [session.execute(text("SELECT 'a'")), session.commit()],
                [session.execute(text("SELECT 'a'")), session.stage.exists("b")],
            ):
                sent = len(proxy.seen)
                first, second = await asyncio.gather(*calls, return_exceptions=True)
                assert not isinstance(first, BaseException)
                assert isinstance(second, errors.SessionInUse)
                assert len(proxy.seen) == sent + 1
            assert (await session.execute(text("SELECT 2"))).scalar() == 2

    asyncio.run(main())


def test_another_event_loop_is_a_clear_error(matrixone_url):
    client = AsyncClient(url=matrixone_url)

    async def connected():
        await client.connect()

    async def elsewhere():
        for call in (lambda: client.execute("SELECT 1"), client.stage.list):
            with pytest.raises(errors.WrongEventLoop, match="call connect"):
                await call()
        with pytest.raises(errors.WrongEventLoop):
            client.session()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(connected())
        second.run(elsewhere())
        assert first.run(client.execute("SELECT 7")).scalar() == 7
        assert "engine" in str(client.engine).lower()
        first.run(client.disconnect())
        second.run(client.connect())
        assert second.run(client.execute("SELECT 7")).scalar() == 7
        second.run(client.disconnect())
