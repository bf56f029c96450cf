"""Keys, locks and many files: what a load promises, by both clients."""

import gzip
import os
import traceback

import pytest
from models import User
from sqlalchemy import Column, Integer, MetaData, String, Table, UniqueConstraint, text

from matrixone import errors

IS_REAL = "MATRIXONE_URL" in os.environ
FIRST = b"1,Ada,a@x,36\n2,Grace,g@x,45\n"


@pytest.fixture
def stage(client, unique, files):
    files.put("first.csv", FIRST)
    files.put("next.csv", "2,Other,o@x,1\n3,Pat,p@x,29\n")
    files.put("twice.csv", "7,First,a,1\n8,Once,b,2\n7,Last,c,3\n")
    files.put("in/a.csv", "10,A,a,1\n11,B,b,2\n")
    files.put("in/b.csv", "12,C,c,3\n")
    files.put("in/c.csv", "13,D,d,4\n14,E,e,5\n")
    files.put("bad.csv", "20,A,a,1\n21,B,b,many\n")
    client.create_table(User)
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture
def load(client, stage):
    return lambda file, table="users", **options: client.load_data.read_csv_stage(stage, file, table, **options)


def rows(client, columns="id, name"):
    return [tuple(row) for row in client.execute(f"SELECT {columns} FROM users ORDER BY id").all()]


def tables(client):
    return [row[0] for row in client.execute("SHOW TABLES").all()]


def test_a_key_that_is_there_fails_the_load_and_nothing_stays(client, load):
    assert load("first.csv").rows == 2
    with pytest.raises(errors.DuplicateKey) as caught:
        load("next.csv")
    assert caught.value.code == 1062
    assert "next.csv: " in str(caught.value)
    assert "on_conflict='skip', 'replace' or 'update'" in str(caught.value)
    assert len(traceback.extract_tb(caught.value.__traceback__)) < 9
    assert rows(client) == [(1, "Ada"), (2, "Grace")]
    assert tables(client) == ["users"]


def test_a_key_twice_in_the_file(client, load):
    with pytest.raises(errors.DuplicateKey, match="7"):
        load("twice.csv")
    assert rows(client) == []
    assert load("twice.csv", on_conflict="unchecked").rows == 3
    assert len(rows(client)) == 3


@pytest.mark.parametrize("lock", ["auto", "rows", "table"])
def test_skip(client, load, lock):
    load("first.csv", lock=lock)
    report = load("next.csv", on_conflict="skip", lock=lock)
    assert (report.read, report.rows, report.skipped) == (2, 1, 1)
    assert rows(client) == [(1, "Ada"), (2, "Grace"), (3, "Pat")]


def test_skip_takes_the_first_of_a_file(client, load):
    report = load("twice.csv", on_conflict="skip")
    assert (report.read, report.rows, report.skipped, report.duplicates_in_file) == (3, 2, 0, 1)
    assert rows(client) == [(7, "First"), (8, "Once")]


def test_replace_takes_the_last_of_a_file(client, load):
    load("first.csv")
    report = load("next.csv", on_conflict="replace")
    assert (report.read, report.rows, report.replaced) == (2, 2, 1)
    report = load("twice.csv", on_conflict="replace")
    assert (report.read, report.rows, report.duplicates_in_file, report.replaced) == (3, 2, 1, 0)
    assert rows(client) == [(1, "Ada"), (2, "Other"), (3, "Pat"), (7, "Last"), (8, "Once")]


def test_update(client, load):
    load("first.csv")
    report = load("next.csv", on_conflict="update")
    assert (report.read, report.rows, report.updated) == (2, 2, 1)
    assert rows(client, "id, name, age") == [(1, "Ada", 36), (2, "Other", 1), (3, "Pat", 29)]


def test_update_some_columns(client, load):
    load("first.csv")
    assert load("next.csv", on_conflict=["age"]).updated == 1
    assert rows(client, "id, name, age") == [(1, "Ada", 36), (2, "Grace", 1), (3, "Pat", 29)]
    assert load("twice.csv", on_conflict=["age"]).duplicates_in_file == 1
    assert rows(client, "id, name, age")[-2:] == [(7, "First", 3), (8, "Once", 2)]  # the rest is the first row's


def test_update_of_a_file_that_has_nothing_but_the_key(load, files):
    files.put("keys.csv", "1\n2\n")
    with pytest.raises(errors.InvalidArgument, match="nothing to update"):
        load("keys.csv", columns=["id"], on_conflict="update")


def test_every_key_counts(client, load, files):
    table = Table("t", MetaData(), Column("a", Integer, primary_key=True), Column("b", Integer), Column("c", String(9)),
                  UniqueConstraint("b", "c"))  # fmt: skip
    client.create_table(table)
    files.put("k.csv", "1,1,x\n2,1,y\n3,1,\\N\n4,1,\\N\n5,1,x\n")
    with pytest.raises(errors.DuplicateKey):
        load("k.csv", "t")
    report = load("k.csv", "t", on_conflict="skip")
    assert (report.rows, report.duplicates_in_file) == (4, 1)
    files.put("l.csv", "9,1,y\n")
    assert load("l.csv", "t", on_conflict="replace").replaced == 1
    assert client.execute("SELECT a FROM t ORDER BY a").scalars().all() == [1, 3, 4, 9]


def test_a_number_that_the_server_counts_is_no_key_of_the_file(client, load, files):
    client.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9))")
    files.put("n.csv", "a\nb\na\n")
    assert load("n.csv", "t", columns=["name"]).rows == 3
    with pytest.raises(errors.InvalidArgument, match="has none"):
        load("n.csv", "t", columns=["name"], on_conflict="skip")


def test_a_table_without_a_key(client, load):
    client.execute("CREATE TABLE t (id INT, name VARCHAR(9), email VARCHAR(9), age INT)")
    for _ in range(2):
        assert load("twice.csv", "t").rows == 3
    with pytest.raises(errors.InvalidArgument, match="needs a primary or unique key"):
        load("twice.csv", "t", on_conflict="update")
    assert load("in/*.csv", "t").rows == 5


def test_a_key_that_is_made_later_is_seen(client, load):
    client.execute("CREATE TABLE t (id INT, name VARCHAR(9), email VARCHAR(9), age INT)")
    assert load("first.csv", "t").rows == 2
    client.execute("ALTER TABLE t ADD PRIMARY KEY (id)")
    with pytest.raises(errors.DuplicateKey):
        load("first.csv", "t")


def test_a_column_that_is_made_later_is_seen(client, load, files):
    assert load("first.csv").rows == 2
    client.execute("ALTER TABLE users ADD COLUMN more VARCHAR(9)")
    files.put("wide.csv", "5,A,a,1,more\n")
    assert load("wide.csv").rows == 1
    assert rows(client, "id, more")[-1] == (5, "more")


def test_others_write_while_a_load_is_open(client, load, stage, other):
    load("first.csv")
    other.execute("SET lock_wait_timeout=2")
    with client.session() as session:
        session.load_data.read_csv_stage(stage, "next.csv", "users", on_conflict="skip")
        other.execute("INSERT INTO users (id) VALUES (500)")
    assert [row[0] for row in rows(client)] == [1, 2, 3, 500]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_pattern_loads_all_of_its_files_or_none(client, load, stage, concurrency):
    report = load("in/*.csv", concurrency=concurrency)
    assert [(file.path.rpartition("/")[2], file.rows) for file in report.files] == [
        ("a.csv", 2),
        ("b.csv", 1),
        ("c.csv", 2),
    ]
    assert (report.rows, len(rows(client))) == (5, 5)
    with pytest.raises(errors.DuplicateKey):
        load(["first.csv", "in/*.csv"], concurrency=concurrency)
    with pytest.raises(errors.LoadFailed, match=r"bad\.csv, line 2, column 'age', value 'many'"):
        load(["first.csv", "bad.csv", "next.csv"], concurrency=concurrency)
    assert len(rows(client)) == 5
    assert tables(client) == ["users"]


def test_files_in_order(client, load):
    """Of two files that have a key, the later one has the last word."""
    load(["next.csv", "first.csv", "twice.csv"], on_conflict="replace")
    assert rows(client)[1] == (2, "Grace")
    load(["first.csv", "next.csv"], on_conflict="update")
    assert rows(client)[1] == (2, "Other")


@pytest.mark.parametrize("name", ["in/*.csv", "i?/[a-b].csv", ["in/b.csv", "in/b.csv", "in/[ab].csv"]])
def test_names_and_patterns(load, name):
    report = load(name)
    assert [file.path.rpartition("/")[2] for file in report.files][-1] in {"b.csv", "c.csv", "a.csv"}
    assert len({file.path for file in report.files}) == len(report.files)


def test_a_pattern_that_matches_nothing(load):
    with pytest.raises(errors.StageFileNotFound, match="matches"):
        load("none/*.csv")
    report = load("none/*.csv", allow_empty=True)
    assert (report.rows, report.files) == (0, ())


def test_each_file_by_itself(client, load):
    with pytest.raises(errors.LoadFailed, match="2 of 4 files") as caught:
        load(["first.csv", "bad.csv", "none.csv", "in/b.csv"], atomic=False, concurrency=2)
    report = caught.value.report
    assert [(file.rows, file.error is None) for file in report.files] == [(2, True), (0, False), (0, False), (1, True)]
    assert "value 'many'" in report.files[1].error
    assert [row[0] for row in rows(client)] == [1, 2, 12]


def test_each_file_by_itself_in_a_session(client, stage):
    with client.session() as session:
        with pytest.raises(errors.LoadFailed):
            session.load_data.read_csv_stage(stage, ["first.csv", "bad.csv"], "users", atomic=False)
        session.execute(text("INSERT INTO users (id) VALUES (99)"))
    assert [row[0] for row in rows(client)] == [1, 2, 99]


def test_a_load_that_fails_leaves_the_session_what_it_had(client, stage):
    with client.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (2)"))
        with pytest.raises(errors.DuplicateKey):
            session.load_data.read_csv_stage(stage, "first.csv", "users")
        with pytest.raises(errors.LoadFailed):
            session.load_data.read_csv_stage(stage, ["in/a.csv", "bad.csv"], "users", concurrency=4)
        report = session.load_data.read_csv_stage(stage, "in/*.csv", "users")
        assert (report.rows, report.strategy) == (5, "staging_table")
    assert [row[0] for row in rows(client)] == [2, 10, 11, 12, 13, 14]
    assert tables(client) == ["users"]


def test_what_a_session_cannot_take_back(client, stage, files):
    files.put("late.csv", "".join(f"{number},a,b,1\n" for number in range(100, 20_100)) + "1,a,b,many\n")
    files.put("doubtful.csv", "20,A,a, 1\n21,B,b,many\n")
    client.load_data.read_csv(FIRST, "users", once="monday")
    for names, options in (
        (["first.csv", "bad.csv"], {"on_conflict": "unchecked"}),
        (["twice.csv", "bad.csv"], {"on_conflict": "skip", "concurrency": 1}),
        ("bad.csv", {"mode": "replace"}),
        ("bad.csv", {"mode": "replace", "on_conflict": "unchecked"}),
        ("late.csv", {"lock": "rows"}),
        ("doubtful.csv", {"on_error": "skip", "max_errors": 0}),
        ("bad.csv", {"once": "monday", "force": True}),
    ):
        session = client.session()
        with pytest.raises(errors.LoadPartiallyApplied, match="roll it back"):
            session.load_data.read_csv_stage(stage, names, "users", **options)
        with pytest.raises(errors.TransactionAborted):
            session.commit()
        session.close()
    assert rows(client) == [(1, "Ada"), (2, "Grace")]
    assert client.load_data.read_csv(FIRST, "users", once="monday").files[0].already_loaded


def test_unchecked_files_are_all_or_none(client, load):
    with pytest.raises(errors.LoadFailed):
        load(["first.csv", "bad.csv"], on_conflict="unchecked")
    assert rows(client) == []
    assert load(["first.csv", "in/a.csv", "in/b.csv"], on_conflict="unchecked").rows == 5


@pytest.mark.parametrize(
    ("file", "content", "rows_expected"),
    [
        ("plain.csv", "30,a,b,1\n31,c,d,2\n", 2), ("quoted.csv", '30,"a,b",b,1\n', 1), ("few.csv", "30,a\n", None),
        ("many.csv", "30,a,b,1,5\n", None), ("doubled.csv", '30,"a""b",b,\\N\n', 1), ("spread.csv", '30,"a\nb",b,1\n', 1),
        ("fraction.csv", "29,a,b,1\n30,a,b,1.5\n", None), ("header.csv", "id,name,email,age\n30,a,b,1\n", 1),
    ],
)  # fmt: skip
def test_a_table_that_may_be_locked(client, load, files, file, content, rows_expected):
    files.put(file, content)
    ignore = 1 if "header" in file else 0
    if rows_expected is None:
        with pytest.raises(errors.LoadFailed):
            load(file, lock="table")
        return
    report = load(file, lock="table", ignore_lines=ignore)
    assert (report.rows, report.lock) == (rows_expected, "rows")  # few rows are locked one by one
    with pytest.raises(errors.DuplicateKey):
        load(file, lock="table", ignore_lines=ignore)
    while tables(client) != ["users"]:  # a connection that was given up is rolled back when the server hears of it
        pass


def test_expressions(client, load):
    report = load(
        "first.csv", columns=["id", "name", "mail", "age"], set={"email": "concat(mail, '!')", "name": "upper(name)"}
    )
    assert report.rows == 2
    assert rows(client, "name, email, age") == [("ADA", "a@x!", 36), ("GRACE", "g@x!", 45)]
    with pytest.raises(errors.InvalidArgument, match="no column 'nothing'"):
        load("next.csv", set={"nothing": "1"})
    with pytest.raises(errors.InvalidArgument, match="goes through INSERT|go through INSERT"):
        load("next.csv", set={"name": "'x'"}, on_conflict="unchecked")


def test_several_texts_that_mean_null(client, load, files):
    files.put("nulls.csv", "1,NA,-,1\n2,x,NA,-\n")
    load("nulls.csv", null_values=["NA", "-"])
    assert rows(client, "id, name, email, age") == [(1, None, None, 1), (2, "x", None, None)]


def test_columns_by_the_header(client, load, files):
    files.put("h.csv", "AGE,id,name\n36,1,Ada\n")
    files.put("h2.csv.gz", gzip.compress(b"# made by hand\nname,id\nPat,3\n"))
    assert load("h.csv", header="match").rows == 1
    assert load("h2.csv.gz", header="match", ignore_lines=1).rows == 1
    assert rows(client, "id, name, age") == [(1, "Ada", 36), (3, "Pat", None)]
    for content, says in (
        ("id,what\n1,2\n", "no column 'what'"),
        ("id,ID\n1,2\n", "more than once"),
        ("id,\n1,2\n", "empty name"),
        ("", "no header"),
    ):
        files.put(f"{abs(hash(content))}.csv", content)
        with pytest.raises((errors.InvalidArgument, errors.LoadFailed), match=says):
            load(f"{abs(hash(content))}.csv", header="match")
    files.put("no.csv.bz2", b"not compressed")
    with pytest.raises(errors.LoadFailed, match="bz2 data"):
        load("no.csv.bz2", header="match")


def test_columns_that_the_table_computes_or_lacks(client, load, files):
    client.execute("CREATE TABLE t (a INT PRIMARY KEY, b INT)")
    files.put("ab.csv", "1,2\n")
    with pytest.raises(errors.InvalidArgument, match="no column 'x'; it has a, b"):
        load("ab.csv", "t", columns=["a", "x"])
    assert load("ab.csv", "t", columns=["B", "A"]).rows == 1
    assert client.execute("SELECT a, b FROM t").all() == [(2, 1)]


@pytest.mark.parametrize("shape", ["object", "array"])
def test_json_lines(client, stage, files, shape):
    lines = ['{"id":1,"name":"A\\n\\"b","email":null,"age":1}', '{"age":2,"email":"e","name":"é","id":2}']
    if shape == "array":
        lines = ['[1,"A\\n\\"b",null,1]', '[2,"é","e",2]']
    files.put("a.jsonl", "\n".join(lines) + "\n")
    read = client.load_data.read_json_stage
    assert read(stage, "a.jsonl", User, shape=shape).rows == 2
    with pytest.raises(errors.DuplicateKey):
        read(stage, "a.jsonl", User, shape=shape)
    client.execute("UPDATE users SET name = 'other'")
    assert read(stage, "a.jsonl", User, shape=shape, on_conflict="replace").replaced == 2
    assert rows(client, "id, name, email, age") == [(1, 'A\n"b', None, 1), (2, "é", "e", 2)]
    assert read(stage, "a.jsonl", User, shape=shape, on_conflict="update", set={"name": "lower(name)"}).updated == 2
    assert rows(client)[0][1] == 'a\n"b'
    files.put("bad.jsonl", "\n".join([*lines, "{oops"]) + "\n")
    with pytest.raises(errors.LoadFailed, match=r"bad\.jsonl, line 3: no JSON"):
        read(stage, "bad.jsonl", User, shape=shape, on_conflict="skip")
    files.put("frac.jsonl", (lines[1].replace("2}", "2.5}").replace('"e",2]', '"e",2.5]')) + "\n")
    with pytest.raises(errors.LoadFailed, match=r"line 1, column '\w+', value '2.5'"):
        read(stage, "frac.jsonl", User, shape=shape, on_conflict="replace")


def test_some_columns_of_json(client, stage, files):
    files.put("a.jsonl", '{"id":1,"name":"A"}\n{"id":2}\n')
    read = client.load_data.read_json_stage
    for options in ({}, {"columns": ["id", "name"]}):
        with pytest.raises(errors.LoadFailed, match="line [12]: .*no key '(name|email)'"):
            read(stage, "a.jsonl", User, missing_keys="error", **options)
    assert read(stage, "a.jsonl", User).rows == 2
    assert rows(client, "id, name, email, age") == [(1, "A", None, None), (2, None, None, None)]
    client.execute("UPDATE users SET age = 7")
    assert read(stage, "a.jsonl", User, columns=["id"], on_conflict="replace").replaced == 2
    assert rows(client, "id, name, age") == [(1, None, None), (2, None, None)]


def test_parquet(client, stage, files):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = pyarrow.BufferOutputStream()
    table = pyarrow.table({"age": [1, None], "id": [1, 2], "name": ["a", "é"], "email": [None, "e"]})
    for at in (0, 1):  # as the table's INT
        field = table.schema.field(at).with_type(pyarrow.int32())
        table = table.set_column(at, field, table.column(at).cast(pyarrow.int32()))
    parquet.write_table(table, sink)
    files.put("a.parquet", sink.getvalue().to_pybytes())
    read = client.load_data.read_parquet_stage
    assert read(stage, "a.parquet", User).rows == 2
    assert read(stage, "a.parquet", User, on_conflict="skip").skipped == 2
    assert rows(client, "id, name, email, age") == [(1, "a", None, 1), (2, "é", "e", None)]
    client.execute("DELETE FROM users")
    assert read(stage, "a.parquet", User, columns=["id", "name"]).rows == 2
    assert rows(client, "id, email") == [(1, None), (2, None)]


def test_a_row_that_replaces_its_like_is_counted(client, load, request):
    if not IS_REAL:
        reason = "the local server's engine does not count the removed row"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    assert load("first.csv").rows == 2
    assert load("first.csv", on_conflict="replace").replaced == 2
