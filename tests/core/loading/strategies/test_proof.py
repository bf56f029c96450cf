"""Loads without a staging table: only lines that LOAD DATA stores as INSERT would."""

import re

import pytest
from loading_values import server, table
from script import Driver

from matrixone_core.errors import LoadFailed, PermissionDenied
from matrixone_core.loading.certain_values import certain_field
from matrixone_core.operations import loads, stage_loads

COLUMNS = ("`id` int NOT NULL", "`name` varchar(5) DEFAULT NULL", "`n` decimal(5,2) DEFAULT NULL", "PRIMARY KEY (`id`)")
DENIED = {"DROP TABLE IF EXISTS": PermissionDenied("no"), "SELECT sum": [{"n": 0}], "LOAD DATA": 2}


def load(data, *columns, stage=False, rules=None):
    if stage:
        rules = {"hex(load_file": [{"piece0": data.hex()}], **(rules or {})}
    driver = Driver(server({**DENIED, **(rules or {})}, *(columns or COLUMNS)))
    return driver.run(stage_loads.read_csv_stage("s", "a.csv", "t") if stage else loads.read_csv(data, "t")), driver


@pytest.mark.parametrize("stage", [True, False])
@pytest.mark.parametrize("line", ["2,b,1.25", "2,,", '2,"a,b",\\N', '2,"a""b",0', "2,abcde,-999.99", '2,"ä""öüß",1'])
def test_certain_lines_are_loaded(line, stage):
    report, _ = load(f"1,a,1\n{line}\n".encode(), stage=stage)
    assert (report.rows, report.strategy) == (2, "count_duplicates")


@pytest.mark.parametrize("stage", [True, False])
@pytest.mark.parametrize("line", ["2.5,b,1", "2,abcdef,1", "2,b,1.255", "2,b,1000", "x,b,1", '2,"a\nbcde",1'])
def test_the_first_line_that_is_not_certain_fails_the_load(line, stage):
    with pytest.raises(LoadFailed, match=r"line 2: this is not certain .*grant CREATE TABLE") as caught:
        load(f"1,a,1\n{line}\n".encode(), stage=stage)
    assert caught.value.row.line == 2


@pytest.mark.parametrize(
    ("line", "reason"), [("2,b", "too few fields"), ("2,b,1,1", "too many fields"), ('2,"b', "a quote is opened")]
)
def test_rows_of_another_shape(line, reason):
    with pytest.raises(LoadFailed, match=f"line 2: {reason}"):
        load(f"1,a,1\n{line}".encode(), stage=True)


def test_a_value_that_ends_with_a_return():
    """The server loses it, unless the client writes the line (server-facts 84)."""
    data, columns = b'1,"a\r"\n2,b\n', ("`id` int NOT NULL", "`t` text DEFAULT NULL")
    report, driver = load(data, *columns)
    assert (report.rows, driver.sent) == (2, [b'1,"a\r",x\n2,b\n'])
    with pytest.raises(LoadFailed, match="line 1: this is not certain"):
        load(data, *columns, stage=True)


@pytest.mark.parametrize("columns", [COLUMNS, ("`id` int NOT NULL", "`t` text DEFAULT NULL", "`n` int DEFAULT NULL")])
def test_text_that_is_not_utf8(columns):
    driver = Driver(server(DENIED, *columns))
    with pytest.raises(LoadFailed, match="line 2: byte 0xe9 is not UTF-8"):
        driver.run(loads.read_csv(b"1,a,1\n2,\xe9,1\n", "t", encoding=None))


def test_what_no_line_proves():
    with pytest.raises(PermissionDenied, match="the column 'j' need a staging table"):
        load(b"1,{}\n", "`id` int NOT NULL", "`j` json DEFAULT NULL", stage=True)
    driver = Driver(server(DENIED, *COLUMNS))
    with pytest.raises(PermissionDenied, match="files of parquet need a staging table"):
        driver.run(stage_loads.read_parquet_stage("s", "a.parquet", "t"))


@pytest.mark.parametrize(
    ("sql_type", "certain", "doubtful"),
    [
        ("tinyint", ["-99", "0"], ["100", "00", "+1", ""]), ("int unsigned", ["1"], ["-1"]), ("decimal(3,3)", None, None),
        ("double", ["1.5"], ["1e5"]), ("float", None, None), ("date", ["2024-12-28"], ["2024-12-29", "24-1-1"]),
        ("datetime", ["2024-01-02 03:04:05"], ["2024-01-02", "2024-01-02 03:04:05.5"]), ("json", None, None),
    ],
)  # fmt: skip
def test_certain_values(sql_type, certain, doubtful):
    pattern = certain_field(table(f"`c` {sql_type} NOT NULL").columns[0])
    assert (pattern == "") is (certain is None)
    assert all(re.fullmatch(pattern, value) for value in certain or ())
    assert not any(re.fullmatch(pattern, value) for value in doubtful or ())


def test_a_field_that_is_skipped_and_a_text_of_any_length():
    assert certain_field(None) is None
    report, _ = load(b'1,"a ""b"""\n2,c\n', "`id` int NOT NULL", "`t` text DEFAULT NULL", stage=True)
    assert report.rows == 2


def test_numbers_that_the_server_counts_are_never_zero():
    column = table("`id` int NOT NULL AUTO_INCREMENT", "PRIMARY KEY (`id`)").columns[0]
    assert not re.fullmatch(certain_field(column), "0")
