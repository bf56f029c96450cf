"""The options of loads, by both clients."""

import io
from functools import partial

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select

from matrixone import errors


@pytest.fixture
def stage(client, unique, files):
    client.execute("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(9), age INT)")
    files.put("a.csv", "1,a,10\n2,b,20\n")
    files.put("b.csv", "3,c,30\n")
    files.put("h.csv", "id,extra,name\n5,more,e\n")
    files.put("bad.csv", "7,g,70\n8,h,many\n9,0123456789,1\n10,j,100\n")
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture
def load(client, stage):
    return lambda file, table="t", **options: client.load_data.read_csv_stage(stage, file, table, **options)


def rows(client, table="t", columns="*"):
    return [tuple(row) for row in client.execute(f"SELECT {columns} FROM {table} ORDER BY id").all()]


def tables(client):
    return set(client.execute("SHOW TABLES").scalars().all())


def test_a_validated_load_stores_nothing_and_reports_every_bad_row(client, load):
    report = load("bad.csv", validate=True)
    assert (report.rows, report.read, report.rejected) == (0, 4, 2)
    assert [(row.line, row.column) for row in report.rejects] == [(2, "age"), (3, "name")]
    assert client.load_data.read_csv(b"1,a,x\n", "t", validate=True).rejected == 1
    assert load("a.csv", validate=True).rejected == 0
    assert rows(client) == []
    assert tables(client) == {"t"}


def test_what_has_no_meaning_for_a_validated_load(client, stage, load):
    for options in ({"once": True}, {"purge": True}):
        with pytest.raises(errors.InvalidArgument, match="validate=True loads nothing"):
            load("a.csv", validate=True, **options)
    with client.session() as session, pytest.raises(errors.NotSupported, match="validate outside of the session"):
        session.load_data.read_csv_stage(stage, "a.csv", "t", validate=True)


@pytest.mark.parametrize("conflict", ["error", "skip", "replace", "update"])
def test_of_rows_that_share_a_key_a_bad_one_counts_for_nothing(client, conflict):
    data = b"1,a,bad\n1,b,2\n2,c,3\n2,0123456789,4\nx,d,5\n"
    report = client.load_data.read_csv(data, "t", on_error="skip", on_conflict=conflict)
    # a row that is left out for another of its key is not tried
    assert (report.rows, report.rejected + report.duplicates_in_file) == (2, 3)
    assert {row.line for row in report.rejects} <= {1, 4, 5}
    assert rows(client) == [(1, "b", 2), (2, "c", 3)]


@pytest.fixture(autouse=True)
def table_for_client_data(stage):
    """Every test has the table."""


def test_the_file_and_the_row_of_each_row(client, stage, load):
    client.execute("CREATE TABLE f (id INT PRIMARY KEY, name VARCHAR(9), age INT, source VARCHAR(200), n BIGINT)")
    options = {"columns": ["id", "name", "age"], "file_column": "source", "row_column": "n"}
    assert load(["a.csv", "b.csv"], "f", **options).rows == 3
    a, b = (f"stage://{stage}/{name}.csv" for name in "ab")
    assert rows(client, "f", "id, source, n") == [(1, a, 1), (2, a, 2), (3, b, 1)]
    client.load_data.read_csv(b"4,d,40\n", "f", **options)
    assert rows(client, "f", "id, source, n")[-1] == (4, "<bytes>", 1)
    with pytest.raises(errors.InvalidArgument, match="no column 'nothing'"):
        load("b.csv", "f", columns=["id"], row_column="nothing")
    with pytest.raises(errors.InvalidArgument, match="need checked rows"):
        load("b.csv", "f", columns=["id"], file_column="source", on_conflict="unchecked")


def test_a_table_that_is_created_after_the_data(client, load):
    report = load("h.csv", "made", header="match", create=True, dtype={"name": "VARCHAR(20)"}, row_column="n")
    assert report.rows == 1
    assert rows(client, "made") == [(5, "more", "e", 1)]
    assert load("h.csv", "made", columns=["id", "extra", "name"], ignore_lines=1, create=True).rows == 1  # it is there
    client.load_data.read_json(b'{"id":1,"ok":true}\n', "made_too", create=True)
    assert rows(client, "made_too") == [(1, 1)]
    with pytest.raises(errors.LoadFailed):
        client.load_data.read_csv(b"id,n\n1,5\n2\n", "not_made", header="match", create=True)
    assert "not_made" not in tables(client)
    with pytest.raises(errors.TableNotFound):
        load("a.csv", "not_made")


@pytest.fixture
def short_samples(monkeypatch):
    """Types are inferred from the first 20 kB of the client's data."""
    monkeypatch.setattr("matrixone_core.loading.inputs.client_stream.PIECE", 20_000)
    monkeypatch.setattr("matrixone_core.loading.client_load.SMALL_BYTES", 20_000)


@pytest.mark.usefixtures("short_samples")
@pytest.mark.parametrize(
    ("first", "later"),
    [("1", "00501"), ("1.5", "0.12345678901"), ("1e5", "123456789.0123456789"), ("2024-01-02", "2024-01-02 10:00:00"),
     ("10:00:00", "10:00:00.1234567"), ("true", "2")],
)  # fmt: skip
@pytest.mark.parametrize("source", ["stage", "client"])
def test_an_inferred_type_loses_nothing_of_a_later_row(client, files, load, source, first, later):
    size = 110
    text = "n,filler\n" + "".join(f"{first},{'x' * 1000}\n" for _ in range(size)) + f"{later},y\n"

    def make(**options):
        if source == "client":
            return client.load_data.read_csv(text.encode(), "made", header="match", create=True, **options)
        files.put("long.csv", text)
        return load("long.csv", "made", header="match", create=True, **options)

    with pytest.raises(errors.LoadFailed, match="dtype=") as caught:
        make()
    assert (caught.value.row.line, caught.value.row.column, caught.value.row.value) == (size + 2, "n", later)
    assert "made" not in tables(client)
    assert make(dtype={"n": "VARCHAR(100)"}).rows == size + 1
    assert client.execute("SELECT count(*) FROM made WHERE n = :later", {"later": later}).scalar_one() == 1
    client.execute("DROP TABLE made")
    report = make(on_error="skip")
    assert (report.rows, [row.value for row in report.rejects]) == (size, [later])


def test_added_columns_lose_nothing_of_a_later_row(client, load):
    text = "id,extra\n" + "".join(f"{number},{'7' * 18}\n" for number in range(1, 60_000)) + "60000,007\n"
    with pytest.raises(errors.LoadFailed, match="dtype="):
        client.load_data.read_csv(text.encode(), "t", header="match", extra_columns="add")
    assert client.load_data.read_csv(
        text.encode(), "t", header="match", extra_columns="add", dtype={"extra": "VARCHAR(20)"}
    ).rows == 60_000  # fmt: skip


def test_a_text_that_means_null_is_no_value_of_a_column(client):
    client.execute("CREATE TABLE numbers (id INT PRIMARY KEY, x DOUBLE, at DATE, y YEAR)")
    data = b"id,x,at,y\n1,NA,NA,NA\n2,1.5,2024-01-02,2024\n"
    assert client.load_data.read_csv(data, "numbers", header="match", null_values=["NA", "-"]).rows == 2
    assert rows(client, "numbers", "id, x IS NULL, at IS NULL, y IS NULL") == [(1, 1, 1, 1), (2, 0, 0, 0)]
    report = client.load_data.read_csv(data, "made", header="match", create=True, null_values=["NA", "-"])
    assert report.rows == 2
    assert client.execute("SELECT x + 1 FROM made WHERE id = 2").scalar_one() == 2.5


def test_columns_that_the_table_does_not_have(client, load):
    with pytest.raises(errors.InvalidArgument, match="no column 'extra'"):
        load("h.csv", header="match")
    assert load("h.csv", header="match", extra_columns="ignore").rows == 1
    assert rows(client) == [(5, "e", None)]
    assert load("h.csv", header="match", extra_columns="add", on_conflict="replace").rows == 1
    assert rows(client, columns="id, name, extra") == [(5, "e", "more")]


def test_modes(client, load):
    assert load("a.csv", mode="fail").rows == 2
    with pytest.raises(errors.LoadFailed, match="has rows"):
        load("b.csv", mode="fail")
    with pytest.raises(errors.LoadFailed):
        load("bad.csv", mode="replace")
    assert len(rows(client)) == 2  # the table is emptied in the load's transaction
    assert load("b.csv", mode="replace").rows == 1
    assert rows(client) == [(3, "c", 30)]
    assert load("a.csv", mode="append").rows == 2
    with pytest.raises(errors.InvalidArgument, match="atomic=True"):
        load("a.csv", mode="replace", atomic=False)


def test_files_are_removed_once_their_rows_are_there(client, stage, load):
    with pytest.raises(errors.LoadFailed):
        load("bad.csv", purge=True)
    with pytest.raises(errors.LoadFailed):
        load(["a.csv", "bad.csv"], purge=True, atomic=False)
    assert rows(client) == [(1, "a", 10), (2, "b", 20)]
    left = (
        {file.path.rpartition("/")[2] for file in client.stage.files(stage)} if hasattr(client.stage, "files") else None
    )
    assert left is None or ("a.csv" not in left and "bad.csv" in left)
    with pytest.raises(errors.StageFileNotFound):
        load("a.csv")
    with client.session() as session, pytest.raises(errors.NotSupported, match="rollback could not bring back"):
        session.load_data.read_csv_stage(stage, "b.csv", "t", purge=True)
    assert load("b.csv").rows == 1


def test_a_delimiter_at_the_end_of_lines(client, load, files):
    files.put("tbl", "1|a|10|\n2|b|20|\n")
    assert load("tbl", delimiter="|", trailing_delimiter=True).rows == 2
    assert client.load_data.read_csv(b"3|c|30|\n", "t", sep="|", trailing_delimiter=True).rows == 1
    assert rows(client) == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]
    with pytest.raises(errors.LoadFailed, match="too many fields"):
        client.load_data.read_csv(b"4|d|40|\n", "t", sep="|")


@pytest.mark.parametrize("line", ["2|b|20|x", "2|b|20", "2|b|20| "])
@pytest.mark.parametrize("columns", [None, ["id", "name", "age"]])
def test_a_line_that_no_delimiter_ends_where_each_should(client, load, files, line, columns):
    """LOAD DATA leaves out what a line has beyond the delimiter: a column's value, if one more column was meant."""
    data = f"1|a|10|\n{line}\n3|c|30|\n"
    files.put("tbl", data)
    how = {"delimiter": "|", "trailing_delimiter": True, "columns": columns}
    for policy in ("error", "skip"):
        for call in (partial(load, "tbl"), partial(client.load_data.read_csv, data.encode(), "t")):
            with pytest.raises(errors.LoadFailed, match=r"line 2: the line does not end with '\|'"):
                call(**how, on_conflict=policy)
    for call in (partial(load, "tbl"), partial(client.load_data.read_csv, data.encode(), "t")):
        report = call(**how, on_error="skip", on_conflict="replace")
        assert [(bad.line, bad.column) for bad in report.rejects] == [(2, None)]
    assert rows(client) == [(1, "a", 10), (3, "c", 30)]


def test_names_that_pandas_has(client, load, files):
    files.put("p.csv", "a comment\nid;nick;age\n1;'a;b';-\n")
    assert load("p.csv", sep=";", quotechar="'", skiprows=2, names=["id", "name", "age"], na_values="-").rows == 1
    assert rows(client) == [(1, "a;b", None)]
    data = b"name,id\nc,3\n"
    for header in (0, "infer", True, "match"):
        assert client.load_data.read_csv(data, "t", header=header, on_conflict="skip").read == 1
    assert rows(client)[-1] == (3, "c", None)
    with pytest.raises(errors.InvalidArgument, match="two names of one option"):
        load("p.csv", sep=";", delimiter="|")


def test_the_texts_that_are_null(client):
    data = b'1,NULL,\\N\n2,"NULL",NULL\n3,\\N,\n4,"",5\n'
    assert client.load_data.read_csv(data, "t").rows == 4
    assert rows(client) == [(1, None, None), (2, "NULL", None), (3, None, None), (4, "", 5)]


def test_a_url_of_a_stage_is_read_from_the_stage(client, stage):
    assert client.load_data.read_csv(f"stage://{stage}/a.csv", "t").rows == 2
    assert rows(client) == [(1, "a", 10), (2, "b", 20)]


@pytest.mark.parametrize("name", ["t'x", 't"x', "t\\x", "t`x"])
def test_the_rows_of_a_table_with_an_odd_name_are_replaced(client, name):
    table = Table(
        name, MetaData(), Column("id", Integer, primary_key=True, autoincrement=False), Column("n", String(9))
    )
    client.create_all(table.metadata)
    client.load_data.read_csv(io.BytesIO(b"1,a\n2,b\n"), table)
    client.load_data.read_csv(io.BytesIO(b"2,c\n3,d\n"), table, on_conflict="skip")
    assert client.execute(select(table).order_by(table.c.id)).all() == [(1, "a"), (2, "b"), (3, "d")]
    client.load_data.read_csv(io.BytesIO(b"4,e\n"), table, mode="replace")
    assert client.execute(select(table)).all() == [(4, "e")]
