"""Loads of every format from a stage: who reads JSON lines, and whose names the columns have."""

import gzip
import re

import pytest
from loading_values import STATE, run_on_files

from matrixone_core.errors import InvalidArgument, LoadFailed, ServerError, TransactionAborted
from matrixone_core.loading.strategies import fill
from matrixone_core.operations import stage_loads

LINES = ("`id` int NOT NULL", "`name` varchar(10) DEFAULT NULL", "PRIMARY KEY (`id`)")


JSON = b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'
LARGE = {"reached": 2}


def test_small_files_of_json_lines_are_read_here():
    report, driver = run_on_files(stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON})
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']
    assert report.rows == 3


def test_the_server_reads_large_ones_while_another_connection_checks_each_line():
    report, driver = run_on_files(
        stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON}, {"count(*) AS n": [{"n": 0}]}, state=LARGE
    )
    assert driver.sent == []
    assert any(text.startswith("CREATE EXTERNAL TABLE") for text in driver.log)
    assert report.rows == 3


def test_a_large_one_with_a_line_of_another_kind_is_read_here():
    rules = {"count(*) AS n": [{"n": 1}]}
    _, driver = run_on_files(stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON}, rules, state=LARGE)
    assert any(text.startswith("TRUNCATE TABLE `matrixone_load") for text in driver.log)
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']


@pytest.mark.parametrize(
    ("data", "options", "session"),
    [
        (b'{"ID": 1, "name": "a"}\n', {}, False), (b'[1, "a"]\n', {"shape": "array"}, False), (JSON, {}, True),
    ],
)  # fmt: skip
def test_large_ones_that_the_server_cannot_be_trusted_with(data, options, session):
    _, driver = run_on_files(
        stage_loads.read_json_stage("s", "a.jsonl", "t", **options), {"a.jsonl": data}, state=LARGE, session=session
    )
    assert driver.sent != []


def test_unchecked_json_lines_are_read_here_as_the_server_loses_malformed_ones():
    _, driver = run_on_files(
        stage_loads.read_json_stage("s", "a.jsonl", "t", on_conflict="unchecked"), {"a.jsonl": JSON}, state=LARGE
    )
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']


def test_what_is_read_here_is_sent_some_at_a_time(monkeypatch):
    monkeypatch.setattr(fill, "SENT_BYTES", 1)
    data = b"".join(b'{"id": %d, "name": "%s"}\n' % (number, b"a" * 1000) for number in range(200))
    report, driver = run_on_files(
        stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": data}, {"LOAD DATA": 100, "INSERT INTO `t`": 200}
    )
    assert len(driver.sent) == 2
    assert report.rows == 200


def test_a_line_that_is_no_json_fails_the_load_or_is_left_out():
    data = {"a.jsonl": b'{"id": 1}\n{"id": \n'}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.jsonl, line 2: "):
        run_on_files(stage_loads.read_json_stage("s", "a.jsonl", "t"), data)
    report, _ = run_on_files(
        stage_loads.read_json_stage("s", "a.jsonl", "t", on_error="skip"), data, {"LOAD DATA": 1, "INSERT INTO `t`": 1}
    )
    assert (report.rows, report.rejected) == (1, 1)


RETURNS = b'1,"a\r"\n2,"b"\n'
ESCAPED = b'"1","a\\r"\n"2","b"\n'
MAY_END = {"SELECT instr(load_file": [{"place": 4, "length": 14}]}


def may_end(count, **more):
    return {"`line` LIKE": [{"n": count}], **more}


def test_a_value_that_ends_with_a_return_is_read_here():
    _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, MAY_END | may_end(1))
    assert driver.sent == [ESCAPED]
    assert not any(text.startswith("LOAD DATA INFILE") for text in driver.log)


def test_a_file_without_one_is_read_by_the_server():
    for rules in ({}, MAY_END | may_end(0), {"SELECT instr(load_file": ServerError("only loads")} | may_end(0)):
        _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, rules)
        assert driver.sent == []


@pytest.mark.parametrize("session", [True, False])
def test_a_file_whose_lines_cannot_be_seen_is_read_here(session):
    """Its external table is dropped all the same: a session's transaction goes on."""
    rules = MAY_END | {"`line` LIKE": ServerError("unterminated quoted field")}
    _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, rules, session=session)
    assert driver.sent == [ESCAPED]
    assert any(re.match(r"DROP TABLE IF EXISTS `matrixone_load_\w+_lines`", text) for text in driver.log)


@pytest.mark.parametrize("question", ["SELECT instr(load_file", "`line` LIKE"])
def test_a_transaction_that_was_rolled_back_does_not_go_on(question):
    rules = MAY_END | {question: TransactionAborted("deadlock", code=20701)}
    with pytest.raises(TransactionAborted):
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, rules)


def test_larger_and_compressed_files_are_seen_by_their_lines():
    _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, may_end(1), state=LARGE)
    assert driver.sent == [ESCAPED]
    assert any(text.startswith("TRUNCATE TABLE `matrixone_load") for text in driver.log)
    _, driver = run_on_files(
        stage_loads.read_csv_stage("s", "a.csv.gz", "t"), {"a.csv.gz": gzip.compress(RETURNS)}, may_end(1), session=True
    )
    assert driver.sent == [ESCAPED]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"line_terminator": "\r"}, LINES), ({"trailing_delimiter": True}, LINES), ({"columns": ["name", "id"]}, LINES),
        ({"columns": ["id", "name", None]}, LINES), ({"on_conflict": "unchecked"}, LINES),
        ({}, ("`id` int NOT NULL", "`n` int DEFAULT NULL", "PRIMARY KEY (`id`)")),
    ],
)  # fmt: skip
def test_what_no_return_can_be_lost_of_is_not_asked(options, lines):
    _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t", **options), {"a.csv": b""}, {}, *lines)
    assert not any("instr(" in text or "LIKE" in text for text in driver.log)


def test_a_return_that_fails_the_servers_reader_is_read_here():
    """It takes it from the value before the last one, where that is empty."""
    failed, data = LoadFailed("panic runtime error: slice bounds out of range [:3]"), {"a.csv": b'"a\r",\n'}
    op = stage_loads.read_csv_stage("s", "a.csv", "t", columns=["name", "id"])
    _, driver = run_on_files(op, data, {"LOAD DATA": (failed, 1), "INSERT INTO `t`": 1})
    assert driver.sent == [b'"a\\r",""\n']
    with pytest.raises(LoadFailed, match="panic"):
        run_on_files(
            stage_loads.read_csv_stage("s", "a.csv", "t", on_conflict="unchecked"), data, {"LOAD DATA": (failed,)}
        )


def test_columns_by_the_names_in_the_header():
    _, driver = run_on_files(
        stage_loads.read_csv_stage("s", ["a.csv", "b.csv"], "t", header="match"),
        {"a.csv": b"name,id\na,1\n", "b.csv": b"id,name\n"},
    )
    assert [text.rpartition("IGNORE")[2] for text in driver.log if text.startswith("LOAD")] == [
        " 1 LINES (`f0`, `f1`)"
    ] * 2
    assert sorted(text.partition("SELECT")[0] for text in driver.log if text.startswith("INSERT")) == [
        "INSERT INTO `t` (`id`, `name`) ", "INSERT INTO `t` (`name`, `id`) ",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "has no header"), (b"a,,b\n", "has an empty name: 'a,,b'"), (b"a,b,A\n", "names 'a' more than once")],
)
def test_headers_that_cannot_be(data, says):
    with pytest.raises(LoadFailed, match=says):
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t", header=True), {"a.csv": data})


def test_columns_that_the_table_does_not_have_are_added_or_left_out():
    data = {"a.csv": b"id,more,name\n1,2.5,a\n", "a.jsonl": b'{"id": 1, "name": "a", "more": {"x": 1}}\n'}
    _, driver = run_on_files(
        stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="add", dtype={"MORE": "FLOAT"}), data
    )
    assert "ALTER TABLE `t` ADD COLUMN `more` FLOAT" in driver.log
    _, driver = run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="ignore"), data)
    assert any("(`f0`, @skip1, `f2`)" in text for text in driver.log)
    _, driver = run_on_files(stage_loads.read_json_stage("s", "a.jsonl", "t", extra_columns="add"), data)
    assert "ALTER TABLE `t` ADD COLUMN `more` JSON" in driver.log
    _, driver = run_on_files(
        stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="add"), {"a.csv": b"id,name\n1,a\n"}
    )
    assert not any(text.startswith("ALTER") for text in driver.log)
    with pytest.raises(InvalidArgument, match="no column 'more'"):
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t", header=True), data)


BUCKET = {"url": "s3://bucket/a"}


@pytest.mark.parametrize(("path", "compression"), [("a.csv", "none"), ("a.csv.gz", "gzip")])
def test_compression_is_left_out_where_the_suffix_of_a_file_in_a_bucket_says_it(path, compression):
    load = stage_loads.read_csv_stage("s", path, "t", compression=compression, on_conflict="unchecked")
    report, driver = run_on_files(load, {path: gzip.compress(b"1,a")}, state=BUCKET)
    assert report.rows == 3
    assert not any("compression" in text for text in driver.log)


def test_json_lines_in_a_bucket_are_read_here_if_their_suffix_says_otherwise():
    load = stage_loads.read_json_stage("s", "a.jsonl", "t", compression="gzip")
    _, driver = run_on_files(load, {"a.jsonl": gzip.compress(JSON)}, state=BUCKET | LARGE)
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']


@pytest.mark.parametrize(("path", "compression"), [("a.csv.gz", "none"), ("a", "gzip"), ("a.csv.zst", "none")])
def test_compression_that_the_suffix_of_a_file_in_a_bucket_contradicts(path, compression):
    load = stage_loads.read_csv_stage("s", path, "t", compression=compression)
    with pytest.raises(InvalidArgument, match=rf"compression='{compression}' cannot be used for stage://s/{path}"):
        run_on_files(load, {path: b""}, state=BUCKET)


def test_a_stage_in_a_stage_of_a_bucket():
    outer = {"stage_name": "outer", "url": "s3://bucket/"}
    rules = {"FROM mo_catalog.mo_stages": [STATE | outer]}
    load = stage_loads.read_csv_stage("s", "a.csv.gz", "t", compression="none")
    with pytest.raises(InvalidArgument, match="rename the file"):
        run_on_files(load, {"a.csv.gz": b""}, rules, state={"url": "stage://outer/a"})
