"""The fast path: an empty table is filled by LOAD DATA while each line is proven to be plain; else it is staged."""

import re

import pytest
from loading_values import brief, file, request, server, table
from script import Driver

from matrixone_core.errors import ConnectionLost, DuplicateKey, LoadFailed, ServerError
from matrixone_core.loading.planning import make_plan
from matrixone_core.loading.strategies.fast_path import plain_lines
from matrixone_core.operations import stage_loads
from matrixone_core.sql.load import Csv, Parquet
from matrixone_core.sql.table import LoadState

EMPTY = {"in_use": 0, "reached": 2}
PROVEN = {"count(*) AS n": [{"n": 0}], "LOAD DATA": 3, "INSERT INTO `t`": 3}


def load(rules, state=None, **options):
    driver = Driver(server(rules, state=state or EMPTY))
    return driver.run(stage_loads.read_csv_stage("s", "a.csv", "t", **options)), driver


def test_plain_lines_go_straight_into_an_empty_table():
    report, driver = load(PROVEN)
    assert (report.rows, report.strategy) == (3, "load_then_check")
    assert [text for text in brief(driver.log) if text in {"LOAD DATA", "INSERT INTO", "commit"}] == [
        "LOAD DATA",
        "commit",
    ]
    assert any(text.startswith("CREATE EXTERNAL TABLE `matrixone_load_") for text in driver.log)


def test_the_table_may_be_emptied_first():
    report, driver = load(PROVEN, {"in_use": 1, "reached": 2}, mode="replace")
    assert report.strategy == "load_then_check"
    assert "TRUNCATE TABLE `t`" in driver.log


@pytest.mark.parametrize(
    "rules",
    [
        {"count(*) AS n": [{"n": 1}]}, {"count(*) AS n": ServerError("no such function")},
        {"INTO TABLE `t`": LoadFailed("the input data does not match", code=20301), "count(*) AS n": [{"n": 0}]},
    ],
)  # fmt: skip
def test_what_is_not_proven_is_staged(rules):
    report, driver = load({**rules, "LOAD DATA": 3, "INSERT INTO `t`": 3})
    assert (report.rows, report.strategy) == (3, "staging_table")
    assert "rollback" in driver.log


def test_a_key_that_two_rows_have():
    rules = {**PROVEN, "HAVING count(*) > 1 LIMIT 1": [{"matrixone_key0": 7}]}
    with pytest.raises(
        DuplicateKey, match=r"^duplicate entry '7' for the key \(id\): more than one row of stage://s/a\.csv"
    ):
        load(rules)


def test_a_connection_that_breaks_is_no_answer():
    with pytest.raises(ConnectionLost):
        load({**PROVEN, "count(*) AS n": ConnectionLost("lost")})


# -- which lines are plain ---------------------------------------------------------------------------------------------


def lines(*columns, form=Csv(), state=None, given=None, **options):  # noqa: B008  # a frozen value
    names = tuple(f"c{at}" for at in range(len(columns)))
    target = table(*(f"`{name}` {column}" for name, column in zip(names, columns, strict=True)))
    plan = make_plan(
        request(**options), state or LoadState(in_use=False, reached=2), target, given or [file(names, form)],
        can_create_tables=True, token="t",
    )  # fmt: skip
    return plain_lines(plan)


@pytest.mark.parametrize(
    ("column", "plain", "others"),
    [
        ("int NOT NULL", ["0", "-12", "123456789"], ["", "\\N", "007", "+1", "1.5", "1234567890", " 1"]),
        ("int DEFAULT NULL", ["", "\\N"], ["NULL"]), ("int unsigned NOT NULL", ["1"], ["-1"]),
        ("int NOT NULL AUTO_INCREMENT", ["1"], ["0", ""]), ("decimal(4,1) NOT NULL", ["-123.4", "1"], ["1234", "1.23"]),
        ("decimal(4) DEFAULT NULL", ["1234", ""], ["1.0"]), ("double DEFAULT NULL", ["1.5", "\\N"], ["1e3", "nan", ""]),
        ("date NOT NULL", ["2024-02-28"], ["2024-2-1", "x"]), ("datetime NOT NULL", ["2024-02-28 01:02:03"], ["2024-02-28"]),
        ("text", ["", "é x", '"a,b"'], ['"a', 'a"b', "\ufffd"]),
    ],
)  # fmt: skip
def test_fields_that_load_data_and_insert_read_alike(column, plain, others):
    pattern = lines(column, "int NOT NULL")
    assert [value for value in plain if not re.search(pattern, f"{value},1\r")] == []
    assert [value for value in others if re.search(pattern, f"{value},1")] == []


def test_lines_end_with_a_delimiter_where_that_is_said():
    assert re.search(lines("int NOT NULL", form=Csv(trailing_delimiter=True)), "1,")


@pytest.mark.parametrize("column", ["float", "json", "bool", "decimal(2,2)", "varbinary(3)", "timestamp NOT NULL"])
def test_columns_that_nothing_is_proven_of(column):
    assert lines(column) is None


@pytest.mark.parametrize("form", [Csv(escape="\\"), Csv(delimiter="||"), Csv(line_terminator="\r\n"), Parquet()])
def test_files_that_nothing_is_proven_of(form):
    assert lines("int", form=form) is None


@pytest.mark.parametrize(
    "options",
    [
        {"validate": True}, {"on_conflict": "unchecked"}, {"lock": "rows"}, {"null_values": "-"}, {"set": {"c0": "1"}},
        {"file_column": "c0"}, {"state": LoadState(in_use=True, reached=2)}, {"state": LoadState(in_use=False, reached=1)},
        {"state": LoadState(in_use=False, reached=2, owns_transaction=False)}, {"given": [file(("c0",)), file(("c0",))]},
        {"given": [file((None,))]}, {"given": [file(("c0",), through_client=True)]},
    ],
)  # fmt: skip
def test_loads_that_the_fast_path_is_not_for(options):
    assert lines("int NOT NULL", **options) is None
