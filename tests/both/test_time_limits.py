"""Statements that take longer than they may are stopped on the server."""

import threading

import pytest
from interruptions import SLOW, connections_in_use
from models import User
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from matrixone import errors


def test_a_statement_that_takes_too_long_is_stopped(users, proxied, proxy, unique, files, big):
    stage = unique()
    users.stage.create_local(stage, files.folder)
    with pytest.raises(OperationalError, match="longer than its limit of 0.2 s") as caught:
        proxied.execute(SLOW, timeout=0.2)
    assert caught.value.orig.args[0] == 3024
    with pytest.raises(errors.StatementTimeout, match="0.02 s"):  # a real server may load it in 0.2 s
        proxied.load_data.read_csv_stage(stage, big, User, timeout=0.02)
    assert len(proxy.sent("KILL QUERY")) >= 2
    with pytest.raises(errors.TransactionAborted, match="StatementTimeout") as caught, proxied.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        with pytest.raises(OperationalError):
            session.execute(text(SLOW), execution_options={"timeout": 0.2})
        session.execute(text("SELECT 1"))
    assert not caught.value.retryable
    assert users.execute("SELECT count(*) FROM users").scalar() == 0
    assert proxied.engine.pool.checkedout() == 0


@pytest.mark.parametrize("options", [{}, {"no_parameters": True}])
def test_a_time_limit_in_a_session(client, options):
    with client.session() as session:
        with pytest.raises(OperationalError, match="limit of 0.2 s"):
            session.execute(text(SLOW), execution_options={"timeout": 0.2, **options})
        session.rollback()
        assert session.execute(text("SELECT SLEEP(0.3)"), execution_options=options).scalar() == 0


def test_a_time_limit_for_the_whole_client(new_client, matrixone_url, database):
    client = new_client(url=matrixone_url, database=database, timeout=0.2)
    client.connect()
    with pytest.raises(OperationalError, match="0.2 s"):
        client.execute(SLOW)
    assert client.execute("SELECT SLEEP(0.4)", timeout=20).scalar() == 0
    with client.session() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(OperationalError, match="0.2 s"), client.stream(SLOW) as rows:
        list(rows)
    with client.stream("SELECT 3", timeout=5) as rows:
        assert [row[0] for row in rows] == [3]


def test_a_statements_time_limit_does_not_count_for_connecting(new_client, proxy, database):
    """SQLAlchemy asks a server that it connects to for the first time what it is."""
    client = new_client(url=proxy.url, database=database, timeout=1)
    asked = []

    def rule(statement, before):
        if not statement.startswith("SELECT @@") or asked:
            return "pass"
        asked.append(statement)
        threading.Timer(1.5, proxy.release).start()
        return "hold"

    proxy.rule = rule
    client.connect()
    assert asked


def test_a_time_limit_does_not_count_for_what_comes_after_its_statement(new_client, proxy, database, side):
    """SQLAlchemy sets autocommit on the connection of the statement before."""
    client = new_client(url=proxy.url, database=database)
    client.connect()
    client.execute("SELECT 1", timeout=0.2)

    def rule(statement, before):
        if statement != "SET autocommit=1":
            return "pass"
        threading.Timer(0.5, proxy.release).start()
        return "hold"

    async def scalar():
        async with engine.connect() as connection:
            return await connection.scalar(text("SELECT 2"))

    proxy.rule = rule
    engine = client.engine.execution_options(isolation_level="AUTOCOMMIT")
    if side == "async":
        assert client.portal.call(scalar) == 2
    else:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 2")) == 2


def ready_to_kill(client, monkeypatch, side):
    """Have a connection for KILL, and only then little patience: logging in may take longer than that."""
    with pytest.raises(OperationalError, match="longer than"):
        client.execute("SELECT SLEEP(5)", timeout=0.2)
    monkeypatch.setattr(f"matrixone_{side}.connection.STOP_SECONDS", 1)


def test_what_outlives_the_kill_is_closed(new_client, proxy, database, users, monkeypatch, side):
    """A statement that waits for a hanging S3 endpoint survives KILL (server-facts 16)."""
    client = new_client(url=proxy.url, database=database)
    client.connect()
    ready_to_kill(client, monkeypatch, side)
    before = len(proxy.sent("KILL QUERY"))
    proxy.rule = lambda statement, before: "hold" if statement.startswith("INSERT") else "pass"
    with pytest.raises(OperationalError, match="longer than"), client.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"), execution_options={"timeout": 0.2})
    assert len(proxy.sent("KILL QUERY")) == before + 3  # it may have been too early
    assert client.engine.pool.checkedout() == 0
    proxy.release()
    assert client.execute("SELECT 1").scalar() == 1
    assert users.execute("SELECT count(*) FROM users").scalar() == 0


def test_what_runs_outside_the_transaction_is_stopped_too(new_client, proxy, database, unique, monkeypatch, side):
    client = new_client(url=proxy.url, database=database, timeout=1)
    client.connect()
    ready_to_kill(client, monkeypatch, side)
    before = len(proxy.sent("KILL QUERY"))
    proxy.rule = lambda statement, before: "hold" if statement.startswith("CREATE STAGE") else "pass"
    with pytest.raises(errors.StatementTimeout, match="1 s"), client.session() as session:
        session.stage.create(unique(), "file:///a/")
    assert len(proxy.sent("KILL QUERY")) == before + 3
    assert connections_in_use(client) == 0


def test_a_kill_that_is_lost_is_reported(new_client, proxy, database, caplog, side):
    client = new_client(url=proxy.url, database=database)
    client.connect()
    proxy.rule = lambda statement, before: "cut" if statement.startswith("KILL") else "pass"
    with pytest.raises(OperationalError, match="longer than"):
        client.execute("SELECT SLEEP(1)", timeout=0.2)
    assert "may still run on the server" in caplog.text
