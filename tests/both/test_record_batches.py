"""Results as record batches, which are read as they come."""

import pyarrow as pa
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from test_hostile_servers import REPLIES

from matrixone import errors


def test_batches_have_so_many_rows(numbers):
    with numbers.stream_arrow("SELECT n FROM numbers ORDER BY n", batch_rows=999) as stream:
        assert stream.schema.names == ["n"]
        batches = list(stream)
    assert [batch.num_rows for batch in batches] == [999] * 5 + [5]
    assert pa.Table.from_batches(batches).column("n").to_pylist() == list(range(5000))
    assert list(stream) == []
    assert [batch.num_rows for batch in numbers.stream_arrow("SELECT n FROM numbers")] == [5000]
    assert list(numbers.stream_arrow("SELECT n FROM numbers WHERE n < 0")) == []
    assert numbers.engine.pool.checkedout() == 0
    with pytest.raises(errors.InvalidArgument, match="batch_rows=0 must be a number of rows"):
        numbers.stream_arrow("SELECT 1", batch_rows=0)


def test_a_batch_ends_when_it_is_large(numbers, monkeypatch):
    monkeypatch.setattr("matrixone_core.operations.queries._BATCH_BYTES", 1 << 16)
    monkeypatch.setattr("matrixone_async.connection.READ_AT_ONCE", 1 << 12)
    monkeypatch.setattr("matrixone_sync.connection.READ_AT_ONCE", 1 << 12)
    batches = list(numbers.stream_arrow("SELECT n, REPEAT('x', 100) AS t FROM numbers"))
    assert sum(batch.num_rows for batch in batches) == 5000
    assert all(500 < batch.num_rows < 800 for batch in batches[:-1])


MANY = "SELECT a.n AS a, b.n AS b, REPEAT('x', 100) AS t FROM numbers a, numbers b"


def test_leaving_before_the_last_batch_closes_the_connection(numbers, proxied):
    before = proxied.execute("SELECT connection_id()").scalar()
    with proxied.stream_arrow(MANY, batch_rows=10) as stream:
        assert next(stream).num_rows == 10
        assert next(stream).num_rows == 10
    assert proxied.engine.pool.checkedout() == 0
    assert proxied.execute("SELECT connection_id()").scalar() != before
    with pytest.raises(ZeroDivisionError), proxied.stream_arrow(MANY) as stream:
        _ = next(stream), 1 / 0
    assert proxied.engine.pool.checkedout() == 0
    assert list(stream) == []


def test_leaving_before_the_last_batch_costs_the_pool_no_other_connection(numbers, proxied):
    def ids():
        with proxied.session() as one, proxied.session() as two:
            return {session.execute(text("SELECT connection_id()")).scalar() for session in (one, two)}

    before = ids()
    with proxied.stream_arrow(MANY, batch_rows=10) as stream:
        next(stream)
    ids()  # a pool that finds a closed connection takes all of that age for closed
    assert len(before & ids()) == 1


def test_a_stream_that_nobody_begins_or_that_has_ended(numbers):
    stream = numbers.stream_arrow("SELECT n FROM numbers")
    close = getattr(stream, "aclose", None) or stream.close
    close()
    assert list(stream) == []
    stream = numbers.stream_arrow("SELECT n FROM numbers", batch_rows=4999)
    assert next(stream).num_rows == 4999
    assert next(stream).num_rows == 1
    close = getattr(stream, "aclose", None) or stream.close
    close()  # all rows have come: the connection goes on
    assert numbers.engine.pool.checkedout() == 0


def test_a_stream_in_a_session(numbers):
    with numbers.session() as session:
        session.execute(text("INSERT INTO numbers VALUES (5000, 'new')"))
        assert sum(batch.num_rows for batch in session.stream_arrow("SELECT n FROM numbers", batch_rows=100)) == 5001
        with session.stream_arrow("SELECT n FROM numbers", batch_rows=10) as stream:
            assert next(stream).num_rows == 10
        assert session.execute(text("SELECT count(*) FROM numbers")).scalar() == 5001
        stream = session.stream_arrow("SELECT a.n FROM numbers a, numbers b WHERE b.n < 20", batch_rows=10)
        assert next(stream).num_rows == 10
        assert session.execute(text("SELECT 7")).scalar() == 7
        with pytest.raises(errors.InvalidArgument, match="another statement was sent on this connection"):
            for _ in range(100_000):
                next(stream)
        assert session.execute(text("SELECT 8")).scalar() == 8
    assert numbers.execute("SELECT count(*) FROM numbers").scalar() == 5001


def test_an_error_in_the_block_of_a_sessions_stream_ends_its_transaction(numbers):
    with (
        pytest.raises(errors.TransactionAborted, match="the rest of a result was not read"),
        numbers.session() as session,
    ):
        session.execute(text("INSERT INTO numbers VALUES (5000, 'new')"))
        with pytest.raises(ZeroDivisionError), session.stream_arrow(MANY, batch_rows=10) as stream:
            _ = next(stream), 1 / 0
        session.execute(text("SELECT 1"))
    assert numbers.execute("SELECT count(*) FROM numbers").scalar() == 5000
    assert numbers.engine.pool.checkedout() == 0


def break_among_rows(stream, proxy):
    next(stream)
    proxy.cut_all()
    with pytest.raises(DBAPIError, match="Lost connection"):
        for _ in range(100_000):
            next(stream)


def test_a_connection_that_breaks_among_the_rows(numbers, proxied, proxy):
    break_among_rows(proxied.stream_arrow(MANY, batch_rows=10), proxy)
    assert proxied.engine.pool.checkedout() == 0
    assert proxied.query_arrow("SELECT 1 AS a").num_rows == 1


def test_a_connection_that_breaks_in_a_session(numbers, proxied, proxy):
    with pytest.raises(errors.TransactionAborted, match="Lost connection"), proxied.session() as session:
        break_among_rows(session.stream_arrow(MANY, batch_rows=10), proxy)
    assert proxied.engine.pool.checkedout() == 0


@pytest.mark.parametrize("fault", REPLIES)
def test_what_is_no_reply(proxied, proxy, fault):
    proxy.rule = lambda statement, before: REPLIES[fault] if statement == "SELECT 41" else "pass"
    for call in (proxied.query_arrow, lambda sql: list(proxied.stream_arrow(sql))):
        with pytest.raises((DBAPIError, errors.ConnectionLost, errors.ServerError)) as caught:
            call("SELECT 41")
        assert any(words in str(caught.value) for words in ("malformed", "Lost connection", "UTF-8", "cannot be read"))
        assert proxied.query_arrow("SELECT 42 AS a").to_pylist() == [{"a": 42}]
    assert proxied.engine.pool.checkedout() == 0
