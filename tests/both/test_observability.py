"""What those who run a program see of it: spans, metrics, log records, slow statements, pools; by both clients."""

import logging
import re
import sys
import threading

import pytest
from sqlalchemy import exc, select, text

from matrixone import PoolUse, errors
from matrixone_core.monitoring import pools, telemetry
from matrixone_core.monitoring.operations import operation_name
from matrixone_core.settings import Settings

SECRET = "OpenSesame42"


@pytest.fixture
def watched(collected, new_client, matrixone_url, database):
    """A connected client whose spans and metrics are collected."""
    client = new_client(url=matrixone_url, database=database)
    client.connect()
    client.execute("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))")
    collected.exporter.clear()
    return client


def names(collected):
    return [span.name for span in collected.exporter.get_finished_spans()]


# -- spans -------------------------------------------------------------------------------------------------------------


def test_a_span_of_a_statement(watched, collected, database, matrixone_url):
    watched.execute("SELECT name FROM t WHERE name = :name OR name = 'literal'", {"name": SECRET})
    span = collected.spans()["SELECT t"]
    where = Settings.resolve({}, {"url": matrixone_url})
    assert dict(span.attributes) == {
        "db.system.name": "matrixone",
        "db.operation.name": "SELECT",
        "db.namespace": database,
        "db.query.summary": "SELECT t",
        "db.query.text": "SELECT name FROM t WHERE name = ? OR name = ?",
        "server.address": where.host,
        "server.port": where.port,
    }
    assert span.kind.name == "CLIENT"
    assert span.status.status_code.name == "UNSET"
    assert names(collected) == ["SELECT t", "COMMIT"]


def test_a_statement_that_fails(watched, collected):
    watched.execute("INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(exc.IntegrityError):
        watched.execute("INSERT INTO t VALUES (1, :name)", {"name": SECRET})
    span = collected.spans()["INSERT t"]
    assert (span.attributes["error.type"], span.attributes["db.response.status_code"]) == ("DuplicateKey", "1062")
    assert (span.status.status_code.name, span.status.description, span.events) == ("ERROR", None, ())
    assert names(collected)[-2:] == ["INSERT t", "ROLLBACK"]


def test_many_sets_of_parameters(watched, collected):
    watched.execute("INSERT INTO t VALUES (:id, 'a')", [{"id": 1}, {"id": 2}, {"id": 3}])
    attributes = collected.spans()["BATCH INSERT t"].attributes
    assert (attributes["db.operation.name"], attributes["db.query.summary"]) == ("BATCH INSERT", "BATCH INSERT t")
    assert attributes["db.operation.batch.size"] == 3


def test_a_stream(watched, collected):
    watched.execute("INSERT INTO t VALUES (1, 'a')")
    with watched.stream("SELECT id FROM t", batch=1) as rows:
        assert [row.id for row in rows] == [1]
    assert collected.spans()["SELECT t"].attributes["db.operation.name"] == "SELECT"


def test_spans_of_stages_and_snapshots_have_those_of_their_statements(watched, collected, unique, files):
    name = unique()
    watched.stage.create_local(name, files.folder)
    watched.snapshots.create(unique(), "account")
    with pytest.raises(errors.StageExists):
        watched.stage.create_local(name, files.folder)
    for operation, statement in (("stage.create_local", "CREATE STAGE"), ("snapshots.create", "CREATE SNAPSHOT")):
        around = [
            one
            for one in collected.exporter.get_finished_spans()
            if one.name == operation.replace("snapshots", "snapshot")
        ]
        inside = [one for one in collected.exporter.get_finished_spans() if one.name.startswith(statement)]
        assert inside[0].parent.span_id == around[0].context.span_id
        assert around[0].kind.name == "INTERNAL"
    assert collected.spans()["stage.create_local"].attributes["error.type"] == "StageExists"


def test_spans_of_a_session(watched, collected, unique, files):
    with watched.session() as session:
        session.execute(text("INSERT INTO t VALUES (1, 'a')"))
        session.stage.create_local(unique(), files.folder)
    spans = collected.exporter.get_finished_spans()
    commit = next(span for span in spans if span.name == "session.commit")
    inside = [
        span.name.split(" ")[0] for span in spans if span.parent and span.parent.span_id == commit.context.span_id
    ]
    assert inside.count("CREATE") == 1
    assert inside[inside.index("CREATE") :].count("COMMIT") == 2  # that of the new stage, and the session's
    with watched.session() as session:
        session.execute(text("INSERT INTO t VALUES (2, 'a')"))
        session.rollback()
    assert names(collected)[-3:] == ["ROLLBACK", "session.rollback", "session.commit"]


def test_spans_of_a_load(watched, collected):
    watched.load_data.read_csv(b"1,a\n2,b\n", "t")
    with pytest.raises(errors.LoadFailed):
        watched.load_data.read_csv(b"x,a\n", "t")
    around, load, file = (
        next(one for one in collected.exporter.get_finished_spans() if one.name == name)
        for name in ("load.read_csv", "load t", "load file t")
    )
    assert load.parent.span_id == around.context.span_id
    assert file.attributes["db.collection.name"] == "t"
    assert not [name for name in names(collected) if re.search(r"load_\d", name)]  # spans are grouped by their names
    assert collected.spans()["load t"].attributes["error.type"] == "LoadFailed"


def test_connections_that_nothing_was_sent_on_roll_nothing_back(watched, collected):
    with watched.session() as session:
        session.execute(select(1))
        session.commit()
        session.connection()
    assert "ROLLBACK" not in names(collected)


@pytest.fixture(params=[True, False], ids=["with OpenTelemetry", "without"])
def is_installed(request, monkeypatch):
    """Whether OpenTelemetry is installed."""
    with monkeypatch.context() as patch:
        for module in () if request.param else ("trace", "metrics"):
            patch.setitem(sys.modules, f"opentelemetry.{module}", None)
        telemetry.forget()
        pools._gauges.cache_clear()
        yield request.param
    telemetry.forget()
    pools._gauges.cache_clear()


@pytest.mark.parametrize("threshold", [None, 0])
def test_with_and_without_opentelemetry(new_client, matrixone_url, database, caplog, is_installed, threshold):
    """Statements are observed for whoever wants to know; where nobody does, they are sent all the same."""
    assert telemetry.is_installed() is is_installed
    client = new_client(url=matrixone_url, database=database, slow_query_threshold=threshold)
    client.connect()
    client.execute("CREATE TABLE t (id INT)")
    assert client.load_data.read_csv(b"1\n", "t").rows == 1
    assert client.stage.exists("no_such_stage") is False
    with client.session() as session:
        session.execute(text("INSERT INTO t VALUES (2)"))
    assert client.execute("SELECT count(*) FROM t").scalar() == 2
    logged = [record.getMessage() for record in caplog.records if record.name == "matrixone.statements"]
    for operation in ("CREATE TABLE", "COMMIT"):
        assert any(operation in message for message in logged) is (threshold == 0)


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_durations(watched, collected):
    watched.execute("SELECT id FROM t")
    with pytest.raises(exc.DBAPIError):
        watched.execute("SELECT id FROM no_such_table")
    watched.load_data.read_csv(b"1,a\n", "t")
    with pytest.raises(errors.LoadFailed):
        watched.load_data.read_csv(b"x,a\n", "t")
    metrics = collected.metrics()
    statements = {
        (point.attributes["db.operation.name"], point.attributes.get("error.type")): point.count
        for point in metrics["db.client.operation.duration"]
    }
    assert statements["SELECT", None] >= 1
    assert statements["SELECT", "TableNotFound"] == 1
    [refused] = [
        point
        for point in metrics["db.client.operation.duration"]
        if point.attributes.get("error.type") == "TableNotFound"
    ]
    assert refused.attributes["db.response.status_code"].isdigit()
    assert statements["COMMIT", None] >= 1
    assert not any("db.query.text" in point.attributes for point in metrics["db.client.operation.duration"])
    assert {(point.attributes["db.collection.name"], point.attributes.get("error.type")) for point in metrics["matrixone.load.duration"]} == {
        ("t", None), ("t", "LoadFailed"),
    }  # fmt: skip
    assert metrics["matrixone.load.rows.loaded"][0].value == 1


def test_gauges_of_pools(watched, collected, database):
    with watched.session() as session:
        session.execute(text("SELECT 1"))
        metrics = collected.metrics()
        states = {
            (point.attributes["db.client.connection.pool.name"].split(" ")[-1], point.attributes["db.client.connection.state"]): point.value
            for point in metrics["db.client.connection.count"]
            if f"/{database} " in point.attributes["db.client.connection.pool.name"]
        }  # fmt: skip
    assert states["main", "used"] == 1
    assert states["stopping", "idle"] == 0
    limits = {
        point.attributes["db.client.connection.pool.name"].split(" ")[-1]: point.value
        for point in metrics["db.client.connection.max"]
        if f"/{database} " in point.attributes["db.client.connection.pool.name"]
    }
    assert limits == {"main": 30, "reserve": 4, "stopping": 4}  # what works at once has no limit
    assert {point.value for point in metrics["db.client.connection.pending_requests"]} == {0}
    watched.disconnect()
    left = collected.metrics().get("db.client.connection.max", [])
    assert not [point for point in left if f"/{database} " in point.attributes["db.client.connection.pool.name"]]


# -- log records -------------------------------------------------------------------------------------------------------


def test_a_record_of_each_statement(client, caplog):
    with caplog.at_level(logging.DEBUG, "matrixone.statements"):
        client.execute("SELECT 'literal', :value", {"value": SECRET})
        with pytest.raises(exc.DBAPIError):
            client.execute("SELECT * FROM no_such_table")
    lines = [record.getMessage() for record in caplog.records if record.name == "matrixone.statements"]
    assert lines[0].endswith(": SELECT ?")
    assert any("failed (TableNotFound): SELECT * FROM no_such_table" in line for line in lines)
    assert {record.levelname for record in caplog.records if record.name == "matrixone.statements"} == {"DEBUG"}
    assert SECRET not in caplog.text


def test_slow_statements_are_warned_of(new_client, matrixone_url, caplog):
    client = new_client(url=matrixone_url, slow_query_threshold=0.05)
    client.connect()
    caplog.clear()
    client.execute("SELECT sleep(0.1), :value", {"value": SECRET})
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    slow = [line for line in warnings if line.endswith(" s: SELECT sleep(?), ?")]
    assert len(slow) == 1  # a busy server's COMMIT may be slow, too
    assert slow[0].startswith("slow statement: took ")
    assert 0.1 <= float(slow[0].split()[3]) < 60
    assert SECRET not in caplog.text


def test_statements_below_the_threshold_are_not_warned_of(new_client, matrixone_url, caplog):
    client = new_client(url=matrixone_url, slow_query_threshold=3600)
    client.connect()
    caplog.clear()
    client.execute("SELECT sleep(0.1)")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_slow_loads_and_failures_too(new_client, matrixone_url, database, caplog):
    client = new_client(url=f"{matrixone_url.rstrip('/')}/{database}?slow_query_threshold=0")
    client.connect()
    client.execute("CREATE TABLE t (id INT)")
    client.load_data.read_csv(b"1\n", "t")
    with pytest.raises(exc.DBAPIError):
        client.execute("SELECT no_such_column FROM t")
    lines = [record.getMessage() for record in caplog.records if record.name == "matrixone.statements"]
    assert any("LOAD DATA" in line for line in lines)
    assert any("failed (" in line and line.endswith("no_such_column FROM t") for line in lines)


def test_a_load_has_one_record_without_values(client, caplog):
    client.execute("CREATE TABLE t (id INT)")
    with caplog.at_level(logging.INFO, "matrixone.load"):
        client.load_data.read_csv(b"1\n", "t")
        with pytest.raises(errors.LoadFailed, match=SECRET):
            client.load_data.read_csv(f"1\n{SECRET}\n".encode(), "t")
        with pytest.raises(errors.TableNotFound):
            client.load_data.read_csv(b"1\n", "no_such_table")
    lines = [record.getMessage() for record in caplog.records if record.name == "matrixone.load"]
    assert re.fullmatch(r"<bytes> -> t: 1 row in \d+\.\d\d s", lines[0])
    assert re.fullmatch(
        r"<bytes> -> t: failed after \d+\.\d\d s: LoadFailed \d+ at <bytes>, line 2, column 'id'", lines[1]
    )
    assert len(lines) == 2  # the third has not begun
    assert {record.levelname for record in caplog.records if record.name == "matrixone.load"} == {"INFO"}


@pytest.mark.parametrize("value", [-1, "soon"])
def test_a_threshold_that_cannot_be(new_client, value):
    with pytest.raises(errors.InvalidArgument, match="slow_query_threshold="):
        new_client(slow_query_threshold=value)


def test_no_secret_in_spans_metrics_and_records(collected, new_client, matrixone_url, unique, caplog):
    name, user = unique(), unique("user")
    with caplog.at_level(logging.DEBUG):
        client = new_client(url=matrixone_url, slow_query_threshold=0)
        client.connect()
        client.stage.create_s3(name, "bucket", "p/", "key", SECRET, endpoint="http://127.0.0.1:1")
        client.stage.alter(name, credentials={"AWS_SECRET_KEY": SECRET})
        client.execute(f"CREATE USER {user} IDENTIFIED BY '{SECRET}'")
        client.execute(f"DROP USER {user} /* {SECRET} */")
        with pytest.raises(exc.DBAPIError):
            client.execute(f"CREATE STAGE {name} URL='s3://b/' CREDENTIALS={{'AWS_SECRET_KEY'='{SECRET}'}}")
        with client.session() as session:
            session.stage.create_s3(unique(), "bucket", "p/", "key", SECRET, endpoint="http://127.0.0.1:1")
    spans = [span.to_json() for span in collected.exporter.get_finished_spans()]
    assert any("CREATE STAGE" in span for span in spans)
    assert "CREATE STAGE" in caplog.text
    for shown in (
        *spans,
        repr(collected.metrics()),
        *[record.getMessage() for record in caplog.records if record.name.startswith("matrixone")],
    ):
        assert SECRET not in shown


# -- new connections ---------------------------------------------------------------------------------------------------


def test_functions_are_called_with_each_new_connection(new_client, matrixone_url, database):
    seen = []

    def set_variable(connection):
        cursor = connection.cursor()
        cursor.execute("SET @greeting = 'hello'")
        cursor.close()
        seen.append(connection)

    client = new_client(url=matrixone_url, database=database, on_connect=set_variable)
    client.connect()
    assert client.execute("SELECT @greeting").scalar() == "hello"
    assert len(seen) == 1
    with client.session() as first, client.session() as second:
        assert [session.execute(text("SELECT @greeting")).scalar() for session in (first, second)] == ["hello"] * 2
    assert len(seen) == 2


def test_what_they_do_is_committed_and_done_in_their_order(new_client, other, matrixone_url, database):
    other.execute("CREATE TABLE visits (who VARCHAR(9))")

    def insert(who):
        def hook(connection):
            cursor = connection.cursor()
            cursor.execute("INSERT INTO visits VALUES (%s)", (who,))
            cursor.close()

        return hook

    client = new_client(url=matrixone_url, database=database, on_connect=[insert("a"), insert("b")])
    client.connect()
    assert sorted(other.execute("SELECT who FROM visits").scalars()) == ["a", "b"]
    with client.session() as session:
        other.execute("INSERT INTO visits VALUES ('late')")
        assert session.execute(text("SELECT count(*) FROM visits")).scalar() == 3  # no transaction was left open


def test_a_function_that_fails_fails_the_connection(new_client, matrixone_url):
    made = []

    def broken(connection):
        made.append(connection)
        raise ZeroDivisionError

    def refused(connection):
        connection.cursor().execute("SELECT * FROM no_such_table_anywhere")

    with pytest.raises(ZeroDivisionError):
        new_client(url=matrixone_url, on_connect=broken).connect()
    assert not getattr(made[0], "driver_connection", getattr(made[0], "_connection", made[0])).open
    with pytest.raises(errors.ConnectionFailed, match="no_such_table_anywhere|select"):
        new_client(url=matrixone_url, on_connect=refused).connect()


async def coroutine_function(connection):
    """No hook."""


@pytest.mark.parametrize("value", ["a name", 5, [print, "a name"], coroutine_function, {print}])
def test_functions_that_cannot_be(new_client, value):
    with pytest.raises(errors.InvalidArgument, match="on_connect=.* must be a function that takes a DBAPI connection"):
        new_client(on_connect=value)


# -- pools -------------------------------------------------------------------------------------------------------------


def test_the_status_of_pools(new_client, matrixone_url):
    client = new_client(url=matrixone_url, pool_size=1, max_overflow=1)
    with pytest.raises(errors.NotConnected):
        client.pool_status()
    client.connect()
    before = client.pool_status()
    assert (before.size, before.limit, before.in_use, before.idle, before.overflow, before.waiting) == (
        1,
        2,
        0,
        1,
        0,
        0,
    )
    assert before.stopping == PoolUse(size=4, limit=4, in_use=0, idle=0, overflow=0, waiting=0)
    assert before.concurrent.limit is None
    with client.session() as first, client.session() as second:
        first.execute(text("SELECT 1"))
        second.execute(text("SELECT 1"))
        used = client.pool_status()
        assert (used.in_use, used.idle, used.overflow) == (2, 0, 1)


def test_calls_that_wait(new_client, matrixone_url):
    client = new_client(url=matrixone_url, pool_size=1, max_overflow=0)
    client.connect()
    answers = []
    with client.session() as session:
        session.execute(text("SELECT 1"))
        thread = threading.Thread(target=lambda: answers.append(client.execute("SELECT 2").scalar()))
        thread.start()
        while client.pool_status().waiting != 1:
            assert thread.is_alive()
    thread.join()
    assert answers == [2]
    assert client.pool_status().waiting == 0


def test_names_of_operations():
    from matrixone_async.managers import AsyncStageManager
    from matrixone_sync.managers import StageManager

    assert operation_name(AsyncStageManager, "create") == operation_name(StageManager, "create") == "stage.create"
