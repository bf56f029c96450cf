"""Rows that do not fit, by both clients."""

import re

import pytest
from sqlalchemy import exc

from matrixone import errors

TYPES = {
    "t": "TINYINT", "u": "INT UNSIGNED", "i": "INT", "d": "DECIMAL(5,2)", "f": "DOUBLE", "b": "BOOL", "da": "DATE",
    "dt": "DATETIME(6)", "ti": "TIME", "j": "JSON", "e": "ENUM('a','b')", "v": "VECF32(2)", "s": "VARCHAR(3)", "tt": "TEXT",
}  # fmt: skip
GOOD = {
    "t": "-128", "u": "4294967295", "i": "3", "d": "999.99", "f": "1e5", "b": "true", "da": "2024-02-29",
    "dt": "2024-01-01 10:20:30.5", "ti": "10:20:30", "j": '{"a": 1}', "e": "b", "v": "[1, 2.5]", "s": "äöü", "tt": "x" * 99,
}  # fmt: skip
BAD = [
    ("t", "128", "out of range"), ("u", "-1", "bad value -1"), ("i", "x", "bad value x"), ("i", "1.5", "bad value 1.5"),
    ("i", "3.0", "bad value 3.0"), ("i", "inf", "bad value inf"), ("d", "1000", "beyond the range"),
    ("d", "x", "beyond the range"), ("d", "nan", "beyond the range"), ("f", "x", "this is no number"),
    ("b", "yes", "not a valid bool"), ("da", "2024-02-30", "bad value 2024-02-30"), ("da", "x", "must begin with a year"),
    ("da", "1/2/24", "must begin with a year"), ("dt", "2024-01-01 25:00:00", "invalid datetime value"),
    ("dt", "x", "must begin with a year"), ("ti", "10:70:00", "invalid time value"), ("j", "{x", "json text"),
    ("e", "c", "not in enum"), ("v", "[1]", "vector dimension 2"), ("v", "[x]", "error while casting x"),
    ("s", "äöüß", "larger than Dest length|too long"),
]  # fmt: skip


@pytest.fixture
def table(client):
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    client.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {columns}, n VARCHAR(9) NOT NULL)")
    return "t"


def line(number, **changed):
    values = [str(number), *(GOOD | changed).values(), "n"]
    return (",".join('"' + value.replace('"', '""') + '"' for value in values) + "\n").encode()


@pytest.mark.parametrize(("column", "value", "reason"), BAD, ids=[f"{column}-{reason}" for column, _, reason in BAD])
def test_a_value_that_does_not_fit(client, table, column, value, reason):
    data = line(1) + line(2, **{column: value}) + line(3)
    report = client.load_data.read_csv(data, table, on_error="skip")
    assert (report.rows, report.read, report.rejected) == (2, 3, 1)
    row = report.rejects[0]
    assert (row.line, row.column, row.value) == (2, column, value)
    assert re.search(reason, row.reason)
    assert client.execute("SELECT id FROM t ORDER BY id").scalars().all() == [1, 3]
    with pytest.raises(errors.LoadFailed, match=f"line 2, column '{column}'.*({reason})"):
        client.load_data.read_csv(line(4) + line(5, **{column: value}) + line(6), table, on_conflict="replace")
    assert client.execute("SELECT count(*) FROM t").scalar() == 2


def test_a_line_of_names_that_is_read_as_a_row(client):
    client.execute("CREATE TABLE h (id INT PRIMARY KEY, name VARCHAR(9))")
    with pytest.raises(errors.LoadFailed, match=r"line 1, column 'id', value 'ID'.*header='match'; no row was loaded$"):
        client.load_data.read_csv(b"ID,name\n1,Ada\n", "h")
    with pytest.raises(errors.LoadFailed) as caught:
        client.load_data.read_csv(b"x,name\n1,Ada\n", "h")
    assert "header" not in str(caught.value)


MIXED = b'1,a,1\n2,b\n3,c,1,1\n,d,1\n5,0123456789,1\n6,"q\nr",1\n7,x,\\N\n8,"y"z,1\n9,ok,\n10,"open'


@pytest.fixture
def mixed(client, files, unique):
    client.execute("CREATE TABLE m (id INT PRIMARY KEY, name VARCHAR(9), x INT)")
    files.put("m.csv", MIXED)
    return client.stage.create_local(unique(), files.folder).name


def test_good_rows_load_and_bad_ones_are_collected(client, mixed):
    report = client.load_data.read_csv_stage(mixed, "m.csv", "m", on_error="skip", rejects="rejected_rows")
    assert client.execute("SELECT id, name, x FROM m ORDER BY id").all() == [
        (1, "a", 1),
        (6, "q\nr", 1),
        (7, "x", None),
        (9, "ok", None),
    ]
    assert (report.read, report.rows, report.rejected) == (10, 4, 6)
    rejected = client.execute(
        "SELECT `file`, `line`, `column`, `reason`, `raw` FROM rejected_rows ORDER BY `line`"
    ).all()
    assert [row[1] for row in rejected] == [2, 3, 4, 5, 9, 11]
    assert [row[2] for row in rejected] == [None, None, "id", "name", None, None]
    assert {row[0] for row in rejected} == {f"stage://{mixed}/m.csv"}
    assert re.search("larger than Dest length|too long", rejected[3][3])
    assert rejected[3][4] == "5,0123456789,1"
    assert [str(row.line) for row in report.rejects] == ["2", "3", "4", "5", "9", "11"]
    client.execute("DELETE FROM m")
    assert client.load_data.read_csv(MIXED, "m", on_error="skip", rejects="rejected_rows").rejected == 6
    assert client.execute("SELECT count(*) FROM rejected_rows").scalar() == 12


@pytest.mark.parametrize("most", [6, 0.6, 1.0])
def test_as_many_bad_rows_as_may_be(client, mixed, most):
    assert client.load_data.read_csv_stage(mixed, "m.csv", "m", on_error="skip", max_errors=most).rejected == 6


@pytest.mark.parametrize("most", [0, 5, 0.59, 0.0])
@pytest.mark.parametrize("conflict", ["error", "update", "skip"])
def test_more_bad_rows_than_may_be(client, mixed, most, conflict):
    with pytest.raises(errors.LoadFailed, match="line 2") as caught:
        client.load_data.read_csv_stage(
            mixed, "m.csv", "m", on_error="skip", max_errors=most, rejects="rejected_rows", on_conflict=conflict
        )
    assert caught.value.row.line == 2
    assert client.execute("SELECT count(*) FROM m").scalar() == 0


def test_unchecked_rows_cannot_be_left_out(client, mixed):
    for options in ({"on_error": "skip"}, {"validate": True}):
        with pytest.raises(errors.InvalidArgument, match="need checked rows"):
            client.load_data.read_csv_stage(mixed, "m.csv", "m", on_conflict="unchecked", **options)


def test_in_a_session_and_of_many_files(client, mixed, files):
    files.put("n.csv", "20,a,1\n21,b\n")
    with client.session() as session:
        report = session.load_data.read_csv_stage(mixed, ["m.csv", "n.csv"], "m", on_error="skip")
        assert (report.rows, report.rejected) == (5, 7)
        with pytest.raises(errors.LoadFailed):
            session.load_data.read_csv_stage(mixed, "n.csv", "m", on_error="skip", max_errors=0)
    assert client.execute("SELECT count(*) FROM m").scalar() == 5
    assert client.load_data.read_csv_stage(mixed, "[mn].csv", "m", on_error="skip", on_conflict="replace").rejected == 7


@pytest.mark.parametrize("missing", ["null", "error"])
@pytest.mark.parametrize("shape", ["object", "array"])
def test_json_lines(client, mixed, files, *, shape, missing):
    lines = [
        '{"id":1,"name":"a","x":1}',
        "{oops",
        '{"id":2,"name":"b"}',
        '{"id":3,"name":"c","x":"y"}',
        '{"id":4,"name":null,"x":null}',
        "",
    ]
    if shape == "array":
        lines = ['[1,"a",1]', "[oops", '[2,"b"]', '[3,"c","y"]', "[4,null,null]", ""]
    files.put("a.jsonl", "\n".join(lines))
    options = {"shape": shape, "missing_keys": missing, "on_error": "skip"}
    load = client.load_data
    bad = [2, 4] if (shape, missing) == ("object", "null") else [2, 3, 4]
    for report in (
        load.read_json_stage(mixed, "a.jsonl", "m", **options),
        load.read_json("\n".join(lines).encode(), "m", on_conflict="replace", **options),
    ):
        assert (report.read, report.rows, report.rejected) == (5, 5 - len(bad), len(bad))
        assert [row.line for row in report.rejects] == bad


@pytest.mark.parametrize(
    ("content", "says"),
    [("1,a,1\n2,b,1.5\n", "line 2, column 'x', value '1.5': .*bad value 1.5"), ("1,a,1\n2,b\n", "line 2: too few"),
     ("1,a,1,1\n", "line 1: too many"), ("1,a,1\n2,b,x\n", "line 2, column 'x', value 'x'"), ("1,a,1\n2,0123456789,1\n", "line 2, column 'name'"),
     ("id,name,x\n1,a,1\n\\N,b,1\n", "line 3, column 'id', value None: .*cannot be null")],
)  # fmt: skip
def test_the_first_bad_row_is_named(client, mixed, files, content, says):
    files.put("b.csv", content)
    skip = 1 if str(content).startswith("id") else 0
    with pytest.raises(errors.LoadFailed, match=rf"b\.csv, {says}") as caught:
        client.load_data.read_csv_stage(mixed, "b.csv", "m", ignore_lines=skip)
    assert caught.value.row is not None
    assert client.execute("SELECT count(*) FROM m").scalar() == 0


@pytest.mark.parametrize(
    ("read", "data", "place"),
    [
        ("json", b'{"id": 1}\n\n{"id": 1.5}\n', (3, "id", "1.5")),
        ("json", b'{"id": 1, "j": {}}\n\n{"id": 2, "j": "{bad"}\n', (3, "j", "{bad")),
        ("csv", b"1,{}\n\n2,text\n", (3, "j", "text")),
        ("csv", b"1,{}\r\r1.5,{}\r", (3, "id", "1.5")),
    ],
)
def test_the_line_of_data_that_is_sent_in_another_form_and_of_json(client, mixed, files, read, data, place):
    client.execute("CREATE TABLE j (id INT, j JSON)")
    options = {"line_terminator": "\r"} if b"\r" in data else {}
    files.put("j", data)
    for call in (
        lambda: getattr(client.load_data, f"read_{read}")(data, "j", **options),
        lambda: getattr(client.load_data, f"read_{read}_stage")(mixed, "j", "j", **options),
    ):
        with pytest.raises(errors.LoadFailed) as caught:
            call()
        assert (caught.value.row.line, caught.value.row.column, caught.value.row.value) == place


def test_an_error_of_no_row_names_the_data(client, mixed, files):
    client.execute("CREATE TABLE n (id INT, must INT NOT NULL)")
    files.put("n.csv", "1\n")
    with pytest.raises(errors.LoadFailed, match=r"n\.csv: .*must"):
        client.load_data.read_csv_stage(mixed, "n.csv", "n", columns=["id"])


def test_a_bad_row_of_an_unchecked_load_and_of_an_iterator(client, mixed, files):
    files.put("c.csv", "1,a,1\n2,b,x\n")
    with pytest.raises(errors.LoadFailed, match=r"c\.csv, line 2"):
        client.load_data.read_csv_stage(mixed, "c.csv", "m", on_conflict="unchecked")
    with pytest.raises(errors.LoadFailed) as caught:
        client.load_data.read_csv(iter([b"1,a,1\n2,b,x\n"]), "m")  # cannot be read again
    assert (caught.value.row.line, caught.value.row.column, caught.value.row.value) == (None, "x", "x")


def test_more_rows_than_are_sent_at_a_time_and_than_a_report_keeps(client, mixed, monkeypatch):
    monkeypatch.setattr("matrixone_core.loading.strategies.fill.SENT_BYTES", 10)
    monkeypatch.setattr("matrixone_core.loading.rejects.MAX_REPORTED", 1)
    pieces = [f"{number},name,1\n{number},bad\n".encode() for number in range(5)]
    report = client.load_data.read_csv(iter(pieces), "m", on_error="skip")
    assert (report.rows, report.rejected, len(report.rejects)) == (5, 5, 1)


def test_more_rows_that_may_be_refused_than_are_asked_for_at_a_time(client, mixed, monkeypatch):
    """Values of many digits may be refused, and are tried by themselves."""
    for name in ("plan.MAX_CHECKED", "strategies.rejection.MAX_CHECKED", "strategies.silent.MAX_CHECKED"):
        monkeypatch.setattr(f"matrixone_core.loading.{name}", 3)
    monkeypatch.setattr("matrixone_core.loading.strategies.rejection.TRIED_PARTS", 2)
    lines = [f"{number},a,{1_000_000_000 * (1 + number % 3)}\n" for number in range(1, 11)]
    report = client.load_data.read_csv("".join(lines).encode(), "m", on_error="skip")
    assert (report.rows, report.rejected) == (7, 3)
    assert [row.line for row in report.rejects] == [2, 5, 8]


def test_a_column_that_the_server_computes(client, mixed, files):
    client.execute("CREATE TABLE g (a INT PRIMARY KEY, b INT GENERATED ALWAYS AS (a + 1))")
    files.put("g.csv", "1,2\n")
    with pytest.raises(errors.InvalidArgument, match="the server computes the column 'b'"):
        client.load_data.read_csv_stage(mixed, "g.csv", "g", columns=["a", "b"])


ARROW = {"id": [1, 2, 3, 4], "name": ["a", "q\nr", "0123456789", "d"], "x": [1, None, 3, 2**40]}


@pytest.fixture(params=["arrow", "parquet", "stage"])
def read_rows(request, client, mixed, files):
    """Loads a dict of columns into the table, as Arrow data, as a Parquet file, or as one in a stage."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def read(data, **options):
        table = pyarrow.table(data)
        if request.param == "arrow":
            return client.load_data.read_arrow(table, "m", **options)
        sink = pyarrow.BufferOutputStream()
        parquet.write_table(table, sink, row_group_size=2)
        if request.param == "parquet":
            return client.load_data.read_parquet(sink.getvalue().to_pybytes(), "m", **options)
        files.put("bad.parquet", sink.getvalue().to_pybytes())
        return client.load_data.read_parquet_stage(mixed, "bad.parquet", "m", **options)

    return read


def test_a_bad_row_of_arrow_data_is_named(client, read_rows):
    with pytest.raises(
        errors.LoadFailed, match="row 3, column 'name', value '0123456789': .*(larger than Dest|too long)"
    ) as caught:
        read_rows(ARROW | {"x": [1, None, 3, 4]})
    assert (caught.value.row.line, caught.value.row.unit) == (3, "row")
    with pytest.raises(errors.LoadFailed, match=r"row 4, column 'x', value '1099511627776': .*out of range"):
        read_rows(ARROW | {"name": ["a", "b", "c", "d"]})
    with pytest.raises(errors.LoadFailed, match="row 2, column 'id', value None: .*cannot be null"):
        read_rows(ARROW | {"id": [1, None, 3, 4], "name": ["a", "b", "c", "d"], "x": [1, 2, 3, 4]})
    assert client.execute("SELECT count(*) FROM m").scalar() == 0


def test_bad_rows_of_arrow_data_are_left_out(client, read_rows):
    report = read_rows(ARROW, on_error="skip", rejects="rejected_rows")
    assert (report.read, report.rows, report.rejected) == (4, 2, 2)
    assert [(row.line, row.unit, row.column) for row in report.rejects] == [(3, "row", "name"), (4, "row", "x")]
    assert client.execute("SELECT id, name, x FROM m ORDER BY id").all() == [(1, "a", 1), (2, "q\nr", None)]
    assert client.execute("SELECT `line`, `column` FROM rejected_rows ORDER BY 1").all() == [(3, "name"), (4, "x")]
    with pytest.raises(errors.LoadFailed, match="more than 1 rows were refused"):
        read_rows(ARROW, on_error="skip", max_errors=1, on_conflict="replace")
    wanted = ARROW | {"more": [1, 2, 3, 4]}
    assert read_rows(wanted, columns=["id", "x"], on_error="skip", on_conflict="replace").rejected == 1
    assert client.execute("SELECT count(*) FROM m").scalar() == 3


def test_a_parquet_file_that_cannot_be_distinguished(client, mixed, files):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table({"id": [1], "names": ["a"], "x": [1]}), sink)
    files.put("other.parquet", sink.getvalue().to_pybytes())
    files.put("none.parquet", "id,name\n")
    for name, kind, says in (
        ("other", errors.InvalidArgument, "names"),
        ("none", errors.LoadFailed, "no Parquet file"),
        ("missing", errors.StageFileNotFound, "not found"),
    ):
        with pytest.raises(kind, match=rf"stage://{mixed}/{name}\.parquet.*{says}"):
            client.load_data.read_parquet_stage(mixed, f"{name}.parquet", "m", on_error="skip")


def test_arrow_data_that_comes_only_once(client, mixed):
    pyarrow = pytest.importorskip("pyarrow")
    reader = pyarrow.table(ARROW | {"x": [1, 2, 3, 4]}).to_reader()
    with pytest.raises(errors.LoadFailed) as caught:
        client.load_data.read_arrow(reader, "m")
    assert caught.value.row.line == 3
    assert "RecordBatchReader" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"1, 1,1\n1,2,2\n", [(1, 1, 2)]),
        (b"1,1,1\n1, 2,2\n", [(1, 1, 2)]),
        (b"1, 1,1\n1, 2,2\n1,x,3\n", [(1, 1, 2)]),
        (b"1,1,1\n1,x,2\n1, 3,3\n2,x,1\n2,2, 2\n", [(1, 1, 3), (2, 2, 2)]),
        (b"1, 1,1\n2,2,2\n", [(1, 1, 1), (2, 2, 2)]),
    ],
)
def test_columns_that_are_not_updated_are_those_of_the_first_good_row(client, data, expected):
    client.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
    client.load_data.read_csv(data, "t", on_conflict=["b"], on_error="skip")
    assert [tuple(row) for row in client.execute("SELECT * FROM t ORDER BY id").all()] == expected


@pytest.mark.parametrize(
    ("rules", "bad", "reason"),
    [
        ("CHECK (v > 0)", "2,-1", "violated"),  # a server judges it before WHERE (server-facts 104)
        ("PRIMARY KEY (id), CHECK (v > 0)", "2,-1", "violated"),
        (None, "25,3", "no partition for value"),
    ],
)
@pytest.mark.parametrize("validate", [False, True])
def test_rules_of_the_table_reject_the_rows_that_break_them_alone(client, rules, bad, reason, validate):
    parts = "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))"
    client.execute(f"CREATE TABLE r (id INT, v INT, {rules})" if rules else f"CREATE TABLE r (id INT, v INT) {parts}")
    data = f"1,1\n{bad}\n3,3\n4,4\n".encode()
    report = client.load_data.read_csv(data, "r", **{"validate": True} if validate else {"on_error": "skip"})
    assert [(row.line, row.raw) for row in report.rejects] == [(2, bad)]
    assert reason in report.rejects[0].reason
    assert client.execute("SELECT id FROM r ORDER BY id").scalars().all() == ([] if validate else [1, 3, 4])


@pytest.mark.parametrize("keyed", [False, True])
def test_texts_that_are_no_datalink(client, keyed):
    """INSERT refuses them; INSERT from a staging table would store them (server-facts 76)."""
    client.execute(f"CREATE TABLE links (id INT{' PRIMARY KEY' if keyed else ''}, link DATALINK)")
    good = [(1, "file:///tmp/x"), (2, None), (3, "file:///a b?offset=1&size=2")]
    bad = [(4, "abc"), (5, "http://a/b"), (6, "file:///x?size=1.5")]
    for _, text in bad:
        with pytest.raises(exc.DBAPIError):
            client.execute("INSERT INTO links VALUES (0, :text)", {"text": text})
    data = "".join(f"{number},{text or ''}\n" for number, text in (*good, *bad)).encode()
    with pytest.raises(errors.LoadFailed, match="a DATALINK must be a URL such as") as caught:
        client.load_data.read_csv(data, "links")
    assert caught.value.row.line == 4
    report = client.load_data.read_csv(data, "links", on_error="skip")
    assert [(row.line, row.column) for row in report.rejects] == [(4, "link"), (5, "link"), (6, "link")]
    rows = client.execute("SELECT id, link FROM links ORDER BY id").all()
    assert [tuple(row) for row in rows] == good
