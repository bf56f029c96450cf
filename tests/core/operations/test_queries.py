"""Results as columns, driven by scripted answers; statements that read the past, as they are compiled."""

from array import array
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pyarrow as pa
import pytest
from connection_double import Connection, field_of
from script import Driver
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    create_engine,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.schema import CreateTable

from matrixone_core import execution
from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.dialect.reading_past import compiled_then, explain
from matrixone_core.dialect.types import VECF32
from matrixone_core.errors import ConnectionLost, InvalidArgument
from matrixone_core.execution import PACKETS
from matrixone_core.operations import queries
from matrixone_core.operations.queries import BatchQuery
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.sql.moment import Past

META = MetaData()
T = Table("t", META, Column("id", Integer, primary_key=True), Column("name", String(20)))
OTHERS = Table("t", META, Column("id", Integer), schema="other")
ID = ResultColumn("id", 3, is_binary=True)


def one_row(number):
    data = b"\x02\0\0\0\x01%d" % number
    return Block(data, array("q", [4]), 0)


def server(*blocks, in_session=False):
    """A connection that has these blocks, and what runs operations with it."""
    connection = Connection([ID], blocks=blocks)
    return connection, Driver(refuse, connection=connection, in_session=in_session).run


def refuse(statement):
    raise AssertionError(f"{statement} is sent")


def test_a_table_is_made_of_all_blocks():
    connection, run = server(one_row(1), one_row(2))
    found = run(queries.query_arrow("SELECT id FROM t", timeout=3))
    assert found.to_pylist() == [{"id": 1}, {"id": 2}]
    assert connection.log == ["SELECT id FROM t"]
    assert connection.options[0]["timeout"] == 3
    assert server(one_row(1))[1](queries.query_df(select(T)))["id"].tolist() == [1]
    assert server(one_row(1))[1](queries.query_polars(select(T)))["id"].to_list() == [1]


def begun(run):
    query = BatchQuery("SELECT 1", None, 10, {})
    assert run(query.begin()) == pa.schema([("id", pa.int32())])
    return query


def test_batches_one_after_another():
    connection, run = server(one_row(1), one_row(2))
    query = begun(run)
    assert run(query.next_batch()).to_pylist() == [{"id": 1}]
    assert run(query.next_batch()).to_pylist() == [{"id": 2}]
    assert run(query.next_batch()) is None
    assert run(query.leave(failed=False)) is None
    assert connection.log == ["SELECT 1", "next_block", "next_block", "next_block"]
    assert not query.is_cut_off


@pytest.mark.parametrize(("in_session", "failed"), [(False, False), (False, True), (True, True)])
def test_what_is_not_read_is_not_sent(in_session, failed):
    connection, run = server(one_row(1), one_row(2), in_session=in_session)
    query = begun(run)
    run(query.next_batch())
    run(query.leave(failed=failed))
    assert connection.log[1:3] == ["next_block", "close_at_once"]
    assert query.is_cut_off


def test_in_a_session_the_rest_is_read():
    connection, run = server(one_row(1), one_row(2), one_row(3), in_session=True)
    query = begun(run)
    run(query.next_batch())
    run(query.leave(failed=False))
    assert connection.log[1:] == ["next_block"] * 4
    assert connection.open
    assert not query.is_cut_off


@pytest.mark.parametrize(
    "fault", [ConnectionLost("broken"), KeyboardInterrupt(), Block(b"\1\0\0\0\7", array("q", [4]), 0)]
)
def test_an_error_among_the_batches_closes_the_connection(fault):
    connection, run = server(fault, in_session=True)
    query = begun(run)
    with pytest.raises((ConnectionLost, KeyboardInterrupt)):
        run(query.next_batch())
    assert "close_at_once" in connection.log


def test_a_connection_that_was_used_for_something_else():
    connection, run = server(one_row(1), in_session=True)
    query = begun(run)
    connection.options[0][PACKETS].is_interrupted = True
    with pytest.raises(InvalidArgument, match="another statement was sent on this connection"):
        run(query.next_batch())
    assert connection.open


def test_statements_that_give_no_rows():
    for statement in (insert(T), T.delete(), CreateTable(T)):
        with pytest.raises(InvalidArgument, match=r"no rows; use execute\(\)"):
            next(queries.query_arrow(statement))
    packets = RowPackets(1, 1, streams=False)
    with pytest.raises(InvalidArgument, match="no rows"):
        execution.check_gave_rows(packets)
    packets.begin([field_of(ID)], 4)
    execution.check_gave_rows(packets)


def test_what_a_statement_says_of_its_columns():
    class Wrapped(TypeDecorator[object]):
        impl = VECF32(2)
        cache_ok = True

    dialect = MatrixOneDialect_pymysql()
    packets = RowPackets(1, 1, streams=False)
    compiled = select(T.c.id, literal_column("v", Wrapped())).compile(dialect=dialect)
    execution.note_statement(packets, "SELECT", SimpleNamespace(compiled=compiled, dialect=dialect))
    assert packets.sql == "SELECT"
    assert packets.is_ordered
    assert [name for name, _ in packets.types] == ["id", "v"]
    assert isinstance(packets.types[0][1], Integer)
    assert isinstance(packets.types[1][1], VECF32)
    execution.note_statement(packets, "SELECT 2", SimpleNamespace(compiled=None))
    assert packets.sql == "SELECT 2"


# -- the past -----------------------------------------------------------------------------------------------------

NOON = datetime(2024, 2, 3, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))


SNAP = Past("snap")


def then(statement, past=SNAP, **options):
    dialect = MatrixOneDialect_pymysql()
    compiled = compiled_then(dialect, statement.compile(dialect=dialect), statement, past, options)
    return " ".join(str(compiled).split())


def test_the_moment_that_options_name():
    assert execution.past_of({}) is None
    assert execution.past_of({"snapshot": None, "timestamp": None}) is None
    assert execution.past_of({"snapshot": "Snap"}) == Past("snap")
    assert execution.past_of({"timestamp": NOON}) == Past(time="2024-02-03 04:00:00.000005")
    for options, words in (
        ({"snapshot": "a", "timestamp": NOON}, "not both"),
        ({"timestamp": NOON.replace(tzinfo=None)}, "with a time zone"),
        ({"timestamp": "yesterday"}, "'yesterday' must be a datetime"),
        ({"snapshot": "a/b"}, "snapshot"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            execution.past_of(options)
    assert execution.options_for(select(T), None, None, None) == {}
    assert execution.options_for(select(T), 2, None, NOON) == {"timeout": 2, "snapshot": None, "timestamp": NOON}


@pytest.mark.parametrize("statement", ["SELECT 1", text("SELECT 1"), text("SELECT 1").columns(a=Integer)])
def test_a_text_is_not_read_for_tables(statement):
    with pytest.raises(InvalidArgument, match=r"FROM t \{snapshot = 'name'\} AS a"):
        execution.options_for(statement, None, "snap", None)


@pytest.mark.parametrize("statement", [insert(T), T.update(), CreateTable(T)])
def test_the_past_is_not_written(statement):
    with pytest.raises(InvalidArgument, match="cannot be written"):
        execution.options_for(statement, None, "snap", None)


def test_the_moment_follows_each_table_and_goes_before_its_alias():
    a = T.alias("a")
    assert then(select(T.c.id)) == "SELECT t.id FROM t {SNAPSHOT = 'snap'}"
    assert then(select(a.c.id)) == "SELECT a.id FROM t {SNAPSHOT = 'snap'} AS a"
    assert then(select(T.c.id), Past(time="2024-02-03 04:00:00.000005")) == (
        "SELECT t.id FROM t {TIMESTAMP = '2024-02-03 04:00:00.000005'}"
    )
    joined = then(select(T.c.id).join(a, a.c.id == T.c.id))
    assert joined == "SELECT t.id FROM t {SNAPSHOT = 'snap'} INNER JOIN t {SNAPSHOT = 'snap'} AS a ON a.id = t.id"
    both = then(select(T.c.id, OTHERS.c.id))
    assert "FROM t {SNAPSHOT = 'snap'} AS t_1, other.t {SNAPSHOT = 'snap'} AS other__t" in both
    hinted = select(T.c.id).with_hint(T, "USE INDEX (x)", "matrixone")
    assert then(hinted) == "SELECT t.id FROM t {SNAPSHOT = 'snap'}"
    nested = then(select(select(func.count()).select_from(a).scalar_subquery(), select(T.c.id).cte("c")))
    assert nested.count("{SNAPSHOT = 'snap'}") == 2
    assert "SNAPSHOT" not in str(select(T.c.id).compile(dialect=MatrixOneDialect_pymysql()))
    assert then(select(T.c.id), schema_translate_map={None: "d"}).count("{SNAPSHOT = 'snap'}") == 1


def test_pieces_of_text_in_a_statement_of_the_past():
    assert "t.id > 1" in then(select(T.c.id).where(text("t.id > 1")))
    assert "1 + 1" in then(select(literal_column("1 + 1")).select_from(T))
    for statement in (
        select(T.c.id).where(text("t.id IN (SELECT id FROM u)")),
        select(text("id")).select_from(text("u")),
        select(text("SELECT id FROM u").columns(id=Integer).subquery()),
        select(literal_column("(SELECT count(*) FROM u)")),
        select(T.c.id).order_by(literal_column("(SELECT max(id) FROM u)")),
    ):
        with pytest.raises(InvalidArgument, match="cannot find the tables of"):
            then(statement)
    with pytest.raises(InvalidArgument, match="cannot be locked"):
        then(select(T.c.id).with_for_update())


def test_a_table_that_the_past_does_not_have_is_explained():
    context = SimpleNamespace(execution_options={"snapshot": "snap"})
    error = Exception(1064, 'SQL parser error: table "t" does not exist')
    explain(error, context)
    assert error.args[1].endswith("reads {SNAPSHOT = 'snap'}, and perhaps the table was not there yet, or another one")
    for other, around in (
        (Exception(1064, "syntax"), context),
        (Exception("does not exist"), context),
        (Exception(1064, 'table "t" does not exist'), SimpleNamespace(execution_options={})),
        (Exception(1064, 'table "t" does not exist'), None),
    ):
        before = other.args
        explain(other, around)
        assert other.args == before


def test_engines_refuse_what_cannot_be_read_then(matrixone_url):
    engine = create_engine(f"matrixone+pymysql://{matrixone_url.split('://', 1)[1]}").execution_options(snapshot="snap")
    with engine.connect() as connection:
        for call in (
            lambda: connection.exec_driver_sql("SELECT 1"),
            lambda: connection.execute(text("SELECT 1")),
            lambda: connection.execute(CreateTable(T)),
        ):
            with pytest.raises((StatementError, InvalidArgument), match="snapshot= and timestamp="):
                call()
        assert connection.execution_options(snapshot=None).execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
