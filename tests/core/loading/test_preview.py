"""What a file shows before it is loaded: a table for it, and the plan of its load."""

import json
import re
from decimal import Decimal

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading_values import STATE, brief, run_on_files
from pyarrow import parquet

from matrixone_core.errors import InvalidArgument, LoadFailed, ServerError, TableExists, TableNotFound
from matrixone_core.loading.inputs.schema_inference import format_of, lossless_values, suggest_type
from matrixone_core.operations import stage_loads

JSON = b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'
CSV = b"1,a\n2,b\n3,x\n"


CREATED = {"AS current_database": (TableNotFound("none"), [STATE])}


def created(op, data):
    _, driver = run_on_files(op, data, CREATED)
    return next(text for text in driver.log if text.startswith("CREATE TABLE `t`"))


def test_a_table_is_made_after_the_data():
    data = {
        "a.csv": b"1,2024-01-02,x\n",
        "h.csv": b"Id,when\n1,2024-01-02 03:04:05\n",
        "a.jsonl": b'{"id": 1, "doc": [1], "on": true, "n": null}\n',
    }
    assert (
        created(stage_loads.read_csv_stage("s", "a.csv", "t", create=True), data)
        == "CREATE TABLE `t` (\n  `c1` BIGINT,\n  `c2` DATE,\n  `c3` VARCHAR(255)\n)"
    )
    made = created(
        stage_loads.read_csv_stage(
            "s", "h.csv", "t", create=True, header=True, dtype={"id": "INT"}, file_column="f", row_column="r"
        ),
        data,
    )
    assert made == "CREATE TABLE `t` (\n  `Id` INT,\n  `when` DATETIME(6),\n  `f` TEXT,\n  `r` BIGINT\n)"
    assert (
        created(stage_loads.read_json_stage("s", "a.jsonl", "t", create=True), data)
        == "CREATE TABLE `t` (\n  `id` BIGINT,\n  `doc` JSON,\n  `on` BOOL,\n  `n` TEXT\n)"
    )
    assert (
        created(stage_loads.read_csv_stage("s", "a.csv", "t", create=True, columns=["x", None, "y"]), data)
        == "CREATE TABLE `t` (\n  `x` BIGINT,\n  `y` VARCHAR(255)\n)"
    )
    with pytest.raises(InvalidArgument, match="create=True finds no columns in the data for 't'"):
        created(stage_loads.read_csv_stage("s", "a.csv", "t", create=True), {"a.csv": b""})


def parquet_file(path):
    parquet.write_table(pyarrow.table({"id": [1, 2], "name": ["a", "b"]}), path)
    return path.read_bytes()


def test_tables_made_after_a_file(tmp_path):
    data = {"a.csv": b"id,name\n1,a\n", "a.parquet": parquet_file(tmp_path / "a"), "b.parquet": b"no", "e.csv": b""}
    table, driver = run_on_files(stage_loads.create_table_from("s", "a.csv", "d.new"), data)
    assert (table.name, [column.name for column in table.columns]) == ("d.new", ["id", "name"])
    assert str(table) == driver.log[-1] == "CREATE TABLE `d`.`new` (\n  `id` BIGINT,\n  `name` VARCHAR(255)\n)"
    table, _ = run_on_files(stage_loads.create_table_from("s", "a.parquet", "new"), data)
    assert [column.name for column in table.columns] == ["id", "name"]
    with pytest.raises(TableExists, match="there is a table 'new' already"):
        run_on_files(stage_loads.create_table_from("s", "a.csv", "new"), data, {"information_schema": [{"name": "id"}]})
    with pytest.raises(LoadFailed, match="is no Parquet file"):
        run_on_files(stage_loads.create_table_from("s", "b.parquet", "new"), data)
    with pytest.raises(LoadFailed, match="shows no columns"):
        run_on_files(stage_loads.create_table_from("s", "e.csv", "new", header=False), data)


def test_a_long_footer_of_a_parquet_file_is_read_too(tmp_path):
    path = tmp_path / "wide"
    parquet.write_table(pyarrow.table({f"column number {at:05}": [at] for at in range(1500)}), path)
    table, driver = run_on_files(
        stage_loads.create_table_from("s", "a.parquet", "new"), {"a.parquet": path.read_bytes()}
    )
    assert len(table.columns) == 1500
    assert sum("load_file" in text for text in driver.log) > 2


@pytest.mark.parametrize(
    ("file", "form"), [("a.CSV", "csv"), ("a.tsv.gz", "csv"), ("a.ndjson.bz2", "jsonline"), ("d/a.parquet", "parquet")]
)
def test_the_suffix_tells_the_format(file, form):
    assert format_of(file) == form
    with pytest.raises(InvalidArgument, match="the suffix of 'a.xml' tells no format"):
        format_of("a.xml")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None, ""], "BIGINT"), (["1", "2.50"], "DECIMAL(38,2)"), (["1e5"], "DOUBLE"), (["1.0", "1.123456789012"], "DOUBLE"),
        (["true", "FALSE"], "BOOL"), (["2024-01-02"], "DATE"), (["2024-01-02 03:04:05.5"], "DATETIME(6)"), (["03:04:05"], "TIME(6)"),
        (["x"], "VARCHAR(255)"), (["x" * 101], "TEXT"), ([None, ""], None), (["007"], "VARCHAR(255)"),
    ],
)  # fmt: skip
def test_types_that_values_suggest(values, kind):
    assert suggest_type(values) == kind


NUMBERS = st.integers() | st.decimals(-(10**20), 10**20, allow_nan=False) | st.decimals(-9, 9, places=12)


@given(st.lists(NUMBERS.map(str), min_size=1, max_size=4))
def test_a_suggested_type_keeps_the_values_that_suggested_it(values):
    kind = suggest_type(values)
    assert kind is not None
    lossless = lossless_values(kind)
    assert (
        kind in {"VARCHAR(255)", "TEXT"} if lossless is None else all(re.fullmatch(lossless, value) for value in values)
    )
    if kind == "DOUBLE":
        assert all(Decimal(repr(float(value))) == Decimal(value) for value in values)


def plan(data, rules=None, *lines, file="a.csv", **options):
    return run_on_files(stage_loads.plan("s", file, "t", **options), {file: data}, rules, *lines)


def test_a_plan_shows_file_and_table_side_by_side_and_what_does_not_fit():
    data = b"1,a\nx,b\n3,cccccccccccc\n4\n\\N,e\n"
    rules = {"CAST('x'": ServerError("internal error: cannot parse 'x'"), "count(*) AS n": [{"n": 2}]}
    found, driver = plan(data, rules)
    assert [(column.file, column.found, column.table, column.type) for column in found.columns] == [
        ("c1", "VARCHAR(255)", "id", "INTEGER"), ("c2", "VARCHAR(255)", "name", "VARCHAR(10)"),
    ]  # fmt: skip
    assert [(row.line, row.reason) for row in found.bad] == [
        (2, "cannot parse 'x'"), (3, "too long: 12 characters, and the column has 10"), (4, "1 fields, and 2 columns"),
        (5, "the column 'id' cannot be NULL"),
    ]  # fmt: skip
    assert (found.sampled, found.conflicts) == (5, 2)
    assert found.columns[0].problem == "VARCHAR(255), and the column needs whole numbers"
    assert "LOAD DATA" not in brief(driver.log)


def test_a_plan_runs_as_the_load():
    found, driver = plan(b"1,a\n", {"count(*) AS n": [{"n": 0}]})
    assert found.run().rows == 3
    assert "LOAD DATA" in brief(driver.log)


def test_a_plan_of_files_and_tables_of_other_columns():
    found, _ = plan(b"1,a,7\n", {"count(*) AS n": ServerError("no value")})
    assert [column.problem for column in found.columns] == [None, None, "the table has no column for it"]
    assert found.conflicts == 0
    found, _ = plan(b"1,a\n", {"count(*) AS n": [{"n": 0}]}, columns=["id", None])
    assert [(column.file, column.table) for column in found.columns] == [("c1", "id"), ("c2", None)]
    found, _ = plan(b"a\n", columns=["name"], on_conflict="unchecked")
    assert (found.conflicts, len(found.columns)) == (0, 1)
    found, _ = plan(b"", {"count(*) AS n": [{"n": 0}]})
    assert [column.problem for column in found.columns] == ["the file has no such column"] * 2
    found, _ = plan(b"\\N,a\n", {"count(*) AS n": [{"n": 0}]})
    assert found.conflicts == 0
    found, _ = plan(b'1,"a"b\n', {"count(*) AS n": [{"n": 0}]})
    assert found.bad[0].reason.startswith("after the closing quote")


def test_values_that_resemble_none_of_the_column():
    lines = (
        "`a` decimal(5,2) DEFAULT NULL",
        "`b` int DEFAULT NULL",
        "`c` bool DEFAULT NULL",
        "`d` json DEFAULT NULL",
        "`e` date DEFAULT NULL",
        "`f` int NOT NULL AUTO_INCREMENT",
    )
    found, _ = plan(b"x,true,x,{},2024-01-31,\n", None, *lines)
    assert [column.problem for column in found.columns] == [
        "VARCHAR(255), and the column needs numbers",
        None,
        None,
        None,
        None,
        None,
    ]
    assert found.bad == ()


def test_no_more_than_some_values_are_tried(monkeypatch):
    monkeypatch.setattr("matrixone_core.loading.preview.MAX_TRIED", 1)
    found, driver = plan(
        b"x,a\ny,b\n", {"SELECT CAST(": ServerError("bad")}, "`id` int DEFAULT NULL", "`name` text DEFAULT NULL"
    )
    assert (len(found.bad), sum(text.startswith("SELECT CAST(") for text in driver.log)) == (1, 1)


def test_plans_without_files_and_of_parquet_files(tmp_path):
    found, _ = run_on_files(stage_loads.plan("s", "*.csv", "t", allow_empty=True), {})
    assert (found.files, found.sampled) == ((), 0)
    found, _ = plan(parquet_file(tmp_path / "a"), file="a.parquet")
    assert [(column.file, column.table) for column in found.columns] == [("id", "id"), ("name", "name")]
    found, _ = plan(json.dumps({"name": "a", "ID": 1}).encode(), {"count(*) AS n": [{"n": 1}]}, file="a.jsonl")
    assert [(column.file, column.table) for column in found.columns] == [("ID", "id"), ("name", "name")]
