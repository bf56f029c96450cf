"""Loads of every format from a stage: who reads JSON lines, headers, tables made after files, plans and their samples."""

import gzip
import json
import re
from decimal import Decimal

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading_values import STATE, brief, server
from pyarrow import parquet
from script import Driver

from matrixone_core.errors import InvalidArgument, LoadFailed, ServerError, TableExists, TableNotFound
from matrixone_core.loading.inputs.schema_inference import format_of, lossless_values, suggest_type
from matrixone_core.loading.strategies import fill
from matrixone_core.operations import stage_loads
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_core.sql.files import DigestFile, FileLength, ReadFile

LINES = ("`id` int NOT NULL", "`name` varchar(10) DEFAULT NULL", "PRIMARY KEY (`id`)")


class Files:
    """A stage's files, which statements read; other statements are answered by rules."""

    def __init__(self, files, rules=None, *lines, state=None):
        self.files = {f"stage://s/{name}": data for name, data in files.items()}
        self.others = server({"LOAD DATA": 3, "INSERT INTO `t`": 3} | (rules or {}), *lines, state=state)
        if rules and "AS current_database" in rules:
            self.others.rules["AS current_database"] = list(rules["AS current_database"])

    def __call__(self, statement):
        match statement:
            case ReadFile():
                data = self.files[statement.url]
                return data[statement.offset : statement.offset + statement.pieces * statement.size]
            case FileLength():
                return len(self.files[statement.url])
            case DigestFile():
                return tuple("d" for _ in statement.offsets)
        return self.others(statement)


def run(op, files, rules=None, *lines, state=None, session=False):
    driver = Driver(Files(files, rules, *lines, state=state))
    return driver.run(UnitOfWork().within(op) if session else op), driver


# -- values that end with a carriage return, which the server loses -----------------------------------------------------

RETURNS = b'1,"a\r"\n2,"b"\n'
ESCAPED = b'"1","a\\r"\n"2","b"\n'
MAY_END = {"SELECT instr(load_file": [{"place": 4, "length": 14}]}


def may_end(count, **more):
    return {"`line` LIKE": [{"n": count}], **more}


def test_a_value_that_ends_with_a_return_is_read_here():
    _, driver = run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, MAY_END | may_end(1))
    assert driver.sent == [ESCAPED]
    assert not any(text.startswith("LOAD DATA INFILE") for text in driver.log)


def test_a_file_without_one_is_read_by_the_server():
    for rules in ({}, MAY_END | may_end(0), {"SELECT instr(load_file": ServerError("only loads")} | may_end(0)):
        _, driver = run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, rules)
        assert driver.sent == []


def test_larger_and_compressed_files_are_seen_by_their_lines():
    _, driver = run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": RETURNS}, may_end(1), state=LARGE)
    assert driver.sent == [ESCAPED]
    assert any(text.startswith("TRUNCATE TABLE `matrixone_load") for text in driver.log)
    _, driver = run(
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
    _, driver = run(stage_loads.read_csv_stage("s", "a.csv", "t", **options), {"a.csv": b""}, {}, *lines)
    assert not any("instr(" in text or "LIKE" in text for text in driver.log)


def test_a_return_that_fails_the_servers_reader_is_read_here():
    """It takes it from the value before the last one, where that is empty."""
    failed, data = LoadFailed("panic runtime error: slice bounds out of range [:3]"), {"a.csv": b'"a\r",\n'}
    op = stage_loads.read_csv_stage("s", "a.csv", "t", columns=["name", "id"])
    _, driver = run(op, data, {"LOAD DATA": (failed, 1), "INSERT INTO `t`": 1})
    assert driver.sent == [b'"a\\r",""\n']
    with pytest.raises(LoadFailed, match="panic"):
        run(stage_loads.read_csv_stage("s", "a.csv", "t", on_conflict="unchecked"), data, {"LOAD DATA": (failed,)})


# -- JSON lines --------------------------------------------------------------------------------------------------------

JSON = b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'
LARGE = {"reached": 2}


def test_small_files_of_json_lines_are_read_here():
    report, driver = run(stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON})
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']
    assert report.rows == 3


def test_the_server_reads_large_ones_while_another_connection_checks_each_line():
    report, driver = run(
        stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON}, {"count(*) AS n": [{"n": 0}]}, state=LARGE
    )
    assert driver.sent == []
    assert any(text.startswith("CREATE EXTERNAL TABLE") for text in driver.log)
    assert report.rows == 3


def test_a_large_one_with_a_line_of_another_kind_is_read_here():
    rules = {"count(*) AS n": [{"n": 1}]}
    _, driver = run(stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": JSON}, rules, state=LARGE)
    assert any(text.startswith("TRUNCATE TABLE `matrixone_load") for text in driver.log)
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']


@pytest.mark.parametrize(
    ("data", "options", "session"),
    [
        (b'{"ID": 1, "name": "a"}\n', {}, False), (b'[1, "a"]\n', {"shape": "array"}, False), (JSON, {}, True),
    ],
)  # fmt: skip
def test_large_ones_that_the_server_cannot_be_trusted_with(data, options, session):
    _, driver = run(
        stage_loads.read_json_stage("s", "a.jsonl", "t", **options), {"a.jsonl": data}, state=LARGE, session=session
    )
    assert driver.sent != []


def test_unchecked_json_lines_are_read_here_as_the_server_loses_malformed_ones():
    _, driver = run(
        stage_loads.read_json_stage("s", "a.jsonl", "t", on_conflict="unchecked"), {"a.jsonl": JSON}, state=LARGE
    )
    assert driver.sent == [b'"1","a"\n"2","b"\n"3","c"\n']


def test_what_is_read_here_is_sent_some_at_a_time(monkeypatch):
    monkeypatch.setattr(fill, "SENT_BYTES", 1)
    data = b"".join(b'{"id": %d, "name": "%s"}\n' % (number, b"a" * 1000) for number in range(200))
    report, driver = run(
        stage_loads.read_json_stage("s", "a.jsonl", "t"), {"a.jsonl": data}, {"LOAD DATA": 100, "INSERT INTO `t`": 200}
    )
    assert len(driver.sent) == 2
    assert report.rows == 200


def test_a_line_that_is_no_json_fails_the_load_or_is_left_out():
    data = {"a.jsonl": b'{"id": 1}\n{"id": \n'}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.jsonl, line 2: "):
        run(stage_loads.read_json_stage("s", "a.jsonl", "t"), data)
    report, _ = run(
        stage_loads.read_json_stage("s", "a.jsonl", "t", on_error="skip"), data, {"LOAD DATA": 1, "INSERT INTO `t`": 1}
    )
    assert (report.rows, report.rejected) == (1, 1)


# -- which line a bad row is in ----------------------------------------------------------------------------------------

CSV = b"1,a\n2,b\n3,x\n"
MISMATCH = LoadFailed("the input data does not match", code=20301)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"1,a\n2\n", "stage://s/a.csv, line 2: too few fields: 1, and 2 columns; no row was loaded"),
        (b"1,a\n2,b,c\n", "stage://s/a.csv, line 2: too many fields: 3, and 2 columns; no row was loaded"),
        (b'1,a\n2,"b"c\n', "stage://s/a.csv, line 2: after the closing quote comes neither ',' nor the line's end; no row was loaded"),
        (b"1,a\n", "stage://s/a.csv: the input data does not match"),
    ],
)  # fmt: skip
def test_a_row_of_another_shape_is_named_if_it_is_found(data, says):
    with pytest.raises(LoadFailed) as caught:
        run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": data}, {"LOAD DATA": MISMATCH})
    assert (str(caught.value), caught.value.code) == (says, 20301)


@pytest.mark.parametrize(
    ("error", "reading"),
    [(LoadFailed("no such place", code=20300), {}), (MISMATCH, {"hex(load_file": ServerError("cannot be read")})],
)  # fmt: skip
def test_an_error_that_is_about_no_row_stays_as_it_is(error, reading):
    driver = Driver(server({"LOAD DATA": error, **reading}))
    with pytest.raises(LoadFailed, match=f"^stage://s/a.csv: {error}$"):
        driver.run(stage_loads.read_csv_stage("s", "a.csv", "t"))
    with pytest.raises(LoadFailed, match=f"^stage://s/a.parquet: {error}$"):
        Driver(server({"LOAD DATA": error})).run(stage_loads.read_parquet_stage("s", "a.parquet", "t"))


def staged(*values):
    return [
        {"n": None, **{f"v{at}": None if value is None else value.encode().hex() for at, value in enumerate(values)}}
    ]


@pytest.mark.parametrize(
    ("words", "values", "says"),
    [
        ("internal error: Column 'id' cannot be null", (None, "a"), "line 2, column 'id', value None: Column 'id' cannot be null"),
        ("invalid input: cannot parse 'x y' as int", ("x y", "b"), "line 3, column 'id', value 'x y': invalid input: cannot parse 'x y' as int"),
        ("Src length 12 is larger than Dest length 10", ("4", "c" * 12), "line 4, column 'name', value"),
    ],
)  # fmt: skip
def test_the_row_that_the_server_refused_is_named(words, values, says):
    data = {"a.csv": b"\\N,a\n".join([b"1,a\n", b"x y,b\n4," + b"c" * 12 + b"\n"])}
    rules = {"REGEXP": staged(*values), "INSERT INTO `t`": LoadFailed(words, code=20301)}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv, ") as caught:
        run(stage_loads.read_csv_stage("s", "a.csv", "t"), data, rules)
    assert says in str(caught.value)


@pytest.mark.parametrize("rows", [[], staged("1", "a"), staged(None, None), staged("7", "b")])
def test_a_refusal_that_no_row_is_found_for_keeps_the_servers_words(rows):
    rules = {"REGEXP": rows, "INSERT INTO `t`": LoadFailed("words of the server", code=20301)}
    with pytest.raises(LoadFailed, match="^words of the server$"):
        run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": CSV}, rules)


def test_a_table_of_which_no_column_tells_keeps_the_servers_words():
    rules = {"INSERT INTO `t`": LoadFailed("words of the server", code=20301)}
    with pytest.raises(LoadFailed, match="^words of the server$"):
        run(
            stage_loads.read_csv_stage("s", "a.csv", "t"),
            {"a.csv": CSV},
            rules,
            "`id` geometry DEFAULT NULL",
            "`b` blob DEFAULT NULL",
        )


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_row_is_named_by_its_number_or_not_at_all(form):
    """Parquet files have no lines; a file that cannot be read shows none."""
    rules = {
        "REGEXP": staged("x", "a"),
        "INSERT INTO `t`": LoadFailed("cannot parse 'x'", code=20301),
        "hex(load_file": ServerError("no"),
        "LOAD DATA": 3,
    }
    op = (
        stage_loads.read_parquet_stage("s", "a", "t")
        if form == "parquet"
        else stage_loads.read_csv_stage("s", "a", "t")
    )
    with pytest.raises(LoadFailed, match=r"^stage://s/a, column 'id', value 'x': cannot parse 'x'"):
        Driver(server(rules)).run(op)


@pytest.mark.parametrize(
    ("column", "words", "value"),
    [
        ("json DEFAULT NULL", "Invalid JSON text: x", "{x"), ("vecf32(2) DEFAULT NULL", "expected vector dimension 2", "[1]"),
        ("vecf32(2) DEFAULT NULL", "error while casting y1 to FLOAT", "[1, y1]"),
    ],
)  # fmt: skip
def test_values_of_other_kinds_that_the_server_refused(column, words, value):
    rules = {"SELECT NULL AS n": staged(value), "INSERT INTO `t`": LoadFailed(words, code=20301)}
    with pytest.raises(LoadFailed) as caught:
        run(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": b""}, rules, f"`c` {column}")
    assert f"column 'c', value {value!r}: {words}" in str(caught.value)


def test_fields_that_are_skipped_may_be_anything():
    rules = {"REGEXP": staged("x"), "INSERT INTO `t`": LoadFailed("cannot parse 'x'", code=20301)}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv, line 2, column 'id', value 'x'"):
        run(stage_loads.read_csv_stage("s", "a.csv", "t", columns=["id", None]), {"a.csv": b"1,what\nx,ever\n"}, rules)


def test_bytes_are_counted_as_such():
    rules = {
        "REGEXP": [],
        "length(": staged("ééé"),
        "INSERT INTO `t`": LoadFailed("Src length 6 is larger than Dest length 4", code=20301),
    }
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv, line 2, column 'b', value 'ééé'"):
        run(
            stage_loads.read_csv_stage("s", "a.csv", "t"),
            {"a.csv": "é\nééé\n".encode()},
            rules,
            "`b` varbinary(4) DEFAULT NULL",
        )


def test_numbered_rows_of_a_file_that_cannot_be_read_have_no_line():
    row = [{"n": 2, "v0": "78", "v1": "62"}]
    rules = {
        "REGEXP": row,
        "SELECT sum": [{"n": 0}],
        "INSERT INTO `t`": LoadFailed("cannot parse 'x'", code=20301),
        "LOAD DATA": 3,
    }
    for reading, where in (
        (ServerError("no"), "stage://s/a.csv, column"),
        ([{"piece0": b"1,a\nx,b\n".hex()}], "stage://s/a.csv, line 2, column"),
    ):
        with pytest.raises(LoadFailed, match=f"^{where} 'id'"):
            Driver(server({**rules, "hex(load_file": reading})).run(
                stage_loads.read_csv_stage("s", "a.csv", "t", on_conflict="skip")
            )
    with pytest.raises(LoadFailed, match="^stage://s/a.parquet, row 2, column 'id'"):
        Driver(server(rules)).run(stage_loads.read_parquet_stage("s", "a.parquet", "t", on_conflict="skip"))


# -- headers, and tables made after files ------------------------------------------------------------------------------


def test_columns_by_the_names_in_the_header():
    _, driver = run(
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
        run(stage_loads.read_csv_stage("s", "a.csv", "t", header=True), {"a.csv": data})


def test_columns_that_the_table_does_not_have_are_added_or_left_out():
    data = {"a.csv": b"id,more,name\n1,2.5,a\n", "a.jsonl": b'{"id": 1, "name": "a", "more": {"x": 1}}\n'}
    _, driver = run(
        stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="add", dtype={"MORE": "FLOAT"}), data
    )
    assert "ALTER TABLE `t` ADD COLUMN `more` FLOAT" in driver.log
    _, driver = run(stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="ignore"), data)
    assert any("(`f0`, @skip1, `f2`)" in text for text in driver.log)
    _, driver = run(stage_loads.read_json_stage("s", "a.jsonl", "t", extra_columns="add"), data)
    assert "ALTER TABLE `t` ADD COLUMN `more` JSON" in driver.log
    _, driver = run(
        stage_loads.read_csv_stage("s", "a.csv", "t", header=True, extra_columns="add"), {"a.csv": b"id,name\n1,a\n"}
    )
    assert not any(text.startswith("ALTER") for text in driver.log)
    with pytest.raises(InvalidArgument, match="no column 'more'"):
        run(stage_loads.read_csv_stage("s", "a.csv", "t", header=True), data)


CREATED = {"AS current_database": (TableNotFound("none"), [STATE])}


def created(op, data):
    _, driver = run(op, data, CREATED)
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
    table, driver = run(stage_loads.create_table_from("s", "a.csv", "d.new"), data)
    assert (table.name, [column.name for column in table.columns]) == ("d.new", ["id", "name"])
    assert str(table) == driver.log[-1] == "CREATE TABLE `d`.`new` (\n  `id` BIGINT,\n  `name` VARCHAR(255)\n)"
    table, _ = run(stage_loads.create_table_from("s", "a.parquet", "new"), data)
    assert [column.name for column in table.columns] == ["id", "name"]
    with pytest.raises(TableExists, match="there is a table 'new' already"):
        run(stage_loads.create_table_from("s", "a.csv", "new"), data, {"information_schema": [{"name": "id"}]})
    with pytest.raises(LoadFailed, match="is no Parquet file"):
        run(stage_loads.create_table_from("s", "b.parquet", "new"), data)
    with pytest.raises(LoadFailed, match="shows no columns"):
        run(stage_loads.create_table_from("s", "e.csv", "new", header=False), data)


def test_a_long_footer_of_a_parquet_file_is_read_too(tmp_path):
    path = tmp_path / "wide"
    parquet.write_table(pyarrow.table({f"column number {at:05}": [at] for at in range(1500)}), path)
    table, driver = run(stage_loads.create_table_from("s", "a.parquet", "new"), {"a.parquet": path.read_bytes()})
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


# -- plans -------------------------------------------------------------------------------------------------------------


def plan(data, rules=None, *lines, file="a.csv", **options):
    return run(stage_loads.plan("s", file, "t", **options), {file: data}, rules, *lines)


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
    assert found.columns[0].problem == "VARCHAR(255) where whole numbers are wanted"
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


def test_values_that_look_like_none_of_the_column():
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
        "VARCHAR(255) where numbers are wanted",
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
    found, _ = run(stage_loads.plan("s", "*.csv", "t", allow_empty=True), {})
    assert (found.files, found.sampled) == ((), 0)
    found, _ = plan(parquet_file(tmp_path / "a"), file="a.parquet")
    assert [(column.file, column.table) for column in found.columns] == [("id", "id"), ("name", "name")]
    found, _ = plan(json.dumps({"name": "a", "ID": 1}).encode(), {"count(*) AS n": [{"n": 1}]}, file="a.jsonl")
    assert [(column.file, column.table) for column in found.columns] == [("ID", "id"), ("name", "name")]
