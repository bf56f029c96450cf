"""The relay's own connections to its engine."""

from contextlib import ExitStack, closing

import pymysql
import pytest

from matrixone_local.protocol.packets import ConnectionClosed


def test_a_connection_that_the_engine_ends_is_a_closed_one(matrixone_server):
    """As a client's thread knows it: when a server stopped, each client in the middle of a query left a traceback."""
    engine = matrixone_server._running._engine
    with pytest.raises(ConnectionClosed), engine.session() as cursor:
        cursor.execute("SELECT connection_id()")
        with engine.session() as other:
            other.execute(f"KILL {cursor.fetchone()[0]}")
        while True:  # the engine takes a moment to end it
            cursor.execute("SELECT 1")


def test_what_the_engine_refuses_is_no_closed_connection(matrixone_server):
    with (
        pytest.raises(pymysql.OperationalError, match="Unknown column"),
        matrixone_server._running._engine.session() as cursor,
    ):
        cursor.execute("SELECT nothing")


def test_the_engine_logs_no_definitions(matrixone_server, sql):
    """Half a megabyte of each table that is made and dropped took more of the processor than the table itself."""
    log = matrixone_server._running._folder / "engine/log/seekdb.log"
    before = log.stat().st_size
    for _ in range(5):
        sql("CREATE TABLE t (id INT PRIMARY KEY)")
        sql("DROP TABLE t")
    assert log.stat().st_size - before < 100_000


def test_connections_of_the_relays_own_are_used_again(matrixone_server, sql):
    """A new one for each statement about a stage, a snapshot or a definition took longer than the statement."""
    engine = matrixone_server._running._engine

    def connection_id():
        with engine.session() as cursor:
            cursor.execute("SELECT connection_id()")
            return cursor.fetchone()[0]

    first = connection_id()
    assert connection_id() == first
    assert first not in [row[1] for row in sql("SHOW PROCESSLIST")]  # they are no clients


def test_a_connection_whose_state_was_changed_is_not_used_again(matrixone_server):
    engine = matrixone_server._running._engine
    with engine.session() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
    with engine.session() as cursor:
        cursor.execute("SELECT @@foreign_key_checks")
        assert cursor.fetchone() == (1,)


def test_a_connection_that_was_ended_meanwhile_is_not_used_again(matrixone_server):
    engine = matrixone_server._running._engine
    with engine.session() as cursor:
        cursor.execute("SELECT connection_id()")
        [ended] = cursor.fetchone()
    with closing(pymysql.connect(unix_socket=engine._socket, user=engine.user, ssl_disabled=True)) as other:
        other.cursor().execute(f"KILL {ended}")
    with engine.session() as cursor:
        cursor.execute("SELECT connection_id()")
        assert cursor.fetchone() != (ended,)


def test_a_connection_that_is_not_needed_is_closed(matrixone_server):
    engine = matrixone_server._running._engine
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(engine.session()).execute("SELECT 1")
    assert 0 < len(engine._idle) < 10


def test_a_relay_that_stops_keeps_no_connection(matrixone_server, monkeypatch):
    engine = matrixone_server._running._engine
    monkeypatch.setattr(engine, "_is_open", False)
    with engine.session() as cursor:
        cursor.execute("SELECT connection_id()")
        mine = cursor.connection
    assert not mine.open
