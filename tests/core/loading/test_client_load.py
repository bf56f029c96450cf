"""Loads of data that the client has: text, JSON lines, Parquet, Arrow; small and large, sent once, named by line."""

import gzip
import io

import pyarrow
import pytest
from loading_values import brief, server
from pyarrow import parquet
from script import Driver

from matrixone_core.errors import InvalidArgument, LoadFailed, TableNotFound
from matrixone_core.loading import client_load
from matrixone_core.loading.monitoring.events import BytesSent, LoadStarted
from matrixone_core.operations import loads
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_platform.machine import LocalMachine

ROWS = b"1,a\n2,b\n3,c\n"


def run(op, rules=None, *lines, session=False):
    driver = Driver(server({**(rules or {}), "LOAD DATA": 3, "INSERT INTO `t`": 3}, *lines), LocalMachine())
    return driver.run(UnitOfWork().within(op) if session else op), driver


@pytest.fixture
def large(monkeypatch):
    """Data of some bytes is large."""
    monkeypatch.setattr(client_load, "SMALL_BYTES", 1)


def test_small_data_is_sent_within_the_transaction_of_its_rows():
    report, driver = run(loads.read_csv(ROWS, "t"))
    assert driver.sent == [ROWS]
    assert brief(driver.log)[1:4] == ["begin", "CREATE TABLE", "LOAD DATA"]
    assert (report.rows, report.bytes, report.files[0].path) == (3, 12, "<bytes>")


@pytest.mark.usefixtures("large")
def test_large_data_is_sent_beside_it_as_it_is_read(tmp_path):
    events = []
    (tmp_path / "a.csv").write_bytes(ROWS)
    report, driver = run(loads.read_csv(tmp_path / "a.csv", "t", progress=events.append))
    assert driver.sent == [ROWS]
    assert brief(driver.log)[1].startswith("aside: SELECT")
    assert next(event for event in events if isinstance(event, LoadStarted)).bytes == 12
    assert next(event for event in events if isinstance(event, BytesSent)).bytes == report.bytes == 12


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (io.BytesIO(gzip.compress(ROWS)), {"compression": "gzip"}), (io.StringIO(ROWS.decode()), {}),
        (ROWS.decode().encode("utf-16"), {"encoding": "utf-16"}), ([ROWS[:5], ROWS[5:]], {}),
        (b"x\n" + ROWS, {"ignore_lines": 1}), (b"id,name\n" + ROWS, {"header": True}),
    ],
)  # fmt: skip
def test_data_of_every_kind_is_sent_as_text(data, options):
    assert run(loads.read_csv(data, "t", **options))[1].sent == [ROWS]


def test_what_the_server_would_read_otherwise_is_written_anew():
    canonical = b'"1","a"\n"2","b"\n"3","c"\n'
    assert run(loads.read_csv(ROWS.replace(b"\n", b"\r"), "t", line_terminator="\r"))[1].sent == [canonical]
    data = b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'
    assert run(loads.read_json(data, "t"))[1].sent == [canonical]


@pytest.mark.parametrize("opened", [True, False])
def test_parquet_and_arrow_data_are_sent_as_text(tmp_path, opened):
    table = pyarrow.table({"id": [1, 2, 3], "name": ["a", None, "c"]})
    parquet.write_table(table, tmp_path / "a")
    data = iter([(tmp_path / "a").read_bytes()]) if opened else tmp_path / "a"
    sent = b'1,"a"\n2,\\N\n3,"c"\n'
    report, driver = run(loads.read_parquet(data, "t"))
    assert (driver.sent, report.rows) == ([sent], 3)
    assert run(loads.read_arrow(table, "t", columns=["id", "name"]))[1].sent == [sent]


def test_a_url_of_a_stage_is_loaded_from_there():
    assert run(loads.read_csv("stage://s/a.csv", "t"))[0].files[0].path == "stage://s/a.csv"
    assert run(loads.read_parquet("stage://s/a.parquet", "t"))[0].files[0].path == "stage://s/a.parquet"


def test_data_that_cannot_be_read_is_refused_before_anything_is_asked():
    driver = Driver(server())
    with pytest.raises(InvalidArgument, match="int cannot be read"):
        driver.run(loads.read_csv(3, "t"))
    with pytest.raises(InvalidArgument, match="none that Python knows"):
        driver.run(loads.read_csv(b"", "t", encoding="klingon"))
    with pytest.raises(LoadFailed, match="line 1: byte 0xff is not utf-8"):
        driver.run(loads.read_csv(b"\xff\n", "t"))
    assert driver.log == []


def test_a_row_that_cannot_be_read_is_found_before_small_data_is_sent():
    driver = Driver(server())
    with pytest.raises(LoadFailed, match="<bytes>, line 2: too few fields: 1, and 2 columns"):
        driver.run(loads.read_csv(b"1,a\n2\n", "t"))
    assert driver.sent == []
    assert "begin" not in driver.log


def test_rows_that_cannot_be_read_are_left_out():
    report, driver = run(loads.read_csv(b"1,a\n2\n3,c\xff\n4,d\n", "t", on_error="skip"), {"DELETE": 0})
    assert driver.sent == [b"1,a\n3,c\xff\n4,d\n"]
    assert [str(row) for row in report.rejects] == ["<bytes>, line 2: too few fields: 1, and 2 columns"]


# -- which row the server refused --------------------------------------------------------------------------------------

REFUSED = {
    "REGEXP": [{"n": None, "v0": b"x".hex(), "v1": b"b".hex()}],
    "INSERT INTO `t`": LoadFailed("cannot parse 'x'", code=20301), "LOAD DATA": 3,
}  # fmt: skip


def refused(op, rules=None):
    with pytest.raises(LoadFailed) as caught:
        Driver(server({**REFUSED, **(rules or {})})).run(op)
    return str(caught.value).removesuffix("; no row was loaded")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"1,a\n\nx,b\n", "<bytes>, line 3, column 'id'"), (io.BytesIO(b"1,a\n\nx,b\n"), "<BytesIO>, column 'id'"),
        (b"1,a\nx,c\n", "<bytes>, column 'id'"), ([b"1,a\n", b"2,", b"b\nx,b\n"], "<list>, line 3, column 'id'"),
    ],
)  # fmt: skip
def test_data_that_can_be_read_again_shows_the_line(data, where):
    assert refused(loads.read_csv(data, "t")) == f"{where}, value 'x': cannot parse 'x'"


def test_rows_without_lines_have_numbers():
    table = pyarrow.table({"id": ["1", "x"], "name": ["a", "b"]})
    assert refused(loads.read_arrow(table, "t")).startswith("<Table>, column 'id'")
    rows = {"REGEXP": [{"n": 2, "v0": b"x".hex(), "v1": b"b".hex()}], "SELECT sum": [{"n": 0}]}
    said = refused(loads.read_arrow(table, "t", on_conflict="skip"), rows)
    assert said == "<Table>, row 2, column 'id', value 'x': cannot parse 'x'"


def test_rows_that_are_numbered_need_no_second_reading():
    rows = {"REGEXP": [{"n": 2, "v0": b"x".hex(), "v1": b"b".hex()}], "SELECT sum": [{"n": 0}]}
    said = refused(loads.read_csv(io.BytesIO(b"1,a\n\nx,b\n"), "t", on_conflict="skip"), rows)
    assert said == "<BytesIO>, line 3, column 'id', value 'x': cannot parse 'x'"


def test_an_error_of_the_servers_while_data_is_sent_names_the_data():
    said = refused(loads.read_csv(ROWS, "t"), {"LOAD DATA": LoadFailed("no room", code=1)})
    assert said == "<bytes>: no room"


# -- once, and tables made after data ----------------------------------------------------------------------------------


def test_files_are_known_by_their_path_and_content(tmp_path):
    (tmp_path / "a.csv").write_bytes(ROWS)
    report, driver = run(loads.read_csv(tmp_path / "a.csv", "t", once=True))
    assert report.rows == 3
    [entry] = [text for text in driver.log if "INTO `matrixone_loads`" in text]
    assert f"{tmp_path / 'a.csv'}', 12" in entry
    with pytest.raises(InvalidArgument, match="once=True identifies a file by its path"):
        run(loads.read_csv(ROWS, "t", once=True))
    assert run(loads.read_csv(ROWS, "t", once="monday"))[0].rows == 3


def test_a_table_is_made_after_the_data():
    state = {"now": 1, "current_database": "d", "in_use": 1, "reached": 0, "stage_name": None}
    missing = {"AS current_database": (TableNotFound("none"), [state])}

    def made(op):
        answers = server({"LOAD DATA": 3, "INSERT INTO `t`": 3})
        answers.rules["AS current_database"] = list(missing["AS current_database"])
        driver = Driver(answers)
        driver.run(op)
        return next(text for text in driver.log if text.startswith("CREATE TABLE `t`"))

    assert made(loads.read_csv(b"id,at\n1,2024-01-02\n", "t", header=True, create=True)).endswith(
        "`id` BIGINT,\n  `at` DATE\n)"
    )
    table = pyarrow.table({"id": pyarrow.array([1], pyarrow.int32()), "name": ["a"]})
    assert "`id` BIGINT,\n  `name` TEXT" in made(loads.read_arrow(table, "t", create=True))
