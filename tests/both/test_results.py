"""Results as Arrow tables, frames and record batches, by both clients."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from models import User
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload
from test_hostile_servers import REPLIES

from matrixone import VECF32, VECF64, errors
from matrixone_core.columnar.decoding import Decoder

NULL, SLOW = None, "SELECT SLEEP(60)"
TYPES = {  # a column's type: its Arrow type, a value as SQL, the value
    "BOOL": (pa.bool_(), "TRUE", True),
    "TINYINT": (pa.int8(), "-128", -128),
    "TINYINT UNSIGNED": (pa.uint8(), "255", 255),
    "SMALLINT": (pa.int16(), "-32768", -32768),
    "INT UNSIGNED": (pa.uint32(), "4294967295", 4294967295),
    "BIGINT": (pa.int64(), "-9223372036854775808", -(2**63)),
    "BIGINT UNSIGNED": (pa.uint64(), "18446744073709551615", 2**64 - 1),
    "FLOAT": (pa.float32(), "1.5", 1.5),
    "DOUBLE": (pa.float64(), "-1e300", -1e300),
    "DECIMAL(18, 4)": (pa.decimal128(18, 4), "12345678901234.5678", Decimal("12345678901234.5678")),
    "DECIMAL(38, 0)": (pa.decimal128(38, 0), "-1", Decimal(-1)),
    "DATE": (pa.date32(), "'2024-02-29'", date(2024, 2, 29)),
    "DATETIME(6)": (
        pa.timestamp("us"),
        "'2024-02-03 04:05:06.123456'",
        datetime(2024, 2, 3, 4, 5, 6, 123456),
    ),
    "DATETIME": (pa.timestamp("us"), "'9999-12-31 23:59:59'", datetime(9999, 12, 31, 23, 59, 59)),
    "TIMESTAMP(6)": (pa.timestamp("us"), "'2024-02-03 04:05:06.5'", datetime(2024, 2, 3, 4, 5, 6, 500_000)),
    "TIME": (pa.duration("us"), "'-838:59:59'", -timedelta(hours=838, minutes=59, seconds=59)),
    "TIME(6)": (pa.duration("us"), "'12:00:00.000001'", timedelta(hours=12, microseconds=1)),
    "CHAR(5)": (pa.string(), "'ab'", "ab"),
    "VARCHAR(20)": (pa.string(), "'héé'", "héé"),
    "TEXT": (pa.string(), "REPEAT('x', 60000)", "x" * 60_000),
    "BLOB": (pa.binary(), "x'00ff'", b"\0\xff"),
    "BINARY(4)": (pa.binary(), "x'01020304'", b"\1\2\3\4"),
    "VARBINARY(10)": (pa.binary(), "x'ff'", b"\xff"),
    "JSON": (pa.string(), """'{"a": 1}'""", '{"a": 1}'),
    "BIT(10)": (pa.uint64(), "b'1000000001'", 513),
    "BIT(1)": (pa.uint64(), "b'1'", 1),
    "ENUM('a', 'b')": (pa.string(), "'b'", "b"),
    "UUID": (pa.string(), "'6d1b1f73-2dbf-11ed-940f-000c29847904'", "6d1b1f73-2dbf-11ed-940f-000c29847904"),
}


@pytest.fixture
def numbers(client):
    """A table of 5,000 rows."""
    client.execute("CREATE TABLE numbers (n INT PRIMARY KEY, name VARCHAR(20))")
    table = pa.table({"n": pa.array(range(5000), pa.int32()), "name": [str(n) for n in range(5000)]})
    client.load_data.read_arrow(table, "numbers")
    return client


def test_every_type(client):
    columns = [f"c{at} {kind}" for at, kind in enumerate(TYPES)]
    client.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {', '.join(columns)})")
    client.execute(f"INSERT INTO t VALUES (1, {', '.join(sql for _, sql, _ in TYPES.values())})")
    client.execute("INSERT INTO t (id) VALUES (2)")
    found = client.query_arrow("SELECT * FROM t ORDER BY id").drop_columns(["id"])
    found.validate(full=True)
    assert dict(zip(TYPES, found.schema.types, strict=True)) == {name: kind for name, (kind, _, _) in TYPES.items()}
    first, second = found.to_pylist()
    assert dict(zip(TYPES, first.values(), strict=True)) == {name: value for name, (_, _, value) in TYPES.items()}
    assert set(second.values()) == {NULL}
    assert client.query_arrow("SELECT * FROM t WHERE id > 9").drop_columns(["id"]).schema == found.schema


def test_a_vector_is_one_where_the_statement_says_so(client):
    t = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("a", VECF32(3)), Column("b", VECF64(2)))
    client.create_table(t)
    client.execute(insert(t), [{"id": 1, "a": [1, 2.5, -3], "b": [0.1, -2.5]}, {"id": 2, "a": None, "b": None}])
    found = client.query_arrow(select(t.c.b, t.c.a).order_by(t.c.id))
    assert found.schema.types == [pa.list_(pa.float64(), 2), pa.list_(pa.float32(), 3)]
    assert found.to_pylist() == [{"a": [1.0, 2.5, -3.0], "b": [0.1, -2.5]}, {"a": NULL, "b": NULL}]
    assert client.query_arrow("SELECT a FROM t WHERE id = 1").schema.types == [pa.string()]
    typed = text("SELECT id, a FROM t WHERE id = :id").columns(a=VECF32(3))
    assert client.query_arrow(typed, {"id": 1}).to_pylist() == [{"id": 1, "a": [1.0, 2.5, -3.0]}]
    assert client.query_polars(select(t.c.a))["a"].dtype == pl.Array(pl.Float32, 3)


def test_models_parameters_and_expressions(client):
    client.create_table(User)
    client.execute(insert(User), [{"id": 1, "name": "Ada", "age": 36}, {"id": 2, "name": "Alan"}])
    found = client.query_arrow(select(User).where(User.id < 9).order_by(User.id))
    assert found.schema.names == ["id", "name", "email", "age"]
    assert found.column("name").to_pylist() == ["Ada", "Alan"]
    assert client.query_arrow("SELECT name FROM users WHERE id = :id", {"id": 2}).to_pylist() == [{"name": "Alan"}]
    assert client.query_arrow("SELECT ':x' AS a, '%' AS b").to_pylist() == [{"a": ":x", "b": "%"}]
    counted = client.query_arrow(select(func.count().label("n"), func.max(User.age).label("oldest")))
    assert counted.to_pylist() == [{"n": 2, "oldest": 36}]
    with client.session() as session:
        session.add(User(id=3, name="Grace"))
        assert session.query_arrow(select(User.name).where(User.id == 3)).to_pylist() == [{"name": "Grace"}]
        assert session.query_df("SELECT count(*) AS n FROM users")["n"].tolist() == [3]
        session.rollback()
    assert client.query_polars("SELECT count(*) AS n FROM users")["n"].to_list() == [2]


def test_frames(numbers):
    frame = numbers.query_df("SELECT n, name FROM numbers ORDER BY n")
    assert frame.shape == (5000, 2)
    assert frame["n"].dtype == "int32"
    assert frame["n"].tolist() == list(range(5000))
    nulls = "SELECT CAST(NULL AS SIGNED) AS a UNION ALL SELECT 9007199254740993"
    exact = numbers.query_df(nulls, dtype_backend="pyarrow")["a"]
    assert exact.dtype == pd.ArrowDtype(pa.int64())
    assert 9007199254740993 in exact.dropna().tolist()
    assert numbers.query_polars("SELECT n FROM numbers")["n"].sum() == sum(range(5000))
    twice = "SELECT 1 AS a, 2 AS a"
    assert numbers.query_df(twice).columns.tolist() == ["a", "a"]
    with pytest.raises(errors.InvalidArgument, match="two columns 'a'"):
        numbers.query_polars(twice)
    with pytest.raises(errors.InvalidArgument, match="dtype_backend='x'"):
        numbers.query_df(twice, dtype_backend="x")


def test_a_value_longer_than_a_packet(client):
    client.execute("CREATE TABLE t (a LONGTEXT)")
    size = (1 << 24) + 5
    client.execute("INSERT INTO t VALUES (:text)", {"text": "x" * size})
    found = client.query_arrow("SELECT 1 AS b, a, 2 AS c FROM t").to_pylist()
    assert [(row["b"], len(row["a"]), row["c"]) for row in found] == [(1, size, 2)]


def test_what_gives_no_rows(client):
    client.create_table(User)
    for call in (client.query_arrow, client.query_df, client.query_polars):
        with pytest.raises(errors.InvalidArgument, match="no rows; use execute"):
            call(insert(User).values(id=1))
        with pytest.raises(errors.InvalidArgument, match="no rows; use execute"):
            call("INSERT INTO users (id) VALUES (1)")
    with pytest.raises(errors.InvalidArgument, match="no rows"):
        next(iter(client.stream_arrow("INSERT INTO users (id) VALUES (1)")))
    with pytest.raises(errors.InvalidArgument, match="3 is no SQL text"):
        client.query_arrow(3)
    assert client.query_arrow("SELECT id FROM users").num_rows == 0
    assert client.engine.pool.checkedout() == 0


def test_what_the_server_refuses(client):
    for call in (client.query_arrow, lambda sql: next(iter(client.stream_arrow(sql)))):
        with pytest.raises(DBAPIError) as caught:
            call("SELECT none_such")
        assert caught.value.orig.args[0] in {1054, 1064, 20101, 20301}
        with pytest.raises(DBAPIError, match="several statements|syntax"):
            call("SELECT 1; SELECT 2")
    assert client.query_arrow("SELECT 1 AS a").to_pylist() == [{"a": 1}]
    assert client.engine.pool.checkedout() == 0


def test_a_time_limit(client):
    with pytest.raises(DBAPIError, match=r"limit of 0.2 s") as caught:
        client.query_arrow(SLOW, timeout=0.2)
    assert caught.value.orig.args[0] == 3024
    with pytest.raises(DBAPIError, match=r"limit of 0.2 s"), client.stream_arrow(SLOW, timeout=0.2):
        pass
    with pytest.raises(errors.InvalidArgument, match="timeout"):
        client.query_arrow(SLOW, timeout=-1)
    assert client.query_arrow("SELECT 1 AS a").num_rows == 1
    assert client.engine.pool.checkedout() == 0


def test_a_statement_that_is_killed(proxied, proxy, other):
    number = proxied.execute("SELECT connection_id()").scalar()  # the pool gives the same connection again

    def rule(statement, before):
        if statement == SLOW:
            threading.Timer(0.3, partial(other.execute, f"KILL QUERY {number}")).start()
        return "pass"

    proxy.rule = rule
    with pytest.raises(DBAPIError):
        proxied.query_arrow(SLOW)
    assert proxied.query_arrow("SELECT 1 AS a").num_rows == 1


def test_blocks_are_decoded_where_they_hold_no_event_loop(numbers, side, monkeypatch):
    decoded = []
    stock = Decoder.batch

    def batch(self, block):
        decoded.append(threading.current_thread().name)
        return stock(self, block)

    monkeypatch.setattr(Decoder, "batch", batch)
    monkeypatch.setattr("matrixone_core.operations.queries._BLOCK_BYTES", 1 << 12)
    found = numbers.query_arrow("SELECT n, name FROM numbers ORDER BY n")
    assert found.column("n").to_pylist() == list(range(5000))
    assert len(decoded) > 1
    if side == "async":
        assert all("worker" in name.lower() for name in decoded)


# -- record batches -----------------------------------------------------------------------------------------------


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


def test_a_connection_that_breaks_among_the_rows(numbers, proxied, proxy):
    stream = proxied.stream_arrow(MANY, batch_rows=10)
    next(stream)
    proxy.cut_all()
    with pytest.raises(DBAPIError, match="Lost connection"):
        for _ in range(100_000):
            next(stream)
    assert proxied.engine.pool.checkedout() == 0
    assert proxied.query_arrow("SELECT 1 AS a").num_rows == 1


def test_a_connection_that_breaks_in_a_session(numbers, proxied, proxy):
    with pytest.raises(errors.TransactionAborted, match="Lost connection"), proxied.session() as session:
        stream = session.stream_arrow(MANY, batch_rows=10)
        next(stream)
        proxy.cut_all()
        with pytest.raises(DBAPIError, match="Lost connection"):
            for _ in range(100_000):
                next(stream)
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


# -- the past -----------------------------------------------------------------------------------------------------


Then = declarative_base()


class Person(Then):
    __tablename__ = "persons"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    orders = relationship("Order", lazy="joined")


class Order(Then):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    person_id = Column(Integer, ForeignKey("persons.id"))
    what = Column(String(20))


@pytest.fixture
def past(client, database, unique):
    """The name of a snapshot of one person with two orders; there is another one now, and one order."""
    client.create_all(Then)
    client.execute(insert(Person), [{"id": 1, "name": "Ada"}])
    client.execute(insert(Order), [{"id": 1, "person_id": 1, "what": "tea"}, {"id": 2, "person_id": 1, "what": "milk"}])
    name = unique("snap")
    client.execute(f"CREATE SNAPSHOT {name} FOR DATABASE {database}")
    client.execute(insert(Person), [{"id": 2, "name": "Alan"}])
    client.execute("UPDATE persons SET name = 'Grace' WHERE id = 1")
    client.execute("DELETE FROM orders WHERE id = 1")
    return name


U, ORDERS = Person.__table__.alias("u"), Order.__table__
THEN = {
    "a table": (select(Person.__table__.c.name), [("Ada",)]),
    "an alias": (select(U.c.name).where(U.c.id > 0), [("Ada",)]),
    "a join": (select(U.c.name, ORDERS.c.what).join_from(U, ORDERS, U.c.id == ORDERS.c.person_id).order_by(ORDERS.c.id), [("Ada", "tea"), ("Ada", "milk")]),
    "a subquery": (select(select(func.count()).select_from(ORDERS).subquery()), [(2,)]),
    "a scalar subquery": (select(U.c.name, select(func.count()).select_from(ORDERS).scalar_subquery()), [("Ada", 2)]),
    "EXISTS": (select(U.c.id).where(select(ORDERS.c.id).where(ORDERS.c.what == "tea", ORDERS.c.person_id == U.c.id).exists()), [(1,)]),
    "a CTE": (select(select(U.c.name).cte("c")), [("Ada",)]),
    "UNION": (select(U.c.name).union_all(select(ORDERS.c.what).where(ORDERS.c.id == 1)), [("Ada",), ("tea",)]),
    "nothing": (select(func.abs(-1)), [(1,)]),
}  # fmt: skip


@pytest.mark.parametrize("what", THEN)
def test_every_table_of_a_statement_is_read_as_it_was(client, past, what):
    statement, wanted = THEN[what]
    present = client.execute(statement).all()
    for _ in range(2):  # SQLAlchemy's cache has the statement of the present
        assert sorted(client.execute(statement, snapshot=past).all()) == sorted(wanted)
    assert client.execute(statement).all() == present
    assert what == "nothing" or present != wanted
    assert client.query_arrow(statement, snapshot=past).num_rows == len(wanted)
    with client.stream(statement, snapshot=past) as rows:
        assert sorted(rows) == sorted(wanted)


def test_models_of_the_past(client, past):
    for loading in (joinedload, selectinload):  # in the statement, and by one of its own
        loaded = select(Person).options(loading(Person.orders))
        [person] = client.execute(loaded, snapshot=past).unique().scalars().all()
        assert (person.name, sorted(order.what for order in person.orders)) == ("Ada", ["milk", "tea"])
    assert client.query_arrow(select(Person)).column_names == ["id", "name"]
    names = select(Person.name).where(Person.id == 1)
    assert client.execute(names, snapshot=past.upper()).scalar() == "Ada"
    assert client.execute(names).scalar() == "Grace"
    assert client.query_df(names, snapshot=past)["name"].tolist() == ["Ada"]
    assert client.query_polars(names, snapshot=past)["name"].to_list() == ["Ada"]
    assert [batch.num_rows for batch in client.stream_arrow(select(Order), snapshot=past)] == [2]
    with client.session() as session:
        assert session.query_arrow(names, snapshot=past).to_pylist() == [{"name": "Ada"}]
        assert session.execute(names, execution_options={"snapshot": past}).scalar() == "Ada"
        assert session.execute(names).scalar() == "Grace"
        assert session.execute(names.execution_options(snapshot=past)).scalar() == "Ada"


def test_what_cannot_read_the_past(client, past):
    for statement in ("SELECT name FROM persons", text("SELECT 1"), text("SELECT 1 AS a").columns(a=Integer)):
        for call in (client.execute, client.query_arrow, client.stream, client.stream_arrow):
            with pytest.raises(errors.InvalidArgument, match=r"FROM t \{snapshot = 'name'\} AS a"):
                call(statement, snapshot=past)
    for call in (client.execute, client.query_arrow):
        with pytest.raises(errors.InvalidArgument, match="past cannot be written|gives no rows"):
            call(insert(Person).values(id=9), snapshot=past)
    with pytest.raises(errors.InvalidArgument, match="not both"):
        client.execute(select(Person), snapshot=past, timestamp=datetime.now().astimezone())
    with pytest.raises(errors.InvalidArgument, match="must be a datetime with a time zone"):
        client.execute(select(Person), timestamp=datetime(2024, 1, 1))
    with pytest.raises(errors.InvalidArgument, match="snapshot"):
        client.execute(select(Person), snapshot="no such name/")
    with pytest.raises(DBAPIError, match="find 0 snapshot records"):
        client.execute(select(Person), snapshot="none_such")
    assert client.execute(f"SELECT name FROM persons {{snapshot = '{past}'}} AS u").all() == [("Ada",)]


def server_time(client):
    return datetime.fromisoformat(f"{client.execute('SELECT UTC_TIMESTAMP(6)').scalar()}+00:00")


def wait_until_past(client, moment):
    """Ask the server for its time until a moment is surely past there."""
    while server_time(client) < moment + timedelta(milliseconds=200):
        pass


def test_a_moment_of_the_past(client, past):
    wait_until_past(client, server_time(client))  # so that the writes are before the moment
    moment = server_time(client).astimezone()
    wait_until_past(client, moment)
    client.execute("DELETE FROM persons WHERE id = 2")
    assert client.execute(select(Person.id).order_by(Person.id), timestamp=moment).all() == [(1,), (2,)]
    assert client.query_arrow(select(func.count()).select_from(Person), timestamp=moment).num_rows == 1
    with client.session() as session:
        session.execute(text("SET time_zone = '+08:00'"))
        assert session.query_arrow(select(Person.id), timestamp=moment).num_rows == 2
        session.execute(text("SET time_zone = '+00:00'"))


def test_a_table_that_was_not_there_yet(client, past):
    before = datetime.now().astimezone() - timedelta(minutes=2)
    with pytest.raises(DBAPIError, match=r"perhaps the table was not there yet"):
        client.execute(select(Person), timestamp=before)
