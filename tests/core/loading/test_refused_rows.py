"""The line, the column and the value of a row that the server refuses, as far as they can be found."""

import pytest
from loading_values import run_on_files, server
from script import Driver

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.operations import stage_loads

JSON = b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}\n'


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
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": data}, {"LOAD DATA": MISMATCH})
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
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), data, rules)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("words", "row", "says"),
    [
        ("cannot parse 'x y' as int", ("x y", "b", ""), "line 3, column 'id', value 'x y'"),
        ("cannot parse 'x y' as int", ("x y", "b", "c"), "line 4, column 'id', value 'x y'"),
    ],
)
def test_the_refused_row_is_named_where_a_delimiter_ends_each_line(words, row, says):
    rules = {"REGEXP": staged(*row), "INSERT INTO `t`": LoadFailed(words, code=20301)}
    with pytest.raises(LoadFailed) as caught:
        run_on_files(
            stage_loads.read_csv_stage("s", "a.csv", "t", trailing_delimiter=True),
            {"a.csv": b"1,a,\n2,\nx y,b,\nx y,b,c\n"},
            rules,
        )
    assert str(caught.value).startswith(f"stage://s/a.csv, {says}: ")


@pytest.mark.parametrize("rows", [[], staged("1", "a"), staged(None, None), staged("7", "b")])
def test_a_refusal_that_no_row_is_found_for_names_the_file_before_the_servers_words(rows):
    rules = {"REGEXP": rows, "INSERT INTO `t`": LoadFailed("words of the server", code=20301)}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv: words of the server$"):
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": CSV}, rules)


def test_a_refusal_by_a_table_of_which_no_column_tells_names_the_file_before_the_servers_words():
    rules = {"INSERT INTO `t`": LoadFailed("words of the server", code=20301)}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv: words of the server$"):
        run_on_files(
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
        run_on_files(stage_loads.read_csv_stage("s", "a.csv", "t"), {"a.csv": b""}, rules, f"`c` {column}")
    assert f"column 'c', value {value!r}: {words}" in str(caught.value)


def test_fields_that_are_skipped_may_be_anything():
    rules = {"REGEXP": staged("x"), "INSERT INTO `t`": LoadFailed("cannot parse 'x'", code=20301)}
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv, line 2, column 'id', value 'x'"):
        run_on_files(
            stage_loads.read_csv_stage("s", "a.csv", "t", columns=["id", None]), {"a.csv": b"1,what\nx,ever\n"}, rules
        )


def test_bytes_are_counted_as_such():
    rules = {
        "REGEXP": [],
        "length(": staged("ééé"),
        "INSERT INTO `t`": LoadFailed("Src length 6 is larger than Dest length 4", code=20301),
    }
    with pytest.raises(LoadFailed, match=r"^stage://s/a\.csv, line 2, column 'b', value 'ééé'"):
        run_on_files(
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


@pytest.mark.parametrize("words", ["CREATE EXTERNAL", "`line` LIKE"])
def test_a_file_of_which_the_server_cannot_say_how_its_lines_end_is_read_here(words):
    report, _ = run_on_files(
        stage_loads.read_csv_stage("s", "a.csv", "t"),
        {"a.csv": CSV},
        {words: ServerError("no"), "SELECT instr(load_file": ServerError("no"), "INSERT INTO `t`": 3},
    )
    assert report.rows == 3
