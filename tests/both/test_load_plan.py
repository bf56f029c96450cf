"""Looking ahead, and watching: plans, inferred tables, progress and log records; by both clients."""

import asyncio
import inspect
import logging
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from models import User

from matrixone import BytesSent, FileLoaded, LoadFinished, LoadStalled, LoadStarted, errors
from matrixone_core.loading.monitoring import observer


@pytest.fixture
def stage(client, unique, files):
    files.put("a.csv", "id,name,email,age\n1,A,a,1\n2,B,b,x\n")
    files.put("b.csv", "id,name,email,age\n3,C,c,3\n")
    files.put("c.jsonl", '{"id":1,"name":"a","ok":true,"more":{"x":1},"f":1.50}\n')
    client.create_table(User)
    return client.stage.create_local(unique(), files.folder).name


def finished(client, answer):
    async def awaited():
        return await answer

    return client.portal.call(awaited) if inspect.isawaitable(answer) else answer


def test_a_plan_changes_nothing_and_can_be_run(client, stage):
    client.execute("INSERT INTO users (id) VALUES (3)")
    plan = client.load_data.plan(stage, "b.csv", User, header="match", on_conflict="replace")
    assert (plan.files, plan.strategy, plan.lock) == ((f"stage://{stage}/b.csv",), "staging_table", "rows")
    assert [(c.file, c.found, c.table, c.type, c.problem) for c in plan.columns] == [
        ("id", "BIGINT", "id", "INTEGER", None), ("name", "VARCHAR(255)", "name", "VARCHAR(100)", None),
        ("email", "VARCHAR(255)", "email", "VARCHAR(255)", None), ("age", "BIGINT", "age", "INTEGER", None),
    ]  # fmt: skip
    assert (plan.sampled, plan.conflicts, plan.bad) == (1, 1, ())
    assert any(sql.startswith("REPLACE INTO `users`") for sql in plan.sql)
    assert client.execute("SHOW TABLES").scalars().all() == ["users"]
    assert client.execute("SELECT name FROM users").scalars().all() == [None]
    assert "1 have keys that the table has" in str(plan)
    assert "<td>id</td>" in plan._repr_html_()
    assert finished(client, plan.run()).replaced == 1


@pytest.mark.parametrize("options", [{"lock": "table"}, {"on_conflict": "unchecked"}, {"on_conflict": "skip"}, {"on_conflict": ["age"]}, {"once": True},
                                     {"atomic": False}, {"on_error": "skip"}, {"lock": "rows"}])  # fmt: skip
def test_plans_of_many_files(client, stage, options):
    plan = client.load_data.plan(stage, "?.csv", User, ignore_lines=1, **options)
    assert len(plan.files) == 2
    assert [row.column for row in plan.bad] == ["age"]
    assert plan.columns[3].problem == "VARCHAR(255), and the column needs whole numbers"
    assert "line 3" in str(plan)
    assert client.execute("SHOW TABLES").scalars().all() == ["users"]
    assert client.load_data.plan(stage, "none*.csv", User, allow_empty=True).files == ()


def test_a_plan_of_columns_that_do_not_go_together(client, stage, files):
    files.put("wide.csv", "1,a,b,1,2\n")
    plan = client.load_data.plan(stage, "wide.csv", User)
    assert plan.columns[4].problem == "the table has no column for it"
    client.execute("CREATE TABLE n (d DECIMAL(9,2), e DECIMAL(9,2), name VARCHAR(9), missing INT)")
    files.put("n.jsonl", '{"d":"x","e":1.5,"name":"a"}\n')
    problems = [column.problem for column in client.load_data.plan(stage, "n.jsonl", "n").columns]
    assert problems == ["VARCHAR(255), and the column needs numbers", None, None, "the file has no such column"]


def test_a_table_like_a_file(client, stage, files):
    made = client.create_table_from(stage, "b.csv", "made")
    assert [(column.name, column.type) for column in made.columns] == [
        ("id", "BIGINT"), ("name", "VARCHAR(255)"), ("email", "VARCHAR(255)"), ("age", "BIGINT"),
    ]  # fmt: skip
    assert str(made).startswith("CREATE TABLE `made` (\n  `id` BIGINT,")
    assert client.load_data.read_csv_stage(stage, "b.csv", "made", header="match").rows == 1
    with pytest.raises(errors.TableExists):
        client.create_table_from(stage, "b.csv", "made")
    assert dict(_types(client.create_table_from(stage, "c.jsonl", "j"))) == {
        "id": "BIGINT", "name": "VARCHAR(255)", "ok": "BOOL", "more": "JSON", "f": "DECIMAL(38,2)",
    }  # fmt: skip
    files.put("d.jsonl", '[1,"2024-01-01"]\nno JSON\n3\n[null,"2024-01-02"]')
    assert _types(client.create_table_from(stage, "d.jsonl", "k", shape="array")) == [("c1", "BIGINT"), ("c2", "DATE")]
    files.put("e.tsv", f"1e5\t2024-01-01 10:00:00\t10:00:00\t\t{'x' * 200}\n")
    made = client.create_table_from(stage, "e.tsv", "l", header=False, delimiter="\t")
    assert _types(made) == [("c1", "DOUBLE"), ("c2", "DATETIME(6)"), ("c3", "TIME(6)"), ("c4", None), ("c5", "TEXT")]
    files.put("empty.csv", "")
    with pytest.raises(errors.LoadFailed, match="shows no columns"):
        client.create_table_from(stage, "empty.csv", "m", header=False)
    with pytest.raises(errors.InvalidArgument, match="tells no format"):
        client.create_table_from(stage, "file", "m")


def _types(made):
    return [(column.name, column.type) for column in made.columns]


def test_a_table_like_a_parquet_file(client, stage, files):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = pyarrow.BufferOutputStream()
    columns = {"id": [1], "d": pyarrow.array([None], pyarrow.decimal128(9, 2)), "v": [[1.0]], "s": ["xy"], "b": [b"x"]}
    wide = {f"column_{at}_{'x' * 200}": [1] for at in range(300)}  # a footer that is longer than one piece
    for name, table in (("a.parquet", columns), ("wide.parquet", wide)):
        sink = pyarrow.BufferOutputStream()
        parquet.write_table(pyarrow.table(table), sink)
        files.put(name, sink.getvalue().to_pybytes())
    made = client.create_table_from(stage, "a.parquet", "p")
    assert _types(made) == [("id", "BIGINT"), ("d", "DECIMAL(9,2)"), ("v", "JSON"), ("s", "TEXT"), ("b", "BLOB")]
    plan = client.load_data.plan(stage, "a.parquet", "p", columns=["id", "s"])
    assert [column.file for column in plan.columns] == ["id", "s"]
    assert len(client.load_data.plan(stage, "wide.parquet", "p", on_conflict="unchecked").columns) == 5
    client.execute("CREATE TABLE keyed (id BIGINT PRIMARY KEY, s TEXT)")
    client.execute("INSERT INTO keyed VALUES (1, 'y')")
    plan = client.load_data.plan(stage, "a.parquet", "keyed")
    assert (plan.sampled, plan.conflicts, plan.bad) == (0, 0, ())  # only the footer is read
    client.execute("CREATE TABLE narrow (id INT PRIMARY KEY, s VARCHAR(1), more INT)")
    plan = client.load_data.plan(stage, "a.parquet", "narrow")
    assert plan.sampled == 0
    assert plan.columns[2].problem == "the file has no such column"
    assert "of the first" not in str(plan)
    files.put("no.parquet", "1,2\n")
    with pytest.raises(errors.LoadFailed, match="no Parquet file"):
        client.create_table_from(stage, "no.parquet", "q")


def test_events(client, stage, side):
    events = []

    async def receive(event):
        await asyncio.sleep(0)
        events.append(event)

    client.load_data.read_csv_stage(stage, ["b.csv"], User, ignore_lines=1, progress=events.append)
    assert [type(event) for event in events] == [LoadStarted, FileLoaded, LoadFinished]
    assert events[-1].report.rows == 1
    events.clear()
    with pytest.raises(errors.LoadFailed):
        client.load_data.read_csv_stage(
            stage, "?.csv", User, ignore_lines=1, progress=receive if side == "async" else events.append
        )
    assert isinstance(events[-1], LoadFinished)
    assert isinstance(events[-1].error, errors.LoadFailed)
    if side == "sync":
        with pytest.raises(errors.InvalidArgument, match="cannot await what an asynchronous function"):
            client.load_data.read_csv_stage(stage, "b.csv", User, ignore_lines=1, progress=receive)


def test_a_load_that_stalls(client, stage, monkeypatch, caplog):
    monkeypatch.setattr(observer, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr(observer, "POLL_SECONDS", 0.02)
    events = []

    def receive(event):
        events.append(event)
        if isinstance(event, LoadStalled):
            raise ZeroDivisionError  # the load goes on

    def slow():
        yield b"".join(b"%d,a,%s,1\n" % (number, b"x" * 200) for number in range(10, 10_000))  # more than a beginning
        deadline = time.monotonic() + 20
        while not any(isinstance(event, LoadStalled) for event in events) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield b"6,a,b,1\n"

    assert client.load_data.read_csv(slow(), User, progress=receive).rows == 9991
    assert any(isinstance(event, BytesSent) for event in events)
    assert next(event for event in events if isinstance(event, LoadStalled)).seconds >= 0.2
    assert "a progress function failed" in caplog.text


def test_a_function_that_fails_within_a_session_leaves_no_part_of_the_load(client, stage, caplog):
    def receive(event):
        if isinstance(event, FileLoaded | LoadFinished):
            raise ZeroDivisionError

    with client.session() as session:
        report = session.load_data.read_csv_stage(stage, "b.csv", User, header="match", progress=receive)
    assert (report.rows, client.execute("SELECT id FROM users").scalars().all()) == (1, [3])
    assert client.execute("SHOW TABLES").scalars().all() == ["users"]
    assert caplog.text.count("a progress function failed") == 2
    with pytest.raises(ZeroDivisionError):
        client.load_data.read_csv(b"9,a,b,1\n", User, progress=lambda event: 1 / 0)
    assert client.execute("SELECT id FROM users").scalars().all() == [3]


@pytest.mark.parametrize("side", ["sync"])
@pytest.mark.parametrize("begins", [LoadStarted, FileLoaded])
def test_a_function_may_load_what_has_a_function_too(client, stage, files, begins):
    """A listener is called once at a time by its load, whose threads wait for no listener of another load."""
    of_client, of_stage, was_sent = [], [], threading.Event()

    def listen(event):
        of_client.append(event)
        if isinstance(event, BytesSent):
            was_sent.set()

    def rows():
        yield b"".join(b"%d,a,%s,1\n" % (number, b"b" * 240) for number in range(10, 5010))  # more than is read ahead
        assert was_sent.wait(60), "the thread of the progress function waits"
        yield b"7,a,b,1\n"

    def receive(event):
        if isinstance(event, begins):
            client.load_data.read_csv(rows(), User, progress=listen)
            two = client.load_data.read_csv_stage(
                stage, ["b.csv", "d.csv"], "other", header="match", atomic=False, progress=of_stage.append
            )
            assert two.rows == 2

    files.put("d.csv", "id,name,email,age\n4,D,d,4\n")
    client.execute("CREATE TABLE other LIKE users")
    assert client.load_data.read_csv_stage(stage, "b.csv", User, header="match", progress=receive).rows == 1
    assert client.execute("SELECT id FROM users ORDER BY id").scalars().all() == [3, 7, *range(10, 5010)]
    assert of_client[-1].report.rows == 5001
    assert len(of_stage) == 4


@pytest.mark.parametrize("side", ["sync"])
def test_a_function_may_wait_for_a_load_of_another_thread(client, stage):
    def receive(event):
        if isinstance(event, LoadStarted):
            with ThreadPoolExecutor() as pool:
                pool.submit(client.load_data.read_csv, b"7,a,b,1\n", User, progress=lambda event: None).result(60)

    assert client.load_data.read_csv_stage(stage, "b.csv", User, header="match", progress=receive).rows == 1
    assert client.execute("SELECT id FROM users ORDER BY id").scalars().all() == [3, 7]


def test_a_bar_at_a_terminal_and_nothing_in_a_pipe(client, stage, monkeypatch, capsys):
    pytest.importorskip("rich")
    client.load_data.read_csv_stage(stage, "b.csv", User, ignore_lines=1, progress=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    client.load_data.read_csv_stage(stage, "b.csv", User, ignore_lines=1, progress=True, on_conflict="skip")
    assert "-> users" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matrixone_platform.progress_bar", None)
    with pytest.raises(errors.NotSupported, match="needs rich"):
        client.load_data.read_csv(b"", User, progress=True)


def test_what_the_bar_shows(capsys):
    pytest.importorskip("rich")
    from matrixone_platform.progress_bar import show

    for event in (LoadStarted(-1, "t", ("a",), 10), LoadStarted(-2, "u", ("a", "b"), None), BytesSent(-1, "t", 5, 10), LoadStalled(-1, "t", 12.0),
                  FileLoaded(-2, "u", None, 1, 2), FileLoaded(-1, "t", None, 1, 1), LoadFinished(-1, "t", None, None), LoadFinished(-2, "u", None, None)):  # fmt: skip
        show(event)
    assert "failed" in capsys.readouterr().err


def test_records(client, stage, caplog):
    with caplog.at_level(logging.DEBUG, "matrixone.load"):
        client.load_data.read_csv_stage(stage, "b.csv", User, ignore_lines=1)
        with pytest.raises(errors.LoadFailed):
            client.load_data.read_csv_stage(stage, "a.csv", User)
    assert "1 row in" in caplog.text
    assert re.search(r"failed after .* s: LoadFailed", caplog.text)


def test_a_plan_in_a_session_is_run_in_it(client, stage):
    client.execute("CREATE TABLE k (a INT DEFAULT 5 PRIMARY KEY, name VARCHAR(9))")
    with client.session() as session:
        plan = session.load_data.plan(stage, "b.csv", User, ignore_lines=1)
        assert finished(session, plan.run()).rows == 1
        assert session.load_data.read_json_stage(stage, "c.jsonl", "k", columns=["name"]).rows == 1
        assert session.load_data.plan(stage, "c.jsonl", "k", columns=["name"]).conflicts == 0
        session.rollback()
    assert client.execute("SELECT count(*) FROM users").scalar() == 0
