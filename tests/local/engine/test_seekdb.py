"""The relay's own connections to its engine."""

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
