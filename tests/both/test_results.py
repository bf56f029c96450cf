"""Results as Arrow tables and frames, by both clients."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from models import User
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

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


def test_decimals_of_any_number_of_digits(client):
    wide = "SELECT CAST(1 AS DECIMAL(38, 0)) AS a, 123456789012345678901234567890123456789012345 AS b"
    assert client.query_arrow(wide).to_pylist() == [{"a": Decimal(1), "b": Decimal(int("1234567890" * 4 + "12345"))}]
    with pytest.raises(errors.InvalidArgument, match="'b' has numbers of more than 38 digits"):
        client.query_polars(wide)
    client.execute("CREATE TABLE t (a BIGINT UNSIGNED, b DECIMAL(38, 10))")
    client.execute("INSERT INTO t VALUES (9223372036854775807, 0.5)")
    sums = client.query_polars("SELECT SUM(b) AS b, SUM(a) AS a, -a AS n FROM t GROUP BY a")
    assert sums.to_dicts() == [{"b": Decimal("0.5"), "a": Decimal(2**63 - 1), "n": 1 - 2**63}]


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
        return (yield from stock(self, block))

    monkeypatch.setattr(Decoder, "batch", batch)
    monkeypatch.setattr("matrixone_core.operations.queries._BLOCK_BYTES", 1 << 12)
    found = numbers.query_arrow("SELECT n, name FROM numbers ORDER BY n")
    assert found.column("n").to_pylist() == list(range(5000))
    assert len(decoded) > 1
    if side == "async":
        assert all("worker" in name.lower() for name in decoded)
